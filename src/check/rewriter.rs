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
        self.rewrite_read(&Read::of(body))
    }

    fn rewrite_read(self, read: &Read<'_>) -> Option<Vec<u8>> {
        match self {
            Self::Trimmed => Some(read.body.trim_ascii().to_vec()),
            Self::Misread => Some(read.body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes()),
            Self::Serialized(serializer) => read.document.as_ref().map(|document| serializer.write(document)),
        }
    }
}

/// A body, parsed once for all rewriters.
struct Read<'b> {
    body: &'b [u8],
    document: Option<Document<'b>>,
}

impl<'b> Read<'b> {
    fn of(body: &'b [u8]) -> Self {
        Self { body, document: Document::parse(body).ok() }
    }
}

/// The rewriters that fit everything that was seen, the likeliest first.
pub fn fitting(seen: &[Observation]) -> Vec<Rewriter> {
    let mut fitting = all();
    for Observation { body, taken } in seen {
        let read = Read::of(body);
        fitting.retain(|rewriter| rewriter.rewrite_read(&read).is_some_and(|written| written == *body) == *taken);
    }
    fitting
}

fn all() -> Vec<Rewriter> {
    let serializers = SERIALIZERS.iter().map(Rewriter::Serialized);
    [Rewriter::Trimmed, Rewriter::Misread].into_iter().chain(serializers).collect()
}

/// The plain twins of a body: the same values, as the rewriters that fit so far would have written them, and after those what
/// all others would have; each once, and not the body itself.
pub fn twins(body: &[u8], seen: &[Observation], most: usize) -> Vec<Vec<u8>> {
    let mut twins: Vec<Vec<u8>> = Vec::new();
    let read = Read::of(body);
    for rewriter in fitting(seen).into_iter().chain(all()) {
        if twins.len() == most {
            break;
        }
        if let Some(twin) = rewriter.rewrite_read(&read)
            && twin != body
            && !twins.contains(&twin)
            && !matches!(rewriter, Rewriter::Misread)
        {
            twins.push(twin);
        }
    }
    twins
}
