//! What was changed between two places, and what a digest is: for people under a request's line, and as records.

use super::diff::fragment;
use super::json::line;
use super::paint::Paint;
use super::text;
use crate::diagnose::computed::Answer;
use crate::diagnose::hop::{Fate, HeaderFate, Hop, body_hash};
use crate::diagnose::{Cause, Finding, Proof};
use crate::model::mask::Reveal;
use crate::model::sanitize::truncate;
use serde_json::{Value, json};

/// The two places of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Where in the file the request stands.
    pub place: &'a str,
    /// The id of the good copy in the store.
    pub against: &'a str,
    /// What follows from the comparison: a stable code.
    pub conclusion: &'static str,
    /// The verdicts there and here: their codes.
    pub verdicts: [&'static str; 2],
    /// The bodies there and here.
    pub bodies: [&'a [u8]; 2],
}

/// The longest sentence about strangers' text.
const SENTENCE: usize = 300;
/// At most so many headers are listed.
const MOST_HEADERS: usize = 20;

/// The change of the body with both fragments, and the headers. `said` stands above already.
pub fn hop(hop: &Hop, places: &Places<'_>, said: &[Finding], indent: &str, paint: Paint, reveal: Reveal) -> String {
    let mut told = String::new();
    if let Some(cause) = &hop.body
        && !said.iter().any(|finding| finding.proof == Proof::Proved && finding.cause.code().starts_with("body_"))
    {
        let finding = Finding { cause: cause.clone(), proof: Proof::Proved };
        told.push_str(&text::findings(&[finding], indent, paint));
    }
    let [there, here] = places.bodies;
    if let Some(at) = hop.first_difference {
        told.push_str(&format!("{indent}{}\n", paint.strong(&format!("the bodies differ from byte {at} on"))));
        told.push_str(&format!("{indent}  {}\n", paint.good(&format!("there  {}", fragment(there, at, reveal)))));
        told.push_str(&format!("{indent}  {}\n", paint.bad(&format!("here   {}", fragment(here, at, reveal)))));
    }
    for (name, body) in [("there", there), ("here ", here)] {
        let shown = format!("sha256 {}  {}", body_hash(body), text::count(body.len() as u64, "byte"));
        told.push_str(&format!("{indent}  {}\n", paint.faint(&format!("{name}  {shown}"))));
    }
    for HeaderFate { name, fate, matters } in hop.headers.iter().take(MOST_HEADERS) {
        let words = truncate(&format!("{name} {}", fate.words()), SENTENCE);
        let words = if *matters { paint.bad(&words) } else { words };
        told.push_str(&format!("{indent}{}  {words}\n", paint.name("header ")));
    }
    if hop.headers.len() > MOST_HEADERS {
        told.push_str(&format!("{indent}{} more headers differ\n", hop.headers.len() - MOST_HEADERS));
    }
    told
}

/// `whtool.hop/1`: a request beside the good copy of it.
pub fn hop_record(hop: &Hop, places: &Places<'_>) -> Vec<u8> {
    let header = |HeaderFate { name, fate, matters }: &HeaderFate| {
        let to = if let Fate::Renamed { to } = fate { Some(to) } else { None };
        json!({"name": name, "fate": fate.code(), "to": to, "matters": matters})
    };
    let side = |verdict: &str, body: &[u8]| json!({"verdict": verdict, "size": body.len(), "sha256": body_hash(body)});
    let ([there, here], [good, now]) = (places.verdicts, places.bodies);
    line(&json!({
        "schema": "whtool.hop/1", "place": places.place, "against": places.against, "conclusion": places.conclusion,
        "there": side(there, good), "here": side(here, now),
        "cause": hop.body.as_ref().map(|cause| json!({"code": cause.code(), "proof": "proved", "what": cause.sentence(), "fix": cause.fix()})),
        "firstDifference": hop.first_difference, "headers": hop.headers.iter().map(header).collect::<Vec<_>>(),
    }))
}

/// What a digest is, in lines under the request's.
pub fn computed(answer: &Answer, indent: &str, paint: Paint) -> String {
    let mut told = format!("{indent}{} {}\n", paint.strong("digest "), truncate(&answer.sentence(), SENTENCE));
    if let Answer::Explained(causes) = answer {
        for cause in causes {
            told.push_str(&format!("{indent}{}  {}\n", paint.bad("proved"), truncate(&cause.of_computed(), SENTENCE)));
            told.push_str(&format!(
                "{indent}{} {}\n",
                paint.faint("fix    "),
                truncate(&cause.of_computed_fix(), SENTENCE)
            ));
        }
    }
    if let Some(fix) = answer.fix() {
        told.push_str(&format!("{indent}{} {fix}\n", paint.faint("fix    ")));
    }
    told
}

/// `whtool.computed/1`: what a digest is.
pub fn computed_record(place: &str, answer: &Answer) -> Vec<u8> {
    let causes: &[Cause] = if let Answer::Explained(causes) = answer { causes } else { &[] };
    let cause = |cause: &Cause| json!({"code": cause.code(), "proof": "proved", "what": cause.of_computed(), "fix": cause.of_computed_fix()});
    let mut record = json!({
        "schema": "whtool.computed/1", "place": place, "answer": answer.code(), "what": answer.sentence(), "fix": answer.fix(),
        "causes": causes.iter().map(cause).collect::<Vec<_>>(),
    });
    if let Answer::Unknown(tried) = answer {
        record["tried"] = json!({
            "keys": tried.keys, "prefixes": tried.prefixes, "bodies": tried.bodies, "messages": tried.messages,
            "cutShort": tried.is_cut_short,
        });
    }
    if let Answer::Right { secret, is_in_header } = answer {
        record["secret"] = Value::String(secret.to_string());
        record["inHeader"] = json!(is_in_header);
    }
    line(&record)
}
