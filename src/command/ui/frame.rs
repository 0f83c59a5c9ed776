//! Facts that every page needs.

use super::server::UiServer;
use crate::model::mask::Reveal;
use crate::model::timestamp::Timestamp;
use crate::render::page::PageFrame;
use jiff::tz::TimeZone;

pub(super) struct PageFacts<'s> {
    zone: TimeZone,
    now: Timestamp,
    reveal: Reveal,
    listener: Option<&'s str>,
    store: &'s str,
    targets: &'s [String],
    samples: Vec<&'s str>,
}

impl<'s> PageFacts<'s> {
    pub(super) fn new(server: &'s UiServer<'_>, now: Timestamp) -> Self {
        Self {
            zone: server.session.world.time_zone(),
            now,
            reveal: server.session.reveal,
            listener: server.options.listener.as_deref(),
            store: &server.store_name,
            targets: &server.target_names,
            samples: server.sample_names.iter().map(String::as_str).collect(),
        }
    }

    pub(super) fn frame(&self) -> PageFrame<'_> {
        let Self { zone, now, reveal, listener, store, targets, samples } = self;
        PageFrame { zone, now: *now, reveal: *reveal, listener: *listener, store, targets, samples }
    }
}
