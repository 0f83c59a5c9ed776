//! What a handler did to a body before it hashed it, told from the bodies it took and those it refused.
//!
//! A handler that writes the body anew takes exactly the bodies that its serializer would have written so. Every body is an
//! observation; what is left are the rewriters that every observation fits.

use crate::json::{Document, SERIALIZERS, Serializer};

/// A way to change a body without changing what it means.
#[derive(Clone, Copy, Debug)]
pub enum Rewriter {
    /// Blanks and line breaks at its ends are cut off.
    Trimmed,
    /// Its bytes are taken for Latin-1 and written as UTF-8.
    Misread,
    /// It is parsed and written again.
    Serialized(&'static Serializer),
}

/// A body, and whether the handler took it.
#[derive(Clone, Debug)]
pub struct Observation {
    /// What was sent.
    pub body: Vec<u8>,
    /// Whether it was taken.
    pub taken: bool,
}

/// Two are the same when their codes are.
impl PartialEq for Rewriter {
    fn eq(&self, other: &Self) -> bool {
        self.code() == other.code()
    }
}

impl Eq for Rewriter {}

impl Rewriter {
    /// A stable word for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Misread => "latin_1",
            Self::Serialized(serializer) => serializer.code,
        }
    }

    /// A name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trimmed => "a trim that cuts blanks off",
            Self::Misread => "a decoder that takes UTF-8 for Latin-1",
            Self::Serialized(serializer) => serializer.name,
        }
    }

    /// What it makes of a body; `None`: it can't read it.
    pub fn rewrite(self, body: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Trimmed => Some(body.trim_ascii().to_vec()),
            Self::Misread => Some(body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes()),
            Self::Serialized(serializer) => Document::parse(body).ok().map(|document| serializer.write(&document)),
        }
    }

    fn fits(self, seen: &Observation) -> bool {
        let keeps = self.rewrite(&seen.body).is_some_and(|written| written == seen.body);
        keeps == seen.taken
    }
}

/// The rewriters that fit everything that was seen, the likeliest first.
pub fn fitting(seen: &[Observation]) -> Vec<Rewriter> {
    let serializers = SERIALIZERS.iter().map(Rewriter::Serialized);
    let all = [Rewriter::Trimmed, Rewriter::Misread].into_iter().chain(serializers);
    all.filter(|rewriter| seen.iter().all(|seen| rewriter.fits(seen))).collect()
}

/// The plain twins of a body: the same values, as the rewriters that fit so far would have written them, and after those what
/// all others would have; each once, and not the body itself.
pub fn twins(body: &[u8], seen: &[Observation], most: usize) -> Vec<Vec<u8>> {
    let mut twins: Vec<Vec<u8>> = Vec::new();
    for rewriter in fitting(seen).into_iter().chain(fitting(&[])) {
        if twins.len() == most {
            break;
        }
        if let Some(twin) = rewriter.rewrite(body)
            && twin != body
            && !twins.contains(&twin)
            && !matches!(rewriter, Rewriter::Misread)
        {
            twins.push(twin);
        }
    }
    twins
}
