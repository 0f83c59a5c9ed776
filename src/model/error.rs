//! What can stop whtool from answering, in three short lines at most: what, why, what to try. Only a program of the user's that failed is
//! quoted besides.
//!
//! The exit status of each kind is decided here, once. A wrong signature or a refused delivery is an answer, not an error.

use std::fmt;

/// How a command that could do its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// Done, and the answer is good: exit status 0.
    Success,
    /// Done, and the answer is no: exit status 1.
    Negative,
}

impl CommandOutcome {
    /// The process's exit status.
    pub fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Negative => 1,
        }
    }
}

/// What kind of thing went wrong; it decides the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line makes no sense: exit status 2.
    Usage,
    /// The network, a file or a setting stood in the way: exit status 3.
    Failed,
    /// Credentials are missing or were refused: exit status 4.
    Credentials,
    /// Ctrl+C or SIGTERM: exit status 130.
    Interrupted,
    /// The reader of our output went away, which is a quiet end: exit status 0.
    PipeClosed,
}

/// An error as the user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Decides the exit status.
    pub kind: Kind,
    /// What could not be done. May hold strangers' text: it is made harmless when it is printed.
    pub what: String,
    /// The cause below, when there is one.
    pub why: Option<String>,
    /// What a program of the user's wrote last, line by line; shown below the cause.
    pub said: Vec<String>,
    /// What to try.
    pub hint: Option<String>,
}

/// A result of any part of whtool that speaks to the user.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn new(kind: Kind, what: impl fmt::Display) -> Self {
        Self { kind, what: what.to_string(), why: None, said: Vec::new(), hint: None }
    }

    /// The command line makes no sense.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Something outside stood in the way.
    pub fn failed(what: impl fmt::Display) -> Self {
        Self::new(Kind::Failed, what)
    }

    /// Credentials are missing or were refused.
    pub fn credentials(what: impl fmt::Display) -> Self {
        Self::new(Kind::Credentials, what)
    }

    /// Ctrl+C or SIGTERM ended the work.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted")
    }

    /// Adds the cause below.
    pub fn because(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// Adds what a program of the user's wrote last.
    pub fn saying(mut self, lines: Vec<String>) -> Self {
        self.said = lines;
        self
    }

    /// Adds what to try.
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// The process's exit status.
    pub fn status(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Failed => 3,
            Kind::Credentials => 4,
            Kind::Interrupted => 130,
            Kind::PipeClosed => 0,
        }
    }
}

/// Writing our own output failed.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Kind::PipeClosed, "the reader of the output went away");
        }
        Self::failed("writing the output failed").because(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.what)?;
        self.why.iter().try_for_each(|why| write!(out, ": {why}"))
    }
}

impl std::error::Error for Error {}
