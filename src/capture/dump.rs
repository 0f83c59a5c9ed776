//! Reads text dumps of bytes: `curl --trace`, `tcpdump -X` and `-A`, `xxd`, `hexdump -C` and
//! Wireshark's streams.

use super::candidate::Candidate;
use super::note::Note;
use super::packet;
use super::tcp::Connections;
use super::{Location, raw, start_line};
use std::collections::BTreeMap;

/// Checks whether a text is the output of `curl --trace` or `--trace-ascii`.
pub(super) fn is_trace(text: &[u8]) -> bool {
    lines(text).take(2_000).any(|line| sent_length(line).is_some())
}

/// Reads the number of bytes that a line of curl announces, with or without a time before it.
fn sent_length(line: &str) -> Option<usize> {
    let (_, rest) = line.split_once("=> Send ")?;
    let rest = rest.strip_prefix("header, ").or_else(|| rest.strip_prefix("data, "))?;
    rest.split(' ').next()?.parse().ok()
}

/// Reads the output of `curl --trace`, or of `--trace-ascii`, which shows dots for other bytes.
pub(super) fn read_trace(text: &[u8]) -> Vec<Candidate> {
    let (mut sent, mut is_ascii) = (Vec::new(), false);
    let mut part: Option<(usize, Vec<&str>)> = None;
    for line in lines(text).chain(["== Info: end"]) {
        let is_dump = dump_offset(line).is_some_and(|(digits, rest)| digits.len() == 4 && rest.starts_with(':'));
        if let Some((_, lines)) = part.as_mut().filter(|_| is_dump) {
            lines.push(line);
            continue;
        }
        if let Some((length, lines)) = part.take() {
            let bytes: Option<Vec<u8>> = lines
                .iter()
                .map(|line| Some(hex_line(line)?.1))
                .collect::<Option<Vec<_>>>()
                .map(|lines| lines.concat());
            match bytes.filter(|bytes| bytes.len() == length) {
                Some(bytes) => sent.extend(bytes),
                None => {
                    is_ascii = true;
                    sent.extend(ascii_part(&lines, length));
                }
            }
        }
        part = sent_length(line).map(|length| (length, Vec::new()));
    }
    let candidates = raw::read_raw(&sent).map(Candidate::new).collect();
    if is_ascii { with_dots_noted(candidates) } else { candidates }
}

