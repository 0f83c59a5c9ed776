//! Formats a comparison with a good copy, and the explanation of a computed digest.

use super::diff::fragment;
use super::json::line;
use super::paint::Paint;
use super::text;
use crate::diagnose::compare::{CopyDiff, HeaderChangeKind, HeaderDiff, body_hash};
use crate::diagnose::computed::DigestDiagnosis;
use crate::diagnose::{Cause, Confidence, Finding};
use crate::model::mask::{Audience, Reveal, mask_sentence};
use crate::model::sanitize::truncate;
use crate::model::stored::CaptureId;
use crate::model::verdict::VerdictCode;
use serde_json::{Value, json};

/// The two sides of a comparison: the good copy, then the request.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The position of the request in its file.
    pub place: &'a str,
    /// The id of the good copy in the store.
    pub against: CaptureId,
    pub conclusion: &'static str,
    pub verdicts: [VerdictCode; 2],
    pub bodies: [&'a [u8]; 2],
}

/// The longest sentence with text from a request.
const MAX_SENTENCE: usize = 300;
/// The largest number of headers that are listed.
const MAX_HEADERS: usize = 20;

/// Formats the difference of the bodies and of the headers. `findings` are printed already.
pub fn text(
    diff: &CopyDiff,
    sides: &Sides<'_>,
    findings: &[Finding],
    indent: &str,
    paint: Paint,
    reveal: Reveal,
) -> String {
    let mut out = String::new();
    if let Some(finding) = &diff.body
        && !findings.contains(finding)
        && !findings.iter().any(Finding::proves_body_change)
    {
        out.push_str(&text::findings(std::slice::from_ref(finding), indent, paint));
    }
    let [good, here] = sides.bodies;
    if let Some(at) = diff.first_difference {
        out.push_str(&format!("{indent}{}\n", paint.strong(&format!("the bodies differ from byte {at}"))));
        out.push_str(&format!("{indent}  {}\n", paint.good(&format!("capture  {}", fragment(good, at, reveal)))));
        out.push_str(&format!("{indent}  {}\n", paint.bad(&format!("here     {}", fragment(here, at, reveal)))));
    }
    for (name, body) in [("capture", good), ("here   ", here)] {
        let shown = format!("sha256 {}  {}", body_hash(body), text::count(body.len() as u64, "byte"));
        out.push_str(&format!("{indent}  {}\n", paint.faint(&format!("{name}  {shown}"))));
    }
    for HeaderDiff { name, change, is_checked } in diff.headers.iter().take(MAX_HEADERS) {
        let words = truncate(&format!("{name} {}", change.description()), MAX_SENTENCE);
        let words = if *is_checked { paint.bad(&words) } else { words };
        out.push_str(&format!("{indent}{} {words}\n", paint.name("header ")));
    }
    if diff.headers.len() > MAX_HEADERS {
        out.push_str(&format!("{indent}{} more headers differ\n", diff.headers.len() - MAX_HEADERS));
    }
    out
}

/// Writes the record `whtool.hop/1`: a request compared with its good copy.
pub fn record(diff: &CopyDiff, sides: &Sides<'_>) -> Vec<u8> {
    let header = |HeaderDiff { name, change, is_checked }: &HeaderDiff| {
        let to = if let HeaderChangeKind::Renamed { to } = change { Some(to) } else { None };
        json!({"name": name, "fate": change.code(), "to": to, "matters": is_checked})
    };
    let side =
        |verdict: VerdictCode, body: &[u8]| json!({"verdict": verdict, "size": body.len(), "sha256": body_hash(body)});
    let ([good_verdict, verdict], [good, here]) = (sides.verdicts, sides.bodies);
    line(&json!({
        "schema": "whtool.hop/1", "place": sides.place, "against": sides.against, "conclusion": sides.conclusion,
        "there": side(good_verdict, good), "here": side(verdict, here),
        "cause": diff.body.as_ref().map(|Finding { cause, confidence }| {
            cause_record(cause, *confidence, cause.sentence(), cause.fix())
        }),
        "firstDifference": diff.first_difference, "headers": diff.headers.iter().map(header).collect::<Vec<_>>(),
    }))
}

/// Masks, escapes and cuts a sentence that quotes a request.
fn shown(sentence: &str) -> String {
    truncate(&mask_sentence(sentence, Audience::Team), MAX_SENTENCE)
}

fn cause_record(cause: &Cause, confidence: Confidence, what: String, fix: String) -> Value {
    let [what, fix] = [what, fix].map(|text| mask_sentence(&text, Audience::Team));
    json!({"code": cause.code(), "proof": confidence.code(), "what": what, "fix": fix})
}

/// Formats the explanation of a computed digest as lines below a request.
pub fn computed(diagnosis: &DigestDiagnosis, indent: &str, paint: Paint) -> String {
    let sentence = shown(&diagnosis.sentence());
    let mut out = format!("{indent}{} {sentence}\n", paint.strong("digest "));
    if let DigestDiagnosis::Explained(causes) = diagnosis {
        for cause in causes {
            let (sentence, fix) = (shown(&cause.digest_sentence()), shown(&cause.digest_fix()));
            out.push_str(&format!("{indent}{}  {sentence}\n", paint.bad("proved")));
            out.push_str(&format!("{indent}{} {fix}\n", paint.faint("fix    ")));
        }
    }
    if let Some(fix) = diagnosis.fix() {
        out.push_str(&format!("{indent}{} {fix}\n", paint.faint("fix    ")));
    }
    out
}

/// Writes the record `whtool.computed/1`: the explanation of a computed digest.
pub fn computed_record(place: &str, diagnosis: &DigestDiagnosis) -> Vec<u8> {
    let causes: &[Cause] = if let DigestDiagnosis::Explained(causes) = diagnosis { causes } else { &[] };
    let cause = |cause: &Cause| cause_record(cause, Confidence::Proved, cause.digest_sentence(), cause.digest_fix());
    let mut record = json!({
        "schema": "whtool.computed/1", "place": place, "answer": diagnosis.code(), "what": mask_sentence(&diagnosis.sentence(), Audience::Team),
        "fix": diagnosis.fix(), "causes": causes.iter().map(cause).collect::<Vec<_>>(),
    });
    if let DigestDiagnosis::Unknown(size) = diagnosis {
        record["tried"] = json!({
            "keys": size.keys, "prefixes": size.prefixes, "bodies": size.bodies, "messages": size.messages,
            "cutShort": size.is_exhausted,
        });
    }
    if let DigestDiagnosis::Correct { secret, is_in_header } = diagnosis {
        record["secret"] = Value::String(secret.to_string());
        record["inHeader"] = json!(is_in_header);
    }
    line(&record)
}
