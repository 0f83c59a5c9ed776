//! `whtool completions`: prints completion scripts for shells, and answers the requests of those
//! scripts.
//!
//! The scripts contain no commands: at each Tab they call whtool with `VARIABLE` set, and whtool
//! answers from its tree of commands. So installed scripts never become outdated. The name of a
//! value in the help decides how the value is completed, see `complete_by_name`.

use crate::check;
use crate::command::shared::{registry, store_args};
use crate::command::{Session, help, tree};
use crate::emulator;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::{escape_unsafe, first_line};
use crate::model::stored::{DeliverySummary, Query};
use crate::provider;
use crate::world::World;
use clap::builder::PossibleValuesParser;
use clap::{Arg, Args, Command, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::{EnvCompleter, Shells};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Print a script that completes commands, flags and values in a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  source <(whtool completions bash)  # in this shell, or in ~/.bashrc
  mkdir -p ~/.local/share/bash-completion/completions
  whtool completions bash > ~/.local/share/bash-completion/completions/whtool
  mkdir -p ~/.zfunc && whtool completions zsh > ~/.zfunc/_whtool
  echo 'fpath+=(~/.zfunc); autoload -Uz compinit; compinit' >> ~/.zshrc
  mkdir -p ~/.config/fish/completions
  whtool completions fish > ~/.config/fish/completions/whtool.fish

For bash, use either the line in ~/.bashrc or, if the package bash-completion is installed, the file. fish loads its file
automatically. zsh needs the folder in its fpath before compinit runs.")]
pub(super) struct Completions {
    /// Shell to print the script for
    #[arg(value_parser = PossibleValuesParser::new(Shells::builtins().names()))]
    shell: String,
}

/// Environment variable that the scripts set to the name of the shell.
pub(super) const VARIABLE: &str = "WHTOOL_COMPLETE";

/// Number of captures that are offered.
const MAX_CAPTURES: u64 = 30;

/// Maximum width of descriptions that contain untrusted text.
const DESCRIPTION_WIDTH: usize = 60;

/// Appended to the script for zsh, which loads it at the first Tab and expects it to complete at
/// once.
const ZSH_AUTOLOAD: &str = "\n[[ $funcstack[1] = _whtool ]] && _clap_dynamic_completer_whtool \"$@\"\n:\n";

/// Appended to the script for bash, which splits words at colons and equals signs. Joins the parts
/// before it calls whtool, and removes what precedes the last split from the answers, since bash
/// keeps it.
const BASH_WORDS: &str = r#"
_whtool() {
    local rest="${COMP_LINE:0:COMP_POINT}" whole=() last=-1 number word
    for ((number = 0; number <= COMP_CWORD; number++)); do
        word="${COMP_WORDS[number]}"
        if ((last < 0)) || [[ -z $rest || $rest == [[:space:]]* ]]; then
            last=$((last + 1))
            whole[last]=""
        fi
        rest="${rest#"${rest%%[![:space:]]*}"}"
        if ((number == COMP_CWORD)); then
            word="$rest"
        fi
        whole[last]+="$word"
        rest="${rest#"$word"}"
    done
    local typed="${whole[last]}" before
    before="${typed%"$2"}"
    if [[ $before != *[:=] ]]; then
        _clap_complete_whtool "$@"
        return
    fi
    local COMP_WORDS=("${whole[@]}") COMP_CWORD=$last
    _clap_complete_whtool "$1" "$typed" "$3"
    for number in "${!COMPREPLY[@]}"; do
        COMPREPLY[number]="${COMPREPLY[number]#"$before"}"
    done
}
"#;

/// Inserts `BASH_WORDS` between bash and the generated function.
fn with_bash_words(script: &str) -> String {
    let (head, registration) =
        script.split_at(script.find("if [[ \"${BASH_VERSINFO[0]}\" -eq 4 &&").unwrap_or(script.len()));
    format!("{head}{}{}", &BASH_WORDS[1..], registration.replace("-F _clap_complete_whtool ", "-F _whtool "))
}

pub(super) fn run(args: &Completions, session: &Session<'_>) -> Result<CommandOutcome> {
    let shells = Shells::builtins();
    let shell = shells.completer(&args.shell).expect("clap accepts only known shells");
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "whtool", "whtool", "whtool", &mut script)?;
    let mut script = String::from_utf8_lossy(&script).trim().to_owned() + "\n";
    match shell.name() {
        "zsh" => script.push_str(ZSH_AUTOLOAD),
        "bash" => script = with_bash_words(&script),
        _ => {}
    }
    let mut output = session.world.stdout();
    output.write_all(script.as_bytes())?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

/// Prints the completions for the word at the cursor. Prints no errors, since the user is in the
/// middle of a line.
pub(super) fn complete(shell: &str, arguments: Vec<OsString>, world: &dyn World) -> u8 {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(shell) else { return Error::usage("").status() };
    let words: Vec<_> = arguments.into_iter().skip_while(|word| word != "--").skip(1).collect();
    if words.is_empty() {
        return Error::usage("").status();
    }
    match print_candidates(shell, words, world) {
        Ok(()) => CommandOutcome::Success.status(),
        Err(error) => error.status(),
    }
}

fn print_candidates(shell: &dyn EnvCompleter, words: Vec<OsString>, world: &dyn World) -> Result<()> {
    let values = CompletionValues::load(world);
    let mut tree = add_completers(tree::tree(), &values);
    tree.build();
    let mut text = Vec::new();
    shell.write_complete(&mut tree, words, values.folder.as_deref(), &mut text)?;
    let mut output = world.stdout();
    output.write_all(&text)?;
    Ok(output.flush()?)
}

/// Candidates for each kind of value.
struct CompletionValues {
    samples: Vec<CompletionValue>,
    /// Samples with their provider: `plexos:payment.debited`.
    qualified_samples: Vec<CompletionValue>,
    types: Vec<CompletionValue>,
    captures: Vec<CompletionValue>,
    secrets: Vec<CompletionValue>,
    subjects: Vec<CompletionValue>,
    endpoints: Vec<CompletionValue>,
    probes: Vec<CompletionValue>,
    faults: Vec<CompletionValue>,
    /// Working directory, for paths.
    folder: Option<PathBuf>,
}

#[derive(Clone)]
struct CompletionValue {
    text: String,
    description: String,
}

impl CompletionValue {
    fn new(text: impl Into<String>, description: impl Into<String>) -> Self {
        Self { text: text.into(), description: description.into() }
    }
}

impl CompletionValues {
    fn load(world: &dyn World) -> Self {
        let value = |text: &str, description: &str| CompletionValue::new(text, description);
        let captures = newest_captures(world).unwrap_or_default();
        // Differs from the description of the same capture, since zsh groups values by their
        // description.
        let last = captures.last().map(|_| value("last", "the newest capture"));
        let captures =
            captures.iter().rev().map(|capture| CompletionValue::new(capture.id.to_string(), describe(capture)));
        let registry = registry::read_from(world).unwrap_or_default();
        // A name that has to be escaped cannot be completed.
        let is_safe = |text: &str| escape_unsafe(text) == text;
        let untrusted = |text: &str| first_line(text.as_bytes(), DESCRIPTION_WIDTH);
        let secrets = registry.secrets.iter().filter(|secret| is_safe(&secret.name));
        let endpoints = registry.endpoints.iter().filter(|endpoint| is_safe(&endpoint.id));
        let samples = || provider::samples();
        let qualified = samples().map(|(provider, sample)| {
            CompletionValue::new(format!("{}:{}", provider.name(), sample.name), sample.meaning)
        });
        let types = provider::ALL.iter().flat_map(|provider| provider.event_types());
        Self {
            samples: samples().map(|(_, sample)| CompletionValue::new(sample.name, sample.meaning)).collect(),
            qualified_samples: qualified.collect(),
            types: types.map(|kind| value(kind.name, kind.meaning)).collect(),
            captures: last.into_iter().chain(captures).collect(),
            secrets: secrets.map(|secret| CompletionValue::new(&secret.name, untrusted(&secret.provider))).collect(),
            endpoints: endpoints
                .map(|each| CompletionValue::new(&each.id, untrusted(&mask_secrets(&each.url))))
                .collect(),
            probes: probes(),
            faults: emulator::FAULT_KINDS.iter().map(|(name, kind)| value(name, kind.meaning())).collect(),
            subjects: help::subjects().map(|(name, about)| CompletionValue::new(name, about)).collect(),
            folder: world.project_folders().into_iter().next(),
        }
    }
}

/// Returns the groups of probes, and the probes of all providers without duplicates.
fn probes() -> Vec<CompletionValue> {
    let groups = check::ProbeGroup::ALL.map(|group| CompletionValue::new(group.name(), group.description()));
    let mut values = groups.to_vec();
    for probe in provider::ALL.iter().flat_map(|provider| check::probes(*provider)) {
        if values.iter().all(|value| value.text != probe.id) {
            values.push(CompletionValue::new(probe.id, probe.why));
        }
    }
    values
}

/// Returns the newest captures of the default store, the newest last. Does not create the store.
fn newest_captures(world: &dyn World) -> Result<Vec<DeliverySummary>> {
    let store = store_args::default_store(world)?;
    if !world.store_exists(&store)? {
        return Ok(Vec::new());
    }
    world.open_store(&store)?.list(&Query { limit: Some(MAX_CAPTURES), ..Query::default() })
}

fn describe(capture: &DeliverySummary) -> String {
    let words = [capture.kind.as_deref(), capture.subject.as_deref(), Some(capture.verdict.as_str())];
    let words: Vec<_> = words.into_iter().flatten().collect();
    let words = first_line(words.join(" ").as_bytes(), DESCRIPTION_WIDTH);
    format!("{} {words}", capture.arrived.strftime("%F %R"))
}

/// Adds completers to all arguments of a command and its subcommands.
fn add_completers(command: Command, values: &CompletionValues) -> Command {
    let command = command.mut_args(|arg| complete_by_name(arg, values));
    command.mut_subcommands(|nested| add_completers(nested, values))
}

fn complete_by_name(arg: Arg, values: &CompletionValues) -> Arg {
    let name = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    match name.as_str() {
        "SAMPLE" => arg.add(complete_from(&values.samples)),
        "CAPTURE" => arg.add(complete_from(&values.captures)),
        "SECRET_NAME" => arg.add(complete_from(&values.secrets)),
        "GLOB" => arg.add(complete_from(&values.types)),
        "SUBJECT" => arg.add(complete_from(&values.subjects)),
        "ENDPOINT" => arg.add(complete_from(&values.endpoints)),
        "PROBE" => arg.add(complete_from(&values.probes)),
        "FAULT" => arg.add(complete_from(&values.faults)),
        "SOURCE" => arg.add(complete_source(values)),
        "URL" => arg.value_hint(ValueHint::Url),
        _ => arg,
    }
}

fn complete_from(values: &[CompletionValue]) -> ArgValueCompleter {
    let values = values.to_vec();
    ArgValueCompleter::new(move |typed: &OsStr| with_prefix(&values, typed).collect())
}

/// Completes what `replay` sends: samples, captures and files. Samples with their provider are
/// offered only after a colon.
fn complete_source(values: &CompletionValues) -> ArgValueCompleter {
    let names = [values.samples.clone(), values.captures.clone()].concat();
    let qualified_samples = values.qualified_samples.clone();
    let files = PathCompleter::any().current_dir(values.folder.clone().unwrap_or_default());
    ArgValueCompleter::new(move |typed: &OsStr| {
        let has_colon = typed.as_encoded_bytes().contains(&b':');
        let qualified: &[_] = if has_colon { &qualified_samples } else { &[] };
        with_prefix(&names, typed).chain(with_prefix(qualified, typed)).chain(files.complete(typed)).collect()
    })
}

fn with_prefix(values: &[CompletionValue], typed: &OsStr) -> impl Iterator<Item = CompletionCandidate> {
    let matches = move |value: &&CompletionValue| value.text.as_bytes().starts_with(typed.as_encoded_bytes());
    let candidate =
        |value: &CompletionValue| CompletionCandidate::new(&value.text).help(Some(value.description.clone().into()));
    values.iter().filter(matches).map(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_names(command: &Command, found: &mut Vec<String>) {
        let names = command.get_arguments().filter_map(Arg::get_value_names).flatten();
        found.extend(names.map(ToString::to_string));
        command.get_subcommands().for_each(|nested| value_names(nested, found));
    }

    #[test]
    fn every_completed_value_name_appears_in_the_help() {
        let mut found = Vec::new();
        value_names(&tree::tree(), &mut found);
        for name in
            ["SAMPLE", "CAPTURE", "SECRET_NAME", "ENDPOINT", "PROBE", "FAULT", "GLOB", "SOURCE", "SUBJECT", "URL"]
        {
            assert!(found.iter().any(|each| each == name), "no value is named {name}");
        }
    }
}
