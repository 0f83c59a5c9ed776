//! The commands, one file or folder each: its arguments (their doc comments are the help) and its
//! `run`.
//!
//! A command calls the domain and acts through `World`. Code that several commands need is in
//! `shared`.

mod check;
mod completions;
mod config;
mod doctor;
mod emulate;
mod endpoints;
mod events;
mod help;
mod learn;
mod listen;
mod man;
mod mcp;
mod other_names;
mod reconcile;
mod register;
mod replay;
mod samples;
mod secret;
mod shared;
mod sign;
mod store;
mod tree;
mod ui;
mod verify;
mod watch;

use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::mask::{Audience, mask_sentence};
use crate::model::sanitize::escape_unsafe;
use crate::render::paint::Paint;
use crate::world::{Stream, World};
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches, Parser, ValueEnum};
use shared::loaded_settings::LoadedSettings;
use shared::payload::{detect_provider, warn_if_empty};
use shared::session::{Session, Verbosity, cannot_read, paint};
use shared::values::{TextList, join_lists, parse_duration, parse_port, parse_rate, parse_time, provider_parser};
use std::ffi::OsString;
use std::io::Write;

/// Widest line of a help page.
const MAX_HELP_WIDTH: usize = 100;

/// The webhook workbench for Plexos Pay and Plustive: receive, verify, explain, sign and replay
#[derive(Parser)]
#[command(name = "whtool", bin_name = "whtool", version, max_term_width = MAX_HELP_WIDTH, disable_help_subcommand = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "\
First steps:
  whtool listen --demo             # show valid and invalid deliveries
  whtool listen                    # receive on http://127.0.0.1:4848
  whtool replay payment.debited    # send a signed sample to the listener")]
#[command(help_template = "\
{about}{after-help}

{usage-heading} {usage}

{all-args}

Exit status: 0 success, 1 negative result, 2 usage, 3 failed, 4 credentials, 130 interrupted.
More help: whtool help exit-codes | environment | formats | providers")]
struct Root {
    #[command(flatten)]
    common: Common,
}

/// One row of the table of commands.
struct CommandEntry {
    name: &'static str,
    /// Name that another tool gives to it.
    alias: Option<&'static str>,
    /// Adds the command's arguments and help to clap's command.
    build: fn(clap::Command) -> clap::Command,
    /// Converts parsed arguments into the function that runs the command.
    prepare: fn(&ArgMatches) -> std::result::Result<Action, clap::Error>,
    settings: SettingsPolicy,
}

impl CommandEntry {
    fn is_called(&self, word: &str) -> bool {
        self.name == word || self.alias == Some(word)
    }
}

type Action = Box<dyn FnOnce(&Session<'_>) -> Result<CommandOutcome>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum SettingsPolicy {
    /// The command does not run with invalid settings.
    MustBeValid,
    /// The command runs with invalid settings, to help repair them.
    MayBeInvalid,
}

macro_rules! command {
    ($name:literal $(or $alias:literal)?, $args:ty, $run:path, $settings:ident) => {
        CommandEntry {
            name: $name,
            alias: [$($alias)?].first().copied(),
            build: |command| <$args as Args>::augment_args(command),
            prepare: |matches| {
                let args = <$args as FromArgMatches>::from_arg_matches(matches)?;
                Ok(Box::new(move |session| $run(&args, session)))
            },
            settings: SettingsPolicy::$settings,
        }
    };
}

/// Every command, in the order of the help.
const COMMANDS: [CommandEntry; 22] = [
    command!("listen", listen::Listen, listen::run, MustBeValid),
    command!("events", events::Events, events::run, MustBeValid),
    command!("verify", verify::Verify, verify::run, MustBeValid),
    command!("learn", learn::Learn, learn::run, MustBeValid),
    command!("sign", sign::Sign, sign::run, MustBeValid),
    command!("replay" or "trigger", replay::Replay, replay::run, MustBeValid),
    command!("samples", samples::Samples, samples::run, MustBeValid),
    command!("register", register::Register, register::run, MustBeValid),
    command!("endpoints", endpoints::Endpoints, endpoints::run, MustBeValid),
    command!("reconcile", reconcile::Reconcile, reconcile::run, MustBeValid),
    command!("watch", watch::Watch, watch::run, MustBeValid),
    command!("secret", secret::ManageSecrets, secret::run, MustBeValid),
    command!("store", store::Stores, store::run, MustBeValid),
    command!("emulate", emulate::Emulate, emulate::run, MustBeValid),
    command!("check", check::Check, check::run, MustBeValid),
    command!("ui", ui::Ui, ui::run, MustBeValid),
    command!("mcp", mcp::Mcp, mcp::run, MayBeInvalid),
    command!("config", config::Config, config::run, MayBeInvalid),
    command!("doctor", doctor::Doctor, doctor::run, MayBeInvalid),
    command!("completions", completions::Completions, completions::run, MayBeInvalid),
    command!("man", man::ManPages, man::run, MayBeInvalid),
    command!("help", help::Help, help::run, MayBeInvalid),
];

