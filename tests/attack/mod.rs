//! The listener under attack: a real process over real sockets, which serves honest senders
//! meanwhile.
//!
//! Every attack ends with the same checks: each honest sender was answered with 200, and soon; the
//! process is alive and small. `WHTOOL_UNDER_ATTACK=target/release/whtool cargo test attack --
//! --nocapture --test-threads 1` attacks another build and prints the figures of
//! `docs/listener.md`.

mod connections;
mod floods;
mod framing;
mod heads;
mod local_server;
mod siege;
mod target;
mod unusual;
