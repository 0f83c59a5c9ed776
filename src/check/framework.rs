//! Recognizes the handler's framework by its response headers, and chooses the fix to show for it.

use super::cause::Cause;
use crate::diagnose::frameworks::{self, Framework};
use crate::model::exchange::Answer;

/// Returns the framework that the response headers reveal.
pub fn detect(answer: &Answer) -> Option<&'static Framework> {
    frameworks::ALL.iter().find(|framework| {
        framework.response_header.is_some_and(|(name, word)| {
            let value = answer.headers.get(name).map(String::from_utf8_lossy);
            value.is_some_and(|value| value.to_lowercase().contains(word))
        })
    })
}

/// Returns the line of code that fixes this cause in this framework. `None` if there is nothing specific to say.
pub fn fix(framework: &Framework, cause: &Cause) -> Option<&'static str> {
    let fixes = framework.fixes.as_ref()?;
    match cause {
        Cause::Rewritten(_) => Some(fixes.raw_body),
        Cause::CrashOnShape | Cause::CrashOnMissing => Some(fixes.comparison),
        Cause::NonsenseCrash => Some(fixes.parsing),
        Cause::OddCrash => fixes.content_type,
        _ => None,
    }
}
