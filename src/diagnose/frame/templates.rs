//! Templates that were signed without their values.

use super::Frame;
use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::timestamp as kinds;
use crate::provider::Provider;

/// The names that templates give to timestamp and body.
const TIME_NAMES: [&str; 6] = ["timestamp", "ts", "t", "time", "0", ""];
const BODY_NAMES: [&str; 9] = ["body", "payload", "rawBody", "raw_body", "data", "rawbody", "json", "1", ""];
/// What stands before and after a name that a template should replace.
const PLACEHOLDERS: [(&str, &str); 8] =
    [("{", "}"), ("${", "}"), ("#{", "}"), ("{{", "}}"), ("$", ""), ("%(", ")s"), ("<", ">"), ("", "")];

/// Lists templates that were signed as they stand: `${timestamp}.${body}`. In some only one of the
/// two was not replaced.
pub(super) fn templates(provider: &dyn Provider, time: &str) -> Vec<Frame> {
    let mut found = Vec::new();
    let mut add = |before: String, is_whole: bool, text: String| {
        let cause = Cause::new(&kinds::TEMPLATE).with("text", text);
        found.push(Frame { is_whole, ..Frame::whole_with_cause(before.into_bytes(), cause, true) });
    };
    for (open, close) in PLACEHOLDERS {
        let placeholder = |name: &str| format!("{open}{name}{close}");
        let is_text = |name: &str| name.is_empty() && (open.is_empty() || open == "$");
        for name in TIME_NAMES.iter().filter(|name| !is_text(name)) {
            let stamp = provider.signed_prefix(&placeholder(name));
            for body in BODY_NAMES.iter().filter(|name| !is_text(name)) {
                let text = format!("{stamp}{}", placeholder(body));
                add(text.clone(), true, text);
            }
            if !stamp.is_empty() {
                add(stamp.clone(), false, stamp);
            }
        }
        for name in BODY_NAMES.iter().filter(|name| !is_text(name)) {
            let text = format!("{}{}", provider.signed_prefix(time), placeholder(name));
            add(text.clone(), true, text);
        }
    }
    for text in ["%s.%s", "%d.%s", "%v.%v", "timestamp.body", "timestamp . body"] {
        add(text.to_owned(), true, text.to_owned());
    }
    found
}
