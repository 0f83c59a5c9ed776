//! Handler code for each framework that verifies the raw body, for both providers, ready to paste.
//!
//! Each is a file of its own, so that the tools of its language can check it.

use super::cause::{Cause, CauseGroup};
use super::kinds::body;
use crate::json::Language::{self, CSharp, Go, Java, JavaScript, Php, Python, Ruby, Rust};

/// A web framework, with code that verifies both providers' webhooks in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Framework {
    /// Value of `--framework` and name in records: `express`.
    pub name: &'static str,
    /// The name in prose, such as `Express`.
    pub title: &'static str,
    pub language: Language,
    pub text: &'static str,
    /// Response header that reveals the framework, and a lower-case word that its value contains.
    pub response_header: Option<(&'static str, &'static str)>,
    /// Fixes that `check` shows. `None` if no response reveals the framework.
    pub fixes: Option<OneLineFixes>,
}

/// Fixes for common handler faults, one line of code each.
#[derive(Debug, PartialEq, Eq)]
pub struct OneLineFixes {
    /// Reads the raw body.
    pub raw_body: &'static str,
    /// Compares signatures in constant time without throwing.
    pub comparison: &'static str,
    /// Parses the body without throwing.
    pub parsing: &'static str,
    /// Accepts any Content-Type. `None` if the framework does so by default.
    pub content_type: Option<&'static str>,
}

const fn framework(name: &'static str, title: &'static str, language: Language, text: &'static str) -> Framework {
    Framework { name, title, language, text, response_header: None, fixes: None }
}

impl Framework {
    const fn revealed_by(self, header: &'static str, word: &'static str, fixes: OneLineFixes) -> Self {
        Self { response_header: Some((header, word)), fixes: Some(fixes), ..self }
    }
}

/// All frameworks, grouped by language.
pub static ALL: &[Framework] = &[
    framework("express", "Express", JavaScript, include_str!("express.js")).revealed_by(
        "x-powered-by",
        "express",
        EXPRESS,
    ),
    framework("fastify", "Fastify", JavaScript, include_str!("fastify.js")),
    framework("next", "Next.js", JavaScript, include_str!("next.mjs")),
    framework("nest", "NestJS", JavaScript, include_str!("nest.ts")),
    framework("flask", "Flask", Python, include_str!("flask.py")).revealed_by("server", "werkzeug", FLASK),
    framework("fastapi", "FastAPI", Python, include_str!("fastapi.py")).revealed_by("server", "uvicorn", FASTAPI),
    framework("django", "Django", Python, include_str!("django.py")),
    framework("rails", "Rails", Ruby, include_str!("rails.rb")).revealed_by("x-runtime", "", RAILS),
    framework("php", "PHP", Php, include_str!("php.php")).revealed_by("x-powered-by", "php", PHP),
    framework("laravel", "Laravel", Php, include_str!("laravel.php")),
    framework("spring", "Spring", Java, include_str!("spring.java")),
    framework("gin", "Gin", Go, include_str!("gin.go")),
    framework("aspnet", "ASP.NET Core", CSharp, include_str!("aspnet.cs")).revealed_by("server", "kestrel", ASPNET),
    framework("axum", "Axum", Rust, include_str!("axum.rs.txt")),
];

const EXPRESS: OneLineFixes = OneLineFixes {
    raw_body: "app.post(path, express.raw({ type: () => true }), handler) before any express.json(); req.body is the raw body",
    comparison: "given.length === expected.length && crypto.timingSafeEqual(given, expected)  // both decoded from hex, without `sha256=`",
    parsing: "try { event = JSON.parse(req.body) } catch { return res.sendStatus(400) }",
    content_type: Some("express.raw({ type: () => true }) parses every Content-Type"),
};

const FLASK: OneLineFixes = OneLineFixes {
    raw_body: "body = request.get_data()  # before request.json",
    comparison: PYTHON_COMPARISON,
    parsing: PYTHON_PARSING,
    content_type: None,
};

const FASTAPI: OneLineFixes = OneLineFixes {
    raw_body: "body = await request.body()  # do not declare a Pydantic model as a parameter",
    comparison: PYTHON_COMPARISON,
    parsing: PYTHON_PARSING,
    content_type: None,
};

const PYTHON_COMPARISON: &str =
    "hmac.compare_digest(given.encode(), expected.encode())  # compare bytes: non-ASCII strings raise TypeError";
const PYTHON_PARSING: &str =
    "try: event = json.loads(body); except (ValueError, RecursionError): return 400; check isinstance(event, dict)";

const RAILS: OneLineFixes = OneLineFixes {
    raw_body: "body = request.raw_post",
    comparison: "ActiveSupport::SecurityUtils.secure_compare(given.to_s, expected)",
    parsing: "rescue JSON::ParserError, then check that the value is a Hash",
    content_type: None,
};

const PHP: OneLineFixes = OneLineFixes {
    raw_body: "$body = file_get_contents('php://input');",
    comparison: "hash_equals($expected, $_SERVER['HTTP_X_…_SIGNATURE'] ?? '')",
    parsing: "$event = json_decode($body, true); if (!is_array($event)) { http_response_code(400); exit; }",
    content_type: None,
};

