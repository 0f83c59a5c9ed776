//! Searches for a single byte that was changed, added or lost after signing.
//!
//! The cost grows with the square of the body's length, so the likeliest edits come first and the
//! allowance ends the search: any byte is found in bodies of some 400 bytes, a flipped bit or
//! another digit in bodies of some kilobytes.

use super::budget::HashAllowance;
use super::byte_edit::ByteEdit;
use super::cause::Cause;
use super::compare;
use super::search::SearchSpace;
use crate::model::signature::Signer;

/// The kinds of edit, in the order in which they are tried over the whole body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edit {
    /// Bytes were added at the end.
    EndAdded,
    /// A zero, a sign, a blank or a backslash was lost.
    LikelyLost,
    /// A digit became another digit: somebody changed an amount. Or a blank was a plus sign or a
    /// tab, or a tab a blank.
    DigitOrBlank,
    BitFlipped,
    Added,
    LastByteLost,
    Changed,
    Lost,
}

impl Edit {
    const ALL: [Self; 8] = [
        Self::DigitOrBlank,
        Self::BitFlipped,
        Self::Added,
        Self::LastByteLost,
        Self::EndAdded,
        Self::LikelyLost,
        Self::Changed,
        Self::Lost,
    ];
}

/// Finds the edit that makes a signature match, with a key and the prefix that should have been
/// used. `None`: there is none, or the allowance ended first.
pub(super) fn find(space: &SearchSpace<'_>, allowance: &mut HashAllowance) -> Option<Cause> {
    if allowance.is_spent() {
        return None;
    }
    let frame = space.frames.correct()?;
    let body = space.bodies.received();
    Edit::ALL.into_iter().find_map(|edit| {
        space.keys.iter().filter(|key| key.causes.is_empty()).find_map(|key| {
            let mut signer = key.signer.clone();
            signer.update(&frame.before);
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
        let rest = &body[edit.rest_offset(offset, body.len())..];
        for signed in edit.signed_bytes(offset, here) {
            if !allowance.spend(rest.len()) {
                return None;
            }
            let mut signer = signer.clone();
            signer.update(signed.as_slice());
            signer.update(rest);
            if space.find_target(&signer.finish()).is_some() {
                if edit == Edit::EndAdded {
                    return compare::end_change(&body[..offset], body);
                }
                let here = here.filter(|_| edit.width() == 1);
                return Some(ByteEdit { offset, signed, here }.cause(body));
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
            Self::Lost | Self::LikelyLost | Self::LastByteLost => 0,
            _ => 1,
        }
    }

    /// The offset of the received bytes that were signed after the edit.
    fn rest_offset(self, offset: usize, length: usize) -> usize {
        if self == Self::EndAdded { length } else { (offset + self.width()).min(length) }
    }

    /// Lists what may have been signed in place of `here`; `None` in the list stands for no byte.
    /// A blank before the body is a separator, not a byte of the body.
    fn signed_bytes(self, offset: usize, here: Option<u8>) -> Vec<Option<u8>> {
        let all = || (0..=u8::MAX).filter(|byte| offset > 0 || !byte.is_ascii_whitespace());
        match (self, here) {
            (Self::DigitOrBlank, Some(b' ')) => vec![Some(b'+'), Some(b'\t')],
            (Self::DigitOrBlank, Some(b'\t')) => vec![Some(b' ')],
            (Self::LikelyLost, Some(_)) if offset > 0 => b"0+ \\\"".iter().copied().map(Some).collect(),
            (Self::DigitOrBlank, Some(here)) if here.is_ascii_digit() => {
                (b'0'..=b'9').filter(|&digit| digit != here).map(Some).collect()
            }
            (Self::BitFlipped, Some(here)) => (0..8).map(|bit| Some(here ^ (1 << bit))).collect(),
            (Self::Changed, Some(here)) => (0..=u8::MAX).filter(|&byte| byte != here).map(Some).collect(),
            (Self::Added, Some(_)) => vec![None],
            (Self::EndAdded, Some(_)) if offset > 1 => vec![None],
            (Self::Lost, _) | (Self::LastByteLost, None) => all().map(Some).collect(),
            _ => Vec::new(),
        }
    }
}
