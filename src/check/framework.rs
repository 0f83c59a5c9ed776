//! Which framework answers, as its own headers tell, and what a mended handler looks like there.

use super::cause::Cause;
use crate::model::exchange::Answer;

/// A framework that gives itself away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// `X-Powered-By: Express`.
    Express,
    /// `Server: Werkzeug`.
    Flask,
    /// `Server: uvicorn`.
    FastApi,
    /// `X-Powered-By: PHP`.
    Php,
    /// `Server: Kestrel`.
    AspNet,
    /// `X-Runtime`, which Rails adds.
    Rails,
}

impl Framework {
    /// The framework of an answer.
    pub fn of(answer: &Answer) -> Option<Self> {
        let holds = |name: &str, word: &str| {
            let value = answer.headers.get(name).map(String::from_utf8_lossy).unwrap_or_default();
            value.to_lowercase().contains(word)
        };
        let known = [
            (Self::Express, "x-powered-by", "express"),
            (Self::Flask, "server", "werkzeug"),
            (Self::FastApi, "server", "uvicorn"),
            (Self::Php, "x-powered-by", "php"),
            (Self::AspNet, "server", "kestrel"),
            (Self::Rails, "x-runtime", ""),
        ];
        let is_there = |name: &str| answer.headers.get(name).is_some();
        known.into_iter().find(|(_, name, word)| is_there(name) && holds(name, word)).map(|(framework, ..)| framework)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Express => "Express",
            Self::Flask => "Flask",
            Self::FastApi => "FastAPI",
            Self::Php => "PHP",
            Self::AspNet => "ASP.NET",
            Self::Rails => "Rails",
        }
    }

    /// The line or two that mend this cause here; `None`: there is nothing of its own to say.
    pub fn fix(self, cause: &Cause) -> Option<&'static str> {
        match cause {
            Cause::Rewritten(_) => Some(self.raw_body()),
            Cause::CrashOnShape | Cause::CrashOnMissing => Some(self.comparison()),
            Cause::NonsenseCrash => Some(self.parsing()),
            Cause::OddCrash if self == Self::Express => Some(self.raw_body()),
            _ => None,
        }
    }

    fn raw_body(self) -> &'static str {
        match self {
            Self::Express => {
                "app.post(path, express.raw({ type: () => true }), handler) before any express.json(); req.body is the bytes"
            }
            Self::Flask => "body = request.get_data()  # bytes, before request.json",
            Self::FastApi => "body = await request.body()  # bytes; take no Pydantic model as the parameter",
            Self::Php => "$body = file_get_contents('php://input');",
            Self::AspNet => "await Request.Body.CopyToAsync(buffer) and hash buffer.ToArray(); no [FromBody]",
            Self::Rails => "body = request.raw_post",
        }
    }

    fn comparison(self) -> &'static str {
        match self {
            Self::Express => {
                "const ok = given.length === expected.length && crypto.timingSafeEqual(given, expected)  // given = Buffer.from((header ?? '').replace(/^sha256=/, ''), 'hex'), expected = hmac.digest()"
            }
            Self::Flask | Self::FastApi => {
                "hmac.compare_digest(given.encode(), expected.encode())  # bytes: text with other letters than ASCII throws"
            }
            Self::Php => "hash_equals($expected, $_SERVER['HTTP_X_…_SIGNATURE'] ?? '')",
            Self::AspNet => {
                "CryptographicOperations.FixedTimeEquals(given, expected)  // false for other lengths; Convert.FromHexString throws"
            }
            Self::Rails => "ActiveSupport::SecurityUtils.secure_compare(given.to_s, expected)",
        }
    }

    fn parsing(self) -> &'static str {
        match self {
            Self::Express => "try { event = JSON.parse(req.body) } catch { return res.sendStatus(400) }",
            Self::Flask | Self::FastApi => {
                "try: event = json.loads(body)  except ValueError: answer 400; then isinstance(event, dict)"
            }
            Self::Php => "$event = json_decode($body, true); if (!is_array($event)) { http_response_code(400); exit; }",
            Self::AspNet => "catch JsonException, and see that RootElement.ValueKind is Object",
            Self::Rails => "rescue JSON::ParserError, and see that the value is a Hash",
        }
    }
}
