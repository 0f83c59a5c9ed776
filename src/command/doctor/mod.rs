//! `whtool doctor`: checks the configuration.
//!
//! Each file checks one area: `settings`, `secrets`, `files` (folders and the store), `providers`
//! (API and clock) and `endpoints`. They return findings; this file prints them. No secret is
//! printed, only where it is.

mod endpoints;
mod files;
mod providers;
mod secrets;
mod settings;
mod tunnels;

use super::Session;
use crate::command::shared::store_args::StoreArgs;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::mask::{Audience, mask_sentence};
use crate::model::sanitize::escape_unsafe;
use crate::model::width::pad_right;
use crate::render::json::line;
use clap::Args;
use serde_json::json;
use std::io::Write;

/// Check settings, secrets, files, the store, the clock and endpoints
///
/// Nothing is changed, and no secret is printed. For each API key that is set, one read-only
/// request checks the key and compares the clocks. Exits with status 1 if there is a problem.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool doctor
  whtool doctor --offline
  whtool doctor --json")]
pub(super) struct Doctor {
    /// Send nothing to the providers
    #[arg(long)]
    offline: bool,
    /// Print one JSON record per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Ok,
    /// Worth knowing, but not wrong.
    Note,
    Problem,
}

impl Severity {
    fn code(self) -> &'static str {
        match self {
            Self::Ok => "good",
            Self::Note => "note",
            Self::Problem => "bad",
        }
    }
}

/// The result of one check. Its texts may be untrusted; they are escaped when they are printed.
struct DoctorFinding {
    area: &'static str,
    severity: Severity,
    /// A variable, a file or an endpoint.
    subject: String,
    message: String,
    hint: Option<String>,
}

impl DoctorFinding {
    fn new(area: &'static str, severity: Severity, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { area, severity, subject: subject.into(), message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Reports an error that kept a check from running.
    fn from_error(area: &'static str, subject: impl Into<String>, error: &Error) -> Self {
        let finding = Self::new(area, Severity::Problem, subject, error.to_string());
        error.hint.iter().cloned().fold(finding, Self::hint)
    }
}

/// Runs all checks and prints their findings.
pub(super) fn run(args: &Doctor, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut printer = FindingPrinter { args, session, area: "", problems: 0 };
    printer.print(settings::check(session.settings))?;
    printer.print(secrets::check(session))?;
    printer.print(files::check(&args.store, session))?;
    if args.offline {
        session.info("no provider was contacted (--offline)");
    } else {
        printer.print(providers::check(session))?;
    }
    printer.print(endpoints::check(&args.store, session))?;
    printer.print(vec![tunnels::check(session)])?;
    if !args.json {
        session.info(&match printer.problems {
            0 => session.err.good("no problems found"),
            problems => session.err.bad(&format!("{} found", crate::render::text::count(problems, "problem"))),
        });
    }
    Ok(if printer.problems == 0 { CommandOutcome::Success } else { CommandOutcome::Negative })
}

struct FindingPrinter<'t> {
    args: &'t Doctor,
    session: &'t Session<'t>,
    /// The area of the last finding, for headings.
    area: &'static str,
    problems: u64,
}

impl FindingPrinter<'_> {
    fn print(&mut self, findings: Vec<DoctorFinding>) -> Result<()> {
        let mut output = self.session.world.stdout();
        for finding in &findings {
            self.problems += u64::from(finding.severity == Severity::Problem);
            let text = if self.args.json {
                record(finding)
            } else {
                let lines = self.lines(finding);
                self.session.wrap(&lines)
            };
            output.write_all(text.as_bytes())?;
        }
        Ok(output.flush()?)
    }

    fn lines(&mut self, finding: &DoctorFinding) -> String {
        let paint = self.session.out;
        let mut text = String::new();
        if self.area != finding.area {
            let gap = if self.area.is_empty() { "" } else { "\n" };
            self.area = finding.area;
            text.push_str(&format!("{gap}{}\n", paint.strong(finding.area)));
        }
        let mark = match finding.severity {
            Severity::Ok => paint.good("ok     "),
            Severity::Note => paint.faint("note   "),
            Severity::Problem => paint.bad("problem"),
        };
        let (subject, message) = (shown(&finding.subject), shown(&finding.message));
        text.push_str(&format!("  {mark}  {}  {message}\n", paint.name(&pad_right(&subject, 23))));
        if let Some(hint) = &finding.hint {
            text.push_str(&format!("           {} {}\n", paint.faint("try:"), shown(hint)));
        }
        text
    }
}

/// Masks and escapes a text that may quote a URL or a file.
fn shown(text: &str) -> String {
    escape_unsafe(&mask_sentence(text, Audience::Team)).into_owned()
}

fn record(finding: &DoctorFinding) -> String {
    let masked = |text: &str| mask_sentence(text, Audience::Team);
    let record = json!({
        "schema": "whtool.finding/1", "area": finding.area, "grade": finding.severity.code(), "subject": masked(&finding.subject),
        "what": masked(&finding.message), "hint": finding.hint.as_deref().map(masked),
    });
    String::from_utf8(line(&record)).expect("JSON is text")
}
