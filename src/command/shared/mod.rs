//! Parts that several commands use: sessions, settings, secrets, captures, flag values, the
//! provider API, and the engine that compares orders with it.

pub(super) mod addresses;
pub(super) mod api;
pub(super) mod capture_files;
pub(super) mod captures;
pub(super) mod endpoints;
pub(super) mod group_args;
pub(super) mod list_source;
pub(super) mod live_output;
pub(super) mod loaded_settings;
pub(super) mod order_list;
pub(super) mod output_file;
pub(super) mod payload;
pub(super) mod reconciling;
pub(super) mod registry;
pub(super) mod secrets;
pub(super) mod seen_events;
pub(super) mod session;
pub(super) mod store_args;
pub(super) mod stored_capture;
pub(super) mod target;
pub(super) mod values;
