//! What a check found: the outcome of every probe, in the order in which they were run.

use super::cause::Cause;
use super::probe::{Grade, Group};
use super::reply::Exchange;
use crate::diagnose::frameworks::Framework;

/// How one probe went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The probe's id.
    pub id: String,
    /// Its group.
    pub group: Group,
    /// Why a handler should get it right.
    pub why: &'static str,
    /// The provider's page.
    pub page: &'static str,
    /// How it went.
    pub grade: Grade,
    /// What happened, or why it was not run, in a sentence without anything of the handler's own.
    pub what: String,
    /// What is wrong. `None`: nothing, or nothing of its own.
    pub cause: Option<Cause>,
    /// What was sent and what came back, in order.
    pub exchanges: Vec<Exchange>,
    /// Which of them shows it.
    pub shown_by: usize,
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every chosen probe.
    pub outcomes: Vec<Outcome>,
    /// How it takes a good event, when that is not the first way that was tried.
    pub footing: Option<String>,
    /// What answers there, when it says so.
    pub framework: Option<&'static Framework>,
}

impl Outcome {
    /// The exchange that shows it.
    pub fn exchange(&self) -> Option<&Exchange> {
        self.exchanges.get(self.shown_by)
    }
}

/// Outcomes that have the same cause, the worst first.
#[derive(Clone, Debug)]
pub struct Trouble<'r> {
    /// The worst grade among them.
    pub grade: Grade,
    /// What is wrong.
    pub cause: &'r Cause,
    /// All that show it; there is at least one.
    pub outcomes: Vec<&'r Outcome>,
}

impl Report {
    /// How many outcomes have this grade, of a group or of all.
    pub fn count(&self, group: Option<Group>, grade: Grade) -> usize {
        let chosen = |outcome: &&Outcome| outcome.grade == grade && group.is_none_or(|group| group == outcome.group);
        self.outcomes.iter().filter(chosen).count()
    }

    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.count(None, Grade::Fail) == 0
    }

    /// What is wrong, failures before warnings before what is merely worth knowing.
    pub fn troubles(&self) -> Vec<Trouble<'_>> {
        let mut troubles: Vec<Trouble<'_>> = Vec::new();
        for outcome in &self.outcomes {
            let Some(cause) = &outcome.cause else { continue };
            let is_serious = outcome.grade >= Grade::Warn;
            let alike =
                |trouble: &&mut Trouble<'_>| trouble.cause == cause && (trouble.grade >= Grade::Warn) == is_serious;
            match troubles.iter_mut().find(alike) {
                Some(trouble) => {
                    trouble.grade = trouble.grade.max(outcome.grade);
                    trouble.outcomes.push(outcome);
                }
                None => troubles.push(Trouble { grade: outcome.grade, cause, outcomes: vec![outcome] }),
            }
        }
        for trouble in &mut troubles {
            trouble.outcomes.sort_by_key(|outcome| std::cmp::Reverse(outcome.grade));
        }
        troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.grade));
        troubles
    }
}