/// Joins lines of `--trace-ascii`: a gap of two bytes before the next offset was a line end.
fn ascii_part(lines: &[&str], length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::with_capacity(length.min(1 << 20));
    for line in lines {
        let Some((digits, rest)) = dump_offset(line) else { continue };
        let offset = usize::from_str_radix(digits, 16).unwrap_or(0);
        if offset == bytes.len() + 2 {
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(rest.strip_prefix(": ").unwrap_or_default().as_bytes());
    }
    if length == bytes.len() + 2 {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn with_dots_noted(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    for capture in candidates.iter_mut().filter_map(|candidate| candidate.outcome.as_mut().ok()) {
        if capture.delivery.request.body.contains(&b'.') {
            capture.notes.insert(0, Note::DotsForBytes);
        }
    }
    candidates
}

fn lines(text: &[u8]) -> impl Iterator<Item = &str> {
    let lines = text.split(|&byte| byte == b'\n');
    lines.map(|line| std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).unwrap_or_default())
}

/// Splits `0010: …`, `0x0010:  …` or `00000010  …` after its offset.
fn dump_offset(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("0x").unwrap_or(line);
    let length = line.bytes().take_while(u8::is_ascii_hexdigit).count();
    (4..=8).contains(&length).then(|| line.split_at(length))
}

/// Reads offset and bytes of a line of a hex dump, which has at most 16 bytes. `None`: it is none.
fn hex_line(line: &str) -> Option<(usize, Vec<u8>)> {
    let (digits, rest) = dump_offset(line)?;
    let offset = usize::from_str_radix(digits, 16).ok()?;
    let mut rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix(' '))?;
    let mut bytes = Vec::with_capacity(16);
    loop {
        let word = rest.trim_start_matches(' ');
        let gap = rest.len() - word.len();
        let end = word.find(' ').unwrap_or(word.len());
        let (group, after) = word.split_at(end);
        // Two blanks stand before the text, and after 8 bytes in some dumps.
        let is_text = gap > 3 || (gap > 1 && !bytes.is_empty() && bytes.len() != 8);
        let is_hex = group.len() >= 2
            && group.len() % 2 == 0
            && group.len() <= 8
            && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        if bytes.len() >= 16 || is_text || !is_hex {
            break;
        }
        bytes.extend(hex::decode(group).ok()?);
        rest = after;
    }
    bytes.truncate(16);
    (!bytes.is_empty()).then_some((offset, bytes))
}

/// Checks whether a text has a hex dump of several lines.
pub(super) fn is_hex_dump(text: &[u8]) -> bool {
    let mut previous = None;
    lines(text).take(2_000).any(|line| {
        let found = hex_line(line).filter(|(_, bytes)| bytes.len() == 16);
        let follows = matches!((&previous, &found), (Some(before), Some((offset, _))) if *offset == before + 16);
        previous = found.map(|(offset, _)| offset);
        follows
    })
}

/// Reads hex dumps: of packets, or of the bytes of a connection. Wireshark indents what the server
/// sent.
pub(super) fn read_hex_dump(text: &[u8]) -> Vec<Candidate> {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    // The block that goes on at each indentation.
    let mut open: BTreeMap<usize, usize> = BTreeMap::new();
    for line in lines(text) {
        let Some((offset, bytes)) = hex_line(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let index = match open.get(&indent) {
            Some(&index) if offset > 0 && blocks.get(index).is_some_and(|block| block.len() == offset) => index,
            _ => {
                blocks.push(Vec::new());
                open.insert(indent, blocks.len() - 1);
                blocks.len() - 1
            }
        };
        if let Some(block) = blocks.get_mut(index) {
            block.extend(bytes);
        }
    }
    let mut connections = Connections::default();
    for segment in blocks.iter().filter_map(|block| packet::read_any_link(block)) {
        connections.add(segment);
    }
    if let Ok(candidates) = connections.read() {
        return candidates;
    }
    let streams = blocks.iter().filter_map(|block| start_line::first_request(block));
    numbered(streams.flat_map(|stream| raw::read_raw(stream).map(Candidate::new).collect::<Vec<_>>()).collect())
}

/// A packet of `tcpdump -A`.
struct PrintedPacket<'t> {
    /// Sender and receiver.
    flow: &'t str,
    sequence: u64,
    length: usize,
    text: Vec<u8>,
}

/// Reads `10:30:00.000001 IP 127.0.0.1.5000 > 127.0.0.1.80: Flags [P.], seq 1:200, …, length 199`.
fn packet_line(line: &str) -> Option<PrintedPacket<'_>> {
    let (before, rest) = line.split_once(": Flags [")?;
    let flow = before.split_once(" IP ").or_else(|| before.split_once(" IP6 "))?.1;
    let number = |name: &str| {
        let value = rest.split_once(name)?.1;
        value.split(|letter: char| !letter.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    let length = usize::try_from(number(", length ")?).ok()?;
    Some(PrintedPacket { flow, sequence: number(" seq ").unwrap_or(0), length, text: Vec::new() })
}

/// Checks whether a text is the output of tcpdump with the contents of packets as text.
pub(super) fn is_printed_packets(text: &[u8]) -> bool {
    lines(text).take(50).any(|line| packet_line(line).is_some())
}

/// Reads the output of `tcpdump -A`, which shows dots for other bytes and no CR.
pub(super) fn read_printed_packets(text: &[u8]) -> Vec<Candidate> {
    let mut packets: Vec<PrintedPacket<'_>> = Vec::new();
    for line in text.split(|&byte| byte == b'\n') {
        match (std::str::from_utf8(line).ok().and_then(packet_line), packets.last_mut()) {
            (Some(packet), _) => packets.push(packet),
            (None, Some(packet)) => {
                packet.text.extend_from_slice(line);
                packet.text.push(b'\n');
            }
            (None, None) => {}
        }
    }
    let mut flows: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for packet in packets.iter().filter(|packet| packet.length > 0) {
        flows.entry(packet.flow).or_default().push((packet.sequence, packet_data(packet)));
    }
    let mut candidates = Vec::new();
    for mut parts in flows.into_values() {
        // Without `-S` the numbers count from 1, except in the first packet that is seen.
        let is_relative = parts.iter().skip(1).all(|(sequence, _)| *sequence < 1 << 30);
        if !is_relative || parts.first().is_some_and(|(sequence, _)| *sequence < 1 << 30) {
            parts.sort_by_key(|(sequence, _)| *sequence);
        }
        parts.dedup_by_key(|(sequence, _)| *sequence);
        let stream: Vec<u8> = parts.into_iter().flat_map(|(_, data)| data).collect();
        if let Some(stream) = start_line::first_request(&stream) {
            candidates.extend(raw::read_raw(stream).map(Candidate::new));
        }
    }
    with_dots_noted(numbered(candidates))
}

/// Numbers the requests of several connections.
fn numbered(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    for (number, candidate) in (1..).zip(&mut candidates) {
        if let Ok(capture) = &mut candidate.outcome {
            capture.location = Location::Request(number);
        }
    }
    candidates
}

/// Cuts off the headers of IP and TCP, which are printed as text, too.
fn packet_data(packet: &PrintedPacket<'_>) -> Vec<u8> {
    let text = packet.text.strip_suffix(b"\n").unwrap_or(&packet.text);
    let methods: [&[u8]; 6] = [b"POST /", b"PUT /", b"PATCH /", b"GET /", b"DELETE /", b"HTTP/1."];
    let head = text.get(..text.len().min(200)).unwrap_or(text);
    let start = methods.iter().filter_map(|method| memchr::memmem::find(head, method)).min();
    let start = start.unwrap_or_else(|| text.len().saturating_sub(packet.length));
    text.get(start..).unwrap_or_default().to_vec()
}
