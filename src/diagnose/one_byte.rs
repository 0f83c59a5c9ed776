//! Searches for a single byte that was changed, added or lost after signing.
//!
//! The cost grows with the square of the body's length, so the likeliest edits come first and the
//! allowance ends the search: any byte is found in bodies of some 400 bytes, a flipped bit or
//! another digit in bodies of some kilobytes.

use super::budget::HashAllowance;
use super::cause::{Cause, CauseKind};
use super::kinds::body as kinds;
use super::search::SearchSpace;
use crate::model::signature::Signer;

/// The kinds of edit, in the order in which they are tried over the whole body.
#[derive(Clone, Copy)]
enum Edit {
    /// A digit became another digit: somebody changed an amount.
    Digit,
    BitFlipped,
    Added,
    LastByteLost,
    Changed,
    Lost,
}

impl Edit {
    const ALL: [Self; 6] = [Self::Digit, Self::BitFlipped, Self::Added, Self::LastByteLost, Self::Changed, Self::Lost];
}

/// Finds the edit that makes a signature match, with a key and the prefix that should have been
/// used. `None`: there is none, or the allowance ended first.
pub(super) fn find(space: &SearchSpace<'_>, allowance: &mut HashAllowance) -> Option<Cause> {
    if allowance.is_spent() {
        return None;
    }
    let prefix = space.prefixes.first().filter(|prefix| prefix.causes.is_empty())?;
    let body = space.bodies.received();
    Edit::ALL.into_iter().find_map(|edit| {
        space.keys.iter().filter(|key| key.causes.is_empty()).find_map(|key| {
            let mut signer = Signer::with_key(&key.bytes);
            signer.update(&prefix.bytes);
            find_edit(edit, space, signer, body, allowance)
        })
    })
}

/// Undoes one kind of edit at every offset. `signer` has hashed what comes before the body.
fn find_edit(
    edit: Edit,
    space: &SearchSpace<'_>,
    mut signer: Signer,
    body: &[u8],
    allowance: &mut HashAllowance,
) -> Option<Cause> {
    for offset in 0..=body.len() {
        if !allowance.spend(0) {
            return None;
        }
        let here = body.get(offset).copied();
        let rest = &body[(offset + edit.width()).min(body.len())..];
        for signed in edit.signed_bytes(here) {
            if !allowance.spend(rest.len()) {
                return None;
            }
            let mut signer = signer.clone();
            signer.update(signed.as_slice());
            signer.update(rest);
            if space.find_signature(&signer.finish()).is_some() {
                return Some(edit.cause(offset, signed, here));
            }
        }
        signer.update(here.as_slice());
    }
    None
}

impl Edit {
    /// The number of bytes of the received body that the signed byte replaces.
    fn width(self) -> usize {
        match self {
            Self::Lost | Self::LastByteLost => 0,
            _ => 1,
        }
    }

    /// Lists what may have been signed in place of `here`; `None` in the list stands for no byte.
    fn signed_bytes(self, here: Option<u8>) -> Vec<Option<u8>> {
        match (self, here) {
            (Self::Digit, Some(here)) if here.is_ascii_digit() => {
                (b'0'..=b'9').filter(|&digit| digit != here).map(Some).collect()
            }
            (Self::BitFlipped, Some(here)) => (0..8).map(|bit| Some(here ^ (1 << bit))).collect(),
            (Self::Changed, Some(here)) => (0..=u8::MAX).filter(|&byte| byte != here).map(Some).collect(),
            (Self::Added, Some(_)) => vec![None],
            (Self::Lost, _) | (Self::LastByteLost, None) => (0..=u8::MAX).map(Some).collect(),
            _ => Vec::new(),
        }
    }

    fn cause(self, offset: usize, signed: Option<u8>, here: Option<u8>) -> Cause {
        let kind = match self {
            Self::Lost | Self::LastByteLost => &kinds::BYTE_LOST,
            Self::Added => &kinds::BYTE_ADDED,
            Self::Digit | Self::BitFlipped | Self::Changed => &kinds::BYTE_CHANGED,
        };
        byte_cause(kind, offset, signed, here)
    }
}

/// Describes a byte that was changed, lost or added.
pub(super) fn byte_cause(kind: &'static CauseKind, offset: usize, signed: Option<u8>, here: Option<u8>) -> Cause {
    let byte = |byte: Option<u8>| byte.map(format_byte).unwrap_or_default();
    Cause::new(kind).with("offset", offset.to_string()).with("signed", byte(signed)).with("here", byte(here))
}

/// Formats a byte as its character, if it has one, and its number.
fn format_byte(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("`{}` (0x{byte:02x})", char::from(byte)) } else { format!("0x{byte:02x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_shown_as_character_and_number() {
        assert_eq!((format_byte(b'7'), format_byte(b'\n')), ("`7` (0x37)".to_owned(), "0x0a".to_owned()));
        assert_eq!(
            byte_cause(&kinds::BYTE_CHANGED, 7, Some(b'1'), Some(b'9')).sentence(),
            "one byte was changed: at offset 7 the signed body has `1` (0x31), this one `9` (0x39)"
        );
    }
}
