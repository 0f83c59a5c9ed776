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

#[cfg(test)]
mod tests {
    use super::*;
    fn framework(header: &str, value: &str) -> Option<&'static str> {
        let mut answer = Answer::new(200, "");
        answer.headers.push(header, value.as_bytes()).unwrap();
        detect(&answer).map(|framework| framework.name)
    }

    #[test]
    fn a_framework_is_recognized_by_the_word_in_its_header() {
        for (header, value, name) in [
            ("X-Powered-By", "Express", Some("express")),
            ("x-powered-by", "PHP/8.3", Some("php")),
            ("Server", "Werkzeug/3.0 Python/3.12", Some("flask")),
            ("Server", "uvicorn", Some("fastapi")),
            ("X-Runtime", "0.012", Some("rails")),
            ("Server", "nginx", None),
            ("X-Powered-By", "flask", None),
            ("Via", "express", None),
        ] {
            assert_eq!(framework(header, value), name, "{header}: {value}");
        }
        assert!(detect(&Answer::new(200, "express")).is_none());
    }

    #[test]
    fn only_causes_in_the_code_of_the_handler_have_a_line_of_code_as_their_fix() {
        let express = frameworks::ALL.iter().find(|framework| framework.name == "express").unwrap();
        let fixes = express.fixes.as_ref().unwrap();
        for (cause, expected) in [
            (ProbeCause::BodyRewritten(Vec::new()), Some(fixes.raw_body)),
            (ProbeCause::CrashOnMalformedSignature, Some(fixes.comparison)),
            (ProbeCause::CrashOnMissingSignature, Some(fixes.comparison)),
            (ProbeCause::InvalidPayloadCrash, Some(fixes.parsing)),
            (ProbeCause::UndocumentedCrash, fixes.content_type),
            (ProbeCause::Timeout, None),
            (ProbeCause::ForgeryAccepted, None),
        ] {
            assert_eq!(fix(express, &cause), expected, "{cause:?}");
        }
        let fastify = frameworks::ALL.iter().find(|framework| framework.name == "fastify").unwrap();
        assert_eq!(fix(fastify, &ProbeCause::InvalidPayloadCrash), None);
    }
}
