//! Puts the segments of TCP connections together.

use super::candidate::Candidate;
use super::note::Note;
use super::start_line::first_request;
use super::unreadable::UnreadableFile;
use super::{CaptureError, Location, raw};
use crate::model::timestamp::Timestamp;
use std::collections::HashMap;

/// One direction of a connection: addresses and ports of sender and receiver.
pub(super) type FlowKey = Vec<u8>;

#[derive(Debug)]
pub(super) struct Segment<'p> {
    pub flow: FlowKey,
    pub sequence: u32,
    pub is_start: bool,
    pub data: &'p [u8],
    pub time: Option<Timestamp>,
}

/// Data of one direction, as it was captured: maybe out of order, repeated or incomplete.
#[derive(Debug, Default)]
struct Flow<'p> {
    /// Sequence number of the first byte, if the start of the connection was captured.
    first: Option<u32>,
    segments: Vec<(u32, &'p [u8], Option<Timestamp>)>,
}

/// The connections of a capture, in the order in which they were seen.
#[derive(Debug, Default)]
pub(super) struct Connections<'p> {
    flows: Vec<Flow<'p>>,
    /// The newest flow of each direction.
    newest: HashMap<FlowKey, usize>,
}

/// Bytes without a gap, and the offsets at which segments start.
struct Run {
    bytes: Vec<u8>,
    times: Vec<(usize, Option<Timestamp>)>,
    /// Data after the end is missing.
    is_cut: bool,
}

impl<'p> Connections<'p> {
    pub fn add(&mut self, segment: Segment<'p>) {
        let known = self.newest.get(&segment.flow).copied();
        let index = match known {
            // The same ports were used again.
            Some(index)
                if !segment.is_start
                    || self
                        .flows
                        .get(index)
                        .is_some_and(|flow| flow.first == Some(segment.sequence.wrapping_add(1))) =>
            {
                index
            }
            _ => {
                self.flows.push(Flow::default());
                self.newest.insert(segment.flow, self.flows.len() - 1);
                self.flows.len() - 1
            }
        };
        let Some(flow) = self.flows.get_mut(index) else { return };
        if segment.is_start {
            flow.first = Some(segment.sequence.wrapping_add(1));
        }
        if !segment.data.is_empty() {
            let start = if segment.is_start { segment.sequence.wrapping_add(1) } else { segment.sequence };
            flow.segments.push((start, segment.data, segment.time));
        }
    }

    /// Reads the requests of all connections.
    pub fn read(self) -> Result<Vec<Candidate>, UnreadableFile> {
        let (mut candidates, mut is_encrypted, mut is_http2) = (Vec::new(), false, false);
        for flow in self.flows {
            for run in flow.into_runs() {
                is_encrypted |= matches!(run.bytes.as_slice(), [0x16, 0x03, 0..=4, ..]);
                is_http2 |= run.bytes.starts_with(b"PRI * HTTP/2");
                read_run(&run, &mut candidates);
            }
        }
        candidates.sort_by_key(|(time, _)| *time);
        if candidates.is_empty() {
            return Err(match (is_encrypted, is_http2) {
                (true, _) => UnreadableFile::new(
                    "its packets are encrypted (TLS)",
                    "capture between your proxy and your app, where the traffic is plain HTTP",
                ),
                (_, true) => {
                    UnreadableFile::new("its packets are HTTP/2", "capture HTTP/1.1, such as between proxy and app")
                }
                _ => UnreadableFile::new(
                    "its packets have no HTTP request",
                    "capture the port of your app: tcpdump -i any -s 0 -w request.pcap port 3000",
                ),
            });
        }
        let numbered = (1..).zip(candidates).map(|(number, (_, mut candidate))| {
            if let Ok(capture) = &mut candidate.outcome {
                capture.location = Location::Request(number);
            }
            candidate
        });
        Ok(numbered.collect())
    }
}

