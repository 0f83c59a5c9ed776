//! Reads the headers of one captured packet: link, IP and TCP.

use super::tcp::Segment;
use crate::model::timestamp::Timestamp;

/// Link types of <https://www.tcpdump.org/linktypes.html> that are read.
const NULL: u32 = 0;
const ETHERNET: u32 = 1;
const RAW: [u32; 5] = [12, 14, 101, 228, 229];
const LOOP: u32 = 108;
const LINUX_COOKED: u32 = 113;
const LINUX_COOKED_2: u32 = 276;

/// Checks whether packets of this link type can be read.
pub(super) fn is_known_link(link: u32) -> bool {
    [NULL, ETHERNET, LOOP, LINUX_COOKED, LINUX_COOKED_2].contains(&link) || RAW.contains(&link)
}

/// Reads a packet of this link type. `None`: it is not TCP.
pub(super) fn read(link: u32, packet: &[u8], time: Option<Timestamp>) -> Option<Segment<'_>> {
    let network = match link {
        ETHERNET => after_ethernet(packet)?,
        NULL | LOOP => packet.get(4..)?,
        LINUX_COOKED => packet.get(16..)?,
        LINUX_COOKED_2 => packet.get(20..)?,
        _ => packet,
    };
    read_ip(network, time)
}

/// Reads a packet of a hex dump, whose link type is not known: it starts with IP or Ethernet.
pub(super) fn read_any_link(packet: &[u8]) -> Option<Segment<'_>> {
    [RAW[2], ETHERNET, LINUX_COOKED, LINUX_COOKED_2].into_iter().find_map(|link| read(link, packet, None))
}

/// Skips the header of Ethernet with its VLAN tags.
fn after_ethernet(frame: &[u8]) -> Option<&[u8]> {
    let mut at = 12;
    while matches!(frame.get(at..at + 2)?, [0x81, 0x00] | [0x88, 0xa8]) {
        at += 4;
    }
    matches!(frame.get(at..at + 2)?, [0x08, 0x00] | [0x86, 0xdd]).then(|| frame.get(at + 2..))?
}

fn read_ip(packet: &[u8], time: Option<Timestamp>) -> Option<Segment<'_>> {
    const TCP: u8 = 6;
    let (addresses, payload) = match packet.first()? >> 4 {
        4 => {
            let header = usize::from(packet.first()? & 15) * 4;
            let is_fragment = number(packet, 6)? & 0x1fff != 0;
            if header < 20 || is_fragment || *packet.get(9)? != TCP {
                return None;
            }
            // Zero: the network card splits the packet later.
            let total = usize::from(number(packet, 2)?);
            let end = if total == 0 { packet.len() } else { total.min(packet.len()) };
            (packet.get(12..20)?, packet.get(header..end)?)
        }
        6 => {
            let (mut next, mut at) = (*packet.get(6)?, 40);
            let end = (40 + usize::from(number(packet, 4)?)).min(packet.len());
            // Options before the payload: hop-by-hop, routing, destination.
            while matches!(next, 0 | 43 | 60) {
                next = *packet.get(at)?;
                at += 8 + usize::from(*packet.get(at + 1)?) * 8;
            }
            if next != TCP {
                return None;
            }
            (packet.get(8..40)?, packet.get(at..end)?)
        }
        _ => return None,
    };
    let header = usize::from(payload.get(12)? >> 4) * 4;
    let flags = *payload.get(13)?;
    if header < 20 {
        return None;
    }
    Some(Segment {
        flow: [addresses, payload.get(..4)?].concat(),
        sequence: u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?),
        is_start: flags & 2 != 0,
        data: payload.get(header..)?,
        time,
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}
