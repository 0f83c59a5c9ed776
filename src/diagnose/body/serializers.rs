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
    let matching = SERIALIZERS.iter().filter(|serializer| serializer.write(document) == text);
    let (neutral, tools): (Vec<&Serializer>, Vec<&Serializer>) =
        matching.partition(|serializer| is_neutral(serializer));
    let first = tools.iter().find(|tool| tool.language.is_some()).or(tools.first());
    let other = first.and_then(|first| tools.iter().find(|tool| tool.language != first.language));
    let is_of_one_language =
        first.is_some_and(|first| tools.iter().all(|tool| tool.language.is_none() || tool.language == first.language));
    // A newline at the end may also be of `echo` or an editor.
    let is_certain = is_of_one_language && (neutral.is_empty() || !text.ends_with(b"\n"));
    let language = first.filter(|_| is_certain).and_then(|first| first.language);
    let name = match (first, other, neutral.first()) {
        (None, _, None) => return None,
        (None, _, Some(neutral)) => neutral.name.to_owned(),
        (Some(first), _, Some(neutral)) if language.is_none() => {
            format!("{} ({} and others)", neutral.name, first.name)
        }
        (Some(first), Some(other), _) => format!("{} (or {})", first.name, other.name),
        (Some(first), None, _) => first.name.to_owned(),
    };
    Some(SerializerName { name, language })
}

/// Returns true for a description of the text instead of a tool.
fn is_neutral(serializer: &Serializer) -> bool {
    serializer.name.starts_with("JSON ") || serializer.name.starts_with("minified ")
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
