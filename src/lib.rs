//! whtool: the webhook workbench.
//!
//! WIP map.
#![forbid(unsafe_code)]

pub mod delivery;
pub mod error;
pub mod event;
pub mod message;
pub mod money;
pub mod secret;
pub mod signature;
pub mod timestamp;
pub mod verdict;
pub mod world;
