//! whtool: the webhook workbench for Plexos Pay and Plustive.
//!
//! A request is bytes. Each provider is asked whether it is its own (`provider`); the one that says yes hands back a claim:
//! these bytes were signed, these are the signatures, at this time. `signature` turns claim, keys and time into a verdict; the
//! provider reads the event; `receive` is that one straight way. When the verdict is bad, `diagnose` looks for the change that
//! would have made it good. `render` turns it all into text or JSON.
//!
//! ```text
//! values    message · delivery · exchange · kept · timestamp · secret · event · money · verdict · error
//! thought   signature · provider · sample · receive · check · emulator · forward · diagnose · diff · json · ledger · payload · record · capture
//!           · reconcile · settings · render
//! doing     world: what the program can do to the outside · command: one file each
//! rim       edge: clock, terminal, files, listener, sender
//! ```
//!
//! Thought sees values. Commands see thought and the world. The edge sees the world and values, and alone touches the outside;
//! a test holds these directions, and `clippy.toml` the fence around the outside.
#![forbid(unsafe_code)]

pub mod capture;
pub mod check;
pub mod chunks;
mod command;
pub mod delivery;
pub mod diagnose;
pub mod diff;
pub mod edge;
pub mod emulator;
pub mod error;
pub mod event;
pub mod exchange;
pub mod forward;
pub mod json;
pub mod kept;
pub mod ledger;
pub mod message;
pub mod money;
pub mod payload;
pub mod provider;
pub mod receive;
pub mod reconcile;
pub mod record;
pub mod render;
pub mod sample;
pub mod secret;
pub mod settings;
pub mod signature;
pub mod timestamp;
pub mod verdict;
pub mod world;

pub use command::run;
