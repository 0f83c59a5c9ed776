//! The table of routes, and the way of a request through it.

use super::access::Denial;
use super::openapi::{self, AnswerKind, ParameterGroup, RouteDescription};
use super::parameters::Parameters;
use super::reply::{self, Failure};
use super::server::Call;
use super::{api, files, overview, pages, record, replays, work};
use crate::model::exchange::ServerReply;
use crate::model::message::Request;
use crate::world::HandlerReply;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Anyone who may call the server at all. The answer contains no data.
    Public,
    /// Browsers in which a link was opened, and programs with the token. Failures are pages.
    Page,
    /// The same. Failures are records.
    Api,
}

/// Answers a request that has passed all checks.
type Handler = fn(&mut Call<'_>, &RouteMatch) -> Result<HandlerReply, Failure>;

pub(super) struct Route {
    pub method: &'static str,
    /// `{}` stands for one part.
    pub path: &'static str,
    pub access: Access,
    /// The words for the description of the API.
    pub description: Option<RouteDescription>,
    handler: Handler,
}

/// The variable parts of a request.
pub(super) struct RouteMatch {
    pub access: Access,
    /// The parts of the path that `{}` stands for, decoded.
    pub parts: Vec<String>,
    pub query: Parameters,
    /// The query string as sent.
    pub query_text: String,
}

const fn get(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: "GET", path, access, description: None, handler }
}

const fn api(path: &'static str, handler: Handler, description: RouteDescription) -> Route {
    Route { method: "GET", path, access: Access::Api, description: Some(description), handler }
}

const fn post(path: &'static str, handler: Handler) -> Route {
    Route { method: "POST", path, access: Access::Page, description: None, handler }
}

pub(super) static ROUTES: [Route; 25] = [
    get("/login", Access::Public, pages::login),
    get("/assets/{}", Access::Public, pages::asset),
    get("/", Access::Page, pages::list),
    get("/events/{}", Access::Page, pages::detail),
    get("/events/{}/diff/{}", Access::Page, pages::diff),
    get("/events/{}/raw", Access::Page, api::raw),
    get("/events/{}/body", Access::Page, files::body),
    get("/events/{}/har", Access::Page, files::har),
    get("/events/{}/bundle", Access::Page, files::bundle),
    get("/events/{}/curl", Access::Page, files::curl),
    post("/events/{}/replay", replays::replay),
    post("/events/{}/record", record::look_up),
    post("/samples", replays::sample),
    get("/overview", Access::Page, overview::overview),
    get("/check", Access::Page, work::check),
    post("/check", work::start_check),
    get("/reconcile", Access::Page, work::reconcile),
    post("/reconcile", work::start_reconcile),
    post("/reconcile/stop", work::stop_reconcile),
    get("/stream", Access::Page, api::stream),
    api(
        "/api/v1/events",
        api::list,
        RouteDescription {
            summary: "List captures, newest first",
            parameters: &[ParameterGroup::Filters, ParameterGroup::Limit, ParameterGroup::Place],
            answer: AnswerKind::Record("events"),
        },
    ),
    api(
        "/api/v1/events/{}",
        api::show,
        RouteDescription {
            summary: "Show a capture with its request and attempts",
            parameters: &[],
            answer: AnswerKind::Record("capture"),
        },
    ),
    api(
        "/api/v1/events/{}/raw",
        api::raw,
        RouteDescription {
            summary: "Save the request of a capture as raw HTTP",
            parameters: &[],
            answer: AnswerKind::Bytes,
        },
    ),
    api(
        "/api/v1/stream",
        api::stream,
        RouteDescription {
            summary: "Follow captures as they arrive, and as their answers come",
            parameters: &[ParameterGroup::Filters, ParameterGroup::StreamPlace],
            answer: AnswerKind::Stream("event"),
        },
    ),
    api(
        "/api/v1/openapi.json",
        openapi::describe,
        RouteDescription { summary: "Describe this API", parameters: &[], answer: AnswerKind::Description },
    ),
];

