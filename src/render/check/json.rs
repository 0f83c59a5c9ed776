//! JSON lines: `whtool.check/1` for each probe, then `whtool.checked/1` for the whole check.

use super::ReportHeader;
use crate::capture::request_json::RequestJson;
use crate::check::{CheckReport, ProbeCause, ProbeExchange, ProbeGrade, ProbeResult, framework};
use crate::diagnose::Confidence;
use crate::model::content_encoding::decoded_body;
use crate::render::json::line;
use crate::render::request;
use crate::render::text::masked_location;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Formats a report as JSON lines.
pub fn json(report: &CheckReport, header: &ReportHeader) -> Vec<u8> {
    let results = report.results.iter().map(|result| result_record(result, report, header));
    results.chain([report_record(report, header)]).flat_map(|record| line(&record)).collect()
}

fn result_record(result: &ProbeResult, report: &CheckReport, header: &ReportHeader) -> Value {
    let cause = result.cause.as_ref().map(|cause| {
        let transforms = match cause {
            ProbeCause::BodyRewritten(transforms) => transforms.iter().map(|transform| transform.code()).collect(),
            _ => Vec::new(),
        };
        let framework_fix = report.framework.and_then(|framework| framework::fix(framework, cause));
        let mistakes = cause.mistakes().iter().map(
            |mistake| json!({"code": mistake.code(), "what": mistake.digest_sentence(), "fix": mistake.digest_fix()}),
        );
        let mistakes: Vec<_> = mistakes.collect();
        json!({
            "code": cause.code(), "what": cause.sentence(), "fix": cause.fix(), "fixHere": framework_fix,
            "rewriters": transforms, "proof": cause.confidence().map(Confidence::code), "evidence": cause.evidence(),
            "mistakes": mistakes, "attempts": cause.attempts(),
        })
    });
    let exchanges: Vec<_> = result.exchanges.iter().map(|exchange| exchange_record(exchange, header)).collect();
    json!({
        "schema": "whtool.check/1", "id": result.id, "group": result.group.name(), "grade": result.grade.code(),
        "why": result.why, "page": result.page, "what": result.summary, "cause": cause, "exchanges": exchanges,
        "shownBy": result.shown_by,
    })
}

fn exchange_record(exchange: &ProbeExchange, header: &ReportHeader) -> Value {
    let (status, body, error) = match &exchange.response.answer {
        Ok(answer) => (Some(answer.status), Some(String::from_utf8_lossy(&decoded_body(answer)).into_owned()), None),
        Err(failure) => (None, None, Some(failure.to_string())),
    };
    let answer = exchange.response.answer.as_ref().ok();
    let location = answer.and_then(|answer| masked_location(answer, header.url.as_str()));
    json!({
        "request": RequestJson(&exchange.request), "curl": request::curl(&exchange.request, &header.url),
        "status": status, "tookMicros": micros(exchange.response.took), "said": body, "location": location,
        "error": error,
    })
}

fn report_record(report: &CheckReport, header: &ReportHeader) -> Value {
    let count = |grade: ProbeGrade| (grade.code().to_owned(), json!(report.count(None, grade)));
    let grades: Map<_, _> = ProbeGrade::ALL.into_iter().map(count).collect();
    let problems = report.problems();
    let causes = problems.iter().map(|problem| {
        let probes: Vec<_> = problem.results.iter().map(|result| &result.id).collect();
        let (code, sentence) = (problem.cause.code(), problem.cause.sentence());
        json!({"code": code, "grade": problem.grade.code(), "what": sentence, "probes": probes})
    });
    let causes: Vec<_> = causes.collect();
    json!({
        "schema": "whtool.checked/1", "url": header.url.as_str(), "provider": header.provider,
        "secret": header.secret, "at": header.started.to_string(), "tookMicros": micros(header.took),
        "framework": report.framework.map(|framework| framework.title), "footing": report.baseline,
        "grades": grades, "causes": causes, "good": report.passed(),
    })
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
