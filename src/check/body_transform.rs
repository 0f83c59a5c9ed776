//! Finds out how a handler changes a body before it hashes it.
//!
//! A handler that re-serializes the body accepts exactly the bodies that its serializer leaves
//! unchanged. So every body that was accepted or rejected rules out some transformations; those
//! that remain are named.

use crate::json::{Document, SERIALIZERS, Serializer};

/// A change to a body that keeps its meaning.
#[derive(Clone, Copy, Debug)]
pub enum BodyTransform {
    /// Removes leading and trailing whitespace.
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
            Self::Trimmed => "leading and trailing whitespace is removed",
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

#[cfg(test)]
mod tests {
    use super::*;
    const SPACED: &[u8] = br#"{"a": 1}"#;
    const COMPACT: &[u8] = br#"{"a":1}"#;

    fn transforms(observations: &[(&[u8], bool)]) -> Vec<&'static str> {
        let observe = |&(body, accepted): &(&[u8], bool)| BodyObservation { body: body.to_vec(), accepted };
        let observations: Vec<_> = observations.iter().map(observe).collect();
        consistent_transforms(&observations).into_iter().map(BodyTransform::code).collect()
    }

    #[test]
    fn each_transformation_writes_what_its_name_says() {
        assert_eq!(BodyTransform::Trimmed.apply(b" \n{\"a\": 1}\t\n"), Some(SPACED.to_vec()));
        assert_eq!(BodyTransform::Latin1.apply("é".as_bytes()), Some("Ã©".as_bytes().to_vec()));
        let compact = SERIALIZERS.iter().find(|serializer| serializer.name.contains("JSON.stringify")).unwrap();
        let transform = BodyTransform::Reserialized(compact);
        assert_eq!(transform.apply(SPACED), Some(COMPACT.to_vec()));
        assert_eq!(transform.apply(b"not JSON"), None);
        assert_eq!((transform.code(), transform.name()), (compact.code, compact.name));
    }

    #[test]
    fn a_body_that_was_accepted_unchanged_rules_out_what_would_change_it() {
        assert_eq!(
            transforms(&[(b" {\"a\":1}", false), ("{\"a\":\"é\"}".as_bytes(), true), (SPACED, true)]),
            ["trimmed"]
        );
        assert!(transforms(&[("é".as_bytes(), false), (b"x ", true)]).contains(&"latin_1"));
        // Compact bodies are accepted, spaced ones are not: some compact serializer.
        let found = transforms(&[(COMPACT, true), (SPACED, false)]);
        assert!(!found.is_empty() && !found.contains(&"trimmed") && !found.contains(&"latin_1"), "{found:?}");
        // No transformation leaves a body unchanged and changes it.
        assert_eq!(transforms(&[(COMPACT, true), (COMPACT, false)]), [""; 0]);
        assert_eq!(transforms(&[]).len(), SERIALIZERS.len() + 2);
    }

    #[test]
    fn equivalent_bodies_differ_from_the_body_and_from_each_other_up_to_the_limit() {
        let bodies = equivalent_bodies(SPACED, &[], 3);
        assert_eq!(bodies.len(), 3);
        for (index, body) in bodies.iter().enumerate() {
            assert!(body != SPACED && !bodies[..index].contains(body), "{}", String::from_utf8_lossy(body));
            assert_eq!(serde_json::from_slice::<serde_json::Value>(body).unwrap(), serde_json::json!({"a": 1}));
        }
        assert_eq!(equivalent_bodies(SPACED, &[], 0).len(), 0);
        // Latin-1 changes the values, so it is not equivalent.
        assert_eq!(equivalent_bodies("é".as_bytes(), &[], 9).len(), 0);
    }
}