const ASPNET: OneLineFixes = OneLineFixes {
    raw_body: "await Request.Body.CopyToAsync(buffer) and hash buffer.ToArray(); no [FromBody]",
    comparison: "CryptographicOperations.FixedTimeEquals(given, expected)  // Convert.FromHexString throws on bad input",
    parsing: "catch JsonException, then check that RootElement.ValueKind is Object",
    content_type: None,
};

pub fn find(name: &str) -> Option<&'static Framework> {
    ALL.iter().find(|framework| framework.name == name)
}

/// Lists the frameworks of the receiver of a request, as far as the causes of its failure show the
/// language. `None`: the printed code would not prevent the failure.
pub fn for_request<'c>(causes: impl Iterator<Item = &'c Cause>) -> Option<Vec<&'static Framework>> {
    let prevented: Vec<_> = causes.filter(|cause| prevents(cause)).collect();
    // What wrote the signed body is the sender's; what wrote the received one may be the receiver's.
    let shows_receiver = |cause: &&&Cause| cause.is(&body::REWRITTEN) || !cause.value("here").is_empty();
    let languages = prevented.iter().filter(shows_receiver).filter_map(|cause| cause.language()).collect();
    (!prevented.is_empty()).then(|| in_languages(languages))
}

/// Lists the frameworks in the languages of the code that computed a digest. `None`: the printed
/// code would not help.
pub fn for_digest(mistakes: &[Cause]) -> Option<Vec<&'static Framework>> {
    let corrected: Vec<_> = mistakes.iter().filter(|cause| corrects(cause)).collect();
    let languages = corrected.iter().filter_map(|cause| cause.language()).collect();
    (!corrected.is_empty()).then(|| in_languages(languages))
}

fn in_languages(languages: Vec<Language>) -> Vec<&'static Framework> {
    ALL.iter().filter(|framework| languages.contains(&framework.language)).collect()
}

/// Returns true if the receiver of a request causes this when it does not use the raw body. What
/// only the sender's code can have signed is not meant.
fn prevents(cause: &Cause) -> bool {
    let kinds = [
        &body::RESERIALIZED,
        &body::REWRITTEN,
        &body::MODEL,
        &body::FORM_DECODED,
        &body::ZERO_LOST,
        &body::CHANGED_HERE,
        &body::EMPTY_HERE,
        &body::ENCODING,
        &body::ENCODED,
        &body::REPLACEMENT_CHARACTER,
    ];
    kinds.into_iter().any(|kind| cause.is(kind))
}

/// Returns true if code that computed a digest with this mistake differs from the printed code: in
/// the message, the algorithm or the notation. A wrong secret is a matter of configuration.
fn corrects(cause: &Cause) -> bool {
    !matches!(cause.group(), CauseGroup::Secret | CauseGroup::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::kinds::{digest, secret, timestamp};
    use crate::json::SERIALIZERS;
    use crate::provider;

    #[test]
    fn every_example_uses_the_headers_and_secrets_of_both_providers() {
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

    fn names(frameworks: Option<Vec<&Framework>>) -> Vec<&str> {
        frameworks.unwrap().into_iter().map(|framework| framework.name).collect()
    }

    #[test]
    fn the_language_of_a_serializer_leads_to_its_frameworks() {
        let hashed = |code| {
            let signed = SERIALIZERS.iter().find(|serializer| serializer.code == code).unwrap();
            names(for_digest(&[Cause::new(&body::RESERIALIZED).in_language(signed.language)]))
        };
        assert_eq!(hashed("json_stringify"), ["express", "fastify", "next", "nest"]);
        assert_eq!(hashed("flask_jsonify"), ["flask", "fastapi", "django"]);
        assert_eq!(hashed("jackson"), ["spring"]);
        assert_eq!(hashed("minified"), [""; 0]);
    }

    #[test]
    fn a_received_body_shows_the_language_of_its_receiver_and_a_signed_one_does_not() {
        let cause = |kind, here: &'static str| Cause::new(kind).with("here", here).in_language(Some(Php));
        let request = |cause: Cause| names(for_request([&cause].into_iter()));
        assert_eq!(request(cause(&body::RESERIALIZED, ", but this body looks like …")), ["php", "laravel"]);
        assert_eq!(request(cause(&body::REWRITTEN, "")), ["php", "laravel"]);
        assert_eq!(request(cause(&body::RESERIALIZED, "")), [""; 0]);
        assert_eq!(request(cause(&body::ENCODING, "")), [""; 0]);
    }

    #[test]
    fn handler_code_prevents_what_a_receiver_does_to_a_body_and_not_what_only_a_sender_can_sign() {
        for (kind, expected) in [
            (&body::RESERIALIZED, true),
            (&body::EMPTY_HERE, true),
            (&body::NOT_THE_PAYLOAD, false),
            (&body::BYTE_CHANGED, false),
            (&timestamp::NOT_SIGNED, false),
        ] {
            assert_eq!(prevents(&Cause::new(kind)), expected, "{}", kind.code);
        }
    }

    #[test]
    fn handler_code_corrects_mistakes_in_code_and_not_in_the_configuration() {
        for (kind, expected) in [
            (&body::NOT_THE_PAYLOAD, true),
            (&timestamp::NOT_SIGNED, true),
            (&digest::NOT_HMAC, true),
            (&secret::QUOTED, false),
        ] {
            assert_eq!(corrects(&Cause::new(kind)), expected, "{}", kind.code);
        }
    }
}
