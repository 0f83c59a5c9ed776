//! Forwarding rules: which deliveries go to which URL, and what is sent there.
//!
//! Sending, retrying and recording are in `edge/forwarder`.

use crate::model::hop_mark::{self, HopMark};
use crate::model::message::{HeaderError, Headers, Request};
use crate::model::signature::Key;
use crate::model::timestamp::Timestamp;
use crate::provider::{self, SignatureForm};
use url::{Position, Url};

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UrlError {
    #[error("expected a URL such as http://localhost:3000/webhooks, found an event type")]
    EventType,
    #[error("`{0}` is not http or https")]
    Scheme(String),
    #[error("a zone id such as %eth0 can't be used in a URL; use an address without it, or a name")]
    ZoneId,
    #[error("{0}")]
    Invalid(#[from] url::ParseError),
}

/// Parses a URL as people write it: `localhost:3000/x`, `3000/x` and `:3000/x` mean
/// `http://localhost:3000/x`. As a host, `3000` would be the address 0.0.11.184.
pub fn parse_url(text: &str) -> Result<Url, UrlError> {
    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let port = after_scheme.strip_prefix(':').unwrap_or(after_scheme);
    let digits = port.split(['/', '?', '#']).next().unwrap_or_default();
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0) {
        return Ok(Url::parse(&format!("http://localhost:{port}"))?);
    }
    if resembles_event_type(text) {
        return Err(UrlError::EventType);
    }
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).map_err(|error| match error {
        url::ParseError::InvalidIpv6Address if has_zone_id(after_scheme) => UrlError::ZoneId,
        error => UrlError::Invalid(error),
    })?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(UrlError::Scheme(other.to_owned())),
    }
}

/// Returns true for an IPv6 address that names an interface: `[fe80::1%eth0]`.
fn has_zone_id(host: &str) -> bool {
    host.split(']').next().is_some_and(|address| address.contains('[') && address.contains('%'))
}

/// Returns true for an event type or the name of a sample, with at most two typing mistakes. The
/// whole text is compared: a host may begin like an event type.
fn resembles_event_type(text: &str) -> bool {
    let bare =
        text.rsplit_once(':').filter(|(name, _)| provider::by_name(name).is_some()).map_or(text, |(_, bare)| bare);
    let is_near = |name: &str| strsim::osa_distance(bare, name) <= 2;
    bare.contains('.') && provider::samples().any(|(_, sample)| is_near(&sample.name) || is_near(&sample.kind))
}

/// Changes to a request before it is forwarded.
#[derive(Clone, Default)]
pub struct RequestChanges {
    /// Headers to set; each replaces all of the same name.
    pub headers: Vec<(String, String)>,
    /// Keys for re-signing, by provider. `None`: the signature stays.
    pub resign: Option<Vec<Key>>,
    /// The mark of the listener that forwards it. `None`: it is sent as if it came from the
    /// provider, without the marks of listeners.
    pub hop_mark: Option<HopMark>,
}

/// Returns the target that an app gets: the path and query of its URL or, if that has none, those
/// of the request, byte for byte.
pub fn app_target(base: &Url, request: &Request) -> String {
    if base.path() != "/" || base.query().is_some() {
        return base[Position::BeforePath..Position::AfterQuery].to_owned();
    }
    origin_form(&request.target)
}

