//! The list of all variants of a body, the likeliest first.

use super::change::{BodyChange, BodySource, JSON_COST};
use super::layers::MAX_UNWRAPPED;
use super::models::MAX_MODELS;
use super::parts::{MAX_PARTS, MAX_VALUE_PAIRS};
use super::{encodings, ends, models, prints, serializers, wrappings};
use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::body as kinds;
use crate::json::{SERIALIZERS, Serializer};
use std::sync::LazyLock;

/// A change that applies to any body.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Row(&'static BodyChange),
    /// `is_twin`: an earlier serializer of the list writes the same for a plain document.
    Reserialized {
        serializer: &'static Serializer,
        is_twin: bool,
    },
}

/// A body that is found in the received one or derived from its JSON, by its place in their list.
#[derive(Clone, Copy)]
pub(super) enum BodyBase {
    Unwrapped(usize),
    Model(usize),
    Part(usize),
    ValuePair(usize),
}

/// A body that may have been signed.
pub(super) enum BodyVariant {
    Change(Change),
    Base(BodyBase),
    ChangedBase(BodyBase, Change),
    /// The single change of this index, then another one.
    Pair(usize, Change),
}

impl Change {
    /// The cost, as a multiple of hashing the body.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Row(row) => row.cost,
            Self::Reserialized { .. } => JSON_COST,
        }
    }

    pub(super) fn apply(&self, source: &BodySource<'_>) -> Option<Vec<u8>> {
        match self {
            Self::Row(row) => (row.apply)(source),
            Self::Reserialized { serializer, .. } => Some(serializer.write(source.document()?)),
        }
    }

    /// Returns false if the change cannot apply to a body, or makes what an earlier one makes.
    /// `is_wide`: it may contain characters beyond ASCII. `is_plain`: all serializers agree on it.
    pub(super) fn may_apply(&self, is_wide: bool, is_plain: bool) -> bool {
        match self {
            Self::Row(row) => is_wide || !row.needs_wide(),
            Self::Reserialized { is_twin, .. } => !(is_plain && *is_twin),
        }
    }

    /// Returns the text of a row, such as a constant.
    pub(super) fn text(&self) -> &'static str {
        match self {
            Self::Row(row) => row.what,
            Self::Reserialized { .. } => "",
        }
    }

    /// Returns the cause. `names_here`: name what wrote the body before the change.
    pub(super) fn cause(&self, source: &BodySource<'_>, names_here: bool) -> Cause {
        match self {
            Self::Row(row) => row.cause(),
            Self::Reserialized { serializer, .. } => serializers::cause(serializer, source, names_here),
        }
    }
}

impl BodyVariant {
    fn is_usual(&self) -> bool {
        match self {
            Self::Change(Change::Row(row)) => row.is_usual,
            Self::Change(Change::Reserialized { serializer, .. }) => !RARE_SERIALIZERS.contains(&serializer.code),
            Self::Base(BodyBase::Unwrapped(_)) => true,
            Self::Base(_) | Self::ChangedBase(..) | Self::Pair(..) => false,
        }
    }
}

/// Serializers that are not combined with wrong keys and messages.
const RARE_SERIALIZERS: [&str; 37] = [
    "go_encoder_plain",
    "go_encoder",
    "go_struct_encoder",
    "go_marshal_indent",
    "go_marshal_indent_tab",
    "go_marshal_indent_4",
    "python_sorted",
    "python_sorted_unicode",
    "python_sorted_indent_2",
    "python_sorted_indent_4",
    "python_sorted_unicode_indent_2",
    "python_sorted_unicode_indent_4",
    "json_stringify_indent_tab",
    "flask_jsonify",
    "ruby_pretty_before_2_8",
    "jackson_pretty",
    "gson_map",
    "jq",
    "jq_compact",
    "jq_sorted",
    "org_json",
    "powershell_compress",
    "swift_sorted",
    "swift",
    "space_after_comma",
    "space_after_colon",
    "padded_objects",
    "pretty_0",
    "pretty_1",
    "pretty_3",
    "pretty_8",
    "jsonb",
    "minified_newline",
    "spaced_newline",
    "pretty_4_newline",
    "pretty_tab",
    "pretty_tab_newline",
];
/// The serializers that models are written with.
const MODEL_SERIALIZERS: [&str; 7] = [
    "minified",
    "python_json_dumps",
    "python_unicode",
    "php_json_encode",
    "system_text_json",
    "rails_to_json",
    "json_stringify_indent_2",
];
/// The serializers whose output is escaped or filtered in every known way.
const WRAPPED_SERIALIZERS: [&str; 8] = [
    "go_map",
    "python_sorted",
    "json_stringify",
    "python_json_dumps",
    "python_unicode",
    "php_json_encode",
    "php_unescaped_slashes_unicode",
    "json_stringify_indent_2",
];
/// The number of models and parts that are written with other serializers.
const RESERIALIZED_MODELS: usize = 16;
const RESERIALIZED_PARTS: usize = 3;

fn rows(table: &'static [BodyChange]) -> impl Iterator<Item = Change> + Clone {
    table.iter().map(Change::Row)
}

fn all_serializers() -> Vec<Change> {
    mark_twins(SERIALIZERS.iter().collect())
}

/// Marks the serializers that write a plain document like an earlier one of the list.
fn mark_twins(list: Vec<&'static Serializer>) -> Vec<Change> {
    let twin = |index: usize| list[..index].iter().any(|earlier| earlier.is_same_for_plain(list[index]));
    (0..list.len()).map(|index| Change::Reserialized { serializer: list[index], is_twin: twin(index) }).collect()
}

