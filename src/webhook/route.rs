//! Routes of `--forward-to`: URLs with the event types that are forwarded to them.

use super::forward::{UrlError, parse_url};
use crate::provider;
use std::str::FromStr;
use url::Url;
use wildmatch::WildMatch;

/// A URL, and the event types that are forwarded to it.
#[derive(Clone, Debug)]
pub struct Route {
    /// Globs. Empty: every type.
    pub types: Vec<String>,
    pub url: Url,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RouteError {
    #[error("{0}")]
    NotAUrl(UrlError),
    #[error("`{0}` is not a URL; use http://localhost:3000/hooks, or 'payment.*=http://localhost:3000/payments'")]
    Invalid(String),
}

/// Splits `TYPES=URL`. `None`: the `=` is one of a query. `?` is a wildcard of types if a whole URL
/// follows.
fn split_types(route: &str) -> Option<(&str, &str)> {
    let (types, url) = route.split_once('=')?;
    let is_query = types.contains(['/', ':']) || (types.contains('?') && !url.trim_start().starts_with("http"));
    (!is_query).then_some((types, url))
}

/// Splits a list at commas. Spaces around elements and empty elements have no meaning.
pub fn list_elements(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|element| !element.is_empty())
}

impl FromStr for Route {
    type Err = RouteError;

    /// Parses `URL` or `TYPE,TYPE=URL`.
    fn from_str(text: &str) -> Result<Self, RouteError> {
        let (types, url) = match split_types(text) {
            Some((types, url)) if !types.is_empty() => (types, url.trim()),
            _ => ("", text.trim()),
        };
        let url = parse_url(url).map_err(|error| match error {
            UrlError::EventType | UrlError::ZoneId => RouteError::NotAUrl(error),
            UrlError::Scheme(_) | UrlError::Invalid(_) => RouteError::Invalid(text.to_owned()),
        })?;
        let types: Vec<_> = list_elements(types).map(str::to_owned).collect();
        // `,=URL` has no type, which must not mean every type.
        if types.is_empty() && text.trim_start().starts_with(',') {
            return Err(RouteError::Invalid(text.to_owned()));
        }
        Ok(Self { types, url })
    }
}

impl Route {
    /// Returns true if events of this type are forwarded here.
    pub fn matches(&self, event_type: Option<&str>) -> bool {
        let matches = |glob: &String| WildMatch::new(glob).matches(event_type.unwrap_or_default());
        self.types.is_empty() || self.types.iter().any(matches)
    }
}

/// One or several routes, separated by commas.
#[derive(Clone, Debug)]
pub struct RouteList(pub Vec<Route>);

impl FromStr for RouteList {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let routes = split_routes(text).into_iter().map(str::parse).collect::<Result<Vec<_>, _>>()?;
        if routes.is_empty() { Err(RouteError::Invalid(text.to_owned())) } else { Ok(Self(routes)) }
    }
}

/// Splits a list of routes. Commas in types and in URLs do not end a route.
pub fn split_routes(text: &str) -> Vec<&str> {
    let (mut routes, mut start) = (Vec::new(), 0);
    for (at, _) in text.match_indices(',') {
        let (route, rest) = (text[start..at].trim(), text[at + 1..].trim_start());
        if route.is_empty() || (has_url(route) && starts_route(rest, route)) {
            routes.push(trimmed(route));
            start = at + 1;
        }
    }
    routes.push(trimmed(&text[start..]));
    routes.retain(|route| !route.is_empty());
    routes
}

fn trimmed(route: &str) -> &str {
    route.trim().trim_end_matches([',', ' '])
}

/// Checks whether a route is complete: types need a URL.
fn has_url(route: &str) -> bool {
    let url = split_types(route).map_or(route, |(_, url)| url);
    url.contains([':', '/']) || is_port(url) || url == "localhost"
}

/// Checks whether a text after a comma begins another route. A query may have commas, too.
fn starts_route(rest: &str, before: &str) -> bool {
    let starts_url = |text: &str| {
        let host = text.split([',', '/', '?']).next().unwrap_or_default();
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| is_port(port));
        let is_bare = !before.contains('?') && (is_port(host) || host == "localhost");
        text.starts_with("http://") || text.starts_with("https://") || has_port || is_bare
    };
    let typed = split_types(rest);
    starts_url(rest) || typed.is_some_and(|(_, url)| starts_url(url.trim_start()))
}

