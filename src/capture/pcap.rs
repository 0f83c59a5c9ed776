//! Reads packet captures (pcap and pcapng), as tcpdump and Wireshark save them.

use super::candidate::Candidate;
use super::packet;
use super::tcp::Connections;
use super::unreadable::UnreadableFile;
use crate::model::timestamp::Timestamp;

/// Checks whether a file is a packet capture.
pub(super) fn is_start(file: &[u8]) -> bool {
    PcapOrder::of(file).is_some() || file.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a])
}

/// Reads the requests of a packet capture.
pub(super) fn read(file: &[u8]) -> Result<Vec<Candidate>, UnreadableFile> {
    let mut reader = PacketReader::default();
    match PcapOrder::of(file) {
        Some(order) => reader.read_pcap(file, order),
        None => reader.read_pcapng(file),
    };
    if let (true, Some(link)) = (reader.packets == 0, reader.unknown_link) {
        let what = match link {
            105 | 119 | 127 | 163 => " (Wi-Fi in monitor mode)",
            186 | 189 | 220 | 249 => " (USB)",
            187 | 201 | 251 | 272 => " (Bluetooth)",
            _ => "",
        };
        return Err(UnreadableFile::new(
            format!("it is a packet capture of link type {link}{what}, which is not read"),
            "capture on another interface: tcpdump -i any -s 0 -w request.pcap port 3000",
        ));
    }
    reader.connections.read()
}

#[derive(Clone, Copy)]
struct PcapOrder {
    is_big_endian: bool,
    /// Fractions of a second are nanoseconds instead of microseconds.
    has_nanoseconds: bool,
}

impl PcapOrder {
    fn of(file: &[u8]) -> Option<Self> {
        let (is_big_endian, has_nanoseconds) = match file.get(..4)? {
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, false),
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, false),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, true),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, true),
            _ => return None,
        };
        Some(Self { is_big_endian, has_nanoseconds })
    }
}

#[derive(Default)]
struct PacketReader<'f> {
    connections: Connections<'f>,
    packets: u64,
    unknown_link: Option<u32>,
}

/// An interface of a pcapng file.
struct Interface {
    link: u32,
    /// Units of a timestamp per second.
    resolution: u64,
}

impl<'f> PacketReader<'f> {
    fn add(&mut self, link: u32, packet: &'f [u8], time: Option<Timestamp>) {
        if !packet::is_known_link(link) {
            self.unknown_link = Some(link);
            return;
        }
        self.packets += 1;
        if let Some(segment) = packet::read(link, packet, time) {
            self.connections.add(segment);
        }
    }

    /// Reads a file with one header of 16 bytes per packet. Stops where the file is cut off.
    fn read_pcap(&mut self, file: &'f [u8], order: PcapOrder) -> Option<()> {
        let field = |at: usize| number(file, at, order.is_big_endian);
        let link = field(20)? & 0x0fff_ffff;
        let mut at = 24;
        loop {
            let (seconds, fraction, length) = (field(at)?, field(at + 4)?, field(at + 8)? as usize);
            let start = at + 16;
            let end = start.checked_add(length)?;
            let nanoseconds = if order.has_nanoseconds { fraction } else { fraction.saturating_mul(1_000) };
            let time = Timestamp::new(i64::from(seconds), i32::try_from(nanoseconds).ok()?).ok();
            self.add(link, file.get(start..end)?, time);
            at = end;
        }
    }

    /// Reads a file of blocks, which are numbered in its specification.
    fn read_pcapng(&mut self, file: &'f [u8]) -> Option<()> {
        let (mut at, mut is_big_endian) = (0, false);
        let mut interfaces: Vec<Interface> = Vec::new();
        loop {
            let kind = number(file, at, is_big_endian)?;
            if kind == 0x0a0d_0d0a {
                is_big_endian = file.get(at + 8..at + 12)? == [0x1a, 0x2b, 0x3c, 0x4d];
                interfaces.clear();
            }
            let length = number(file, at + 4, is_big_endian)? as usize;
            let block = file.get(at..at.checked_add(length)?).filter(|_| length >= 12)?;
            let field = |at: usize| number(block, at, is_big_endian);
            match kind {
                1 => interfaces.push(read_interface(block, is_big_endian)?),
                // An enhanced or an obsolete packet block; both have the same offsets.
                2 | 6 => {
                    let id = if kind == 6 { field(8)? } else { u32::from(short(block, 8, is_big_endian)?) };
                    let units = (u64::from(field(12)?) << 32) | u64::from(field(16)?);
                    let interface = interfaces.get(id as usize)?;
                    let seconds = i64::try_from(units / interface.resolution).ok()?;
                    let rest =
                        u128::from(units % interface.resolution) * 1_000_000_000 / u128::from(interface.resolution);
                    let time = Timestamp::new(seconds, i32::try_from(rest).ok()?).ok();
                    let end = 28_usize.checked_add(field(20)? as usize)?;
                    self.add(interface.link, block.get(28..end)?, time);
                }
                3 => {
                    let end = 12_usize.checked_add(field(8)? as usize)?.min(block.len() - 4);
                    self.add(interfaces.first()?.link, block.get(12..end)?, None);
                }
                _ => {}
            }
            at += length;
        }
    }
}

fn read_interface(block: &[u8], is_big_endian: bool) -> Option<Interface> {
    let mut resolution = 1_000_000;
    let mut at = 16;
    while let (Some(code @ 1..), Some(length)) = (short(block, at, is_big_endian), short(block, at + 2, is_big_endian))
    {
        if let (9, Some(&value)) = (code, block.get(at + 4)) {
            let exponent = u32::from(value & 0x7f);
            let base: u64 = if value & 0x80 == 0 { 10 } else { 2 };
            resolution = base.checked_pow(exponent)?;
        }
        at += 4 + usize::from(length).next_multiple_of(4);
    }
    Some(Interface { link: u32::from(short(block, 8, is_big_endian)?), resolution })
}

fn number(bytes: &[u8], at: usize, is_big_endian: bool) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(if is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

fn short(bytes: &[u8], at: usize, is_big_endian: bool) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(if is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
}
