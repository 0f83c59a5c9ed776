//! The request format that a handler accepts: signature format, sample, JSON layout and field
//! order.
//!
//! A handler that re-serializes the body accepts only what its own serializer would have written.
//! So several formats are tried until one is accepted. All later probes change one thing in that
//! format, so that each tests one thing.

use crate::json::{Document, SERIALIZERS, Serializer};
use crate::provider::{Provider, SignatureForm};
use serde_json::{Map, Value};

#[derive(Clone, Debug)]
pub struct Baseline {
    pub form: SignatureForm,
    /// Name of the sample whose payload is sent.
    pub sample: String,
    /// Serializer that only changes whitespace.
    pub layout: &'static Serializer,
    pub order: FieldOrder,
    pub plus_signs: PlusSigns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldOrder {
    /// As in the provider's documentation.
    Published,
    Sorted,
}

/// Handling of `+` in strings, which some serializers escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlusSigns {
    Keep,
    Remove,
}

/// Codes of the layouts to try, the most likely first.
const LAYOUTS: [&str; 6] = ["minified", "spaced", "pretty_2", "pretty_4", "minified_newline", "pretty_2_newline"];

/// Placeholder for a value that is inserted after serialization.
const NOTE: &str = "\u{1}note";

impl Baseline {
    /// Returns the formats to try, in order. There is at least one.
    pub fn candidates(provider: &dyn Provider) -> Vec<Self> {
        let samples = published_samples(provider);
        let baseline = |form, sample: &String, layout, order, plus_signs| Self {
            form,
            sample: sample.clone(),
            layout: find_layout(layout),
            order,
            plus_signs,
        };
        let mut candidates = Vec::new();
        // Each page's own signature format and payload come before the combinations.
        for turn in 0..samples.len() {
            for (at, form) in signature_forms(provider).into_iter().enumerate() {
                let sample = &samples[(at + turn) % samples.len()];
                candidates.push(baseline(form, sample, "minified", FieldOrder::Published, PlusSigns::Keep));
            }
        }
        for form in signature_forms(provider) {
            for sample in &samples {
                for layout in LAYOUTS {
                    for order in [FieldOrder::Published, FieldOrder::Sorted] {
                        candidates.push(baseline(form, sample, layout, order, PlusSigns::Remove));
                    }
                }
            }
        }
        candidates
    }

    /// Describes the differences from the first candidate. Empty if there are none.
    pub fn describe_differences(&self, provider: &dyn Provider) -> String {
        let first = Self::candidates(provider).swap_remove(0);
        let mut differences = Vec::new();
        if self.form != first.form {
            differences.push("bare hex signature".to_owned());
        }
        if self.sample != first.sample {
            differences.push(format!("{} payload", self.sample));
        }
        if self.layout.code != first.layout.code {
            differences.push(format!("JSON layout: {}", self.layout.name));
        }
        if self.order != first.order {
            differences.push("fields sorted by name".to_owned());
        }
        differences.join(", ")
    }

    pub fn serialize(&self, payload: Value) -> Vec<u8> {
        self.apply_layout(&self.arrange(payload).to_string())
    }

    /// Serializes the payload with an additional field `note`, whose value is this JSON text, byte
    /// for byte.
    pub fn serialize_with_note(&self, mut payload: Value, note: &str) -> Vec<u8> {
        if let Value::Object(fields) = &mut payload {
            fields.insert("note".to_owned(), Value::String(NOTE.to_owned()));
        }
        let placeholder = Value::String(NOTE.to_owned()).to_string();
        self.apply_layout(&self.arrange(payload).to_string().replacen(&placeholder, note, 1))
    }

    fn apply_layout(&self, text: &str) -> Vec<u8> {
        Document::parse(text.as_bytes()).map_or_else(|_| text.into(), |document| self.layout.write(&document))
    }

    fn arrange(&self, payload: Value) -> Value {
        let payload = if self.plus_signs == PlusSigns::Remove { remove_plus_signs(payload) } else { payload };
        if self.order == FieldOrder::Sorted { sort_fields(payload) } else { payload }
    }
}

pub fn find_layout(code: &str) -> &'static Serializer {
    SERIALIZERS.iter().find(|serializer| serializer.code == code).expect("the table of serializers has this layout")
}

/// Returns the signature formats that the provider documents.
pub fn signature_forms(provider: &dyn Provider) -> Vec<SignatureForm> {
    let headers = |form| provider.signature_headers(&[0; 32], "0", form);
    if headers(SignatureForm::Reference) == headers(SignatureForm::BareHex) {
        vec![SignatureForm::Reference]
    } else {
        vec![SignatureForm::Reference, SignatureForm::BareHex]
    }
}

/// Returns the names of the samples that the provider itself has published.
fn published_samples(provider: &dyn Provider) -> Vec<String> {
    let samples = provider.samples().into_iter();
    samples.filter(|sample| sample.is_published()).map(|sample| sample.name).collect()
}

fn sort_fields(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(name, field)| (name, sort_fields(field))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(Map::from_iter(fields))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sort_fields).collect()),
        other => other,
    }
}

fn remove_plus_signs(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, field)| (name, remove_plus_signs(field))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(remove_plus_signs).collect()),
        Value::String(text) => Value::String(text.replace('+', "")),
        other => other,
    }
}