/// Lists the single changes.
fn single_changes() -> Vec<BodyVariant> {
    let mut list: Vec<BodyVariant> = Vec::new();
    let mut add = |changes: &mut dyn Iterator<Item = Change>| list.extend(changes.map(BodyVariant::Change));
    add(&mut rows(&ends::NEWLINES)
        .chain(rows(ends::ENDS))
        .chain(rows(&ends::OBJECT))
        .chain(rows(&models::WITHOUT_NULLS)));
    list.extend((0..MAX_UNWRAPPED).map(|index| BodyVariant::Base(BodyBase::Unwrapped(index))));
    let mut add = |changes: &mut dyn Iterator<Item = Change>| list.extend(changes.map(BodyVariant::Change));
    add(&mut all_serializers().into_iter().chain(rows(encodings::ENCODINGS)));
    add(&mut rows(wrappings::WRAPPINGS).chain(rows(prints::PRINTED_BYTES)).chain(rows(prints::PRINTED_VALUES)));
    list.extend((0..MAX_MODELS).map(|index| BodyVariant::Base(BodyBase::Model(index))));
    list.extend((0..MAX_PARTS).map(|index| BodyVariant::Base(BodyBase::Part(index))));
    let mut add = |changes: &mut dyn Iterator<Item = Change>| list.extend(changes.map(BodyVariant::Change));
    add(&mut rows(ends::CONSTANTS).chain(rows(encodings::RARE_ENCODINGS)).chain(rows(wrappings::RARE_WRAPPINGS)));
    add(&mut rows(prints::RARE_PRINTED_VALUES).chain(rows(ends::WHITESPACE)).chain(rows(ends::BUFFERS)));
    list
}

/// Lists the compositions of two changes.
fn pairs(single: &[BodyVariant]) -> Vec<BodyVariant> {
    let mut list = Vec::new();
    let edges = || rows(&ends::NEWLINES).chain(rows(ends::ENDS).filter(|change| !is_empty_signed(change)));
    for index in 0..MAX_UNWRAPPED {
        let changes = edges().chain(all_serializers()).chain(rows(encodings::ENCODINGS));
        list.extend(changes.map(|change| BodyVariant::ChangedBase(BodyBase::Unwrapped(index), change)));
    }
    let added_edges = || rows(&ends::NEWLINES[2..]).chain(rows(&ends::ENDS[1..2]));
    let printed = || rows(&prints::PRINTED_BYTES[..3]);
    for (index, variant) in single.iter().enumerate() {
        let BodyVariant::Change(change) = variant else { continue };
        let mut add = |second: &mut dyn Iterator<Item = Change>| {
            list.extend(second.map(|second| BodyVariant::Pair(index, second)));
        };
        match change {
            Change::Reserialized { serializer, .. } => {
                if WRAPPED_SERIALIZERS.contains(&serializer.code) {
                    let after = added_edges().chain(rows(encodings::ENCODINGS)).chain(rows(wrappings::WRAPPINGS));
                    add(&mut after.chain(printed()));
                } else {
                    add(&mut added_edges().take(1).chain(rows(encodings::ENCODINGS)));
                }
            }
            Change::Row(row) if row.removes_edge() => {
                add(&mut rows(encodings::ENCODINGS).chain(rows(wrappings::WRAPPINGS)).chain(printed()));
            }
            Change::Row(row)
                if [&kinds::VALUE_PRINTED, &kinds::TRANSFORMED, &kinds::ENCODING].iter().any(|kind| row.is(kind)) =>
            {
                add(&mut added_edges().take(1));
            }
            Change::Row(_) => {}
        }
    }
    for model in 0..RESERIALIZED_MODELS {
        let own = SERIALIZERS.iter().filter(|serializer| MODEL_SERIALIZERS.contains(&serializer.code)).collect();
        let base = BodyBase::Model(model);
        list.extend(mark_twins(own).into_iter().map(|change| BodyVariant::ChangedBase(base, change)));
    }
    for part in 0..RESERIALIZED_PARTS {
        let base = BodyBase::Part(part);
        let printed = rows(prints::PRINTED_VALUES).chain(rows(prints::RARE_PRINTED_VALUES));
        let changes = all_serializers().into_iter().chain(printed);
        list.extend(changes.map(|change| BodyVariant::ChangedBase(base, change)));
    }
    list.extend((0..MAX_VALUE_PAIRS).map(|index| BodyVariant::Base(BodyBase::ValuePair(index))));
    list
}

fn is_empty_signed(change: &Change) -> bool {
    matches!(change, Change::Row(row) if row.is(&kinds::EMPTY_SIGNED))
}

/// All variants, single changes first, and for each single change whether it is usual.
static ALL: LazyLock<(Vec<BodyVariant>, Vec<bool>)> = LazyLock::new(|| {
    let mut list = single_changes();
    let usual = list.iter().map(BodyVariant::is_usual).collect();
    list.extend(pairs(&list));
    (list, usual)
});

/// Lists all variants: single changes, then compositions.
pub(super) fn all() -> &'static [BodyVariant] {
    &ALL.0
}

/// Returns the number of single changes, which come first in the list.
pub(super) fn single_count() -> usize {
    ALL.1.len()
}

/// Returns true for a usual single change.
pub(super) fn is_usual(index: usize) -> bool {
    ALL.1[index]
}