fn read_run(run: &Run, candidates: &mut Vec<(Option<Timestamp>, Candidate)>) {
    if run.bytes.starts_with(b"HTTP/") || run.bytes.starts_with(b"PRI * ") {
        return;
    }
    let Some(text) = first_request(&run.bytes) else { return };
    let skipped = run.bytes.len() - text.len();
    let mut requests = raw::read_raw(text);
    loop {
        let position = skipped + requests.position();
        let Some(mut outcome) = requests.next() else { return };
        let time = run.times.iter().rev().find(|(at, _)| *at <= position).and_then(|(_, time)| *time);
        if let Ok(capture) = &mut outcome {
            capture.delivery.arrived = time;
            let is_last = skipped + requests.position() >= run.bytes.len();
            if is_last && run.is_cut && capture.notes.iter().any(|note| matches!(note, Note::Truncated { .. })) {
                capture.notes.insert(0, Note::MissingPackets);
            }
        }
        // What follows the last request of a connection may be anything.
        let is_noise = matches!(outcome, Err(CaptureError::RequestLine { .. }));
        if !is_noise {
            candidates.push((time, Candidate::new(outcome)));
        }
    }
}

impl Flow<'_> {
    /// Sorts the segments by sequence number and joins them.
    fn into_runs(self) -> Vec<Run> {
        let Some(&(seen_first, ..)) = self.segments.first() else { return Vec::new() };
        // Sequence numbers wrap around, so only differences are compared.
        let offset = |sequence: u32, base: u32| i64::from(sequence.wrapping_sub(base) as i32);
        let base = self.first.unwrap_or(seen_first);
        let mut segments: Vec<_> =
            self.segments.into_iter().map(|(sequence, data, time)| (offset(sequence, base), data, time)).collect();
        segments.sort_by_key(|(offset, ..)| *offset);
        let mut runs: Vec<(i64, Run)> = Vec::new();
        for (offset, data, time) in segments {
            match runs.last_mut() {
                Some((start, run)) if offset <= *start + run.bytes.len() as i64 => {
                    let overlap = usize::try_from(*start + run.bytes.len() as i64 - offset).unwrap_or(0);
                    if let Some(new) = data.get(overlap..).filter(|new| !new.is_empty()) {
                        run.times.push((run.bytes.len(), time));
                        run.bytes.extend_from_slice(new);
                    }
                }
                last => {
                    if let Some((_, run)) = last {
                        run.is_cut = true;
                    }
                    runs.push((offset, Run { bytes: data.to_vec(), times: vec![(0, time)], is_cut: false }));
                }
            }
        }
        runs.into_iter().map(|(_, run)| run).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(sequence: u32, data: &str) -> Segment<'_> {
        Segment { flow: vec![1], sequence, is_start: false, data: data.as_bytes(), time: None }
    }

    fn bodies(segments: Vec<Segment<'_>>) -> Vec<String> {
        let mut connections = Connections::default();
        segments.into_iter().for_each(|segment| connections.add(segment));
        let candidates = connections.read().unwrap();
        let body = |candidate: Candidate| String::from_utf8(candidate.outcome.unwrap().delivery.request.body).unwrap();
        candidates.into_iter().map(body).collect()
    }

    #[test]
    fn segments_are_joined_in_order_across_the_wrap_of_their_numbers() {
        let start = u32::MAX - 5;
        let head = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n";
        let at = |offset: usize| start.wrapping_add(1).wrapping_add(offset as u32);
        let syn = Segment { is_start: true, ..segment(start, "") };
        let repeated = [segment(at(38), "ab"), segment(at(0), head), segment(at(39), "bcd"), segment(at(0), head)];
        assert_eq!(bodies([vec![syn], repeated.into()].into_iter().flatten().collect()), ["abcd"]);
    }

    #[test]
    fn a_gap_is_noted_and_does_not_hide_the_next_request() {
        let head = "POST / HTTP/1.1\r\nX-Signature: 1\r\nContent-Length: 9\r\n\r\n";
        let mut connections = Connections::default();
        let text = format!("{head}abc");
        connections.add(segment(0, &text));
        connections.add(segment(200, head));
        let found = connections.read().unwrap();
        let notes: Vec<_> = found.into_iter().map(|found| found.outcome.unwrap().notes).collect();
        assert_eq!(notes[0], [Note::MissingPackets, Note::Truncated { declared: 9, actual: 3 }]);
        assert_eq!(notes[1], [Note::Truncated { declared: 9, actual: 0 }]);
    }

    #[test]
    fn a_second_connection_with_the_same_ports_is_separate() {
        let request = "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n";
        let (one, two) = (format!("{request}a"), format!("{request}b"));
        let start = |sequence| Segment { is_start: true, ..segment(sequence, "") };
        assert_eq!(bodies(vec![start(10), segment(11, &one), start(5_000), segment(5_001, &two)]), ["a", "b"]);
    }
}
