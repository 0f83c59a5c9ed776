//! Errors that end a command, shown in at most three short lines: what failed, why, and what to do.
//!
//! Each kind of error has its exit status. A wrong signature or a refused delivery is an answer
//! (`CommandOutcome`), not an error.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Result of a command that ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// Exit status 0.
    Success,
    /// Exit status 1: the answer is no.
    Negative,
}

impl CommandOutcome {
    pub fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Negative => 1,
        }
    }
}

/// Kind of an error, which decides the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Exit status 2: the command line makes no sense.
    Usage,
    /// Exit status 3: the network, a file, a setting or an input.
    Failed,
    /// Exit status 4: credentials are missing or were refused.
    Credentials,
    /// Exit status 130: Ctrl+C or SIGTERM.
    Interrupted,
    /// Exit status 0: the program that reads our output closed the pipe.
    PipeClosed,
}

/// Error as it is shown to the user.
#[derive(Clone, Debug)]
pub struct Error {
    /// Decides the exit status.
    pub kind: Kind,
    /// Description of the failure. May contain untrusted text, which is escaped when it is printed.
    pub message: String,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
    /// Last lines that a program of the user wrote; shown below the cause.
    pub program_output: Vec<String>,
    pub hint: Option<String>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), cause: None, program_output: Vec::new(), hint: None }
    }

    /// Reports a command line that makes no sense.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Reports a failure outside of whtool: the network, a file, a setting, an input.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// Reports missing or refused credentials.
    pub fn credentials(message: impl fmt::Display) -> Self {
        Self::new(Kind::Credentials, message)
    }

    /// Reports that Ctrl+C or SIGTERM stopped the command.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted")
    }

    pub fn with_message(self, message: String) -> Self {
        Self { message, ..self }
    }

    /// Adds the cause: a lower-level error, which is kept, or an explanation.
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(Arc::from(cause.into()));
        self
    }

    /// Adds the last lines that a program of the user wrote.
    pub fn with_program_output(mut self, lines: Vec<String>) -> Self {
        self.program_output = lines;
        self
    }

    /// Adds advice on what to do.
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Returns the cause as one line. `None`: the message says it all.
    pub fn cause(&self) -> Option<String> {
        self.cause.as_ref().map(ToString::to_string)
    }

    /// Returns the exit status of the process.
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

/// Reports that our own output could not be written.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Kind::PipeClosed, "the output pipe was closed");
        }
        Self::failed("can't write the output").because(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.message)?;
        self.cause.iter().try_for_each(|cause| write!(out, ": {cause}"))
    }
}

/// Compares what is shown.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.message, self.cause(), &self.program_output, &self.hint)
            == (other.kind, &other.message, other.cause(), &other.program_output, &other.hint)
    }
}

impl Eq for Error {}

impl StdError for Error {
    /// Returns the error below the cause: the cause itself is part of the text.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref()?.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("disk {disk} is full")]
    struct DiskFull {
        disk: u8,
        source: std::num::ParseIntError,
    }

    #[test]
    fn the_cause_is_kept_with_everything_below_it() {
        let source = "x".parse::<u8>().unwrap_err();
        let error = Error::failed("can't write a.txt").because(DiskFull { disk: 1, source });
        assert_eq!(error.to_string(), "can't write a.txt: disk 1 is full");
        assert_eq!(error.cause().unwrap(), "disk 1 is full");
        let chain: Vec<_> = std::iter::successors(error.source(), |below| (*below).source()).collect();
        assert_eq!(chain.iter().map(ToString::to_string).collect::<Vec<_>>(), ["invalid digit found in string"]);
        assert!(chain[0].is::<std::num::ParseIntError>());
    }

    #[test]
    fn a_closed_pipe_is_success_and_any_other_write_error_is_not() {
        let status = |kind: std::io::ErrorKind| Error::from(std::io::Error::from(kind)).status();
        assert_eq!(status(std::io::ErrorKind::BrokenPipe), 0);
        assert_eq!(status(std::io::ErrorKind::StorageFull), 3);
    }

    #[test]
    fn each_kind_of_error_has_its_exit_status() {
        for (error, kind, status) in [
            (Error::usage("x"), Kind::Usage, 2),
            (Error::failed("x"), Kind::Failed, 3),
            (Error::credentials("x"), Kind::Credentials, 4),
            (Error::interrupted(), Kind::Interrupted, 130),
        ] {
            assert_eq!((error.kind, error.status()), (kind, status));
        }
        assert_eq!((CommandOutcome::Success.status(), CommandOutcome::Negative.status()), (0, 1));
    }

    #[test]
    fn a_replaced_message_keeps_kind_cause_output_and_hint() {
        let error = Error::credentials("old")
            .because("the key was revoked")
            .with_program_output(vec!["line 1".to_owned()])
            .hint("create another key")
            .with_message("new".to_owned());
        assert_eq!(error.to_string(), "new: the key was revoked");
        assert_eq!((error.status(), error.hint.as_deref()), (4, Some("create another key")));
        assert_eq!(error.program_output, ["line 1"]);
    }

    #[test]
    fn errors_that_look_the_same_are_equal_and_all_others_are_not() {
        let error = || Error::failed("a").because("b").hint("c");
        assert_eq!(error(), Error::failed("a").because("b".to_owned()).hint("c"));
        for other in [
            Error::usage("a").because("b").hint("c"),
            Error::failed("x").because("b").hint("c"),
            Error::failed("a").because("x").hint("c"),
            Error::failed("a").hint("c"),
            Error::failed("a").because("b").hint("x"),
            error().with_program_output(vec![String::new()]),
        ] {
            assert_ne!(error(), other);
        }
        assert_eq!((Error::failed("a").cause(), Error::failed("a").source().is_none()), (None, true));
    }
}
