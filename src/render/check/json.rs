//! JSON lines: `whtool.check/1` for each probe, then `whtool.checked/1` for all of it.

use super::Head;
use crate::capture::request_json::RequestJson;
use crate::check::{Exchange, Grade, Outcome, Report, framework};
use crate::render::json::line;
use crate::render::request;
use serde_json::{Map, Value, json};

/// A line for each probe, and one for the whole.
pub fn json(report: &Report, head: &Head) -> Vec<u8> {
    let mut out = Vec::new();
    for outcome in &report.outcomes {
        out.extend(line(&probe(outcome, report, head)));
    }
    out.extend(line(&whole(report, head)));
    out
}

fn probe(outcome: &Outcome, report: &Report, head: &Head) -> Value {
    let cause = outcome.cause.as_ref().map(|cause| {
        let rewriters = match cause {
            crate::check::Cause::Rewritten(rewriters) => rewriters.iter().map(|rewriter| rewriter.code()).collect(),
            _ => Vec::new(),
        };
        let here = report.framework.and_then(|framework| framework::fix(framework, cause));
        json!({"code": cause.code(), "what": cause.sentence(), "fix": cause.fix(), "fixHere": here, "rewriters": rewriters})
    });
    let exchanges: Vec<_> = outcome.exchanges.iter().map(|exchange| exchanged(exchange, head)).collect();
    json!({
        "schema": "whtool.check/1", "id": outcome.id, "group": outcome.group.word(), "grade": outcome.grade.code(),
        "why": outcome.why, "page": outcome.page, "what": outcome.what, "cause": cause, "exchanges": exchanges,
        "shownBy": outcome.shown_by,
    })
}

fn exchanged(exchange: &Exchange, head: &Head) -> Value {
    let micros = u64::try_from(exchange.reply.took.as_micros()).unwrap_or(u64::MAX);
    let (status, said, error) = match &exchange.reply.answer {
        Ok(answer) => (Some(answer.status), Some(String::from_utf8_lossy(&answer.body)), None),
        Err(failure) => (None, None, Some(failure.to_string())),
    };
    json!({
        "request": RequestJson(&exchange.request), "curl": request::curl(&exchange.request, &head.url),
        "status": status, "tookMicros": micros, "said": said, "error": error,
    })
}

fn whole(report: &Report, head: &Head) -> Value {
    let grades: Map<_, _> =
        Grade::ALL.into_iter().map(|grade| (grade.code().to_owned(), json!(report.count(None, grade)))).collect();
    let causes: Vec<_> = report
        .troubles()
        .iter()
        .map(|trouble| {
            json!({
                "code": trouble.cause.code(), "grade": trouble.grade.code(), "what": trouble.cause.sentence(),
                "probes": trouble.outcomes.iter().map(|outcome| outcome.id.as_str()).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "schema": "whtool.checked/1", "url": head.url.as_str(), "provider": head.provider, "secret": head.secret,
        "at": head.at.to_string(), "tookMicros": u64::try_from(head.took.as_micros()).unwrap_or(u64::MAX),
        "framework": report.framework.map(|framework| framework.title), "footing": report.footing,
        "grades": grades, "causes": causes, "good": report.is_good(),
    })
}
