//! `--framework`: the lines that verify the raw body there, and the hint at it.

use super::report::Bench;
use crate::diagnose::Cause;
use crate::diagnose::frameworks::{self, Framework};
use crate::render;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The frameworks by name, for the flag.
pub(super) fn values() -> impl TypedValueParser<Value = &'static Framework> {
    PossibleValuesParser::new(frameworks::ALL.iter().map(|framework| framework.name))
        .map(|name| frameworks::named(&name).expect("clap lets only known names through"))
}

/// The lines, or a record that holds them.
pub(super) fn told(framework: &Framework, bench: &Bench<'_>) -> Vec<u8> {
    if bench.is_json() {
        return render::json::framework(framework);
    }
    format!("\n{}", framework.text).into_bytes()
}

/// What the failures suggest about the framework they came from.
#[derive(Default)]
pub(super) struct Hint {
    likely: Vec<&'static str>,
    is_mended: bool,
}

impl Hint {
    /// Takes the causes of a failure into account.
    pub(super) fn add(&mut self, causes: &[Cause]) {
        self.is_mended |= causes.iter().any(frameworks::mends);
        for framework in frameworks::likely(causes) {
            if !self.likely.contains(&framework.name) {
                self.likely.push(framework.name);
            }
        }
    }

    /// What to try. `None`: the fault is not one that other lines would mend.
    pub(super) fn text(&self) -> Option<String> {
        if !self.is_mended {
            return None;
        }
        let names = if self.likely.is_empty() {
            format!("NAME (one of {})", frameworks::ALL.iter().map(|each| each.name).collect::<Vec<_>>().join(", "))
        } else {
            self.likely.join(", or ")
        };
        Some(format!("for the lines that verify the raw body in your framework, add --framework {names}"))
    }
}
