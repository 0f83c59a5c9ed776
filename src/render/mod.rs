//! Formats what people and programs see. Everything here returns text; nothing writes.
//!
//! Text for a terminal is in `text` and `payload`, laid out by `row`; records for programs in
//! `json` and `stored`; requests for other tools in `request` and `har`; differences in `diff` and
//! `comparison`; reports in `check`, `reconcile` and `watch`, HTML pages in `page`; files for a
//! provider's support in `bundle`.

pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod comparison;
pub(crate) mod diff;
pub(crate) mod har;
pub(crate) mod json;
pub(crate) mod learn;
pub mod masked_edit;
pub mod page;
pub mod paint;
pub mod payload;
pub(crate) mod reconcile;
mod record_writer;
pub(crate) mod request;
pub(crate) mod row;
pub(crate) mod stored;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod watch;