/// Returns path and query of a target. One in absolute form, as for a proxy, loses scheme and host
/// (RFC 9112 section 3.2.2).
fn origin_form(target: &str) -> String {
    let path = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() && scheme.bytes().all(is_scheme_byte) => {
            rest.find(['/', '?', '#']).map_or("", |at| &rest[at..])
        }
        _ => target,
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("{slash}{path}")
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

/// Builds the request for the app: the same body, and the same headers with their order and
/// repeats, without hop-by-hop headers, with the app's own target and host.
pub fn build_request(
    request: &Request,
    url: &Url,
    changes: &RequestChanges,
    now: Timestamp,
) -> Result<Request, HeaderError> {
    let signed = changes.resign.as_ref().and_then(|keys| sign_again(request, keys, now)).unwrap_or_default();
    let set = || changes.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let signed = || signed.iter().map(|(name, value)| (*name, value.as_bytes()));
    // The marks of listeners are in `Via`, and end a loop, so an entry is added and replaces none.
    let is_replaced = |name: &str| {
        !name.eq_ignore_ascii_case("via") && set().chain(signed()).any(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    let mut headers = Headers::new();
    let is_kept = |name: &str, value: &[u8]| {
        // The app's answer is shown, so it should not be compressed.
        let is_encoding = name.eq_ignore_ascii_case("accept-encoding");
        !is_replaced(name) && !is_encoding && (changes.hop_mark.is_some() || !hop_mark::is_mark_line(name, value))
    };
    for (name, value) in request.headers.end_to_end().filter(|(name, value)| is_kept(name, value)) {
        let value = if name.eq_ignore_ascii_case("host") { host(url).into_bytes() } else { value.to_vec() };
        headers.push(name, &value)?;
    }
    for (name, value) in set().chain(signed()) {
        headers.push(name, value)?;
    }
    if let Some(mark) = &changes.hop_mark {
        mark.append_to(&mut headers)?;
    }
    let (method, target) = (request.method.clone(), app_target(url, request));
    Ok(Request { method, target, headers, body: request.body.clone() })
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns new signature headers. `None`: the request has no signature, or there is no key for its
/// provider.
fn sign_again(request: &Request, keys: &[Key], now: Timestamp) -> Option<Vec<(&'static str, String)>> {
    let provider = provider::by_header(request)?;
    let key = keys.iter().find(|key| key.secret.provider == provider.name())?;
    let timestamp = provider::format_unix_seconds(now);
    let mac = key.sign(provider.signed_prefix(&timestamp).as_bytes(), &request.body);
    Some(provider.signature_headers(&mac, &timestamp, SignatureForm::Reference))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::{Secret, SecretOrigin};
    use crate::model::signature::DEFAULT_TOLERANCE;
    use crate::webhook::receive::{Rules, receive};
    use crate::webhook::route::Route;

    #[test]
    fn a_port_is_one_of_localhost_and_an_event_type_is_not_a_host() {
        for text in ["3000", ":3000", "http://3000", "3000/"] {
            assert_eq!(parse_url(text).unwrap().as_str(), "http://localhost:3000/", "{text}");
        }
        assert_eq!(parse_url("3000/hooks?a=1").unwrap().as_str(), "http://localhost:3000/hooks?a=1");
        assert_eq!("payment.*=3000".parse::<Route>().unwrap().url.as_str(), "http://localhost:3000/");
        for text in ["payment.debited", "payment.debitd", "plustive:transaction.failed"] {
            assert_eq!(parse_url(text), Err(UrlError::EventType), "{text}");
        }
        for text in ["payment.example.com", "localhost:3000", "2130706433", "127.0.0.1", "[::1]:3000", "app"] {
            assert!(parse_url(text).is_ok(), "{text}");
        }
    }

    fn request() -> Request {
        let text = "Host: tunnel.example\r\nAccept-Encoding: gzip, br\r\nX-A: 1\r\nx-b: 2\r\nX-A: 3\r\nConnection: keep-alive, X-Drop\r\nX-Drop: 1\r\nTE: trailers\r\n";
        let headers = Headers::read(text.as_bytes().to_vec()).unwrap();
        Request { method: "POST".to_owned(), target: "/hooks?x=1".to_owned(), headers, body: b"\0\xff".to_vec() }
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn headers_keep_order_repeats_and_case_and_lose_hop_by_hop_lines() {
        let sent = build_request(
            &request(),
            &url("http://localhost:3000/a"),
            &RequestChanges::default(),
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
        assert_eq!(sent.headers.as_bytes(), b"Host: localhost:3000\r\nX-A: 1\r\nx-b: 2\r\nX-A: 3\r\n");
        assert_eq!(sent.body, b"\0\xff");
    }

    #[test]
    fn path_and_query_are_those_of_the_request_only_if_the_url_has_none() {
        let target = |base: &str| app_target(&url(base), &request());
        assert_eq!(target("http://localhost:3000"), "/hooks?x=1");
        assert_eq!(target("http://localhost:3000/"), "/hooks?x=1");
        assert_eq!(target("http://localhost:3000/mine"), "/mine");
        assert_eq!(target("http://localhost:3000/?own"), "/?own");
    }

    #[test]
    fn a_received_target_is_kept_byte_for_byte_and_names_no_other_host() {
        let target = |text: &str| {
            let request = Request { target: text.to_owned(), ..request() };
            assert_eq!(app_target(&url("http://h:1/own/path"), &request), "/own/path");
            app_target(&url("http://h:1"), &request)
        };
        for text in [
            "/../../admin",
            "/a/%2e%2e/b",
            "//evil.test/x",
            "/a;b=c/./?x=#y",
            "/?a=http://b.test/",
            "/x://y",
            "/caf\u{e9}\"<",
        ] {
            assert_eq!(target(text), text);
        }
        for (absolute, expected) in [
            ("http://host/hook", "/hook"),
            ("HTTPS://host:8443/a/../b?c=d", "/a/../b?c=d"),
            ("http://host", "/"),
            ("http://host?x=1", "/?x=1"),
            ("http://me:pw@host/x", "/x"),
            ("hooks", "/hooks"),
            ("*", "/*"),
            ("@evil.test/", "/@evil.test/"),
        ] {
            assert_eq!(target(absolute), expected);
        }
    }

    #[test]
    fn a_header_that_is_set_replaces_all_of_its_name() {
        let changes = RequestChanges { headers: vec![("x-a".to_owned(), "9".to_owned())], ..Default::default() };
        let sent = build_request(&request(), &url("http://h/"), &changes, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(sent.headers.as_bytes(), b"Host: h\r\nx-b: 2\r\nx-a: 9\r\n");
    }

    #[test]
    fn the_mark_of_the_listener_comes_last_and_no_header_that_is_set_replaces_it() {
        let text = b"Via: 1.1 proxy\r\nVia: 1.1 whtool-0202020202020202\r\nX-A: 1\r\n";
        let received = Request { headers: Headers::read(text.to_vec()).unwrap(), ..request() };
        let sent = |changes: &RequestChanges| {
            let sent = build_request(&received, &url("http://h/"), changes, Timestamp::UNIX_EPOCH).unwrap();
            String::from_utf8(sent.headers.as_bytes().to_vec()).unwrap()
        };
        let mark = Some(HopMark::from_random([1; 8]));
        let mark_line = "Via: 1.1 whtool-0101010101010101\r\n";
        let foreign = "Via: 1.1 proxy\r\nVia: 1.1 whtool-0202020202020202\r\n";
        let marked = RequestChanges { hop_mark: mark, ..Default::default() };
        assert_eq!(sent(&marked), format!("{foreign}X-A: 1\r\n{mark_line}"));
        let set = RequestChanges { headers: vec![("via".to_owned(), "1.1 mine".to_owned())], ..marked };
        assert_eq!(sent(&set), format!("{foreign}X-A: 1\r\nvia: 1.1 mine\r\n{mark_line}"));
        assert_eq!(sent(&RequestChanges::default()), "Via: 1.1 proxy\r\nX-A: 1\r\n", "what `replay` sends");
    }

    #[test]
    fn a_re_signed_request_verifies_with_the_new_key() {
        let key = Key::new(Secret::new("plexos", SecretOrigin::LocalTest, "local"));
        let mut old = Request::post("/", b"{}".to_vec());
        old.headers.push("x-plexos-timestamp", b"1").unwrap();
        old.headers.push("x-plexos-signature", b"00").unwrap();
        let changes = RequestChanges { resign: Some(vec![key.clone()]), ..Default::default() };
        let now = Timestamp::from_second(1_736_937_000).unwrap();
        let sent = build_request(&old, &url("http://h/"), &changes, now).unwrap();
        assert_eq!(sent.headers.len(), 2);
        let rules = Rules { keys: vec![key], tolerance: Some(DEFAULT_TOLERANCE) };
        let delivery = crate::model::delivery::Delivery { request: sent, peer: None, arrived: None };
        assert!(receive(delivery, &rules, now).verdict.is_verified());
    }

    #[test]
    fn a_url_error_says_what_was_found_and_what_to_write() {
        for (text, error) in [
            ("payment.debited", "expected a URL such as http://localhost:3000/webhooks, found an event type"),
            ("ftp://localhost", "`ftp` is not http or https"),
            ("mailto://a", "`mailto` is not http or https"),
            (
                "http://[fe80::1%25eth0]:3000/",
                "a zone id such as %eth0 can't be used in a URL; use an address without it, or a name",
            ),
            ("http://[fe80::x]", "invalid IPv6 address"),
            ("http://", "empty host"),
            ("localhost:99999", "invalid port number"),
        ] {
            assert_eq!(parse_url(text).unwrap_err().to_string(), error, "{text}");
        }
        // No port has these numbers, so they are addresses.
        assert!(parse_url("65536").is_ok() && parse_url("0").is_ok());
    }

    #[test]
    fn an_equals_sign_in_a_url_does_not_make_it_a_glob() {
        for (text, url) in [
            ("http://h/a?b=c", "http://h/a?b=c"),
            ("h/a=b", "http://h/a=b"),
            ("*=h", "http://h/"),
            ("refund.*=h:1/x?a=b", "http://h:1/x?a=b"),
        ] {
            assert_eq!(text.parse::<Route>().unwrap().url.as_str(), url, "{text}");
        }
        for text in ["=http://h/", "payment.*=", "payment.*=ftp://h/"] {
            let expected = format!(
                "`{text}` is not a URL; use http://localhost:3000/hooks, or 'payment.*=http://localhost:3000/payments'"
            );
            assert_eq!(text.parse::<Route>().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn the_host_has_its_port_only_if_it_is_unusual() {
        let hosts =
            ["http://h:80/", "https://h:443/", "http://h:443/", "http://[::1]:3000/"].map(|text| host(&url(text)));
        assert_eq!(hosts, ["h", "h", "h:443", "[::1]:3000"]);
    }

    #[test]
    fn a_request_without_a_signature_or_a_key_for_its_provider_is_not_signed() {
        let key = |provider| Key::new(Secret::new(provider, SecretOrigin::LocalTest, "local"));
        let changes = |keys| RequestChanges { resign: Some(keys), ..Default::default() };
        let send = |request: &Request, changes: &RequestChanges| {
            build_request(request, &url("http://h/"), changes, Timestamp::UNIX_EPOCH)
                .unwrap()
                .headers
                .as_bytes()
                .to_vec()
        };
        let unsigned = Request::post("/", b"{}".to_vec());
        assert_eq!(send(&unsigned, &changes(vec![key("plexos")])), b"");
        let mut signed = unsigned;
        signed.headers.push("X-Plustive-Signature", b"00").unwrap();
        // The other provider's key must not sign it.
        assert_eq!(send(&signed, &changes(vec![key("plexos")])), b"X-Plustive-Signature: 00\r\n");
        // `printf '{}' | openssl dgst -sha256 -hmac local`
        let expected = "8b46b17e6338203812b8f4d42ba5f2eb2be821c192a42162e1f6a26c75b1e653";
        let sent = send(&signed, &changes(vec![key("plexos"), key("plustive")]));
        assert!(String::from_utf8(sent).unwrap().ends_with(&format!("{expected}\r\n")));
    }
}
