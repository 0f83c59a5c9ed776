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
use shared::loaded_settings::LoadedSettings;
use shared::session::{Session, Verbosity, cannot_read, paint};
use std::ffi::OsString;
use std::io::Write;

/// Widest line of a help page.
const MAX_HELP_WIDTH: usize = 100;

/// The webhook workbench for Plexos Pay and Plustive: receive, verify, explain, sign and replay
#[derive(Parser)]
#[command(name = "whtool", version, max_term_width = MAX_HELP_WIDTH, disable_help_subcommand = true)]
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
    /// Adds the command's arguments and help to clap's command.
    build: fn(clap::Command) -> clap::Command,
    /// Converts parsed arguments into the function that runs the command.
    prepare: fn(&ArgMatches) -> std::result::Result<Action, clap::Error>,
    settings: SettingsPolicy,
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
    ($name:literal, $args:ty, $run:path, $settings:ident) => {
        CommandEntry {
            name: $name,
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
const COMMANDS: [CommandEntry; 17] = [
    command!("listen", listen::Listen, listen::run, MustBeValid),
    command!("events", events::Events, events::run, MustBeValid),
    command!("verify", verify::Verify, verify::run, MustBeValid),
    command!("sign", sign::Sign, sign::run, MustBeValid),
    command!("replay", replay::Replay, replay::run, MustBeValid),
    command!("samples", samples::Samples, samples::run, MustBeValid),
    command!("register", register::Register, register::run, MustBeValid),
    command!("endpoints", endpoints::Endpoints, endpoints::run, MustBeValid),
    command!("reconcile", reconcile::Reconcile, reconcile::run, MustBeValid),
    command!("secret", secret::ManageSecrets, secret::run, MustBeValid),
    command!("emulate", emulate::Emulate, emulate::run, MustBeValid),
    command!("check", check::Check, check::run, MustBeValid),
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
    let text = if colored { text.ansi().to_string() } else { text.to_string() };
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}

/// Parses the name of a provider.
fn provider_parser() -> impl TypedValueParser<Value = &'static dyn Provider> {
    PossibleValuesParser::new(provider::ALL.iter().map(|provider| provider.name()))
        .map(|name| provider::by_name(&name).expect("clap accepts only these names"))
}

/// Parses a duration such as `90s`, `5m`, `1h 30m`, `30d`, or a number of seconds. A day has 24
/// hours.
fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let in_words = |text: &str| text.parse::<jiff::Span>()?.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    let span = match text.parse() {
        Ok(seconds) => SignedDuration::from_secs(seconds),
        Err(_) => in_words(text).map_err(|_| "expected a duration such as 90s, 5m, 1h 30m or 30d".to_owned())?,
    };
    match span {
        _ if span.is_negative() => Err("a duration can't be negative".to_owned()),
        _ if span > MAX_DURATION => Err("a duration can't be longer than 100000 days".to_owned()),
        _ => Ok(span),
    }
}

/// Keeps sums of a duration and the current time within the range of a timestamp.
const MAX_DURATION: SignedDuration = SignedDuration::from_hours(24 * 100_000);

fn parse_port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "expected a port from 0 to 65535".to_owned())
}

/// Parses a number of requests per second.
fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.001..=1e6).contains(&rate) { Ok(rate) } else { Err("must be from 0.001 to 1000000".to_owned()) }
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    crate::model::timestamp::parse(text).map_err(|error| error.to_string())
}

/// Returns the requested provider, or the one that the payload belongs to by its keys.
fn detect_provider(
    requested: Option<&'static dyn Provider>,
    start_of_body: &[u8],
    source: &str,
) -> Result<&'static dyn Provider> {
    let detected = || provider::by_payload_keys(&crate::json::top_level_keys(start_of_body));
    requested.or_else(detected).ok_or_else(|| unknown_provider_error(start_of_body, source))
}

/// Describes a payload that belongs to no provider.
fn unknown_provider_error(start: &[u8], source: &str) -> Error {
    let names: Vec<_> = provider::ALL.iter().map(|provider| format!("--provider {}", provider.name())).collect();
    let add = format!("add {}", names.join(" or "));
    let error = Error::usage(format!("can't detect the provider of {source}"));
    let owner = |body: &[u8]| provider::by_payload_keys(&crate::json::top_level_keys(body));
    match start {
        [] => error.because("it is empty").hint(format!("check the command that produces it, or {add}")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            error.because("it is UTF-16, but providers send UTF-8").hint("save it as UTF-8")
        }
        [0xef, 0xbb, 0xbf, rest @ ..] if !rest.trim_ascii().is_empty() => {
            let add = owner(rest).map_or(add, |provider| format!("add --provider {}", provider.name()));
            error
                .because("it begins with a byte order mark (EF BB BF), which JSON does not allow")
                .hint(format!("save it as UTF-8 without BOM, or {add} to sign it with the mark"))
        }
        _ if capture::detect_format(start) == Some(capture::CaptureFormat::Raw) => error
            .because("it is a whole HTTP request, not a payload")
            .hint(format!("check it with `whtool verify {source}`, or remove everything but the body")),
        _ if start.trim_ascii_start().first() != Some(&b'{') => error.because("it is not a JSON object").hint(add),
        _ => error
            .because("it has neither `type` and `data` (Plexos Pay) nor `event` and `reference` (Plustive)")
            .hint(add),
    }
}