/// Answers a request: checks the sender, finds the route, checks who calls, and calls the handler.
pub(super) fn answer(mut call: Call<'_>) -> HandlerReply {
    let (path, query) = call.request.target.split_once('?').unwrap_or((&call.request.target, ""));
    let access = if path.starts_with("/api/") { Access::Api } else { Access::Page };
    let answered = find_and_call(&mut call, path, query);
    if let Err(Failure { status: 401, .. }) = answered
        && access == Access::Page
    {
        call.server.offer_link(call.at);
    }
    answered.unwrap_or_else(|failure| {
        let mut reply = failed(&failure, access);
        if failure.text == Denial::ForeignLink.text() && access == Access::Page {
            // The browser opens the same address for this page, and sends the cookie.
            reply::push(&mut reply.headers, "Refresh", &format!("0; url={}", call.request.target));
        }
        reply.into()
    })
}

fn find_and_call(call: &mut Call<'_>, path: &str, query: &str) -> Result<HandlerReply, Failure> {
    let gate = &call.server.gate;
    gate.check_sender(call.request)?;
    let matching: Vec<_> = ROUTES.iter().filter_map(|route| Some((route, match_path(route.path, path)?))).collect();
    let method = if call.request.method == "HEAD" { "GET" } else { call.request.method.as_str() };
    let found = matching.iter().position(|(route, _)| route.method == method);
    let is_public = |position: usize| matching.get(position).is_some_and(|(route, _)| route.access == Access::Public);
    let caller = if found.is_some_and(is_public) { None } else { Some(gate.caller(call.request)?) };
    let Some(found) = found else {
        return Err(if matching.is_empty() {
            Failure::not_found("there is nothing at this path")
        } else {
            Failure::new(405, format!("only {} is possible here", allowed_methods(&matching)))
        });
    };
    let (route, parts) = &matching[found];
    if let (Some(caller), "POST") = (caller, route.method) {
        gate.check_change(call.request, caller)?;
        check_form(call.request)?;
    }
    let matched = RouteMatch {
        access: route.access,
        parts: parts.clone(),
        query: Parameters::read(query.as_bytes()),
        query_text: query.to_owned(),
    };
    (route.handler)(call, &matched)
}

/// Refuses a body that is not a form.
fn check_form(request: &Request) -> Result<(), Failure> {
    let content_type = request.headers.get("content-type").unwrap_or_default();
    let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let is_form = essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
    if request.body.is_empty() || is_form {
        Ok(())
    } else {
        Err(Failure::new(415, "the body must be application/x-www-form-urlencoded"))
    }
}

fn allowed_methods(matching: &[(&Route, Vec<String>)]) -> String {
    let methods: Vec<_> = matching.iter().map(|(route, _)| route.method).collect();
    methods.join(", ").replace("GET", "GET, HEAD")
}

/// Matches a path with a pattern, and returns the parts that `{}` stands for.
fn match_path(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    if pattern.len() != path.len() {
        return None;
    }
    let mut parts = Vec::new();
    for (expected, part) in pattern.into_iter().zip(path) {
        if expected == "{}" && !part.is_empty() {
            parts.push(percent_encoding::percent_decode_str(part).decode_utf8().ok()?.into_owned());
        } else if expected != part {
            return None;
        }
    }
    Some(parts)
}

/// Makes the answer to a request that failed: a record for programs, a page for browsers.
fn failed(failure: &Failure, access: Access) -> ServerReply {
    let mut reply = match access {
        Access::Api => failure.to_record(),
        Access::Page | Access::Public => pages::failed(failure),
    };
    match failure.status {
        401 => reply::push(&mut reply.headers, "WWW-Authenticate", "Bearer"),
        405 => {
            let methods = failure.text.trim_start_matches("only ").trim_end_matches(" is possible here");
            reply::push(&mut reply.headers, "Allow", methods);
        }
        503 => reply::push(&mut reply.headers, "Retry-After", "1"),
        _ => {}
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_its_pattern_part_by_part() {
        assert_eq!(match_path("/events/{}/raw", "/events/evt%5F1/raw"), Some(vec!["evt_1".to_owned()]));
        assert_eq!(match_path("/", "/"), Some(Vec::new()));
        for path in ["/events//raw", "/events/1", "/events/1/raw/", "/events/%ff/raw", "//events/1/raw"] {
            assert_eq!(match_path("/events/{}/raw", path), None, "{path}");
        }
    }
}
