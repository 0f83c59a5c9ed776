//! The description of the API in OpenAPI 3.1, made of the table of routes, the filters of `events`
//! and the schema of the records.

use super::parameters::filter_command;
use super::reply::{self, Failure};
use super::routes::{ROUTES, Route, RouteMatch};
use super::server::Call;
use crate::command::help::RECORD_SCHEMA;
use crate::world::HandlerReply;
use clap::{Arg, ArgAction};
use serde_json::{Map, Value, json};

/// The words of a route, for its description.
pub(super) struct RouteDescription {
    pub summary: &'static str,
    pub parameters: &'static [ParameterGroup],
    pub answer: AnswerKind,
}

/// Parameters that a route accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterGroup {
    /// The filters of `events` but `limit`.
    Filters,
    Limit,
    /// `before` and `after` of a list.
    Place,
    /// The place of a stream.
    StreamPlace,
}

/// The answer of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerKind {
    /// A record with the name that it has in the schema of the records.
    Record(&'static str),
    Bytes,
    /// Server-sent events with records of this name.
    Stream(&'static str),
    Description,
}

/// Records that the description contains.
const RECORDS: [&str; 4] = ["event", "events", "capture", "error"];

pub(super) fn describe(_call: &mut Call<'_>, _matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let text = format!("{:#}\n", description());
    Ok(reply::with_body(200, reply::JSON, text).into())
}

fn description() -> Value {
    let paths: Map<_, _> = ROUTES
        .iter()
        .filter_map(|route| {
            let description = route.description.as_ref()?;
            Some((route.path.replace("{}", "{capture}"), json!({"get": operation(route, description)})))
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "whtool",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Captured webhooks of Plexos Pay and Plustive",
            "description": "The records of `events --json`. docs/api.md explains how to call it.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "WHTOOL_UI_TOKEN, or `token` of `ui --json`"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "whtool_PORT", "description": "set by the link that `ui` prints"},
            },
            "schemas": schemas(),
        },
    })
}

fn operation(route: &Route, description: &RouteDescription) -> Value {
    let mut parameters = Vec::new();
    if route.path.contains("{}") {
        parameters.push(json!({
            "name": "capture", "in": "path", "required": true, "schema": {"type": "string"},
            "description": "number, `last`, `last~2`, event id or reference",
        }));
    }
    parameters.extend(description.parameters.iter().flat_map(|group| group_parameters(*group)));
    let words = route.path.trim_start_matches("/api/v1/").replace("{}", "capture").replace(['/', '.'], "_");
    json!({
        "operationId": format!("get_{words}"), "summary": description.summary, "parameters": parameters,
        "responses": {"200": answer(description.answer), "default": failure()},
    })
}

fn group_parameters(group: ParameterGroup) -> Vec<Value> {
    let query = |name: &str, schema: Value, description: &str| json!({"name": name, "in": "query", "schema": schema, "description": description});
    let number = |minimum: u32| json!({"type": "integer", "minimum": minimum});
    match group {
        ParameterGroup::Filters => {
            let command = filter_command();
            command.get_arguments().filter(|arg| arg.get_long() != Some("limit")).filter_map(filter).collect()
        }
        ParameterGroup::Limit => {
            let schema = json!({"type": "integer", "minimum": 1, "maximum": super::api::MAX_LIMIT, "default": super::api::DEFAULT_LIMIT});
            vec![query("limit", schema, "Captures in one answer")]
        }
        ParameterGroup::Place => vec![
            query("before", number(0), "Only captures with a lower number, as in `next`"),
            query("after", number(0), "Only captures with a higher number"),
        ],
        ParameterGroup::StreamPlace => {
            let last_event_id = json!({
                "name": "Last-Event-ID", "in": "header", "schema": {"type": "string"},
                "description": "`id` of the last event that was received: the stream continues after it",
            });
            vec![
                query(
                    "after",
                    json!({"type": "string"}),
                    "An `id` of the stream, as in Last-Event-ID, for clients that set no headers",
                ),
                last_event_id,
            ]
        }
    }
}

/// Describes a filter as a parameter.
fn filter(arg: &Arg) -> Option<Value> {
    let name = arg.get_long()?;
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let text = if values.is_empty() { json!({"type": "string"}) } else { json!({"type": "string", "enum": values}) };
    let schema = match arg.get_action() {
        ArgAction::SetTrue => json!({"type": "boolean"}),
        ArgAction::Append => json!({"type": "array", "items": text}),
        _ => text,
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    Some(json!({"name": name, "in": "query", "schema": schema, "description": help}))
}

fn answer(kind: AnswerKind) -> Value {
    let content = |media: &str, schema: Value| json!({media: {"schema": schema}});
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let (description, content) = match kind {
        AnswerKind::Record(name) => ("A record", content(reply::JSON, reference(name))),
        AnswerKind::Bytes => ("The request as it arrived", content(reply::BYTES, json!({}))),
        AnswerKind::Stream(name) => {
            let words = format!("Server-sent events; `data` of each is a record of the schema `{name}`");
            return json!({"description": words, "content": content("text/event-stream", json!({"type": "string"}))});
        }
        AnswerKind::Description => ("This description", content(reply::JSON, json!({"type": "object"}))),
    };
    json!({"description": description, "content": content})
}

fn failure() -> Value {
    let schema = json!({"$ref": "#/components/schemas/error"});
    json!({"description": "The request was refused, or failed", "content": {reply::JSON: {"schema": schema}}})
}

/// Returns the schemas of the records, with those that they refer to.
fn schemas() -> Map<String, Value> {
    let all: Value = serde_json::from_str(RECORD_SCHEMA).unwrap_or_default();
    let (mut schemas, mut wanted) = (Map::new(), RECORDS.map(str::to_owned).to_vec());
    while let Some(name) = wanted.pop() {
        if schemas.contains_key(&name) {
            continue;
        }
        let text = all["$defs"][name.as_str()].to_string();
        let parts = text.split("\"#/$defs/").skip(1).filter_map(|rest| rest.split('"').next());
        wanted.extend(parts.map(str::to_owned));
        let moved = text.replace("\"#/$defs/", "\"#/components/schemas/");
        schemas.insert(name, serde_json::from_str(&moved).unwrap_or_default());
    }
    schemas.sort_keys();
    schemas
}

#[cfg(test)]
mod tests {
    use super::super::routes::Access;
    use super::*;

    #[test]
    fn every_route_of_the_api_is_described_and_every_reference_leads_somewhere() {
        for route in &ROUTES {
            assert_eq!(route.description.is_some(), route.access == Access::Api, "{}", route.path);
        }
        let description = description();
        let text = description.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(description.pointer(reference).is_some_and(|found| !found.is_null()), "{reference}");
        }
        assert!(!text.contains("$defs"));
        let list = &description["paths"]["/api/v1/events"]["get"]["parameters"];
        let names: Vec<_> = list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        let filters = ["type", "verdict", "since", "until", "reference", "failed", "grep", "provider"];
        assert_eq!(names, [&filters[..], &["limit", "before", "after"]].concat());
    }
}
