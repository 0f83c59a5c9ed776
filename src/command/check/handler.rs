//! `--start`: the user's handler, run while it is checked.

use crate::check::{Cause, Plan, Report};
use crate::command::Session;
use crate::model::error::{Error, Kind, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::escape_unsafe_bytes;
use crate::world::{ProcessOptions, RunningProcess};
use std::time::Duration;
use url::Position;

/// How long a handler may take until it accepts connections: compilers are slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many of its last lines are shown.
const LINES: usize = 20;

/// A handler that was started, and is stopped when this is dropped.
pub(super) struct Handler {
    program: Box<dyn RunningProcess>,
    /// Its secret, which it may write.
    secret: String,
}

impl Handler {
    /// Starts it, with the secret and the port that it should use.
    pub(super) fn start(command: &str, plan: &Plan, session: &Session<'_>) -> Result<Self> {
        let port = plan.url.port_or_known_default().unwrap_or(80).to_string();
        let text = String::from_utf8_lossy(plan.key.secret.expose()).into_owned();
        // The one that events are signed with, also where the variable holds several.
        let secret = (plan.provider.secret_variable().to_owned(), text.clone());
        let variables = vec![("PORT".to_owned(), port.clone()), secret];
        let host = &plan.url[Position::BeforeHost..Position::AfterHost];
        let address = format!("{host}:{port}");
        let program = ProcessOptions { command: command.to_owned(), variables, address, startup_timeout: PATIENCE };
        let mut launched =
            || session.say(&format!("started it; waiting until {} accepts connections", program.address));
        // Its last words are in the error, and it may say what it was given.
        let program = session.world.start_process(&program, &mut launched).map_err(|mut error| {
            error.program_output.iter_mut().for_each(|line| *line = without(&text, line));
            error
        })?;
        Ok(Self { program, secret: text })
    }

    /// Whether the user wants to end.
    pub(super) fn is_interrupted(&mut self) -> bool {
        self.program.is_interrupted()
    }

    /// An error, with the handler's own end as its cause.
    pub(super) fn explained(&mut self, error: Error) -> Error {
        match self.program.exit_status() {
            Some(status) if error.kind == Kind::Failed => {
                let lines = self.last_lines();
                let said = if lines.is_empty() { "it wrote nothing" } else { "it wrote last:" };
                error.because(format!("the handler ended: {status}; {said}")).with_program_output(lines)
            }
            _ => error,
        }
    }

    /// Where the handler ended or failed, what it wrote last is worth reading.
    pub(super) fn tell_of_its_end(&mut self, report: &Report, session: &Session<'_>) {
        let crashed =
            |cause: &Cause| matches!(cause, Cause::Died | Cause::FailsAll | Cause::ClosesAlways | Cause::HangsAlways);
        let is_worth = report.outcomes.iter().filter_map(|outcome| outcome.cause.as_ref()).any(crashed);
        let ended = self.program.exit_status();
        if let Some(status) = &ended {
            session.warn(&format!("the handler ended by itself: {status}"));
        }
        if is_worth || ended.is_some() {
            let lines: String = self.last_lines().iter().map(|line| format!("\n  | {line}")).collect();
            let said = if lines.is_empty() { "nothing" } else { "last:" };
            session.say(&format!("the handler wrote {said}{lines}"));
        }
    }

    fn last_lines(&self) -> Vec<String> {
        let output = self.program.output();
        let lines = output.split(|&byte| byte == b'\n').map(|line| escape_unsafe_bytes(line.trim_ascii_end()));
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        let last = lines.iter().skip(lines.len().saturating_sub(LINES));
        last.map(|line| without(&self.secret, line)).collect()
    }
}

/// A line of the handler's without its secret, and without what looks like one.
fn without(secret: &str, line: &str) -> String {
    mask_secrets(&if secret.is_empty() { line.to_owned() } else { line.replace(secret, "***") })
}
