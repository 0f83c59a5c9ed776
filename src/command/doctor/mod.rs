//! `whtool doctor`: what is configured, and whether it will do.
//!
//! Each file looks at one side: `settings`, `secrets`, `places` (folders and the store), `providers` (API and clock), `endpoints`. What
//! they find are values; they are told here. No secret is shown, only where it is.

mod endpoints;
mod places;
mod providers;
mod secrets;
mod settings;

use super::Session;
use crate::command::shared::captures::StoreArgs;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::width::pad_right;
use crate::render::json::line;
use clap::Args;
use serde_json::json;
use std::io::Write;

/// Look whether everything is in order: settings, secrets, folders, store, clock, endpoints
///
/// Nothing is changed, and no secret is shown. Where an API key is set, its provider is asked for something that changes nothing, to see
/// whether the key is taken and whether the clocks agree. The exit status is 1 when something is wrong.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool doctor
  whtool doctor --offline
  whtool doctor --json")]
pub(super) struct Doctor {
    /// Ask no provider
    #[arg(long)]
    offline: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Wrong.
    Bad,
}

impl Grade {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at. Its texts may hold strangers' text: they are made harmless when they are told.
struct Finding {
    area: &'static str,
    grade: Grade,
    /// What was looked at: a variable, a file, an endpoint.
    subject: String,
    /// How it is.
    what: String,
    hint: Option<String>,
}

impl Finding {
    fn new(area: &'static str, grade: Grade, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self { area, grade, subject: subject.into(), what: what.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What stood in the way of looking.
    fn of_error(area: &'static str, subject: impl Into<String>, error: &Error) -> Self {
        let finding = Self::new(area, Grade::Bad, subject, error.to_string());
        error.hint.iter().cloned().fold(finding, Self::hint)
    }
}

/// Looks at everything, and tells of it.
pub(super) fn run(args: &Doctor, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut told = Told { args, session, area: "", bad: 0 };
    told.tell(settings::look(session.settings))?;
    told.tell(secrets::look(session))?;
    told.tell(places::look(&args.store, session))?;
    if args.offline {
        session.say("no provider was asked (--offline)");
    } else {
        told.tell(providers::look(session))?;
    }
    told.tell(endpoints::look(&args.store, session))?;
    if !args.json {
        session.say(&match told.bad {
            0 => session.err.good("nothing is wrong"),
            bad => session.err.bad(&format!("{} wrong", crate::render::text::count(bad, "thing"))),
        });
    }
    Ok(if told.bad == 0 { CommandOutcome::Success } else { CommandOutcome::Negative })
}

/// Findings on their way to the person, or to a program.
struct Told<'t> {
    args: &'t Doctor,
    session: &'t Session<'t>,
    area: &'static str,
    bad: u64,
}

impl Told<'_> {
    fn tell(&mut self, findings: Vec<Finding>) -> Result<()> {
        let mut output = self.session.world.stdout();
        for finding in &findings {
            self.bad += u64::from(finding.grade == Grade::Bad);
            let text = if self.args.json {
                record(finding)
            } else {
                let lines = self.lines(finding);
                self.session.fitted(&lines)
            };
            output.write_all(text.as_bytes())?;
        }
        Ok(output.flush()?)
    }

    fn lines(&mut self, finding: &Finding) -> String {
        let paint = self.session.out;
        let mut text = String::new();
        if self.area != finding.area {
            let gap = if self.area.is_empty() { "" } else { "\n" };
            self.area = finding.area;
            text.push_str(&format!("{gap}{}\n", paint.strong(finding.area)));
        }
        let mark = match finding.grade {
            Grade::Good => paint.good("ok  "),
            Grade::Note => paint.faint("note"),
            Grade::Bad => paint.bad("bad "),
        };
        let (subject, what) = (escape_unsafe(&finding.subject), escape_unsafe(&finding.what));
        text.push_str(&format!("  {mark}  {}  {what}\n", paint.name(&pad_right(&subject, 23))));
        if let Some(hint) = &finding.hint {
            text.push_str(&format!("        {} {}\n", paint.faint("try:"), escape_unsafe(hint)));
        }
        text
    }
}

/// `whtool.finding/1`
fn record(finding: &Finding) -> String {
    let record = json!({
        "schema": "whtool.finding/1", "area": finding.area, "grade": finding.grade.name(), "subject": finding.subject,
        "what": finding.what, "hint": finding.hint,
    });
    String::from_utf8(line(&record)).expect("JSON is text")
}
