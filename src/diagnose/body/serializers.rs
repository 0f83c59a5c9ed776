//! Names the serializers that write a text, as far as the text shows them.

use super::change::BodySource;
use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::body as kinds;
use crate::json::{Document, Language, SERIALIZERS, Serializer};

/// The name of what wrote a text, and its language if only one language writes it.
pub(in crate::diagnose) struct SerializerName {
    pub name: String,
    pub language: Option<Language>,
}

/// Names the serializers that write exactly this text for the document. `None`: none does.
pub(in crate::diagnose) fn name(document: &Document<'_>, text: &[u8]) -> Option<SerializerName> {
    let mut matching: Vec<_> = SERIALIZERS.iter().filter(|serializer| serializer.write(document) == text).collect();
    let mut languages: Vec<Language> = Vec::new();
    matching.retain(|serializer| match serializer.language {
        Some(language) if languages.contains(&language) => false,
        Some(language) => {
            languages.push(language);
            true
        }
        None => true,
    });
    let neutral = matching.iter().find(|serializer| serializer.language.is_none());
    let own: Vec<_> = matching.iter().filter(|serializer| serializer.language.is_some()).collect();
    let name = match (own.as_slice(), neutral) {
        ([], None) => return None,
        ([only], _) => return Some(SerializerName { name: only.name.to_owned(), language: only.language }),
        ([], Some(neutral)) => neutral.name.to_owned(),
        ([first, second], neutral) => format!("{} ({} or {})", neutral_name(neutral), first.name, second.name),
        ([first, ..], neutral) => format!("{} ({} and others)", neutral_name(neutral), first.name),
    };
    Some(SerializerName { name, language: None })
}

fn neutral_name(neutral: Option<&&'static Serializer>) -> &'static str {
    neutral.map_or("a serializer of several languages", |serializer| serializer.name)
}

/// Names the serializer of the signed body and, if `names_here`, the one of the received body, whose
/// language is that of the code at fault.
pub(super) fn cause(serializer: &Serializer, source: &BodySource<'_>, names_here: bool) -> Cause {
    let Some(document) = source.document() else { return Cause::new(&kinds::RESERIALIZED) };
    let signed = serializer.write(document);
    if without_newlines(&signed) == source.bytes {
        return Cause::new(&kinds::NEWLINES_STRIPPED);
    }
    let here = if names_here { name(document, source.bytes) } else { None };
    let words = here.as_ref().map(|here| format!(", but this body looks like {}", here.name)).unwrap_or_default();
    let signed = name(document, &signed);
    let language = match &here {
        Some(here) => here.language,
        None => signed.as_ref().and_then(|signed| signed.language),
    };
    let what = signed.map(|signed| signed.name).unwrap_or_default();
    Cause::new(&kinds::RESERIALIZED).with("what", what).with("here", words).in_language(language)
}

fn without_newlines(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect()
}