/// Flags that every command accepts.
#[derive(Args)]
struct Common {
    /// Print only the result and errors
    #[arg(short, long, global = true, display_order = 100)]
    quiet: bool,
    /// Print more details
    #[arg(short, long, global = true, conflicts_with = "quiet", display_order = 100)]
    verbose: bool,
    /// When to use colors
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", display_order = 100)]
    color: ColorChoice,
    /// Show tokens, PINs and keys instead of masking them
    #[arg(long, global = true, display_order = 100)]
    reveal: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

/// Runs a command line, program name first, and returns the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>, world: &dyn World) -> u8 {
    // `Paint` decides per stream, which the `colored` crate cannot.
    colored::control::set_override(true);
    if let Some(shell) = world.env_var(completions::VARIABLE) {
        return completions::complete(&shell, arguments.into_iter().collect(), world);
    }
    let configured = LoadedSettings::load(world);
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let (common, entry, action) = match parse_arguments(&arguments, &configured, world) {
        Ok(parsed) => parsed,
        Err(error) => {
            let status = u8::try_from(error.exit_code()).unwrap_or(2);
            let error = other_names::explain(error);
            return print_clap_error(&error, world).map_or_else(|error| error.status(), |()| status);
        }
    };
    let session = Session::new(&common, &configured, world);
    if let Some(error) = configured.first_error().filter(|_| entry.settings == SettingsPolicy::MustBeValid) {
        session.print_error(error);
        return error.status();
    }
    match action(&session) {
        Ok(outcome) => outcome.status(),
        Err(error) => {
            session.print_error(&error);
            error.status()
        }
    }
}

/// Parses the common flags, the command, and its arguments.
fn parse_arguments(
    arguments: &[OsString],
    configured: &LoadedSettings,
    world: &dyn World,
) -> std::result::Result<(Common, &'static CommandEntry, Action), clap::Error> {
    let parse = |tree| configured.apply(tree).try_get_matches_from(arguments);
    let matches = match parse(tree::tree_for(arguments)) {
        // Help and error messages may mention every command.
        Err(error) if error.kind() != ErrorKind::DisplayVersion => parse(fitted(tree::help_tree(), world))?,
        parsed => parsed?,
    };
    let common = Common::from_arg_matches(&matches)?;
    let (name, own) = matches.subcommand().expect("clap requires a command");
    let entry = COMMANDS.iter().find(|entry| entry.name == name).expect("clap accepts no other commands");
    Ok((common, entry, (entry.prepare)(own)?))
}

/// Wraps help to the terminal. Without one, clap wraps it at 100 columns.
fn fitted(tree: clap::Command, world: &dyn World) -> clap::Command {
    let columns = world.columns(Stream::Output).or_else(|| world.columns(Stream::Error));
    match columns {
        Some(columns) => tree.term_width(usize::from(columns).min(MAX_HELP_WIDTH)),
        None => tree,
    }
}

/// Prints help and version to standard output, errors to standard error.
fn print_clap_error(error: &clap::Error, world: &dyn World) -> Result<()> {
    let (stream, mut output) =
        if error.use_stderr() { (Stream::Error, world.stderr()) } else { (Stream::Output, world.stdout()) };
    let text = error.render();
    let colored = paint(ColorChoice::Auto, world, stream) == Paint::Colored;
    // An error quotes its argument, which may be anything.
    let plain = text.to_string();
    let safe = if error.use_stderr() { escape_lines(&mask_sentence(&plain, Audience::Team)) } else { plain.clone() };
    let text = if colored && safe == plain { text.ansi().to_string() } else { safe };
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}

/// Escapes a text of several lines, which stay.
fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape_unsafe).collect::<Vec<_>>().join("\n")
}

/// Asks the user to type `y`, or `word`, which says what is at stake. Without a terminal the answer is
/// no.
fn confirm(session: &Session<'_>, question: &str, word: &str) -> Result<()> {
    let refused = || Error::usage(question).hint("add --yes to skip this confirmation");
    if !session.world.is_terminal(Stream::Input) {
        return Err(refused());
    }
    session.print_message(&format!("{question}\n  type `y` or `{word}` to confirm:"));
    let mut typed = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(session.world.stdin()), &mut typed)?;
    let typed = typed.trim();
    let is_yes = typed == word || ["y", "yes"].iter().any(|yes| typed.eq_ignore_ascii_case(yes));
    if is_yes { Ok(()) } else { Err(Error::usage("not confirmed: cancelled")) }
}
