//! Plain values that every other part shares: requests, events, verdicts, secrets, money, time.
//!
//! They depend on nothing but each other. Parsing of provider payloads is in `provider`, of
//! captured files in `capture`.

pub mod address;
pub(crate) mod backoff;
pub mod bind;
pub mod capture_name;
pub(crate) mod content_encoding;
pub mod delivery;
pub mod duplicate;
pub mod error;
pub mod event;
pub mod exchange;
pub mod expectation;
pub mod follow;
pub mod hop_mark;
pub(crate) mod local_access;
pub mod mask;
pub mod message;
pub mod money;
pub mod program_output;
pub mod refusal;
pub mod sanitize;
pub mod secret;
pub(crate) mod secret_text;
pub mod shell;
pub mod signature;
pub mod status;
pub mod stored;
pub mod target_fault;
pub mod temporary_file;
pub mod timestamp;
pub mod verdict;
pub(crate) mod width;
