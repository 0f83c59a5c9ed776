//! Defines what a row in the tables of changes is.

use crate::diagnose::cause::{Cause, CauseKind};
use crate::diagnose::kinds::body as kinds;
use crate::json::{Document, Language};
use serde_json::Value;
use std::cell::OnceCell;

/// The cost of reading or writing JSON, as a multiple of hashing it.
pub(super) const JSON_COST: usize = 8;

/// A body, parsed when a change needs it.
pub(super) struct BodySource<'b> {
    pub bytes: &'b [u8],
    document: OnceCell<Option<Document<'b>>>,
    value: OnceCell<Option<Value>>,
}

impl<'b> BodySource<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, document: OnceCell::new(), value: OnceCell::new() }
    }

    pub(super) fn text(&self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes).ok()
    }

    /// Returns the text if it has characters beyond ASCII, which encodings write differently.
    pub(super) fn wide_text(&self) -> Option<&'b str> {
        self.text().filter(|text| !text.is_ascii())
    }

    pub(super) fn document(&self) -> Option<&Document<'b>> {
        self.document.get_or_init(|| Document::parse(self.bytes).ok()).as_ref()
    }

    /// Returns the JSON value, in which the last of several equal keys wins.
    pub(super) fn value(&self) -> Option<&Value> {
        self.value.get_or_init(|| serde_json::from_slice(self.bytes).ok()).as_ref()
    }

    /// Returns the JSON object or array.
    pub(super) fn container(&self) -> Option<&Value> {
        self.value().filter(|value| value.is_object() || value.is_array())
    }
}

/// A way in which the signed body may differ from the received one.
pub(super) struct BodyChange {
    /// Makes the signed body of the received one. `None`: the change does not apply to it.
    pub apply: fn(&BodySource<'_>) -> Option<Vec<u8>>,
    kind: &'static CauseKind,
    /// The text of `{what}` in the words of the cause: the signed body.
    pub what: &'static str,
    /// The text of `{fix}`, if the kind has one.
    fix: &'static str,
    language: Option<Language>,
    /// The cost of `apply`, as a multiple of hashing the body.
    pub cost: usize,
    /// Usual changes are combined with wrong keys and messages, rare ones only if time is left.
    pub is_usual: bool,
}

impl BodyChange {
    pub(super) const fn new(
        kind: &'static CauseKind,
        what: &'static str,
        apply: fn(&BodySource<'_>) -> Option<Vec<u8>>,
    ) -> Self {
        Self { apply, kind, what, fix: "", language: None, cost: 2, is_usual: true }
    }

    pub(super) const fn rare(self) -> Self {
        Self { is_usual: false, ..self }
    }

    pub(super) const fn language(self, language: Language) -> Self {
        Self { language: Some(language), ..self }
    }

    pub(super) const fn fix(self, fix: &'static str) -> Self {
        Self { fix, ..self }
    }

    /// Marks a change that reads or writes JSON.
    pub(super) const fn costly(self) -> Self {
        Self { cost: JSON_COST, ..self }
    }

    pub(super) fn cause(&self) -> Cause {
        Cause::new(self.kind).with("what", self.what).with("fix", self.fix).in_language(self.language)
    }

    /// Returns true for an encoding that differs only for characters beyond ASCII.
    pub(super) fn needs_wide(&self) -> bool {
        self.is(&kinds::ENCODING) && !self.what.starts_with("UTF-16") && !self.what.starts_with("UTF-32")
    }

    /// Returns true for a change that only takes something away at an edge.
    pub(super) fn removes_edge(&self) -> bool {
        [&kinds::NEWLINE_ADDED, &kinds::BOM_ADDED, &kinds::NUL_ADDED, &kinds::WHITESPACE]
            .iter()
            .any(|kind| self.is(kind))
    }

    pub(super) fn is(&self, kind: &CauseKind) -> bool {
        std::ptr::eq(self.kind, kind)
    }
}
