//! The commands: one file each, with its arguments (their comments are the help) and its `run`.
//!
//! Commands think with the pure parts and act through `World`; what several of them need stands here, in `session` and in `known`.

mod check;
mod completions;
mod config;
mod doctor;
mod emulate;
mod endpoints;
mod events;
mod help;
mod listen;
mod man;
mod reconcile;
mod register;
mod replay;
mod samples;
mod secret;
mod shared;
mod sign;
mod tree;
mod verify;

use crate::capture;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{self, Provider};
use crate::render::paint::Paint;
use crate::world::{Stream, World};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches, Parser, ValueEnum};
use shared::configured::Configured;
use shared::session::{Session, Volume, cannot_read, paint};
use std::ffi::OsString;
use std::io::Write;

/// The webhook workbench for Plexos Pay and Plustive: receive, verify, explain, sign and replay
#[derive(Parser)]
#[command(name = "whtool", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "\
First steps:
  whtool listen --demo             # see deliveries arrive, good and bad
  whtool listen                    # receive on http://127.0.0.1:4848
  whtool replay payment.debited    # send a signed sample there")]
#[command(help_template = "\
{about}{after-help}

{usage-heading} {usage}

{all-args}

Exit status: 0 good, 1 the answer is no, 2 usage, 3 could not do it, 4 credentials, 130 interrupted.
`whtool help TOPIC` explains: exit-codes, environment, formats, providers.")]
struct Root {
    #[command(flatten)]
    common: Common,
}

/// A command as the command line knows it.
struct Entry {
    /// What it is called by.
    name: &'static str,
    /// Gives it its arguments and their help.
    build: fn(clap::Command) -> clap::Command,
    /// Makes it ready to run with the arguments given.
    ready: fn(&ArgMatches) -> std::result::Result<Ready, clap::Error>,
    /// Whether it works when the settings do not.
    settings: Settings,
}

/// What a command does once its arguments are read.
type Ready = Box<dyn FnOnce(&Session<'_>) -> Result<CommandOutcome>>;

/// What a command wants of the settings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settings {
    /// They are in order.
    Good,
    /// Nothing: it helps to mend them.
    Any,
}

macro_rules! command {
    ($name:literal, $args:ty, $run:path, $settings:ident) => {
        Entry {
            name: $name,
            build: |command| <$args as Args>::augment_args(command),
            ready: |matches| {
                let args = <$args as FromArgMatches>::from_arg_matches(matches)?;
                Ok(Box::new(move |session| $run(&args, session)))
            },
            settings: Settings::$settings,
        }
    };
}

/// Every command, in the order of the help.
const COMMANDS: [Entry; 17] = [
    command!("listen", listen::Listen, listen::run, Good),
    command!("events", events::Events, events::run, Good),
    command!("verify", verify::Verify, verify::run, Good),
    command!("sign", sign::Sign, sign::run, Good),
    command!("replay", replay::Replay, replay::run, Good),
    command!("samples", samples::Samples, samples::run, Good),
    command!("register", register::Register, register::run, Good),
    command!("endpoints", endpoints::Endpoints, endpoints::run, Good),
    command!("reconcile", reconcile::Reconcile, reconcile::run, Good),
    command!("secret", secret::Secrets, secret::run, Good),
    command!("emulate", emulate::Emulate, emulate::run, Good),
    command!("check", check::Check, check::run, Good),
    command!("config", config::Config, config::run, Any),
    command!("doctor", doctor::Doctor, doctor::run, Any),
    command!("completions", completions::Completions, completions::run, Any),
    command!("man", man::ManPages, man::run, Any),
    command!("help", help::Help, help::run, Any),
];

/// Flags of every command.
#[derive(Args)]
struct Common {
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true, display_order = 100)]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet", display_order = 100)]
    verbose: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", display_order = 100)]
    color: Colour,
    /// Show tokens, PINs and keys instead of masking them
    #[arg(long, global = true, display_order = 100)]
    reveal: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

/// Runs a command line (its first word is the program) and returns the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>, world: &dyn World) -> u8 {
    // `Paint` decides for each stream; the crate, which knows only one, does as it is told.
    colored::control::set_override(true);
    if let Some(shell) = world.env_var(completions::VARIABLE) {
        return completions::complete(&shell, arguments.into_iter().collect(), world);
    }
    let configured = Configured::load(world);
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let read = read(&arguments, &configured);
    let (common, entry, ready) = match read {
        Ok(read) => read,
        Err(error) => {
            let status = u8::try_from(error.exit_code()).unwrap_or(2);
            return show(&error, world).map_or_else(|error| error.status(), |()| status);
        }
    };
    let session = Session::new(&common, &configured, world);
    if let Some(error) = configured.trouble().filter(|_| entry.settings == Settings::Good) {
        session.tell(error);
        return error.status();
    }
    match ready(&session) {
        Ok(outcome) => outcome.status(),
        Err(error) => {
            session.tell(&error);
            error.status()
        }
    }
}

/// Reads a command line: the flags of every command, which command it is, and what that is to do.
fn read(
    arguments: &[OsString],
    configured: &Configured,
) -> std::result::Result<(Common, &'static Entry, Ready), clap::Error> {
    let parse = |tree| {
        let mut tree = configured.apply(tree);
        let matches = tree.try_get_matches_from_mut(arguments);
        // Taking a tree apart costs as much as a small command; the process is short.
        std::mem::forget(tree);
        matches
    };
    let matches = match parse(tree::tree_for(arguments)) {
        // Help and complaints may be about any command.
        Err(error) if error.kind() != ErrorKind::DisplayVersion => parse(tree::tree())?,
        read => read?,
    };
    let common = Common::from_arg_matches(&matches)?;
    let (name, own) = matches.subcommand().expect("the tree asks for a command");
    let entry = COMMANDS.iter().find(|entry| entry.name == name).expect("the tree knows no other commands");
    Ok((common, entry, (entry.ready)(own)?))
}

