//! The space that unverified captures take of the limit on them, and what is stored of one.

use super::NewDelivery;
use crate::model::message::Request;
use sha2::{Digest, Sha256};

/// The space that an unverified delivery would take.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpaceWanted {
    pub head: u64,
    pub body: u64,
}

impl SpaceWanted {
    pub fn of(request: &Request) -> Self {
        let head = head_bytes(request.target.len(), request.headers.as_bytes().len());
        Self { head, body: body_bytes(request.body.len()) }
    }
}

/// The space that an unverified delivery takes. The default is for verified ones.
#[derive(Default)]
pub(super) struct SpaceTaken {
    pub head: u64,
    pub body: u64,
    /// SHA-256 of the body if it is not stored.
    pub hash: Option<[u8; 32]>,
}

/// The part of an unverified delivery for which there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Whole,
    WithoutBody(&'static str),
    Nothing(&'static str),
}

/// What becomes of a delivery.
pub(super) enum Admission {
    /// It is stored. With a fact that the user should know.
    Stored(SpaceTaken, Option<String>),
    /// It is answered as if it were stored, for this reason.
    NotStored(String),
    /// It can't be acknowledged, for this reason.
    Refused(String),
}

impl Room {
    /// Decides what becomes of an unverified delivery. With 200, its sender must be able to rely on
    /// the whole request.
    pub fn admit(self, delivery: &NewDelivery, SpaceWanted { head, body }: SpaceWanted) -> Admission {
        match self {
            Self::Whole => Admission::Stored(SpaceTaken { head, body, hash: None }, None),
            Self::WithoutBody(reason) | Self::Nothing(reason) if delivery.answer.is_success() => {
                Admission::Refused(format!("unverified requests are not stored: {reason}"))
            }
            Self::WithoutBody(reason) => {
                let hash = Some(hash(&delivery.received.delivery.request.body));
                let note = format!("storing refused requests without their bodies: {reason}");
                Admission::Stored(SpaceTaken { head, body: 0, hash }, Some(note))
            }
            Self::Nothing(reason) => Admission::NotStored(format!("not storing refused requests: {reason}")),
        }
    }
}

/// Returns the bytes that a head takes, with its row and its places in indexes.
pub(super) fn head_bytes(target: usize, headers: usize) -> u64 {
    512 + (target + headers) as u64
}

/// Returns the bytes that a body takes: whole pages if it is large.
pub(super) fn body_bytes(length: usize) -> u64 {
    let length = length as u64;
    if length > 2048 { length.next_multiple_of(4096) } else { length }
}

pub(super) fn hash(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}
