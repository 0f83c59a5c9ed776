//! A chunked body as it stood on the wire (RFC 9112, 7.1): what is not data is kept apart, so that both can be put together again.

use memchr::memchr;

/// How many bytes of cuts are kept. A body in pieces of 64 bytes has so many at 200 KB.
const MAX_CUTS: usize = 16 * 1024;

/// How a body was cut into chunks: all size lines with their extensions, the line ends after the data, and the trailers, byte for
/// byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuts(Vec<u8>);

impl Cuts {
    /// What stood between the data, in its order.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What stood between the data, in its order.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The body as it came, from its data. `None`: these are the cuts of another body.
    pub fn around(&self, mut data: &[u8]) -> Option<Vec<u8>> {
        let mut cuts = self.0.as_slice();
        let mut body = Vec::with_capacity(cuts.len() + data.len());
        loop {
            let line = first_line(cuts)?;
            let size = usize::try_from(size(line)?).ok()?;
            cuts = cuts.get(line.len()..)?;
            body.extend_from_slice(line);
            if size == 0 {
                body.extend_from_slice(cuts);
                return data.is_empty().then_some(body);
            }
            let (chunk, rest) = data.split_at_checked(size)?;
            body.extend_from_slice(chunk);
            data = rest;
            let end = first_line(cuts)?;
            body.extend_from_slice(end);
            cuts = cuts.get(end.len()..)?;
        }
    }
}

/// Follows a chunked body through the pieces in which it arrives. It judges nothing: of a body that makes no sense it has no cuts.
#[derive(Debug)]
pub struct Follower {
    cuts: Vec<u8>,
    /// Where the last line of the cuts begins.
    line: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In a line that says how long the next chunk is.
    Size,
    /// In a chunk, so many bytes before its end.
    Data(u64),
    /// In the line end after a chunk.
    DataEnd,
    /// Behind the last chunk.
    Trailers,
    /// Behind the body.
    End,
    /// Nobody knows, or it is too much to keep.
    Lost,
}

impl Default for Follower {
    fn default() -> Self {
        Self { cuts: Vec::new(), line: 0, place: Place::Size }
    }
}

impl Follower {
    /// Takes note of the next bytes; those behind the body are passed over.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = match self.place {
                Place::Data(left) => self.skip_data(left, bytes.len()),
                Place::Size | Place::DataEnd | Place::Trailers => self.feed_line(bytes),
                Place::End | Place::Lost => return,
            };
            bytes = &bytes[used..];
        }
    }

    /// How the body was cut. `None`: it has no end yet, none that makes sense, or too many cuts to keep.
    pub fn into_cuts(self) -> Option<Cuts> {
        (self.place == Place::End).then_some(Cuts(self.cuts))
    }

    fn skip_data(&mut self, left: u64, there: usize) -> usize {
        let used = usize::try_from(left).map_or(there, |left| left.min(there));
        let left = left - used as u64;
        self.place = if left == 0 { Place::DataEnd } else { Place::Data(left) };
        used
    }

    /// Copies up to the end of a line; says how many bytes that were.
    fn feed_line(&mut self, bytes: &[u8]) -> usize {
        let end = memchr(b'\n', bytes).map(|at| at + 1);
        let used = end.unwrap_or(bytes.len());
        if self.cuts.len() + used > MAX_CUTS {
            *self = Self { place: Place::Lost, ..Self::default() };
            return used;
        }
        self.cuts.extend_from_slice(&bytes[..used]);
        if end.is_some() {
            self.place = self.after_line();
            self.line = self.cuts.len();
        }
        used
    }

    fn after_line(&self) -> Place {
        let line = &self.cuts[self.line..];
        let is_empty = matches!(line, b"\r\n" | b"\n");
        match self.place {
            Place::Size => match size(line) {
                Some(0) => Place::Trailers,
                Some(size) => Place::Data(size),
                None => Place::Lost,
            },
            Place::DataEnd if is_empty => Place::Size,
            Place::Trailers if is_empty => Place::End,
            Place::Trailers => Place::Trailers,
            _ => Place::Lost,
        }
    }
}