fn is_port(text: &str) -> bool {
    let digits = text.strip_prefix(':').unwrap_or(text);
    (2..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Checks whether a documented event type matches a glob.
pub fn is_known_type(glob: &str) -> bool {
    let matcher = WildMatch::new(glob);
    provider::ALL.iter().flat_map(|provider| provider.event_types()).any(|known| matcher.matches(known.name))
}

/// Returns the documented event type, or the group such as `payment.*`, that is spelled most like a
/// glob. `None`: none is similar.
pub fn nearest_type(glob: &str) -> Option<String> {
    let asked = glob.to_lowercase();
    let types = provider::ALL.iter().flat_map(|provider| provider.event_types()).map(|known| known.name);
    let candidates = types.flat_map(|name| {
        let group = name.split_once('.').map(|(group, _)| format!("{group}.*"));
        group.into_iter().chain([name.to_owned()])
    });
    let scored = candidates.map(|name| (strsim::jaro_winkler(&asked, &name), name));
    let (similarity, name) = scored.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (similarity > 0.8).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_is_a_wildcard_of_types_and_begins_a_query() {
        let route = |text: &str| text.parse::<Route>().unwrap();
        let wild = route("payment.?ailed=http://localhost:3000/x?a=b");
        assert!(wild.matches(Some("payment.failed")) && !wild.matches(Some("payment.debited")));
        assert_eq!(wild.url.as_str(), "http://localhost:3000/x?a=b");
        assert_eq!(route("app.test?next=1").url.as_str(), "http://app.test/?next=1");
    }

    #[test]
    fn a_route_may_start_with_globs() {
        let route = |text: &str| text.parse::<Route>().unwrap();
        assert!(route("localhost:3000").matches(None));
        let payments = route("payment.*=http://localhost:3000/p?a=b");
        assert!(
            payments.matches(Some("payment.debited"))
                && !payments.matches(Some("refund.failed"))
                && !payments.matches(None)
        );
        assert_eq!(payments.url.as_str(), "http://localhost:3000/p?a=b");
        assert_eq!(route("http://localhost/?a=b").url.as_str(), "http://localhost/?a=b");
        for text in ["payment.*,refund.failed=http://h/", " payment.* , refund.failed, = http://h/ "] {
            let two = route(text);
            assert!(two.matches(Some("payment.debited")) && two.matches(Some("refund.failed")), "{text}");
            assert!(!two.matches(Some("refund.succeeded")) && two.url.as_str() == "http://h/", "{text}");
        }
        for text in ["ftp://x", "", ",=http://h/", "=http://h/"] {
            assert!(text.parse::<Route>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_of_routes_is_split_between_routes_only() {
        for (text, routes) in [
            ("http://a/,http://b/", &["http://a/", "http://b/"][..]),
            (" http://a/ , , http://b/ ,", &["http://a/", "http://b/"]),
            ("a.*,b=http://a/,c=http://b/", &["a.*,b=http://a/", "c=http://b/"]),
            ("http://a/?x=1,2,y=3,http://b/", &["http://a/?x=1,2,y=3", "http://b/"]),
            ("localhost:3000,localhost:4000/x", &["localhost:3000", "localhost:4000/x"]),
            ("3000,:4000", &["3000", ":4000"]),
            ("http://a/,b,c=https://d/", &["http://a/", "b,c=https://d/"]),
            ("", &[]),
            (" , ", &[]),
        ] {
            assert_eq!(split_routes(text), routes, "{text}");
        }
        assert!(",".parse::<RouteList>().is_err());
    }

    #[test]
    fn a_mistyped_type_is_known_by_its_nearest() {
        for (glob, near) in
            [("paymnt.*", "payment.*"), ("Payment.Debited", "payment.debited"), ("refund", "refund.*"), ("xyzzy", "")]
        {
            assert!(!is_known_type(glob), "{glob}");
            assert_eq!(nearest_type(glob).unwrap_or_default(), near, "{glob}");
        }
        assert!(is_known_type("payment.*") && is_known_type("*"));
    }
}