/// Help and version go to standard output, complaints to standard error.
fn show(error: &clap::Error, world: &dyn World) -> Result<()> {
    let (stream, mut to) =
        if error.use_stderr() { (Stream::Error, world.stderr()) } else { (Stream::Output, world.stdout()) };
    let text = error.render();
    let coloured = paint(Colour::Auto, world, stream) == Paint::Coloured;
    let text = if coloured { text.ansi().to_string() } else { text.to_string() };
    to.write_all(text.as_bytes())?;
    Ok(to.flush()?)
}

/// A provider by its name, for flags.
fn provider_values() -> impl TypedValueParser<Value = &'static dyn Provider> {
    PossibleValuesParser::new(provider::ALL.iter().map(|provider| provider.name()))
        .map(|name| provider::named(&name).expect("clap lets only known names through"))
}

/// A span of time for flags: `90s`, `5m`, `1h 30m`, `30d`, or a bare number of seconds. A day has 24 hours.
fn span(text: &str) -> Result<SignedDuration, String> {
    let in_words = |text: &str| text.parse::<jiff::Span>()?.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    let span = match text.parse() {
        Ok(seconds) => SignedDuration::from_secs(seconds),
        Err(_) => in_words(text).map_err(|_| "write 90s, 5m, 1h 30m or 30d".to_owned())?,
    };
    match span {
        _ if span.is_negative() => Err("it can't be negative".to_owned()),
        _ if span > LONGEST_SPAN => Err("it can't be longer than 100000 days".to_owned()),
        _ => Ok(span),
    }
}

/// The longest span that flags take: added to any time of a clock, it is one, too.
const LONGEST_SPAN: SignedDuration = SignedDuration::from_hours(24 * 100_000);

/// A port for flags.
fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a port is a number from 0 to 65535".to_owned())
}

/// Requests per second, for flags.
fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.001..=1e6).contains(&rate) { Ok(rate) } else { Err("must be from 0.001 to 1000000".to_owned()) }
}

/// A moment for flags.
fn moment(text: &str) -> Result<Timestamp, String> {
    crate::model::timestamp::parse(text).map_err(|error| error.to_string())
}

/// The provider asked for, or the one whose payload this is the start of.
fn provider_of(
    asked: Option<&'static dyn Provider>,
    start_of_body: &[u8],
    source: &str,
) -> Result<&'static dyn Provider> {
    let recognised = || provider::by_payload_keys(&crate::json::top_level_keys(start_of_body));
    asked.or_else(recognised).ok_or_else(|| unrecognised(start_of_body, source))
}

/// What a payload that is nobody's is instead.
fn unrecognised(start: &[u8], source: &str) -> Error {
    let names: Vec<_> = provider::ALL.iter().map(|provider| format!("--provider {}", provider.name())).collect();
    let add = format!("add {}", names.join(" or "));
    let error = Error::usage(format!("can't tell whose payload {source} is"));
    let owner = |body: &[u8]| provider::by_payload_keys(&crate::json::top_level_keys(body));
    match start {
        [] => error.because("it is empty").hint(format!("see what should have filled it; or {add}")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            error.because("it is UTF-16, and providers send UTF-8").hint("save it as UTF-8")
        }
        [0xef, 0xbb, 0xbf, rest @ ..] if !rest.trim_ascii().is_empty() => {
            let own = owner(rest).map_or(add, |provider| format!("add --provider {}", provider.name()));
            error
                .because("it begins with a byte order mark (EF BB BF), which no provider sends and JSON has not")
                .hint(format!("save it as UTF-8 without BOM; or {own}, and the mark is signed with the rest"))
        }
        _ if capture::detect_format(start) == Some(capture::CaptureFormat::Raw) => error
            .because("it is a raw HTTP request, headers and all, and not a payload")
            .hint(format!("`whtool verify {source}` checks it; or keep its body alone")),
        _ if start.trim_ascii_start().first() != Some(&b'{') => error.because("it is not a JSON object").hint(add),
        _ => error
            .because("it has neither `type` and `data` (Plexos Pay) nor `event` and `reference` (Plustive)")
            .hint(add),
    }
}

/// Warns of a body without bytes: mostly a variable or a file that was to be filled.
fn warn_of_nothing(body: &[u8], source: &str, session: &Session<'_>) {
    if body.is_empty() {
        session.warn(&format!("the body is empty: {} gave no bytes", crate::model::sanitize::escape_unsafe(source)));
    }
}

/// Asks the person to type `word`. Where nobody can be asked, the answer is no.
fn confirm(session: &Session<'_>, question: &str, word: &str) -> Result<()> {
    let refused = || Error::usage(question).hint("add --yes to do it all the same");
    if !session.world.is_terminal(Stream::Input) {
        return Err(refused());
    }
    session.write_error_line(&format!("{question}\n  type `{word}` to do it:"));
    let mut typed = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(session.world.stdin()), &mut typed)?;
    if typed.trim() == word { Ok(()) } else { Err(Error::usage(format!("`{word}` was not typed: nothing was done"))) }
}
