//! Finds out how a handler changes a body before it hashes it.
//!
//! A handler that re-serializes the body accepts exactly the bodies that its serializer leaves
//! unchanged. So every body that was accepted or rejected rules out some transformations; those
//! that remain are named.

use crate::json::{Document, SERIALIZERS, Serializer};

/// A change to a body that keeps its meaning.
#[derive(Clone, Copy, Debug)]
pub enum BodyTransform {
    /// Removes leading and trailing white space.
    Trimmed,
    /// Reads the bytes as Latin-1, and writes them as UTF-8.
    Latin1,
    Reserialized(&'static Serializer),
}

/// A correctly signed body, and the handler's response to it.
#[derive(Clone, Debug)]
pub struct BodyObservation {
    pub body: Vec<u8>,
    pub accepted: bool,
}

impl PartialEq for BodyTransform {
    fn eq(&self, other: &Self) -> bool {
        self.code() == other.code()
    }
}

impl Eq for BodyTransform {}

impl BodyTransform {
    /// Returns the stable code for JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Latin1 => "latin_1",
            Self::Reserialized(serializer) => serializer.code,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Trimmed => "leading and trailing white space is removed",
            Self::Latin1 => "UTF-8 is decoded as Latin-1",
            Self::Reserialized(serializer) => serializer.name,
        }
    }

    /// Returns the transformed body. `None` if the transformation cannot read it.
    pub fn apply(self, body: &[u8]) -> Option<Vec<u8>> {
        self.apply_parsed(&ParsedBody::parse(body))
    }

    fn apply_parsed(self, parsed: &ParsedBody<'_>) -> Option<Vec<u8>> {
        match self {
            Self::Trimmed => Some(parsed.body.trim_ascii().to_vec()),
            Self::Latin1 => Some(parsed.body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes()),
            Self::Reserialized(serializer) => parsed.document.as_ref().map(|document| serializer.write(document)),
        }
    }
}

/// A body, parsed once for all transformations.
struct ParsedBody<'b> {
    body: &'b [u8],
    document: Option<Document<'b>>,
}

impl<'b> ParsedBody<'b> {
    fn parse(body: &'b [u8]) -> Self {
        Self { body, document: Document::parse(body).ok() }
    }
}

/// Returns the transformations that explain every observation, the most likely first.
pub fn consistent_transforms(observations: &[BodyObservation]) -> Vec<BodyTransform> {
    let mut transforms = all_transforms();
    for BodyObservation { body, accepted } in observations {
        let parsed = ParsedBody::parse(body);
        let leaves_unchanged =
            |transform: &BodyTransform| transform.apply_parsed(&parsed).is_some_and(|out| out == *body);
        transforms.retain(|transform| leaves_unchanged(transform) == *accepted);
    }
    transforms
}

fn all_transforms() -> Vec<BodyTransform> {
    let serializers = SERIALIZERS.iter().map(BodyTransform::Reserialized);
    [BodyTransform::Trimmed, BodyTransform::Latin1].into_iter().chain(serializers).collect()
}

/// Returns at most `limit` other bodies with the same JSON values: first as the transformations
/// that explain the observations would write them, then as all others would.
pub fn equivalent_bodies(body: &[u8], observations: &[BodyObservation], limit: usize) -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let parsed = ParsedBody::parse(body);
    for transform in consistent_transforms(observations).into_iter().chain(all_transforms()) {
        if bodies.len() == limit {
            break;
        }
        if let Some(other) = transform.apply_parsed(&parsed)
            && other != body
            && !bodies.contains(&other)
            && !matches!(transform, BodyTransform::Latin1)
        {
            bodies.push(other);
        }
    }
    bodies
}
