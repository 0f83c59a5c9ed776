//! How a handler takes a good event: which of the documented forms, and in which spelling.
//!
//! Where the first try is refused, the others are tried in turn. A handler that writes the body anew takes only what its own
//! serializer would have written, so the search goes through layouts and orders too; what it finds is what all later
//! probes stand on, so that each of them tests one thing.

use crate::json::{Document, SERIALIZERS, Serializer};
use crate::provider::{Form, Provider};
use serde_json::{Map, Value};

/// How a good event is written.
#[derive(Clone, Debug)]
pub struct Footing {
    /// The form of the signature.
    pub form: Form,
    /// The sample whose payload it takes.
    pub sample: String,
    /// White space; it leaves all else as it is.
    pub layout: &'static Serializer,
    /// The order of fields.
    pub order: Order,
    /// Signs in texts.
    pub signs: Signs,
}

/// The order of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As the provider shows them.
    Shown,
    /// By name.
    Sorted,
}

/// What texts have besides letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// What the provider puts there.
    Kept,
    /// No `+`, which some serializers escape.
    Plain,
}

/// Layouts that are tried, by their code in the table of serializers, the likeliest first.
const LAYOUTS: [&str; 6] = ["minified", "spaced", "pretty_2", "pretty_4", "minified_newline", "pretty_2_newline"];

/// Stands for a text that is put in afterwards.
const NOTE: &str = "\u{1}note";

impl Footing {
    /// All that are tried, in turn; there is at least one.
    pub fn all(provider: &dyn Provider) -> Vec<Self> {
        let samples: Vec<_> = published(provider);
        let footing = |form, sample: &String, layout, order, signs| Self {
            form,
            sample: sample.clone(),
            layout: layout_of(layout),
            order,
            signs,
        };
        let mut all = Vec::new();
        // Each page's own form and payload before the mixtures.
        for turn in 0..samples.len() {
            for (at, form) in forms(provider).into_iter().enumerate() {
                let sample = &samples[(at + turn) % samples.len()];
                all.push(footing(form, sample, "minified", Order::Shown, Signs::Kept));
            }
        }
        for form in forms(provider) {
            for sample in &samples {
                for layout in LAYOUTS {
                    for order in [Order::Shown, Order::Sorted] {
                        all.push(footing(form, sample, layout, order, Signs::Plain));
                    }
                }
            }
        }
        all
    }

    /// What is unlike the first way that is tried, in words; empty: nothing.
    pub fn words(&self, provider: &dyn Provider) -> String {
        let first = Self::all(provider).swap_remove(0);
        let mut words = Vec::new();
        if self.form != first.form {
            words.push("the signature as bare hex".to_owned());
        }
        if self.sample != first.sample {
            words.push(format!("the payload of {}", self.sample));
        }
        if self.layout.code != first.layout.code {
            words.push(format!("bodies with {}", self.layout.name));
        }
        if self.order != first.order {
            words.push("bodies with their fields by name".to_owned());
        }
        words.join(", ")
    }

    /// A payload as it is written here.
    pub fn write(&self, payload: Value) -> Vec<u8> {
        self.lay_out(&self.arranged(payload).to_string())
    }

    /// A payload with one more field, whose value is spelled just so.
    pub fn write_noted(&self, mut payload: Value, note: &str) -> Vec<u8> {
        if let Value::Object(fields) = &mut payload {
            fields.insert("note".to_owned(), Value::String(NOTE.to_owned()));
        }
        let place = Value::String(NOTE.to_owned()).to_string();
        self.lay_out(&self.arranged(payload).to_string().replacen(&place, note, 1))
    }

    fn lay_out(&self, text: &str) -> Vec<u8> {
        Document::parse(text.as_bytes()).map_or_else(|_| text.into(), |document| self.layout.write(&document))
    }

    fn arranged(&self, payload: Value) -> Value {
        let payload = if self.signs == Signs::Plain { plain(payload) } else { payload };
        if self.order == Order::Sorted { sorted(payload) } else { payload }
    }
}

/// The layout of this code.
pub fn layout_of(code: &str) -> &'static Serializer {
    SERIALIZERS.iter().find(|serializer| serializer.code == code).expect("the table of serializers has its layouts")
}

/// The ways to write a signature.
pub fn forms(provider: &dyn Provider) -> Vec<Form> {
    let written = |form| provider.signature_headers(&[0; 32], "0", form);
    if written(Form::Reference) == written(Form::Bare) {
        vec![Form::Reference]
    } else {
        vec![Form::Reference, Form::Bare]
    }
}

/// The samples that the provider published itself.
fn published(provider: &dyn Provider) -> Vec<String> {
    let samples = provider.samples().into_iter();
    samples.filter(|sample| sample.source.starts_with("published")).map(|sample| sample.name).collect()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(name, field)| (name, sorted(field))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(Map::from_iter(fields))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, field)| (name, plain(field))).collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::String(text) => Value::String(text.replace('+', "")),
        other => other,
    }
}
