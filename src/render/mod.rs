//! What people and programs get to see: text for a terminal (`text`, `payload`; `row` and `width` fit it in), JSON for programs (`json`, `kept`), requests in forms
//! that other tools take (`request`, `har`), what differs between two (`diff`, `comparison`), what a check of a handler found (`check`), and what a
//! provider's support gets (`bundle`). All of it returns text; nothing here writes.

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