/// The first line, with its end.
fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..=memchr(b'\n', bytes)?)
}

/// What a size line says, such as `1a` or `1a;extension=x`, with or without its end.
pub fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let is_number = digits.iter().all(u8::is_ascii_hexdigit);
    is_number.then(|| u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WIRE: &[u8] = b"3;a=\"1\"\r\n{\"\n\r\n000A \r\n0123456789\r\n1\n}\n0;last\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n";
    const DATA: &[u8] = b"{\"\n0123456789}";

    fn followed(pieces: &[&[u8]]) -> Option<Cuts> {
        let mut follower = Follower::default();
        pieces.iter().for_each(|piece| follower.feed(piece));
        follower.into_cuts()
    }

    #[test]
    fn a_body_is_put_together_as_it_came_however_it_arrived() {
        for size in 1..=WIRE.len() {
            let pieces: Vec<_> = WIRE.chunks(size).collect();
            let cuts = followed(&pieces).unwrap();
            assert_eq!(cuts.around(DATA).as_deref(), Some(WIRE));
        }
    }

    #[test]
    fn what_stands_behind_the_body_is_not_part_of_it() {
        assert_eq!(followed(&[WIRE, b"GET / HTTP/1.1\r\n\r\n"]), followed(&[WIRE]));
        assert_eq!(followed(&[&[WIRE, b"\r\n0"].concat()]), followed(&[WIRE]));
    }

    #[test]
    fn a_body_without_sense_or_end_has_no_cuts() {
        for wire in
            ["", "3\r\nab", "x\r\n\r\n", "-1\r\n\r\n", "1\r\nab\r\n0\r\n\r\n", "0\r\n", "0\r\nA: 1\r\n", "\r\n\r\n"]
        {
            assert_eq!(followed(&[wire.as_bytes()]), None, "{wire:?}");
        }
        assert_eq!(followed(&[b"ffffffffffffffffff\r\n\r\n"]), None);
    }

    #[test]
    fn more_cuts_than_are_kept_take_no_memory() {
        let mut follower = Follower::default();
        for _ in 0..10_000 {
            follower.feed(b"1\r\na\r\n");
            assert!(follower.cuts.capacity() <= 2 * MAX_CUTS);
        }
        follower.feed(b"0\r\n\r\n");
        assert_eq!(follower.into_cuts(), None);
    }

    #[test]
    fn another_body_does_not_fit() {
        let cuts = followed(&[WIRE]).unwrap();
        for data in [&b""[..], &DATA[1..], &[DATA, b"!"].concat()] {
            assert_eq!(cuts.around(data), None);
        }
        assert_eq!(Cuts::new(b"5".to_vec()).around(b"abcde"), None);
        assert_eq!(Cuts::new(b"ffffffffffffffff\r\n".to_vec()).around(b"a"), None);
    }

    proptest! {
        #[test]
        fn whatever_has_cuts_comes_out_as_it_went_in(wire in "([0-3](;[a-z]?)?\r?\n[ab\n]{0,3}\r?\n){0,4}(0\r\n(T: 1\r\n)?\r\n)?") {
            let Some(cuts) = followed(&[wire.as_bytes()]) else { return Ok(()) };
            let (mut data, mut rest) = (Vec::new(), wire.as_bytes());
            while let Some(line) = first_line(rest) {
                let length = usize::try_from(size(line).unwrap()).unwrap();
                rest = &rest[line.len()..];
                if length == 0 { break }
                data.extend_from_slice(&rest[..length]);
                rest = &rest[length..];
                rest = &rest[first_line(rest).unwrap().len()..];
            }
            let whole = cuts.around(&data).unwrap();
            prop_assert!(wire.as_bytes().starts_with(&whole));
        }
    }
}