/// Warns about an empty body, which usually comes from an unset variable or an empty file.
fn warn_if_empty(body: &[u8], source: &str, session: &Session<'_>) {
    if body.is_empty() {
        session.warn(&format!("the body is empty: {} has no content", crate::model::sanitize::escape_unsafe(source)));
    }
}

/// Asks the user to type `word`. Without a terminal the answer is no.
fn confirm(session: &Session<'_>, question: &str, word: &str) -> Result<()> {
    let refused = || Error::usage(question).hint("add --yes to skip this confirmation");
    if !session.world.is_terminal(Stream::Input) {
        return Err(refused());
    }
    session.print_message(&format!("{question}\n  type `{word}` to confirm:"));
    let mut typed = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(session.world.stdin()), &mut typed)?;
    if typed.trim() == word { Ok(()) } else { Err(Error::usage(format!("`{word}` was not typed: cancelled"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_duration_has_units_or_is_a_number_of_seconds() {
        for (text, seconds) in [
            ("0", 0),
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            ("30d", 2_592_000),
            ("2w", 1_209_600),
            ("PT90S", 90),
            ("100000d", 8_640_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("1500ms"), Ok(SignedDuration::from_millis(1_500)));
    }

    #[test]
    fn a_duration_is_not_negative_endless_or_without_meaning() {
        let expected = "expected a duration such as 90s, 5m, 1h 30m or 30d";
        for (text, error) in [
            ("", expected),
            ("x", expected),
            ("5x", expected),
            ("1.5", expected),
            // The length of a month depends on the month.
            ("1mo", expected),
            ("-1", "a duration can't be negative"),
            ("-5m", "a duration can't be negative"),
            ("100001d", "a duration can't be longer than 100000 days"),
            ("8640000001", "a duration can't be longer than 100000 days"),
        ] {
            assert_eq!(parse_duration(text), Err(error.to_owned()), "{text}");
        }
    }

    #[test]
    fn ports_and_rates_have_limits() {
        assert_eq!(["0", "4848", "65535"].map(parse_port), [Ok(0), Ok(4848), Ok(65535)]);
        for text in ["65536", "-1", "", "http", "80 "] {
            assert_eq!(parse_port(text), Err("expected a port from 0 to 65535".to_owned()), "{text}");
        }
        assert_eq!(["0.001", "2.5", "1e6", "1000000"].map(parse_rate), [Ok(0.001), Ok(2.5), Ok(1e6), Ok(1e6)]);
        for text in ["0", "0.0009", "-1", "1000001", "NaN", "inf"] {
            assert_eq!(parse_rate(text), Err("must be from 0.001 to 1000000".to_owned()), "{text}");
        }
        assert_eq!(parse_rate("fast"), Err("not a number".to_owned()));
    }

    /// Cause and hint.
    fn explain(start: &[u8]) -> (String, String) {
        let error = unknown_provider_error(start, "p.json");
        assert_eq!((error.message.as_str(), error.status()), ("can't detect the provider of p.json", 2));
        (error.cause().unwrap(), error.hint.unwrap())
    }

    #[test]
    fn a_payload_of_no_provider_is_explained_by_what_it_is() {
        let add = "add --provider plexos or --provider plustive";
        for (start, cause, hint) in [
            (&b""[..], "it is empty", format!("check the command that produces it, or {add}")),
            (b"\xff\xfe{\0", "it is UTF-16, but providers send UTF-8", "save it as UTF-8".to_owned()),
            (b"\xfe\xff\0{", "it is UTF-16, but providers send UTF-8", "save it as UTF-8".to_owned()),
            (
                b"\xef\xbb\xbf{\"type\":\"a\",\"data\":{}}",
                "it begins with a byte order mark (EF BB BF), which JSON does not allow",
                "save it as UTF-8 without BOM, or add --provider plexos to sign it with the mark".to_owned(),
            ),
            (
                b"\xef\xbb\xbf{}",
                "it begins with a byte order mark (EF BB BF), which JSON does not allow",
                format!("save it as UTF-8 without BOM, or {add} to sign it with the mark"),
            ),
            (
                b"POST / HTTP/1.1\r\nHost: a\r\n\r\n{}",
                "it is a whole HTTP request, not a payload",
                "check it with `whtool verify p.json`, or remove everything but the body".to_owned(),
            ),
            (b"[]", "it is not a JSON object", add.to_owned()),
            (b"hello", "it is not a JSON object", add.to_owned()),
            (
                b" {\"type\":1}",
                "it has neither `type` and `data` (Plexos Pay) nor `event` and `reference` (Plustive)",
                add.to_owned(),
            ),
        ] {
            assert_eq!(explain(start), (cause.to_owned(), hint), "{}", String::from_utf8_lossy(start));
        }
    }

    #[test]
    fn a_provider_is_the_requested_one_or_that_of_the_keys() {
        let plustive = provider::by_name("plustive");
        let name = |requested, body: &[u8]| detect_provider(requested, body, "-").map(Provider::name).ok();
        assert_eq!(name(None, br#"{"type":"a","data":{}}"#), Some("plexos"));
        assert_eq!(name(None, br#"{"event":"a","reference":"b"}"#), Some("plustive"));
        assert_eq!(name(plustive, br#"{"type":"a","data":{}}"#), Some("plustive"));
        assert_eq!(name(plustive, b""), Some("plustive"));
        assert_eq!(name(None, b"{}"), None);
    }
}
