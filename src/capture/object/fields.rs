//! Finds the fields of a request among the members of a JSON object, whatever a tool calls them.

use crate::json::{TokenKind, ValueView};

/// The members of an object that may describe a request.
#[derive(Default)]
pub(super) struct RequestMembers<'d> {
    pub method: Option<ValueView<'d>>,
    pub target: Option<ValueView<'d>>,
    /// The query, if the target is a path without one.
    pub query: Option<ValueView<'d>>,
    pub headers: Option<ValueView<'d>>,
    /// Attributes of a message in a queue, which may carry the headers.
    pub attributes: Option<ValueView<'d>>,
    /// Possible bodies: the first one that is not empty counts.
    pub bodies: Vec<BodyMember<'d>>,
    pub is_base64: bool,
    /// The length of the body in bytes.
    pub length: Option<u64>,
    pub has_status: bool,
}

/// A member that may hold the body.
#[derive(Clone, Copy)]
pub(super) struct BodyMember<'d> {
    rank: usize,
    pub value: ValueView<'d>,
    /// The name says that the text is base64.
    pub is_base64: bool,
}

/// Members of an object that are looked at. More of them are data, not a request; and each of a
/// million requests looks at the object around it.
pub(super) const MAX_MEMBERS: usize = 200;

const METHODS: &[&str] = &["method", "httpmethod", "requestmethod", "verb"];
const TARGETS: &[&str] = &[
    "rawpath",
    "target",
    "url",
    "requesturl",
    "fullurl",
    "uri",
    "requesturi",
    "originalurl",
    "path",
    "requestpath",
    "endpoint",
];
const QUERIES: &[&str] = &["rawquerystring", "querystring", "query", "search"];
const HEADERS: &[&str] =
    &["rawheaders", "headers", "header", "requestheaders", "reqheaders", "httpheaders", "multivalueheaders"];
const ATTRIBUTES: &[&str] = &["messageattributes", "attributes"];
/// Names of bodies that are base64, then names of texts as received, then names that parsers use.
const BODIES: &[&str] = &[
    "bodybase64",
    "base64body",
    "bodyasbase64",
    "rawbodybase64",
    "bodyb64",
    "rawbody",
    "bodyraw",
    "rawrequestbody",
    "bodytext",
    "textbody",
    "bodystring",
    "rawpayload",
    "rawdata",
    "body",
    "requestbody",
    "postdata",
    "content",
    "text",
    "payload",
    "data",
    "raw",
    "message",
    "bodymasked",
];
const BASE64_BODIES: usize = 5;
const BASE64_FLAGS: &[&str] = &["isbase64encoded", "isbase64", "base64encoded", "bodyisbase64"];
const ENCODINGS: &[&str] = &["encoding", "bodyencoding", "contentencoding", "transferencoding"];
const STATUSES: &[&str] = &["status", "statuscode", "statustext", "responsecode"];

/// Checks whether these names, of columns, describe a request with headers and a body.
pub(in crate::capture) fn has_request_names(names: &[String]) -> bool {
    let has = |known: &[&str]| names.iter().any(|name| known.contains(&normalized(name).as_str()));
    has(HEADERS) && has(BODIES)
}

/// Returns the value of a member, if it is one of the first.
pub(super) fn member<'d>(object: ValueView<'d>, name: &str) -> Option<ValueView<'d>> {
    object.members().take(MAX_MEMBERS).find(|(other, _)| other == name).map(|(_, value)| value)
}

/// Returns a name in lower case without `_`, `-` and blanks: `raw_body` and `rawBody` are the same.
pub(super) fn normalized(name: &str) -> String {
    let is_kept = |letter: &char| !matches!(letter, '_' | '-' | ' ');
    name.chars().filter(is_kept).map(|letter| letter.to_ascii_lowercase()).collect()
}

impl<'d> RequestMembers<'d> {
    pub fn of(object: ValueView<'d>) -> Self {
        let mut found = Self::default();
        let mut ranks = [usize::MAX; 5];
        for (name, value) in object.members().take(MAX_MEMBERS).filter(|(_, value)| value.kind() != TokenKind::Null) {
            let name = normalized(&name);
            let rank = |names: &[&str]| names.iter().position(|other| *other == name);
            let slots = [
                (METHODS, &mut found.method),
                (TARGETS, &mut found.target),
                (QUERIES, &mut found.query),
                (HEADERS, &mut found.headers),
                (ATTRIBUTES, &mut found.attributes),
            ];
            for ((names, slot), best) in slots.into_iter().zip(&mut ranks) {
                if let Some(rank) = rank(names).filter(|rank| *rank < *best) {
                    (*slot, *best) = (Some(value), rank);
                }
            }
            if let Some(rank) = rank(BODIES) {
                found.bodies.push(BodyMember { rank, value, is_base64: rank < BASE64_BODIES });
            }
            found.is_base64 |= rank(BASE64_FLAGS).is_some() && value.kind() == TokenKind::True;
            found.is_base64 |= rank(ENCODINGS).is_some() && is_text(value, "base64");
            found.has_status |= rank(STATUSES).is_some() && value.kind() == TokenKind::Number;
            if name == "bodysize" {
                found.length = value.spelling().parse().ok();
            }
        }
        found.bodies.sort_by_key(|body| body.rank);
        found.add_request_context(object);
        found
    }

    /// Adds method and path of an AWS HTTP API event, which are in `requestContext.http`.
    fn add_request_context(&mut self, object: ValueView<'d>) {
        let Some(http) = member(object, "requestContext").and_then(|context| member(context, "http")) else { return };
        self.method = self.method.or_else(|| http.get("method"));
        self.target = self.target.or_else(|| http.get("path"));
    }

    /// Checks whether the method is one of HTTP, in capitals or not.
    pub fn has_http_method(&self) -> bool {
        let Some(method) = self.method.and_then(ValueView::text) else { return false };
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        known.iter().any(|other| other.eq_ignore_ascii_case(&method))
    }
}

fn is_text(value: ValueView<'_>, expected: &str) -> bool {
    value.text().is_some_and(|text| text.eq_ignore_ascii_case(expected))
}
