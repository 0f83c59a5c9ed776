//! What people and programs get to see: text for a terminal (`text`, `payload`), JSON for programs (`json`), requests in forms
//! that other tools take (`request`). All of it returns text; nothing here writes.

pub mod escape;
pub mod json;
pub mod paint;
pub mod payload;
pub mod request;
pub mod text;
