//! What to write in each framework, so that the raw body is verified: a few lines for both providers, ready to paste.
//!
//! Each text is a file beside this one, in its own language, so that that language's tools can check it.

use super::Cause;

/// A framework and the lines that verify there.
#[derive(Debug, PartialEq, Eq)]
pub struct Framework {
    /// The word for it on the command line and in records: `express`.
    pub name: &'static str,
    /// Its name in prose: `Express`.
    pub title: &'static str,
    /// The programming language.
    pub language: &'static str,
    /// The lines.
    pub text: &'static str,
}

const fn framework(name: &'static str, title: &'static str, language: &'static str, text: &'static str) -> Framework {
    Framework { name, title, language, text }
}

/// Every framework, those of one language together.
pub static ALL: &[Framework] = &[
    framework("express", "Express", "JavaScript", include_str!("express.js")),
    framework("fastify", "Fastify", "JavaScript", include_str!("fastify.js")),
    framework("next", "Next.js", "JavaScript", include_str!("next.mjs")),
    framework("flask", "Flask", "Python", include_str!("flask.py")),
    framework("fastapi", "FastAPI", "Python", include_str!("fastapi.py")),
    framework("django", "Django", "Python", include_str!("django.py")),
    framework("rails", "Rails", "Ruby", include_str!("rails.rb")),
    framework("laravel", "Laravel", "PHP", include_str!("laravel.php")),
    framework("spring", "Spring", "Java", include_str!("spring.java")),
    framework("gin", "Gin", "Go", include_str!("gin.go")),
    framework("aspnet", "ASP.NET Core", "C#", include_str!("aspnet.cs")),
    framework("axum", "Axum", "Rust", include_str!("axum.rs.txt")),
];

/// The framework of this name.
pub fn named(name: &str) -> Option<&'static Framework> {
    ALL.iter().find(|framework| framework.name == name)
}

/// What the names of serializers, and other traces of a language, begin with or hold.
const TRACES: &[(&str, &str)] = &[
    ("JavaScript", "JavaScript"),
    ("JSON.stringify", "JavaScript"),
    ("[object Object]", "JavaScript"),
    ("undefined", "JavaScript"),
    ("Flask", "Python"),
    ("Python", "Python"),
    ("None", "Python"),
    ("PHP", "PHP"),
    ("Array", "PHP"),
    ("Go's", "Go"),
    ("Ruby", "Ruby"),
    ("Rails", "Ruby"),
    ("Java's", "Java"),
    (".NET", "C#"),
];

/// The frameworks in which this was likely done; none where a cause is not of the handler's making or shows no language.
pub fn likely(causes: &[Cause]) -> Vec<&'static Framework> {
    let traces = causes.iter().filter_map(trace);
    let languages: Vec<_> = traces
        .filter_map(|trace| TRACES.iter().find(|(mark, _)| trace.contains(mark)).map(|(_, language)| *language))
        .collect();
    ALL.iter().filter(|framework| languages.contains(&framework.language)).collect()
}

/// Where a cause shows the language of the code that did it. What is here was written by the receiving side.
fn trace(cause: &Cause) -> Option<&'static str> {
    match cause {
        Cause::BodyReserialized { signed, here } => here.or(Some(signed)),
        Cause::BodyNotThePayload { signed } => Some(signed),
        Cause::BodyRewritten { by } | Cause::BodyPrinted { by } => Some(by),
        _ => None,
    }
}

/// Whether the cause is a body that was not taken raw: what the lines mend in any framework.
pub fn mends(cause: &Cause) -> bool {
    trace(cause).is_some()
        || matches!(
            cause,
            Cause::BodyEmptyHere
                | Cause::BodyEmptySigned
                | Cause::BodyEncoding { .. }
                | Cause::BodyEncoded { .. }
                | Cause::BodyReplacementCharacter
                | Cause::TimestampNotSigned
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    #[test]
    fn every_text_names_the_headers_and_secrets_of_both_providers() {
        for framework in ALL {
            let text = framework.text.to_lowercase();
            for provider in provider::ALL {
                assert!(text.contains(&provider.signature_header().to_lowercase()), "{}", framework.name);
                assert!(text.contains(&provider.secret_variable().to_lowercase()), "{}", framework.name);
                let header = provider.timestamp_header().unwrap_or_default().to_lowercase();
                assert!(text.contains(&header), "{}", framework.name);
            }
        }
    }

    #[test]
    fn the_language_of_a_serializer_leads_to_its_frameworks() {
        let names = |signed| {
            likely(&[Cause::BodyReserialized { signed, here: None }]).iter().map(|each| each.name).collect::<Vec<_>>()
        };
        assert_eq!(names("JavaScript's JSON.stringify"), ["express", "fastify", "next"]);
        assert_eq!(names("Python's json.dumps"), ["flask", "fastapi", "django"]);
        assert_eq!(names("Java's Jackson"), ["spring"]);
        assert_eq!(names("white space removed"), [""; 0]);
    }
}
