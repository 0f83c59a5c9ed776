//! Formats what people and programs see. Everything here returns text; nothing writes.
//!
//! Text for a terminal is in `text` and `payload`, laid out by `row`; records for programs in
//! `json` and `stored`; requests for other tools in `request` and `har`; differences in `diff` and
//! `comparison`; reports in `check` and `reconcile`; files for a provider's support in `bundle`.

pub mod bundle;
pub mod check;
pub mod comparison;
pub mod diff;
pub mod har;
pub mod json;
mod object;
pub mod paint;
pub mod payload;
pub mod reconcile;
pub mod request;
pub mod row;
pub mod stored;
pub mod text;
