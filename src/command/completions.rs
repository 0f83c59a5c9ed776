//! `whtool completions`: scripts that teach a shell to complete, and the answers that those scripts ask for.
//!
//! The scripts know no command: at each Tab they call whtool with `VARIABLE` set, and it answers from its tree of commands. So they
//! never go stale. What a value is called in the help tells how to complete it: see `complete_by_name`.

use crate::check;
use crate::command::shared::{captures, registry};
use crate::command::{Session, help, tree};
use crate::emulator;
use crate::model::error::{CommandOutcome, Error, Result};
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

/// Print a script that teaches a shell to complete commands, options, samples, event types, captures and secrets
#[derive(Args)]
#[command(after_help = "\
Examples:
  source <(whtool completions bash)  # in this shell; or put it into ~/.bashrc
  mkdir -p ~/.local/share/bash-completion/completions
  whtool completions bash > ~/.local/share/bash-completion/completions/whtool
  mkdir -p ~/.zfunc && whtool completions zsh > ~/.zfunc/_whtool
  echo 'fpath+=(~/.zfunc); autoload -Uz compinit; compinit' >> ~/.zshrc
  mkdir -p ~/.config/fish/completions
  whtool completions fish > ~/.config/fish/completions/whtool.fish

For bash it is either the line in ~/.bashrc or, where the package bash-completion is installed, the file in its folder. fish finds
its file by itself; zsh needs the folder in its fpath before compinit.")]
pub(super) struct Completions {
    /// For which shell
    #[arg(value_parser = PossibleValuesParser::new(Shells::builtins().names()))]
    shell: String,
}

/// Set by the scripts, to the name of the shell.
pub(super) const VARIABLE: &str = "WHTOOL_COMPLETE";

/// How many captures are offered, the newest.
const CAPTURES: u64 = 30;

/// What zsh runs when it loads the script by itself at the first Tab: that Tab is answered too.
const ZSH_AUTOLOAD: &str = "\n[[ $funcstack[1] = _whtool ]] && _clap_dynamic_completer_whtool \"$@\"\n:\n";

/// bash breaks words at colons and equals signs, whtool does not: what stands together in the line is put together before whtool is asked,
/// and what stands before the break is taken off the answers, since bash keeps it.
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

/// The script with `BASH_WORDS` between bash and what it calls.
fn with_whole_words(script: &str) -> String {
    let (head, registration) =
        script.split_at(script.find("if [[ \"${BASH_VERSINFO[0]}\" -eq 4 &&").unwrap_or(script.len()));
    format!("{head}{}{}", &BASH_WORDS[1..], registration.replace("-F _clap_complete_whtool ", "-F _whtool "))
}

/// Prints the script.
pub(super) fn run(args: &Completions, session: &Session<'_>) -> Result<CommandOutcome> {
    let shells = Shells::builtins();
    let shell = shells.completer(&args.shell).expect("clap lets only known shells through");
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "whtool", "whtool", "whtool", &mut script)?;
    let mut script = String::from_utf8_lossy(&script).trim().to_owned() + "\n";
    match shell.name() {
        "zsh" => script.push_str(ZSH_AUTOLOAD),
        "bash" => script = with_whole_words(&script),
        _ => {}
    }
    let mut output = session.world.stdout();
    output.write_all(script.as_bytes())?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

/// Answers a script: what may stand at the cursor. Says nothing else; a person is in the middle of a line.
pub(super) fn complete(shell: &str, arguments: Vec<OsString>, world: &dyn World) -> u8 {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(shell) else { return Error::usage("").status() };
    let words: Vec<_> = arguments.into_iter().skip_while(|word| word != "--").skip(1).collect();
    if words.is_empty() {
        return Error::usage("").status();
    }
    match candidates(shell, words, world) {
        Ok(()) => CommandOutcome::Success.status(),
        Err(error) => error.status(),
    }
}

fn candidates(shell: &dyn EnvCompleter, words: Vec<OsString>, world: &dyn World) -> Result<()> {
    let known = Known::new(world);
    let mut tree = completing(tree::tree(), &known);
    tree.build();
    let mut text = Vec::new();
    shell.write_complete(&mut tree, words, known.folder.as_deref(), &mut text)?;
    let mut output = world.stdout();
    output.write_all(&text)?;
    Ok(output.flush()?)
}

/// What values may be.
struct Known {
    samples: Vec<Word>,
    types: Vec<Word>,
    captures: Vec<Word>,
    secrets: Vec<Word>,
    subjects: Vec<Word>,
    endpoints: Vec<Word>,
    probes: Vec<Word>,
    faults: Vec<Word>,
    folder: Option<PathBuf>,
}

/// A value and what it means.
#[derive(Clone)]
struct Word {
    text: String,
    meaning: String,
}

