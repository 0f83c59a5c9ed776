//! Types of the payloads in other languages, from captures united with the documented samples.
//!
//! A field is required only if it is in every capture and in every documented sample. Fields that
//! nobody has seen yet are accepted everywhere. Each language has one file.

mod go;
mod json_schema;
mod pydantic;
mod typescript;
mod zod;

use super::LearnedFacts;
use super::shape::{JsonType, Shape};
use crate::provider::{self, Provider};
use std::collections::{BTreeMap, BTreeSet};

/// Language of the generated types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeLanguage {
    TypeScript,
    Zod,
    Pydantic,
    Go,
    JsonSchema,
}

impl TypeLanguage {
    pub const ALL: [Self; 5] = [Self::TypeScript, Self::Zod, Self::Pydantic, Self::Go, Self::JsonSchema];

    /// Returns the word for it in `--types`.
    pub fn code(self) -> &'static str {
        match self {
            Self::TypeScript => "ts",
            Self::Zod => "zod",
            Self::Pydantic => "pydantic",
            Self::Go => "go",
            Self::JsonSchema => "json-schema",
        }
    }

    /// Writes the types of all events as a source file.
    pub fn write(self, events: &[EventModel]) -> String {
        match self {
            Self::TypeScript => typescript::write(events),
            Self::Zod => zod::write(events),
            Self::Pydantic => pydantic::write(events),
            Self::Go => go::write(events),
            Self::JsonSchema => json_schema::write(events),
        }
    }
}

/// The payload of one event type.
pub struct EventModel {
    pub provider: &'static dyn Provider,
    /// Type as sent, such as `payment.debited`.
    pub kind: String,
    /// Name of the generated type, such as `PaymentDebited`.
    pub name: String,
    pub payload: TypeExpr,
    /// Number of captures.
    pub seen: u64,
    pub is_documented: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeExpr {
    /// This text and no other.
    Literal(String),
    Null,
    Boolean,
    Integer,
    Number,
    Text,
    /// Nothing is known about it.
    Unknown,
    Array(Box<Self>),
    Object(Vec<FieldModel>),
    /// At least two types, of which none is a union.
    Union(Vec<Self>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldModel {
    pub name: String,
    pub is_required: bool,
    pub ty: TypeExpr,
}

/// Builds the payload types of these providers from the documented samples and from captures.
pub fn model(facts: &LearnedFacts, providers: &[&'static dyn Provider]) -> Vec<EventModel> {
    let mut events = Vec::new();
    let mut names = UniqueNames::reserved(providers);
    for &provider in providers {
        let mut shapes: BTreeMap<String, (Shape, u64, bool)> = BTreeMap::new();
        for sample in provider.samples() {
            let (shape, _, is_documented) = shapes.entry(sample.kind).or_default();
            shape.add(&sample.body);
            *is_documented = true;
        }
        for (kind, event) in facts.0.get(provider.name()).iter().flat_map(|facts| &facts.events) {
            let (shape, seen, _) = shapes.entry(kind.clone()).or_default();
            shape.merge(&event.shape);
            *seen = event.seen.count;
        }
        events.extend(shapes.into_iter().map(|(kind, (shape, seen, is_documented))| {
            let payload = mark_type(expression(&shape), provider.type_field(), &kind);
            EventModel { provider, name: names.claim(pascal_case(&kind)), kind, payload, seen, is_documented }
        }));
    }
    events
}

/// Turns the field that names the event type into a literal.
fn mark_type(payload: TypeExpr, name: &str, kind: &str) -> TypeExpr {
    let TypeExpr::Object(mut fields) = payload else { return payload };
    for field in fields.iter_mut().filter(|field| field.name == name && field.ty == TypeExpr::Text) {
        field.ty = TypeExpr::Literal(kind.to_owned());
    }
    TypeExpr::Object(fields)
}

fn expression(shape: &Shape) -> TypeExpr {
    let one = |kind: &JsonType| match kind {
        JsonType::Null => TypeExpr::Null,
        JsonType::Boolean => TypeExpr::Boolean,
        JsonType::Integer => TypeExpr::Integer,
        JsonType::Number => TypeExpr::Number,
        JsonType::String => TypeExpr::Text,
        JsonType::Array => TypeExpr::Array(Box::new(shape.items.as_deref().map_or(TypeExpr::Unknown, expression))),
        JsonType::Object => TypeExpr::Object(
            shape.fields.iter().map(|(name, field)| field_model(name, field, shape.objects())).collect(),
        ),
    };
    let mut types: Vec<_> = shape.types.keys().map(one).collect();
    // Every integer is a number, too.
    if types.contains(&TypeExpr::Number) {
        types.retain(|each| *each != TypeExpr::Integer);
    }
    match types.len() {
        0 => TypeExpr::Unknown,
        // A field that was never anything but null may be anything.
        1 if types[0] == TypeExpr::Null => TypeExpr::Unknown,
        1 => types.remove(0),
        _ => TypeExpr::Union(types),
    }
}

fn field_model(name: &str, field: &Shape, objects: u64) -> FieldModel {
    FieldModel { name: name.to_owned(), is_required: field.count == objects, ty: expression(field) }
}

/// Names that are taken in one scope. Different fields and events may have the same name in a
/// language, such as `a-b` and `a_b`.
#[derive(Default)]
struct UniqueNames(BTreeSet<String>);

impl UniqueNames {
    /// The names of types that are not events.
    fn reserved(providers: &[&dyn Provider]) -> Self {
        let of_provider = providers.iter().map(|provider| format!("{}Event", pascal_case(provider.name())));
        Self(of_provider.chain(["Payload".to_owned()]).collect())
    }

    /// The names of these events, and those that are no events.
    fn of_events(events: &[EventModel]) -> Self {
        let mut names = Self::reserved(provider::ALL);
        names.0.extend(events.iter().map(|event| event.name.clone()));
        names
    }

    /// Takes a name, with underscores at its end if it is taken.
    fn claim(&mut self, mut name: String) -> String {
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

/// Turns `payment.debited` into `PaymentDebited`.
fn pascal_case(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect();
    if name.starts_with(|letter: char| letter.is_ascii_alphabetic()) { name } else { format!("Event{name}") }
}

/// Quotes a text as JSON does, which TypeScript, Python and Go read, too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the comment on an event: how often it was seen, and whether it is documented.
fn comment(event: &EventModel) -> String {
    let seen = match event.seen {
        0 => "no verified capture".to_owned(),
        1 => "captured once".to_owned(),
        count => format!("captured {count} times"),
    };
    let documented = if event.is_documented { "documented" } else { "not documented" };
    format!("{} of {}: {documented}, {seen}.", safe_comment(&event.kind), event.provider.title())
}

/// Keeps a text from ending the comment that it is in.
fn safe_comment(text: &str) -> String {
    crate::model::sanitize::escape_unsafe(text).replace("*/", "* /")
}

/// Groups events by provider, in their order.
fn by_provider(events: &[EventModel]) -> Vec<(&'static dyn Provider, Vec<&EventModel>)> {
    let mut groups: Vec<(&'static dyn Provider, Vec<&EventModel>)> = Vec::new();
    for event in events {
        match groups.last_mut().filter(|(provider, _)| provider.name() == event.provider.name()) {
            Some((_, group)) => group.push(event),
            None => groups.push((event.provider, vec![event])),
        }
    }
    groups
}
