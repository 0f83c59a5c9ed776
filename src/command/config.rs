//! `whtool config`: shows the effective settings, their origins and the paths of the settings
//! files.

use super::{Session, tree};
use crate::command::shared::loaded_settings::{self, LoadedSettings, SettingOrigin};
use crate::model::error::{CommandOutcome, Result};
use crate::model::mask::{Reveal, mask_secrets};
use crate::model::sanitize::escape_unsafe;
use crate::render::json::line;
use crate::settings::option::{self, Setting};
use crate::world::PostgresUrl;
use clap::{Args, Command, Subcommand};
use serde_json::{Value, json};
use std::io::Write;

/// Show the effective settings and where they come from
///
/// Flags take precedence over environment variables, then the project's whtool.toml, your own
/// config.toml and the defaults. The project file is searched for from the working directory up to
/// the root of its repository.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool config show --origin
  whtool config path
  whtool config show > whtool.toml")]
pub(super) struct Config {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand)]
enum ConfigCommand {
    Show(ShowConfig),
    /// Show the paths of the settings files
    Path,
}

/// Show every setting in the format of a settings file
///
/// If a file or a variable is invalid, the error is reported, the exit status is 3, and the valid
/// settings are still shown.
#[derive(Args)]
struct ShowConfig {
    /// Show where each value comes from
    #[arg(long)]
    origin: bool,
    /// Print one JSON record per line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Config, session: &Session<'_>) -> Result<CommandOutcome> {
    let settings = session.settings;
    let text = match &args.command {
        ConfigCommand::Show(args) => show(args, settings, session.reveal),
        ConfigCommand::Path => paths(settings, session),
    };
    let mut output = session.world.stdout();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    match (&args.command, settings.errors()) {
        (ConfigCommand::Show(_), [others @ .., last]) => {
            others.iter().for_each(|error| session.print_error(error));
            Err(last.clone())
        }
        _ => Ok(CommandOutcome::Success),
    }
}

fn paths(settings: &LoadedSettings, session: &Session<'_>) -> String {
    let project = match &settings.project {
        Some(path) => path.display().to_string(),
        None => format!("none: no {} in this directory, or above it in its repository", loaded_settings::PROJECT_FILE),
    };
    let user = match &settings.user {
        Some(path) if session.world.file_exists(path) => path.display().to_string(),
        Some(path) => format!("{} (does not exist)", path.display()),
        None => "none: no configuration directory on this system".to_owned(),
    };
    format!("project  {}\nuser     {}\n", escape_unsafe(&project), escape_unsafe(&user))
}

fn show(args: &ShowConfig, settings: &LoadedSettings, reveal: Reveal) -> String {
    let tree = tree::tree();
    let mut text = String::new();
    for setting in &option::ALL {
        let mut effective = EffectiveSetting::new(setting, settings, &tree);
        if reveal == Reveal::Masked {
            effective.values.iter_mut().for_each(|value| *value = masked(value));
        }
        text.push_str(&if args.json { effective.record() } else { effective.line(args) });
    }
    text
}

fn masked(value: &str) -> String {
    PostgresUrl::new(value).map_or_else(|| mask_secrets(value), |url| url.to_string())
}

/// A setting with its effective values and their origin; `None` is the default.
struct EffectiveSetting<'c> {
    setting: &'static Setting,
    values: Vec<String>,
    origin: Option<&'c SettingOrigin>,
}

impl<'c> EffectiveSetting<'c> {
    fn new(setting: &'static Setting, settings: &'c LoadedSettings, tree: &Command) -> Self {
        if let Some(value) = settings.value(setting) {
            return Self { setting, values: value.values.clone(), origin: Some(&value.origin) };
        }
        let default = loaded_settings::options_for(tree, setting).into_iter().next().map(clap::Arg::get_default_values);
        let values = default.unwrap_or_default().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        Self { setting, values, origin: None }
    }

    /// Formats the setting as TOML. Defaults are commented out.
    fn line(&self, args: &ShowConfig) -> String {
        let value = if self.setting.is_list() {
            format!("[{}]", self.values.iter().map(|value| toml_literal(value)).collect::<Vec<_>>().join(", "))
        } else {
            self.values.first().map(|value| toml_literal(value)).unwrap_or_default()
        };
        let mark = if self.origin.is_some() { "" } else { "# " };
        let line = format!("{mark}{} = {value}", self.setting.key);
        let comment = match self.origin {
            _ if !args.origin => self.setting.meaning.to_owned(),
            Some(origin) => origin.to_string(),
            None => "default".to_owned(),
        };
        // A project file may contain untrusted text.
        format!("{}  # {}\n", escape_unsafe(&format!("{line:<40}")), escape_unsafe(&comment))
    }

    fn record(&self) -> String {
        let value = match (self.setting.is_list(), self.values.first()) {
            (true, _) => json!(self.values),
            (false, Some(value)) => json!(value),
            (false, None) => Value::Null,
        };
        let (kind, place) = match self.origin {
            None => ("default", None),
            Some(origin @ SettingOrigin::Environment(_)) => ("environment", Some(origin.to_string())),
            Some(origin @ SettingOrigin::Project(_)) => ("project", Some(origin.to_string())),
            Some(origin @ SettingOrigin::User(_)) => ("user", Some(origin.to_string())),
        };
        let record = json!({
            "schema": "whtool.setting/1", "key": self.setting.key, "value": value, "origin": kind, "place": place,
            "variable": self.setting.variable(),
        });
        String::from_utf8(line(&record)).expect("JSON is text")
    }
}

/// Formats a value as TOML. A JSON string is a valid TOML string.
fn toml_literal(value: &str) -> String {
    if value.parse::<u32>().is_ok() { value.to_owned() } else { json!(value).to_string() }
}
