//! Decides who may call the page's server.
//!
//! Every web page that is open in a browser can send requests to it, every program of this machine
//! can connect to it, and a name of an attacker's can be pointed at it. So a request needs one of
//! this server's own addresses as its host, must not come from a page of another origin, and must
//! bring the cookie of a browser in which a one-time link was opened, or the token of the API. All
//! of it applies to reads and to streams, too.

use crate::command::Session;
use crate::model::message::Request;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;

/// Variable with the token of the API.
pub(super) const TOKEN_VARIABLE: &str = "WHTOOL_UI_TOKEN";

/// Shortest token that is accepted from the environment, in bytes.
const MIN_TOKEN: usize = 16;

/// The secrets of a running server.
pub(super) struct Gate {
    /// `Host` headers by which the server may be addressed.
    hosts: Vec<String>,
    cookie_name: String,
    cookie: String,
    token: String,
    /// The token of the latest link, until it is opened.
    link: Mutex<Option<String>>,
}

/// The sender of a request that may read and change everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A browser in which a link was opened.
    Browser,
    /// A program with the token.
    Program,
}

/// The reason why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    ForeignHost,
    ForeignOrigin,
    /// A link on a page of another site leads here.
    ForeignLink,
    /// Neither cookie nor token, or a wrong one.
    Unknown,
}

impl Denial {
    pub(super) fn status(self) -> u16 {
        match self {
            Self::ForeignHost | Self::ForeignOrigin | Self::ForeignLink => 403,
            Self::Unknown => 401,
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::ForeignHost => "this server is only addressed as 127.0.0.1, localhost or [::1], with its port",
            Self::ForeignOrigin => "pages of another origin may not call this server",
            Self::ForeignLink => "a page of another site leads here: it is opened again without that page",
            Self::Unknown => "open the link that whtool printed, or send the token of the API",
        }
    }
}

impl Gate {
    /// Makes the secrets of a server on this port. A token may come from the environment.
    pub(super) fn new(port: u16, session: &Session<'_>) -> Result<Self, String> {
        let token = match session.world.env_var(TOKEN_VARIABLE) {
            Some(token) if token.len() < MIN_TOKEN => {
                return Err(format!("{TOKEN_VARIABLE} is shorter than {MIN_TOKEN} characters"));
            }
            Some(token) => token,
            None => random_token(session),
        };
        let names = ["127.0.0.1", "localhost", "[::1]"];
        let mut hosts: Vec<_> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == 80 {
            hosts.extend(names.map(str::to_owned));
        }
        let cookie_name = format!("whtool_{port}");
        Ok(Self { hosts, cookie_name, cookie: random_token(session), token, link: Mutex::default() })
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Makes the token of a new link. The one before is void.
    pub(super) fn new_link_token(&self, session: &Session<'_>) -> String {
        let token = random_token(session);
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        token
    }

    /// Redeems the token of a link: returns the value of `Set-Cookie`. `None`: the token is wrong, or
    /// was redeemed.
    pub(super) fn redeem(&self, token: &str) -> Option<String> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let is_valid = link.as_ref().is_some_and(|link| is_equal(link.as_bytes(), token.as_bytes()));
        if !is_valid {
            return None;
        }
        *link = None;
        Some(format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name, self.cookie))
    }

    /// Checks that the request was addressed to this server, and that no page of another origin sent
    /// it. Pages of other ports are of the same site, but of another origin.
    pub(super) fn check_sender(&self, request: &Request) -> Result<(), Denial> {
        let host = request.headers.get("host").unwrap_or_default();
        let is_own_host = self.hosts.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(host));
        // A target with a host takes precedence over the header.
        if !is_own_host || !request.target.starts_with('/') || request.target.starts_with("//") {
            return Err(Denial::ForeignHost);
        }
        let is_own_site = |site: &[u8]| matches!(site, b"same-origin" | b"none");
        if request.headers.all("sec-fetch-site").any(|site| !is_own_site(site)) {
            return Err(if is_followed_link(request) { Denial::ForeignLink } else { Denial::ForeignOrigin });
        }
        if request.headers.all("origin").any(|origin| !is_own_origin(origin, host)) {
            return Err(Denial::ForeignOrigin);
        }
        Ok(())
    }

    /// Finds out who sent the request.
    pub(super) fn caller(&self, request: &Request) -> Result<Caller, Denial> {
        let bearer = request.headers.all("authorization").filter_map(bearer_token);
        let is_program = bearer.fold(false, |known, token| known | is_equal(token, self.token.as_bytes()));
        if is_program {
            return Ok(Caller::Program);
        }
        let name = format!("{}=", self.cookie_name);
        let pairs = request.headers.all("cookie").flat_map(|value| value.split(|&byte| byte == b';'));
        let values = pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes()));
        let is_browser = values.fold(false, |known, value| known | is_equal(value, self.cookie.as_bytes()));
        if is_browser { Ok(Caller::Browser) } else { Err(Denial::Unknown) }
    }

    /// Checks a request that changes something: a browser must say that a page of this server sent
    /// it. A program, which has the token, is no browser.
    pub(super) fn check_change(&self, request: &Request, caller: Caller) -> Result<(), Denial> {
        let is_same_origin = request.headers.all("sec-fetch-site").any(|site| site == b"same-origin")
            || request.headers.get("origin").is_some();
        // `check_sender` has refused every other origin.
        if caller == Caller::Program || is_same_origin { Ok(()) } else { Err(Denial::ForeignOrigin) }
    }
}

/// Returns true if a browser opens a link in a tab, which no page can read.
fn is_followed_link(request: &Request) -> bool {
    let is = |name, value: &[u8]| request.headers.get(name) == Some(value);
    request.method == "GET" && is("sec-fetch-mode", b"navigate") && is("sec-fetch-dest", b"document")
}

/// Compares an origin with that of this server.
fn is_own_origin(origin: &[u8], host: &[u8]) -> bool {
    origin.strip_prefix(b"http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

/// Returns the token of an `Authorization` header. The name of the scheme has any case.
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
}

/// Compares secrets in constant time.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

fn random_token(session: &Session<'_>) -> String {
    let mut bytes = [0; 32];
    session.world.fill_random(&mut bytes);
    hex::encode(bytes)
}