impl Known {
    fn new(world: &dyn World) -> Self {
        let word = |text: &str, meaning: &str| Word { text: text.to_owned(), meaning: meaning.to_owned() };
        let samples = provider::samples().map(|(_, sample)| word(&sample.name, &sample.meaning));
        let types = provider::ALL.iter().flat_map(|provider| provider.event_types());
        let newest = newest(world).unwrap_or_default();
        // In other words than the capture's own: zsh puts values of the same meaning together.
        let last = newest.last().map(|_| word("last", "the newest capture"));
        let captures = newest.iter().rev().map(|entry| word(&entry.id, &spoken(entry)));
        let registry = registry::read_from(world).ok();
        // A name that would have to be shown otherwise can't be offered.
        let kept = registry
            .iter()
            .flat_map(|registry| &registry.secrets)
            .filter(|held| escape_unsafe(&held.name) == held.name);
        let endpoints =
            registry.iter().flat_map(|registry| &registry.endpoints).filter(|each| escape_unsafe(&each.id) == each.id);
        Self {
            samples: samples.collect(),
            types: types.map(|kind| word(kind.name, kind.meaning)).collect(),
            captures: last.into_iter().chain(captures).collect(),
            secrets: kept.map(|held| word(&held.name, &first_line(held.provider.as_bytes(), 60))).collect(),
            endpoints: endpoints.map(|each| word(&each.id, &first_line(each.url.as_bytes(), 60))).collect(),
            probes: probes(),
            faults: emulator::FAULT_KINDS.iter().map(|(name, kind)| word(name, kind.meaning())).collect(),
            subjects: help::subjects().map(|(name, meaning)| word(&name, &meaning)).collect(),
            folder: world.project_folders().into_iter().next(),
        }
    }
}

/// The groups of probes, and the probes of all providers, each once.
fn probes() -> Vec<Word> {
    let groups = check::ProbeGroup::ALL
        .map(|group| Word { text: group.name().to_owned(), meaning: group.description().to_owned() });
    let mut words = groups.to_vec();
    for probe in provider::ALL.iter().flat_map(|provider| check::probes(*provider)) {
        if words.iter().all(|word| word.text != probe.id) {
            words.push(Word { meaning: probe.why.to_owned(), text: probe.id });
        }
    }
    words
}

/// The newest captures of the default store, the newest last; a store that is not there is not made.
fn newest(world: &dyn World) -> Result<Vec<DeliverySummary>> {
    let path = captures::default_store(world)?;
    if !world.file_exists(&path) {
        return Ok(Vec::new());
    }
    world.open_store(&path)?.list(&Query { limit: Some(CAPTURES), ..Query::default() })
}

/// A capture in a few words, made harmless.
fn spoken(entry: &DeliverySummary) -> String {
    let words = [entry.kind.as_deref(), entry.subject.as_deref(), Some(entry.verdict.as_str())];
    let words: Vec<_> = words.into_iter().flatten().collect();
    format!("{} {}", entry.arrived.strftime("%F %R"), first_line(words.join(" ").as_bytes(), 60))
}

/// The tree, with every value completed that it is known how to.
fn completing(command: Command, known: &Known) -> Command {
    command.mut_args(|arg| complete_by_name(arg, known)).mut_subcommands(|nested| completing(nested, known))
}

/// The words for values that can be completed.
fn complete_by_name(arg: Arg, known: &Known) -> Arg {
    let name = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    match name.as_str() {
        "SAMPLE" => arg.add(among(known.samples.clone())),
        "CAPTURE" => arg.add(among(known.captures.clone())),
        "SECRET_NAME" => arg.add(among(known.secrets.clone())),
        "GLOB" | "TYPE" => arg.add(among(known.types.clone())),
        "SUBJECT" => arg.add(among(known.subjects.clone())),
        "ENDPOINT" => arg.add(among(known.endpoints.clone())),
        "PROBE" => arg.add(among(known.probes.clone())),
        "FAULT" => arg.add(among(known.faults.clone())),
        "SOURCE" => arg.add(source(known)),
        "URL" => arg.value_hint(ValueHint::Url),
        _ => arg,
    }
}

/// Those that begin like what was typed.
fn among(words: Vec<Word>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| beginning(&words, typed).collect())
}

/// What `replay` sends: samples, captures, files; and samples by their provider, once a provider was named.
fn source(known: &Known) -> ArgValueCompleter {
    let named = [known.samples.clone(), known.captures.clone()].concat();
    let of_provider = provider::samples().map(|(provider, sample)| Word {
        text: format!("{}:{}", provider.name(), sample.name),
        meaning: sample.meaning.clone(),
    });
    let of_provider: Vec<_> = of_provider.collect();
    let files = PathCompleter::any().current_dir(known.folder.clone().unwrap_or_default());
    ArgValueCompleter::new(move |typed: &OsStr| {
        let of_provider: &[Word] = if typed.as_encoded_bytes().contains(&b':') { &of_provider } else { &[] };
        beginning(&named, typed).chain(beginning(of_provider, typed)).chain(files.complete(typed)).collect()
    })
}

fn beginning(words: &[Word], typed: &OsStr) -> impl Iterator<Item = CompletionCandidate> {
    let fits = move |word: &&Word| word.text.as_bytes().starts_with(typed.as_encoded_bytes());
    words.iter().filter(fits).map(|word| CompletionCandidate::new(&word.text).help(Some(word.meaning.clone().into())))
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
    fn every_word_that_is_completed_is_one_of_the_help() {
        let mut found = Vec::new();
        value_names(&tree::tree(), &mut found);
        for name in
            ["SAMPLE", "CAPTURE", "SECRET_NAME", "ENDPOINT", "PROBE", "FAULT", "GLOB", "SOURCE", "SUBJECT", "URL"]
        {
            assert!(found.iter().any(|each| each == name), "no value is called {name}");
        }
    }
}
