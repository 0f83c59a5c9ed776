//! Forwarding, as values: which deliveries go where, and what is sent there.
//!
//! Sending, pausing and recording are the edge's.

use crate::model::message::{HeaderError, Headers, Request};
use crate::model::signature::Key;
use crate::model::timestamp::Timestamp;
use crate::provider::{self, Provider, SignatureForm};
use url::Url;
use wildmatch::WildMatch;

/// A target, and the event types that go there.
#[derive(Clone, Debug)]
pub struct Route {
    /// `None`: every type.
    kinds: Option<WildMatch>,
    /// Where.
    pub url: Url,
}

/// A text that is no route.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoRoute {
    /// What stands there instead of a URL is plain.
    #[error("{0}")]
    Mistaken(NoUrl),
    /// It can't be read at all.
    #[error("`{0}` is no target: write http://localhost:3000/hooks, or 'payment.*=http://localhost:3000/payments'")]
    Unreadable(String),
}

/// A text that is no URL to send to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoUrl {
    /// A port alone, and perhaps a path: as a host, `3000` would be the address 0.0.11.184.
    #[error("a URL is expected, and this is a port: write http://localhost:{0}")]
    Port(String),
    /// The name of an event, or nearly so.
    #[error("a URL is expected, such as http://localhost:3000/webhooks, and this is an event")]
    Event,
    /// Another scheme than HTTP's.
    #[error("`{0}` is not http or https")]
    Scheme(String),
    /// It can't be read.
    #[error("{0}")]
    Unreadable(#[from] url::ParseError),
}

/// A URL to send to, as people write it: `localhost:3000/x` means `http://localhost:3000/x`.
pub fn read_url(text: &str) -> Result<Url, NoUrl> {
    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let port = after_scheme.strip_prefix(':').unwrap_or(after_scheme);
    let digits = port.split(['/', '?', '#']).next().unwrap_or_default();
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(NoUrl::Port(port.to_owned()));
    }
    if is_nearly_an_event(text) {
        return Err(NoUrl::Event);
    }
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme)?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(NoUrl::Scheme(other.to_owned())),
    }
}

/// Whether this is the name of an event or a sample, give or take two letters; a host may begin as one does.
fn is_nearly_an_event(text: &str) -> bool {
    let bare =
        text.rsplit_once(':').filter(|(name, _)| provider::by_name(name).is_some()).map_or(text, |(_, bare)| bare);
    let is_near = |name: &str| strsim::osa_distance(bare, name) <= 2;
    bare.contains('.') && provider::samples().any(|(_, sample)| is_near(&sample.name) || is_near(&sample.kind))
}

impl std::str::FromStr for Route {
    type Err = NoRoute;

    fn from_str(text: &str) -> Result<Self, NoRoute> {
        let (kinds, url) = match text.split_once('=') {
            Some((kinds, url)) if !kinds.contains(['/', ':', '?']) && !kinds.is_empty() => (Some(kinds), url),
            _ => (None, text),
        };
        let url = read_url(url).map_err(|error| match error {
            NoUrl::Port(_) | NoUrl::Event => NoRoute::Mistaken(error),
            NoUrl::Scheme(_) | NoUrl::Unreadable(_) => NoRoute::Unreadable(text.to_owned()),
        })?;
        Ok(Self { kinds: kinds.map(WildMatch::new), url })
    }
}

impl Route {
    /// Whether events of this type go here.
    pub fn takes(&self, kind: Option<&str>) -> bool {
        self.kinds.as_ref().is_none_or(|glob| glob.matches(kind.unwrap_or_default()))
    }
}

/// What is done to a delivery before it is sent on.
#[derive(Clone, Default)]
pub struct Changes {
    /// Headers that are set, in place of all of the same name.
    pub set: Vec<(String, String)>,
    /// Keys with which it is signed anew, by provider. `None`: the signature stays.
    pub resign: Option<Vec<Key>>,
}

/// The target's URL for a request: its own path and query, or the request's when it has none.
pub fn target(base: &Url, request: &Request) -> Url {
    if base.path() != "/" || base.query().is_some() {
        return base.clone();
    }
    let origin = base.as_str().trim_end_matches('/');
    let slash = if request.target.starts_with('/') { "" } else { "/" };
    Url::parse(&format!("{origin}{slash}{}", request.target)).unwrap_or_else(|_| base.clone())
}

