//! `whtool config`: which settings hold, where each comes from, and where the files are.

use super::{Session, tree};
use crate::command::shared::loaded_settings::{self, LoadedSettings, SettingOrigin};
use crate::model::error::{CommandOutcome, Result};
use crate::model::sanitize::escape_unsafe;
use crate::render::json::line;
use crate::settings::option::{self, Setting};
use clap::{Args, Command, Subcommand};
use serde_json::{Value, json};
use std::io::Write;

/// Show which settings hold, and where they come from
///
/// A flag comes before a variable, a variable before the project's whtool.toml, that before your own config.toml, and that before the
/// default. The project's file is looked for from the working folder up to the root of its repository.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool config show --origin
  whtool config path
  whtool config show > whtool.toml")]
pub(super) struct Config {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    Show(Show),
    Path(Files),
}

/// Show every setting, as a file would have it
///
/// Where something is wrong with a file or a variable, that is told, the status is 3, and what can be read is shown all the same.
#[derive(Args)]
struct Show {
    /// Say where each value comes from
    #[arg(long)]
    origin: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Show where the files are
#[derive(Args)]
struct Files {}

/// Shows.
pub(super) fn run(args: &Config, session: &Session<'_>) -> Result<CommandOutcome> {
    let configured = session.settings;
    let text = match &args.command {
        What::Show(args) => show(args, configured),
        What::Path(Files {}) => paths(configured, session),
    };
    let mut output = session.world.stdout();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    match (&args.command, configured.errors()) {
        (What::Show(_), [others @ .., last]) => {
            others.iter().for_each(|error| session.tell(error));
            Err(last.clone())
        }
        _ => Ok(CommandOutcome::Success),
    }
}

fn paths(configured: &LoadedSettings, session: &Session<'_>) -> String {
    let project = match &configured.project {
        Some(path) => path.display().to_string(),
        None => format!("none: no {} here, or above up to the root of a repository", loaded_settings::PROJECT_FILE),
    };
    let user = match &configured.user {
        Some(path) if session.world.file_exists(path) => path.display().to_string(),
        Some(path) => format!("{} (not there)", path.display()),
        None => "none: there is no folder for it".to_owned(),
    };
    format!("project  {}\nuser     {}\n", escape_unsafe(&project), escape_unsafe(&user))
}

fn show(args: &Show, configured: &LoadedSettings) -> String {
    let tree = tree::tree();
    let mut text = String::new();
    for setting in &option::ALL {
        let held = Held::of(setting, configured, &tree);
        text.push_str(&if args.json { held.record() } else { held.line(args) });
    }
    text
}

/// A setting, the values that hold, and who set them (`None`: the default).
struct Held<'c> {
    setting: &'static Setting,
    values: Vec<String>,
    origin: Option<&'c SettingOrigin>,
}

impl<'c> Held<'c> {
    fn of(setting: &'static Setting, configured: &'c LoadedSettings, tree: &Command) -> Self {
        if let Some(value) = configured.value(setting) {
            return Self { setting, values: value.values.clone(), origin: Some(&value.origin) };
        }
        let default = loaded_settings::options_for(tree, setting).into_iter().next().map(clap::Arg::get_default_values);
        let values = default.unwrap_or_default().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        Self { setting, values, origin: None }
    }

    /// As TOML; what nobody set is a comment.
    fn line(&self, args: &Show) -> String {
        let value = if self.setting.is_list() {
            format!("[{}]", self.values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", "))
        } else {
            self.values.first().map(|value| literal(value)).unwrap_or_default()
        };
        let mark = if self.origin.is_some() { "" } else { "# " };
        let line = format!("{mark}{} = {value}", self.setting.key);
        let said = match self.origin {
            Some(origin) => origin.to_string(),
            None => "default".to_owned(),
        };
        let said = if args.origin { said } else { self.setting.meaning.to_owned() };
        // A project's file may hold a stranger's text.
        format!("{}  # {}\n", escape_unsafe(&format!("{line:<40}")), escape_unsafe(&said))
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

/// A value as TOML has it. JSON's texts are TOML's, too.
fn literal(value: &str) -> String {
    if value.parse::<u32>().is_ok() { value.to_owned() } else { json!(value).to_string() }
}
