//! The space that an unverified capture takes of the limit on them.

/// Returns the bytes that a head takes, with its row and its places in indexes.
pub(super) fn head_bytes(target: usize, headers: usize) -> u64 {
    512 + (target + headers) as u64
}

/// Returns the bytes that a body takes: whole pages if it is large.
pub(super) fn body_bytes(length: usize) -> u64 {
    let length = length as u64;
    if length > 2048 { length.next_multiple_of(4096) } else { length }
}
