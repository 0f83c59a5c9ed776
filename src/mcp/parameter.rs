//! Parameters of tools, and their JSON Schema.

use crate::diagnose::frameworks;
use crate::provider;
use serde_json::{Value, json};

pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: ParameterKind,
    pub(super) is_required: bool,
    pub(super) description: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterKind {
    Text,
    Integer,
    Boolean,
    Provider,
    /// One of the frameworks that whtool has code for.
    Framework,
    Texts,
    /// An object: new values by path.
    Changes,
}

pub(super) const fn required(name: &'static str, kind: ParameterKind, description: &'static str) -> Parameter {
    Parameter { name, kind, is_required: true, description }
}

pub(super) const fn optional(name: &'static str, kind: ParameterKind, description: &'static str) -> Parameter {
    Parameter { name, kind, is_required: false, description }
}

pub(super) fn property(parameter: &Parameter) -> Value {
    let mut schema = match parameter.kind {
        ParameterKind::Text => json!({"type": "string"}),
        ParameterKind::Integer => json!({"type": "integer", "minimum": 0}),
        ParameterKind::Boolean => json!({"type": "boolean"}),
        ParameterKind::Provider => {
            json!({"type": "string", "enum": provider::ALL.iter().map(|provider| provider.name()).collect::<Vec<_>>()})
        }
        ParameterKind::Framework => json!({"type": "string", "enum": framework_names()}),
        ParameterKind::Texts => json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 100}),
        ParameterKind::Changes => json!({"type": "object"}),
    };
    schema["description"] = parameter.description.into();
    schema
}

pub(super) fn framework_names() -> Vec<&'static str> {
    frameworks::ALL.iter().map(|framework| framework.name).collect()
}
