//! The listener under attack: a real process over real sockets, with honest senders served meanwhile.
//!
//! Every siege ends with the same questions: was each honest sender answered 200, and soon; is the process alive, and as
//! small as before? `WHTOOL_UNDER_ATTACK=target/release/whtool cargo test attack -- --nocapture --test-threads 1` puts another
//! build under attack and shows the figures of `docs/listener.md`.

mod accepted;
mod crowds;
mod floods;
mod framing;
mod heads;
mod siege;
mod target;
