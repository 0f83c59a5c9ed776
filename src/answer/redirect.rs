//! Redirects: where they lead, why, and what to do. Providers do not follow them.

use crate::model::exchange::Answer;
use url::Url;

/// An answer that names another URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The `Location`, resolved against the URL that was asked. `None`: there is none, or it is no
    /// URL.
    pub location: Option<Url>,
    pub reason: RedirectReason,
}

/// Difference between the URL that was asked and the one that is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectReason {
    NoLocation,
    /// The same URL: a loop, often behind a proxy that ends TLS.
    SameUrl,
    Https,
    TrailingSlash,
    Www,
    Login,
    OtherHost,
    OtherPath,
}

/// Words in the path of a page where people log in.
const LOGIN_WORDS: [&str; 9] = ["login", "log-in", "log_in", "signin", "sign-in", "sign_in", "auth", "sso", "oauth"];

/// Reads a redirect. `None`: the answer is none.
pub fn redirect(answer: &Answer, asked: &str) -> Option<Redirect> {
    if !matches!(answer.status.0, 300..=303 | 305..=399) {
        return None;
    }
    let base = Url::parse(asked).ok();
    let text = answer.headers.get("location").map(|value| String::from_utf8_lossy(value).into_owned());
    let location = text.and_then(|text| match &base {
        Some(base) => base.join(text.trim()).ok(),
        None => Url::parse(text.trim()).ok(),
    });
    let reason = match (&base, &location) {
        (_, None) => RedirectReason::NoLocation,
        (Some(base), Some(location)) => reason(base, location),
        (None, Some(_)) => RedirectReason::OtherPath,
    };
    Some(Redirect { location, reason })
}

fn reason(asked: &Url, location: &Url) -> RedirectReason {
    let (path, other) = (asked.path(), location.path());
    let words: Vec<_> = other.split(['/', '.']).map(str::to_ascii_lowercase).collect();
    let host = |url: &Url| url.host_str().unwrap_or_default().trim_start_matches("www.").to_owned();
    let is_same_path = path == other && asked.query() == location.query();
    if words.iter().any(|word| LOGIN_WORDS.contains(&word.as_str())) && path != other {
        RedirectReason::Login
    } else if host(asked) != host(location) {
        RedirectReason::OtherHost
    } else if asked.scheme() == "http" && location.scheme() == "https" {
        RedirectReason::Https
    } else if asked.host_str() != location.host_str() {
        RedirectReason::Www
    } else if is_same_path && asked.port_or_known_default() == location.port_or_known_default() {
        RedirectReason::SameUrl
    } else if path.trim_end_matches('/') == other.trim_end_matches('/') && path != other {
        RedirectReason::TrailingSlash
    } else {
        RedirectReason::OtherPath
    }
}

impl Redirect {
    /// Describes where it leads: `to http://localhost:3000/hook/`.
    pub fn describe(&self) -> String {
        self.location.as_ref().map_or_else(|| "to nowhere: no Location".to_owned(), |url| format!("to {url}"))
    }

    /// Returns what to do about it.
    pub fn fix(&self) -> &'static str {
        match self.reason {
            RedirectReason::NoLocation => "answer 2xx: providers do not follow redirects",
            RedirectReason::SameUrl => {
                "the app redirects to the same URL: let it accept http, or trust X-Forwarded-Proto"
            }
            RedirectReason::Https => "the app wants https: use that URL, or exempt the webhook's path",
            RedirectReason::TrailingSlash => "the slash at the end differs: use that URL",
            RedirectReason::Www => "the host differs by www.: use that URL",
            RedirectReason::Login => "a login is required: exempt the webhook's path, the signature proves the sender",
            RedirectReason::OtherHost | RedirectReason::OtherPath => "use that URL: providers do not follow redirects",
        }
    }
}
