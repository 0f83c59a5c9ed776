//! The one integration binary: whole commands, in a made-up world or as a real process.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests run processes, open sockets and read files"
)]
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod all_records;
#[cfg(target_os = "linux")]
mod api_tls;
#[cfg(unix)]
mod attack;
#[cfg(unix)]
mod browser;
mod captures;
mod check;
#[cfg(unix)]
mod ci;
mod common;
mod comparison;
mod completions;
mod config;
mod diagnosis;
mod diagnosis_kinds;
mod doc_flags;
mod doctor;
mod emulate;
mod endpoint_output;
mod events;
#[cfg(unix)]
mod exec;
mod follow;
mod formats;
mod forwarding;
mod frameworks;
mod fuzz;
mod generated;
mod help;
mod help_pages;
#[cfg(unix)]
mod keys;
mod layers;
mod learn;
mod lifecycle;
mod list_sources;
mod listen;
mod loops;
mod masking;
mod mcp;
mod narrow;
mod one_fault_handlers;
#[cfg(unix)]
mod packages;
mod passthrough;
#[cfg(unix)]
mod postgres;
#[cfg(unix)]
mod postgres_failures;
mod postgres_server;
#[cfg(unix)]
mod postgres_store;
mod process;
#[cfg(unix)]
mod readme;
mod reconcile;
mod reconcile_app;
mod reconcile_reports;
mod register;
mod replay;
mod samples;
mod secret;
mod secret_causes;
mod send_output;
mod sign;
mod store;
mod store_limits;
mod stores;
#[cfg(unix)]
mod team;
mod this_machine;
#[cfg(unix)]
mod tunnel;
mod ui;
mod verify;
mod verify_output;
#[cfg(unix)]
mod watch;
