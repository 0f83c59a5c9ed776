//! The search for a single byte that was changed, added or lost after signing.
//!
//! Undoing it costs the square of the body's length, so the likeliest edits come first and the effort ends the rest: any byte
//! is found in bodies of some 400 bytes, a flipped bit or another digit in those of some kilobytes.

use super::Cause;
use super::search::{Effort, Space};
use crate::model::signature::Signer;

/// A kind of edit; they are tried in this order, each over the whole body.
#[derive(Clone, Copy)]
enum Edit {
    /// A digit became another digit: somebody changed an amount.
    Digit,
    /// A bit was flipped.
    Bit,
    /// A byte was put in.
    Added,
    /// The last byte was lost.
    LastLost,
    /// A byte became any other.
    Byte,
    /// A byte was lost.
    Lost,
}

/// The edit that makes a given signature match, under one of the right keys and with the right prefix. `None`: there is none, or
/// the effort did not reach it.
pub(super) fn find(space: &Space<'_>, effort: &mut Effort) -> Option<Cause> {
    if effort.is_spent() {
        return None;
    }
    let prefix = space.prefixes.first().filter(|prefix| prefix.cause.is_none())?;
    let body = space.bodies.here();
    [Edit::Digit, Edit::Bit, Edit::Added, Edit::LastLost, Edit::Byte, Edit::Lost].into_iter().find_map(|edit| {
        space.keys.iter().filter(|key| key.cause.is_none()).find_map(|key| {
            let mut start = Signer::with_key(&key.bytes);
            start.update(&prefix.bytes);
            with_edit(edit, space, start, body, effort)
        })
    })
}

fn with_edit(edit: Edit, space: &Space<'_>, mut before: Signer, body: &[u8], effort: &mut Effort) -> Option<Cause> {
    for offset in 0..=body.len() {
        if !effort.spend(0) {
            return None;
        }
        let here = body.get(offset).copied();
        let rest = &body[(offset + edit.skips()).min(body.len())..];
        for signed in edit.signed_instead(here) {
            if !effort.spend(rest.len()) {
                return None;
            }
            let mut signer = before.clone();
            signer.update(signed.as_slice());
            signer.update(rest);
            if space.matching(&signer.finish()).is_some() {
                return Some(edit.cause(offset, signed, here));
            }
        }
        before.update(here.as_slice());
    }
    None
}

impl Edit {
    /// How many bytes of this body the signed byte stands for.
    fn skips(self) -> usize {
        match self {
            Self::Lost | Self::LastLost => 0,
            _ => 1,
        }
    }

    /// What may have been signed where `here` is now; `None` in the list is nothing.
    fn signed_instead(self, here: Option<u8>) -> Vec<Option<u8>> {
        match (self, here) {
            (Self::Digit, Some(here)) if here.is_ascii_digit() => {
                (b'0'..=b'9').filter(|&digit| digit != here).map(Some).collect()
            }
            (Self::Bit, Some(here)) => (0..8).map(|bit| Some(here ^ (1 << bit))).collect(),
            (Self::Byte, Some(here)) => (0..=u8::MAX).filter(|&byte| byte != here).map(Some).collect(),
            (Self::Added, Some(_)) => vec![None],
            (Self::Lost, _) | (Self::LastLost, None) => (0..=u8::MAX).map(Some).collect(),
            _ => Vec::new(),
        }
    }

    fn cause(self, offset: usize, signed: Option<u8>, here: Option<u8>) -> Cause {
        let (signed, here) = (signed.unwrap_or_default(), here.unwrap_or_default());
        match self {
            Self::Lost | Self::LastLost => Cause::BodyByteLost { offset, signed },
            Self::Added => Cause::BodyByteAdded { offset, here },
            Self::Digit | Self::Bit | Self::Byte => Cause::BodyByteChanged { offset, signed, here },
        }
    }
}
