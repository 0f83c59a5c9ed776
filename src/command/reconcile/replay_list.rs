//! Writes the events that the app missed to a file for `whtool replay --from`.
//!
//! The file is written at the end of the run, in the order of the input: until all orders are known,
//! another one may have taken the payment. An earlier list stays as it is if the run is not complete.

use super::super::Session;
use super::Reconcile;
use crate::command::shared::output_file;
use crate::command::shared::reconciling::{FinishedRun, ResultSink, refuse_if_others_can_read};
use crate::model::error::{Error, Result};
use crate::reconcile::{Class, ReconciledReference, ReplayEvent, ReplayPlan};
use crate::render::reconcile::{self, Completeness};
use crate::render::text::count;
use crate::world::FileVisibility;
use std::path::{Path, PathBuf};

pub(super) struct ReplayList<'a> {
    path: &'a Path,
    session: &'a Session<'a>,
    plan: ReplayPlan,
    lines: Vec<ListedEvent>,
    /// Orders whose event can't be rebuilt.
    unavailable: u64,
}

struct ListedEvent {
    line: Vec<u8>,
    is_rebuilt: bool,
}

impl<'a> ReplayList<'a> {
    /// Checks that the file may be written. It stays as it is until the end of the run.
    pub(super) fn new(args: &'a Reconcile, session: &'a Session<'a>) -> Result<Option<Self>> {
        let Some(path) = args.replay_list.as_deref() else { return Ok(None) };
        let store = args.store.location(session).ok().and_then(|store| store.path().map(Path::to_owned));
        let inputs: [(Option<PathBuf>, &str); 3] =
            [(args.from.clone(), "the list of orders"), (store, "the store"), (args.resume.clone(), "the journal")];
        for (input, name) in inputs {
            if input.is_some_and(|input| session.world.is_same_file(&input, path)) {
                return Err(Error::usage(format!("can't write the replay list to {}", path.display()))
                    .because(format!("it is {name}"))
                    .hint("choose another name"));
            }
        }
        refuse_if_others_can_read(path, session)?;
        output_file::check(path, &reconcile::is_replay_list, session)?;
        Ok(Some(Self { path, session, plan: ReplayPlan::default(), lines: Vec::new(), unavailable: 0 }))
    }

    /// Writes the list and says what it has.
    pub(super) fn finish(self, finished: &FinishedRun) -> Result<()> {
        let Self { path, session, plan, lines, unavailable } = self;
        let listed: Vec<_> = lines.iter().zip(plan.decide()).filter(|(_, is_sent)| *is_sent).collect();
        let (events, path_text) = (listed.len() as u64, path.display());
        if finished.completeness() == Completeness::Partial && session.world.has_content(path) {
            let found = count(events, "missed event");
            session.warn(&format!(
                "{path_text} is still the list of an earlier run: this run is partial, with {found} so far"
            ));
            return Ok(());
        }
        let bytes: Vec<u8> = listed.iter().flat_map(|(event, _)| event.line.iter().copied()).collect();
        output_file::write(path, &bytes, FileVisibility::OwnerOnly, &reconcile::is_replay_list, session)?;
        if finished.completeness() == Completeness::Partial {
            session.warn(&format!("{path_text} has only the events of the references that were looked up"));
        }
        let failed = finished.totals.count(Class::CouldNotTell);
        if failed > 0 {
            session.warn(&format!(
                "{path_text} has no events of {} that could not be compared",
                count(failed, "reference")
            ));
        }
        let left_out = lines.len() as u64 - events;
        if left_out > 0 {
            let left_out = count(left_out, "event");
            session.warn(&format!("{left_out} left out of {path_text}: a duplicate order may have taken the payment"));
        }
        if unavailable > 0 {
            let orders = count(unavailable, "reference");
            session.warn(&format!("{orders} missed an outcome that has no event to rebuild; see the rows"));
        }
        if events == 0 {
            session.info(&format!("nothing to replay: {path_text} is empty"));
            return Ok(());
        }
        let replay = format!("send with: whtool replay --from {path_text}");
        session.info(&format!("{} on the replay list; {replay}", count(events, "event")));
        let rebuilt = listed.iter().filter(|(event, _)| event.is_rebuilt).count() as u64;
        if rebuilt > 0 {
            session.info(&format!(
                "{} rebuilt, with another id than the provider's own event: the app must know payments by reference and \
                 status, or a late delivery is booked twice",
                if rebuilt == 1 { "1 is".to_owned() } else { format!("{rebuilt} are") }
            ));
        }
        Ok(())
    }
}

impl ResultSink for ReplayList<'_> {
    fn add(&mut self, reconciled: &ReconciledReference) -> Result<()> {
        let is_unavailable = reconciled.assessment.missed.is_some() && reconciled.replay.is_none();
        let is_settled = reconciled.acceptance.is_accepted() || reconciled.assessment.has(Class::DuplicateOrder);
        self.unavailable += u64::from(is_unavailable && !is_settled);
        if let Some(event) = self.plan.add(reconciled) {
            let is_rebuilt = matches!(event, ReplayEvent::Rebuilt(_));
            self.lines.push(ListedEvent { line: reconcile::replay_line(reconciled, event), is_rebuilt });
        }
        Ok(())
    }
}
