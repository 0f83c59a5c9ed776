//! A handler that `--start` runs during the check.

use crate::check::{CheckPlan, CheckReport, ProbeCause};
use crate::command::Session;
use crate::command::shared::secrets::hidden_from_commands;
use crate::model::error::{Error, Kind, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::escape_unsafe_bytes;
use crate::world::{ProcessOptions, RunningProcess};
use std::time::Duration;
use url::Position;

/// Time until the handler must accept connections. Long, since the command may compile it first.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Number of the last lines of output that are shown.
const SHOWN_LINES: usize = 20;

/// A running handler. Dropping it stops the process.
pub(super) struct StartedHandler {
    process: Box<dyn RunningProcess>,
    /// Masked in the handler's output.
    secret: String,
}

impl StartedHandler {
    /// Starts the handler with its secret and port in the environment, and waits until it accepts
    /// connections.
    pub(super) fn start(command: &str, plan: &CheckPlan, session: &Session<'_>) -> Result<Self> {
        let port = plan.url.port_or_known_default().unwrap_or(80).to_string();
        let secret = String::from_utf8_lossy(plan.key.secret.expose()).into_owned();
        let host = &plan.url[Position::BeforeHost..Position::AfterHost];
        let address = format!("{host}:{port}");
        // The variable gets one secret, the one that events are signed with, even if it holds
        // several here.
        let secret_variable = (plan.provider.secret_variable().to_owned(), secret.clone());
        let variables = vec![("PORT".to_owned(), port), secret_variable];
        let hidden_variables: Vec<_> = hidden_from_commands().into_iter().map(str::to_owned).collect();
        let is_set = |name: &&String| session.world.env_var(name).is_some();
        let kept_back: Vec<_> = hidden_variables.iter().filter(is_set).cloned().collect();
        let without = if kept_back.is_empty() { String::new() } else { format!(" without {}", kept_back.join(", ")) };
        let startup_timeout = START_TIMEOUT;
        let mut on_start = || session.info(&format!("started the handler{without}; waiting for {address}"));
        let address = Some(address.clone());
        let program = ProcessOptions {
            command: command.to_owned(),
            variables,
            hidden_variables,
            input: Vec::new(),
            address,
            startup_timeout,
            is_guarded: true,
        };
        let process = session.world.start_process(&program, &mut on_start).map_err(|mut error| {
            error.program_output.iter_mut().for_each(|line| *line = mask_line(&secret, line));
            error
        })?;
        Ok(Self { process, secret })
    }

    /// Returns whether the user has asked to stop.
    pub(super) fn is_interrupted(&mut self) -> bool {
        self.process.is_interrupted()
    }

    /// Adds the handler's exit and its last output to an error, if it has exited.
    pub(super) fn explain(&mut self, error: Error) -> Error {
        match self.process.exit_status() {
            Some(status) if error.kind == Kind::Failed => {
                let lines = self.last_lines();
                let output = if lines.is_empty() { "it printed nothing" } else { "last output:" };
                error.because(format!("the handler exited: {status}; {output}")).with_program_output(lines)
            }
            _ => error,
        }
    }

    /// Prints the handler's last output if it exited or crashed.
    pub(super) fn print_last_output(&mut self, report: &CheckReport, session: &Session<'_>) {
        let is_crash = |cause: &ProbeCause| {
            use ProbeCause::{DisconnectsAlways, FailsAll, FailsVerified, HandlerDied, TimesOutAlways};
            matches!(cause, HandlerDied | FailsAll(_) | FailsVerified | DisconnectsAlways | TimesOutAlways)
        };
        let crashed = report.results.iter().filter_map(|result| result.cause.as_ref()).any(is_crash);
        let exit_status = self.process.exit_status();
        if let Some(status) = &exit_status {
            session.warn(&format!("the handler exited during the check: {status}"));
        }
        if crashed || exit_status.is_some() {
            let lines: String = self.last_lines().iter().map(|line| format!("\n  | {line}")).collect();
            if lines.is_empty() {
                session.info("the handler printed nothing");
            } else {
                session.info(&format!("last output of the handler:{lines}"));
            }
        }
    }

    fn last_lines(&self) -> Vec<String> {
        let output = self.process.output();
        let lines = output.split(|&byte| byte == b'\n').map(|line| escape_unsafe_bytes(line.trim_ascii_end()));
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        let last = lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES));
        last.map(|line| mask_line(&self.secret, line)).collect()
    }
}

/// Masks the handler's secret in a line of its output, and everything else that looks like a
/// secret.
fn mask_line(secret: &str, line: &str) -> String {
    mask_secrets(&if secret.is_empty() { line.to_owned() } else { line.replace(secret, "***") })
}