/// The request that goes to the app: the same bytes, and the same headers in their order with their repeats, without those that
/// end here, and with the app's own host.
pub fn outgoing(request: &Request, url: &Url, changes: &Changes, now: Timestamp) -> Result<Request, HeaderError> {
    let signed = changes.resign.as_ref().and_then(|keys| signature(request, keys, now)).unwrap_or_default();
    let set = || changes.set.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let signed = || signed.iter().map(|(name, value)| (*name, value.as_bytes()));
    let replaced = |name: &str| set().chain(signed()).any(|(other, _)| other.eq_ignore_ascii_case(name));
    let mut headers = Headers::new();
    for (name, value) in request.headers.end_to_end().filter(|(name, _)| !replaced(name)) {
        let value = if name.eq_ignore_ascii_case("host") { host(url).into_bytes() } else { value.to_vec() };
        headers.push(name, &value)?;
    }
    for (name, value) in set().chain(signed()) {
        headers.push(name, value)?;
    }
    Ok(Request { method: request.method.clone(), target: request.target.clone(), headers, body: request.body.clone() })
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A new signature by the rule of the provider whose header the request carries.
fn signature(request: &Request, keys: &[Key], now: Timestamp) -> Option<Vec<(&'static str, String)>> {
    let provider = provider::by_header(request)?;
    let key = keys.iter().find(|key| key.secret.provider == provider.name())?;
    Some(signed_anew(provider, key, &request.body, now))
}

/// The signature headers of a body, signed now.
fn signed_anew(provider: &dyn Provider, key: &Key, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)> {
    let timestamp = provider::format_unix_seconds(now);
    let mac = key.sign(provider.signed_prefix(&timestamp).as_bytes(), body);
    provider.signature_headers(&mac, &timestamp, SignatureForm::Reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_or_an_event_is_not_taken_for_a_host() {
        for text in ["3000", ":3000", "http://3000"] {
            assert_eq!(read_url(text), Err(NoUrl::Port("3000".to_owned())), "{text}");
        }
        assert_eq!(
            read_url("3000/hooks?a=1").unwrap_err().to_string().split_once("write ").unwrap().1,
            "http://localhost:3000/hooks?a=1"
        );
        assert!(matches!("payment.*=3000".parse::<Route>(), Err(NoRoute::Mistaken(NoUrl::Port(_)))));
        for text in ["payment.debited", "payment.debitd", "plustive:transaction.failed"] {
            assert_eq!(read_url(text), Err(NoUrl::Event), "{text}");
        }
        for text in ["payment.example.com", "localhost:3000", "2130706433", "127.0.0.1", "[::1]:3000", "app"] {
            assert!(read_url(text).is_ok(), "{text}");
        }
    }
    use crate::model::secret::{Secret, SecretOrigin};
    use crate::model::signature::DEFAULT_TOLERANCE;
    use crate::webhook::receive::{Rules, receive};

    fn request() -> Request {
        let text = "Host: tunnel.example\r\nX-A: 1\r\nx-b: 2\r\nX-A: 3\r\nConnection: keep-alive, X-Drop\r\nX-Drop: 1\r\nTE: trailers\r\n";
        let headers = Headers::read(text.as_bytes().to_vec()).unwrap();
        Request { method: "POST".to_owned(), target: "/hooks?x=1".to_owned(), headers, body: b"\0\xff".to_vec() }
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn order_repeats_and_case_are_kept_and_what_ends_here_is_dropped() {
        let sent =
            outgoing(&request(), &url("http://localhost:3000/a"), &Changes::default(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(sent.headers.as_bytes(), b"Host: localhost:3000\r\nX-A: 1\r\nx-b: 2\r\nX-A: 3\r\n");
        assert_eq!(sent.body, b"\0\xff");
    }

    #[test]
    fn path_and_query_are_appended_only_when_the_target_has_none() {
        let target = |base: &str| target(&url(base), &request()).to_string();
        assert_eq!(target("http://localhost:3000"), "http://localhost:3000/hooks?x=1");
        assert_eq!(target("http://localhost:3000/"), "http://localhost:3000/hooks?x=1");
        assert_eq!(target("http://localhost:3000/mine"), "http://localhost:3000/mine");
        assert_eq!(target("http://localhost:3000/?own"), "http://localhost:3000/?own");
    }

    #[test]
    fn routes_take_a_glob_before_the_url() {
        let route = |text: &str| text.parse::<Route>().unwrap();
        assert!(route("localhost:3000").takes(None));
        let payments = route("payment.*=http://localhost:3000/p?a=b");
        assert!(
            payments.takes(Some("payment.debited")) && !payments.takes(Some("refund.failed")) && !payments.takes(None)
        );
        assert_eq!(payments.url.as_str(), "http://localhost:3000/p?a=b");
        assert_eq!(route("http://localhost/?a=b").url.as_str(), "http://localhost/?a=b");
        assert!("ftp://x".parse::<Route>().is_err() && "".parse::<Route>().is_err());
    }

    #[test]
    fn headers_that_are_set_replace_those_of_the_same_name() {
        let changes = Changes { set: vec![("x-a".to_owned(), "9".to_owned())], resign: None };
        let sent = outgoing(&request(), &url("http://h/"), &changes, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(sent.headers.as_bytes(), b"Host: h\r\nx-b: 2\r\nx-a: 9\r\n");
    }

    #[test]
    fn what_is_signed_anew_verifies_now_with_the_new_key() {
        let key = Key::new(Secret::new("plexos", SecretOrigin::LocalTest, "local"));
        let mut old = Request::post("/", b"{}".to_vec());
        old.headers.push("x-plexos-timestamp", b"1").unwrap();
        old.headers.push("x-plexos-signature", b"00").unwrap();
        let changes = Changes { set: Vec::new(), resign: Some(vec![key.clone()]) };
        let now = Timestamp::from_second(1_736_937_000).unwrap();
        let sent = outgoing(&old, &url("http://h/"), &changes, now).unwrap();
        assert_eq!(sent.headers.len(), 2);
        let rules = Rules { keys: vec![key], tolerance: Some(DEFAULT_TOLERANCE) };
        let delivery = crate::model::delivery::Delivery { request: sent, peer: None, arrived: None };
        assert!(receive(delivery, &rules, now).verdict.is_verified());
    }
}
