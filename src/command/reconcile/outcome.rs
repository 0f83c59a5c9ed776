//! Decides the exit status of a run.

use super::Reconcile;
use crate::command::shared::reconciling::{FinishedRun, RunEnd};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::reconcile::Class;
use crate::render::text::count;

/// Decides the exit status. A failed lookup takes precedence over a difference: the list of
/// differences is incomplete. `has_failure`: a finding makes the status 1.
pub(super) fn outcome(finished: FinishedRun, args: &Reconcile, has_failure: bool) -> Result<CommandOutcome> {
    let totals = finished.totals;
    match finished.end {
        RunEnd::Interrupted => return Err(Error::interrupted()),
        RunEnd::Stopped(error) => return Err(error),
        RunEnd::Complete => {}
    }
    let (failed, bad) = (totals.count(Class::CouldNotTell), totals.bad_lines);
    if failed > 0 {
        return Err(Error::failed(format!("{} could not be compared", count(failed, "reference")))
            .because("see the rows marked inconclusive"));
    }
    if totals.incomplete > 0 {
        return Err(Error::failed(format!("{} could not be compared in full", count(totals.incomplete, "order")))
            .because("see the notes of the rows"));
    }
    if bad > 0 {
        return Err(Error::failed(format!("{} of the list could not be read", count(bad, "line"))));
    }
    // With --fail-on, the user decides about open payments, too.
    let waits = args.wait.is_some() && args.reports.failing_classes().is_none();
    let is_open = waits && totals.count(Class::StillOpen) > 0;
    Ok(if has_failure || is_open { CommandOutcome::Negative } else { CommandOutcome::Success })
}
