//! `--framework`: prints handler code that verifies the raw body, and suggests it after a failure.

use super::report::Verifier;
use crate::diagnose::Cause;
use crate::diagnose::frameworks::{self, Framework};
use crate::render;
use clap::builder::{PossibleValuesParser, TypedValueParser};

pub(super) fn value_parser() -> impl TypedValueParser<Value = &'static Framework> {
    PossibleValuesParser::new(frameworks::ALL.iter().map(|framework| framework.name))
        .map(|name| frameworks::find(&name).expect("clap accepts only names of the list"))
}

/// Formats the code as text, or as a record that holds it.
pub(super) fn format(framework: &Framework, verifier: &Verifier<'_>) -> Vec<u8> {
    if verifier.is_json() {
        return render::json::framework(framework);
    }
    format!("\n{}", framework.text).into_bytes()
}

/// The frameworks that the causes of failures point to.
#[derive(Default)]
pub(super) struct FrameworkHint {
    likely: Vec<&'static str>,
    is_useful: bool,
}

impl FrameworkHint {
    /// Adds the causes of a request's failure.
    pub(super) fn add_request<'c>(&mut self, causes: impl Iterator<Item = &'c Cause>) {
        self.add(frameworks::for_request(causes));
    }

    /// Adds the mistakes of the user's own code that computed a digest.
    pub(super) fn add_digest(&mut self, causes: &[Cause]) {
        self.add(frameworks::for_digest(causes));
    }

    fn add(&mut self, likely: Option<Vec<&'static Framework>>) {
        self.is_useful |= likely.is_some();
        for framework in likely.unwrap_or_default() {
            if !self.likely.contains(&framework.name) {
                self.likely.push(framework.name);
            }
        }
    }

    /// `None`: other handler code would not prevent the failures.
    pub(super) fn text(&self) -> Option<String> {
        if !self.is_useful {
            return None;
        }
        let names = match self.likely.as_slice() {
            [] => format!("NAME ({})", frameworks::ALL.iter().map(|each| each.name).collect::<Vec<_>>().join(", ")),
            [name] => (*name).to_owned(),
            [names @ .., last] => format!("{} or {last}", names.join(", ")),
        };
        Some(format!("to print handler code that verifies the raw body, add --framework {names}"))
    }
}
