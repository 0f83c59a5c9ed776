//! Recognizes the handler's framework by its response headers, and chooses the fix to show for it.

use super::cause::ProbeCause;
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

/// Returns the line of code that fixes this cause in this framework. `None` if there is nothing
/// specific to say.
pub fn fix(framework: &Framework, cause: &ProbeCause) -> Option<&'static str> {
    let fixes = framework.fixes.as_ref()?;
    match cause {
        ProbeCause::BodyRewritten(_) => Some(fixes.raw_body),
        ProbeCause::CrashOnMalformedSignature | ProbeCause::CrashOnMissingSignature => Some(fixes.comparison),
        ProbeCause::InvalidPayloadCrash => Some(fixes.parsing),
        ProbeCause::UndocumentedCrash => fixes.content_type,
        _ => None,
    }
}
