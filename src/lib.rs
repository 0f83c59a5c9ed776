//! whtool: the command-line workbench for Plexos Pay and Plustive webhooks.
//!
//! A request is bytes. Each provider is asked whether the request is its own (`provider`); the one
//! that says yes returns a claim: these bytes were signed, with these signatures, at this time.
//! `model::signature` turns claim, keys and time into a verdict, and the provider reads the event;
//! `webhook::receive` does both. If verification failed, `diagnose` searches for the change that
//! would make it succeed. `render` formats the result as text, JSON or HTML.
//!
//! ```text
//! model     values: request, delivery, event, verdict, secret, money, time, errors
//! domain    answer · capture · check · diagnose · emulator · json · provider · reconcile · render ·
//!           settings · webhook
//! world     the interface to the outside, as traits
//! command   one file or folder per command
//! edge      the implementation of `world`: clock, terminal, files, processes, listener, HTTP
//!           client, stores
//! ```
//!
//! Dependencies point one way: commands use the domain and `world`; the edge uses `world` and
//! `model`; the domain uses `model`. `tests/layers.rs` enforces these directions, and `clippy.toml`
//! forbids clock, environment, files, network, processes and standard streams outside `edge`.
#![forbid(unsafe_code)]

pub(crate) mod answer;
pub mod capture;
pub(crate) mod check;
mod command;
pub mod diagnose;
pub mod edge;
pub(crate) mod emulator;
pub mod json;
pub(crate) mod learn;
pub(crate) mod mcp;
pub mod model;
pub mod provider;
pub(crate) mod reconcile;
pub mod render;
pub mod settings;
pub(crate) mod tunnel;
pub mod webhook;
pub mod world;

pub use command::run;
