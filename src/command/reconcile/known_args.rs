//! The flags for accepted differences, `--known` and `--accept`, and their file.

use crate::command::Session;
use crate::command::shared::output_file;
use crate::model::error::{Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::reconcile::KnownDifferences;
use crate::reconcile::known::{AcceptArg, KnownLine, KnownLineError, is_known_file, update_file};
use crate::reconcile::report::KnownSummary;
use crate::render::text::count;
use crate::world::FileVisibility;
use clap::Args;
use jiff::Zoned;
use std::path::{Path, PathBuf};

#[derive(Args)]
#[command(next_help_heading = "Accepted differences")]
pub(super) struct KnownArgs {
    /// Do not count the differences in this file: CLASS REFERENCE per line, with a note after #
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Add a difference of this run to the file, with its facts: amount_differs:pi_def456=rounding.
    /// May be repeated
    #[arg(long, value_name = "CLASS:REFERENCE[=NOTE]", requires = "known")]
    accept: Vec<AcceptArg>,
}

/// Maximum number of accepted differences that are named on standard error.
const MAX_NAMED: usize = 10;

impl KnownArgs {
    /// Reads the file. With `--accept` it need not exist.
    pub(super) fn load(&self, now: &Zoned, session: &Session<'_>) -> Result<KnownDifferences> {
        let Some(path) = &self.known else { return Ok(KnownDifferences::default()) };
        let text = if self.accept.is_empty() || session.world.file_exists(path) {
            let not_text = |error| Error::failed(format!("can't read {}", path.display())).because(error);
            String::from_utf8(session.read(path)?).map_err(not_text)?
        } else {
            String::new()
        };
        let known = KnownDifferences::parse(&text, &self.accept, &now.date().to_string());
        let known = known.map_err(|error| line_error(path, &error))?;
        if known.entries() == 0 && self.accept.is_empty() {
            session.info(&format!("{} has no accepted differences", escape_unsafe(&path.display().to_string())));
        }
        Ok(known)
    }

    /// Writes what this run has accepted, and names what is gone.
    pub(super) fn save(&self, known: &KnownDifferences, session: &Session<'_>) -> Result<()> {
        let Some(path) = &self.known else { return Ok(()) };
        let name = path.display().to_string();
        let name = escape_unsafe(&name);
        let accepted = known.accepted_now();
        if !accepted.is_empty() {
            self.write(path, accepted, session)?;
            session.info(&format!("{} added to {name}", count(accepted.len() as u64, "accepted difference")));
        }
        let gone = known.gone();
        if !gone.is_empty() {
            let (number, verb) = (gone.len() as u64, if gone.len() == 1 { "is" } else { "are" });
            session.info(&format!("{} {verb} gone; remove from {name}:", count(number, "accepted difference")));
            for line in gone.iter().take(MAX_NAMED) {
                session.info(&format!("  {}", escape_unsafe(&line.to_string())));
            }
            if gone.len() > MAX_NAMED {
                session.info(&format!("  and {} more", gone.len() - MAX_NAMED));
            }
        }
        Ok(())
    }

    fn write(&self, path: &Path, accepted: &[KnownLine], session: &Session<'_>) -> Result<()> {
        if !session.world.file_exists(path) {
            let text = update_file("", accepted).map_err(|error| line_error(path, &error))?;
            return output_file::write(path, text.as_bytes(), FileVisibility::Shared, &is_known_file, session);
        }
        let mut change = |old: Option<Vec<u8>>| {
            let not_text = |error| Error::failed(format!("can't write {}", path.display())).because(error);
            let old = String::from_utf8(old.unwrap_or_default()).map_err(not_text)?;
            let new = update_file(&old, accepted).map_err(|error| line_error(path, &error))?;
            Ok(new.into_bytes())
        };
        session.world.update_file(path, &mut change).map(drop)
    }

    /// Fails if a difference to accept did not occur.
    pub(super) fn check_requests(&self, known: &KnownDifferences) -> Result<()> {
        let missing: Vec<_> = known.unmatched_requests().collect();
        let Some(first) = missing.first() else { return Ok(()) };
        let named = format!("{}:{}", first.class.code(), first.reference());
        let what = match missing.len() {
            1 => format!("{named} was not accepted"),
            more => format!("{named} and {} more were not accepted", more - 1),
        };
        Err(Error::failed(what).because("this run found no such difference"))
    }
}

/// Describes the accepted differences at the end of a run.
pub(super) fn summarize(known: &KnownDifferences) -> KnownSummary {
    KnownSummary {
        gone: known.gone().iter().map(ToString::to_string).collect(),
        not_compared: known.not_compared().len() as u64,
    }
}

fn line_error(path: &Path, error: &KnownLineError) -> Error {
    Error::failed(format!("{} is not a file of accepted differences", path.display()))
        .because(format!("line {}: {}", error.line, error.reason))
        .hint("write lines such as: amount_differs pi_def456  # rounding")
}
