//! Loads settings from variables and files, and makes them the defaults of command-line options.
//!
//! The defaults are set before the command line is parsed. So flags take precedence, help shows the
//! values in effect, and commands need no code for settings.

use crate::command::shared::store_args::StoreName;
use crate::model::error::{Error, Result};
use crate::settings::file::{self, FileScope, SettingsError};
use crate::settings::option::{self, ProjectRule, Setting, ValueShape};
use crate::webhook::route;
use crate::world::{PostgresUrl, World};
use clap::{Arg, Command};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Project file, in the working folder or a folder above it.
pub(in crate::command) const PROJECT_FILE: &str = "whtool.toml";
/// User file, in whtool's configuration folder.
pub(in crate::command) const USER_FILE: &str = "config.toml";
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Settings of variables, project file and user file.
pub(in crate::command) struct LoadedSettings {
    /// Project file, if there is one.
    pub project: Option<PathBuf>,
    /// User file, which may not exist.
    pub user: Option<PathBuf>,
    values: Vec<SettingValue>,
    errors: Vec<Error>,
}

/// Values of a setting, with their source.
pub(in crate::command) struct SettingValue {
    pub setting: &'static Setting,
    pub values: Vec<String>,
    pub origin: SettingOrigin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::command) enum SettingOrigin {
    Environment(String),
    Project(PathBuf),
    User(PathBuf),
}

impl std::fmt::Display for SettingOrigin {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment(variable) => out.write_str(variable),
            Self::Project(path) | Self::User(path) => write!(out, "{}", path.display()),
        }
    }
}

impl LoadedSettings {
    pub(in crate::command) fn load(world: &dyn World) -> Self {
        let folders = world.project_folders();
        let project = folders.iter().map(|folder| folder.join(PROJECT_FILE)).find(|path| world.file_exists(path));
        let user = world.config_dir().ok().map(|folder| folder.join(USER_FILE));
        let mut settings = Self { project, user, values: values_from_environment(world), errors: Vec::new() };
        settings.add_files(world);
        settings.check();
        settings
    }

    pub(in crate::command) fn first_error(&self) -> Option<&Error> {
        self.errors.first()
    }

    pub(in crate::command) fn errors(&self) -> &[Error] {
        &self.errors
    }

    /// Returns the values of a setting. `None`: the default applies.
    pub(in crate::command) fn value(&self, setting: &Setting) -> Option<&SettingValue> {
        self.values.iter().find(|value| value.setting == setting)
    }

    /// Returns the value of a setting that is no list. `None`: the default applies.
    pub(in crate::command) fn text(&self, key: &str) -> Option<&str> {
        self.value(option::by_key(key)?)?.values.first().map(String::as_str)
    }

    /// Makes the values the defaults of their options; if any is invalid, changes nothing.
    pub(in crate::command) fn apply(&self, tree: Command) -> Command {
        if !self.errors.is_empty() {
            return tree;
        }
        let target = self.target_at_port();
        self.values.iter().chain(&target).fold(tree, |tree, value| set_default(tree, value, &[]))
    }

    /// Returns the target of `replay` and `sign` for a listener on the port that is set, unless the
    /// target is set, too.
    fn target_at_port(&self) -> Option<SettingValue> {
        let setting = |key: &str| option::ALL.iter().find(|setting| setting.key == key);
        let (port, target) = (self.value(setting("port")?)?, setting("to")?);
        let url = format!("http://127.0.0.1:{}/", port.values.first()?);
        self.value(target).is_none().then(|| SettingValue {
            setting: target,
            values: vec![url],
            origin: port.origin.clone(),
        })
    }

    fn add_files(&mut self, world: &dyn World) {
        if let Some(path) = self.project.clone() {
            self.add_file(&path, FileScope::Project, &SettingOrigin::Project(path.clone()), world);
        }
        if let Some(path) = self.user.clone().filter(|path| world.file_exists(path)) {
            self.add_file(&path, FileScope::User, &SettingOrigin::User(path.clone()), world);
        }
    }

    /// Adds the settings that no source with higher precedence has set, and records the errors of
    /// the others.
    fn add_file(&mut self, path: &Path, scope: FileScope, origin: &SettingOrigin, world: &dyn World) {
        let entries =
            read(path, world).and_then(|text| file::parse(&text, scope).map_err(|error| unusable_file(path, error)));
        let entries = entries.unwrap_or_else(|error| {
            self.errors.push(error);
            Vec::new()
        });
        for entry in entries {
            match entry {
                Err(error) => self.errors.push(unusable_file(path, error)),
                Ok(entry) if self.value(entry.setting).is_some() => {}
                Ok(entry) => match resolve_paths(entry.setting, entry.values, path, scope, world) {
                    Err(error) => self.errors.push(error),
                    Ok(values) => {
                        self.values.push(SettingValue { setting: entry.setting, values, origin: origin.clone() })
                    }
                },
            }
        }
    }

    /// Parses every value with its option, so that an error can name the source of the value.
    fn check(&mut self) {
        if self.values.is_empty() {
            return;
        }
        let tree = crate::command::tree::tree();
        self.errors.extend(self.values.iter().filter_map(|value| value.error(&tree)));
    }
}

impl SettingValue {
    /// Returns the error of an invalid value.
    fn error(&self, tree: &Command) -> Option<Error> {
        let Self { setting, values, origin } = self;
        let option = options_for(tree, setting).into_iter().next()?;
        let alone = Arg::new("value").long(setting.key).value_parser(option.get_value_parser().clone());
        let alone = Command::new("setting").no_binary_name(true).arg(alone.action(option.get_action().clone()));
        let words = values.iter().map(|value| format!("--{}={value}", setting.key));
        let text = alone.try_get_matches_from(words).err()?.to_string();
        let why = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        // The option was not typed by the user.
        let why = why.replacen(&format!(" for '--{} <value>'", setting.key), "", 1);
        let possible = text.lines().map(str::trim).find(|line| line.starts_with("[possible values"));
        let why = possible.map_or_else(|| why.clone(), |possible| format!("{why} {possible}"));
        Some(Error::failed(format!("can't use `{}` of {origin}", setting.key)).because(why))
    }
}

fn unusable_file(path: &Path, error: SettingsError) -> Error {
    let hint = error.hint();
    let failed = Error::failed(format!("can't use the settings in {}", path.display())).because(error);
    hint.into_iter().fold(failed, Error::hint)
}

fn values_from_environment(world: &dyn World) -> Vec<SettingValue> {
    let value = |setting: &'static Setting| {
        let url = option::STORE_URL_VARIABLE.to_owned();
        let variables = [(setting.key == "store").then_some(url), Some(setting.variable())];
        let found = variables.into_iter().flatten().find_map(|name| Some((world.env_var(&name)?, name)));
        let (text, variable) = found?;
        let owned = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect();
        let values = match setting.shape {
            ValueShape::Several | ValueShape::Paths => owned(route::list_elements(&text).collect()),
            ValueShape::Routes => owned(route::split_routes(&text)),
            ValueShape::One | ValueShape::Path => vec![text],
        };
        Some(SettingValue { setting, values, origin: SettingOrigin::Environment(variable) })
    };
    option::ALL.iter().filter_map(value).collect()
}

fn read(path: &Path, world: &dyn World) -> Result<String> {
    let failed = |error: std::io::Error| Error::failed(format!("can't read {}", path.display())).because(error);
    let mut text = Vec::new();
    world.open(path).map_err(failed)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    let unusable = |why: &str| Error::failed(format!("can't use the settings in {}", path.display())).because(why);
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(unusable("the file is larger than 64 KiB"));
    }
    String::from_utf8(text).map_err(|_| unusable("the file is not text"))
}

/// Resolves paths relative to the settings file; the store of a project file is in whtool's data
/// folder.
fn resolve_paths(
    setting: &Setting,
    values: Vec<String>,
    file: &Path,
    scope: FileScope,
    world: &dyn World,
) -> Result<Vec<String>> {
    if scope == FileScope::Project && setting.project_rule == ProjectRule::StoreName {
        let stores = world.data_dir()?.join("stores");
        let resolve = |name: &String| match name.starts_with('$') {
            true => name.clone(),
            false => stores.join(format!("{name}.db")).display().to_string(),
        };
        return Ok(values.iter().map(resolve).collect());
    }
    if !matches!(setting.shape, ValueShape::Path | ValueShape::Paths) {
        return Ok(values);
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let resolve = |value: &String| match StoreName::from(OsString::from(value)) {
        StoreName::File(path) => Ok(folder.join(path).display().to_string()),
        StoreName::Url(url) if url.has_password() => Err(unusable_password(setting, file)),
        StoreName::Url(_) | StoreName::Variable(_) | StoreName::OtherServer => Ok(value.clone()),
    };
    values.iter().map(resolve).collect()
}

fn unusable_password(setting: &Setting, file: &Path) -> Error {
    Error::failed(format!("can't use `{}` of {}", setting.key, file.display()))
        .because("the URL contains a password")
        .hint("leave it out, and set PGPASSWORD or PGPASSFILE, or put the URL into WHTOOL_STORE_URL")
}

/// Checks whether a setting applies to a command.
fn is_for(setting: &Setting, words: &[String]) -> bool {
    setting.commands.is_empty() || matches!(words, [command] if setting.commands.contains(&&**command))
}

/// Finds the options that a setting applies to, in a command and its subcommands.
pub(in crate::command) fn options_for<'t>(tree: &'t Command, setting: &Setting) -> Vec<&'t Arg> {
    fn add<'t>(command: &'t Command, words: &[String], setting: &Setting, found: &mut Vec<&'t Arg>) {
        if is_for(setting, words) {
            found.extend(command.get_arguments().filter(|arg| has_flag(arg, setting.key)));
        }
        for nested in command.get_subcommands() {
            add(nested, &[words, &[nested.get_name().to_owned()]].concat(), setting, found);
        }
    }
    let mut found = Vec::new();
    add(tree, &[], setting, &mut found);
    found
}

/// Returns true if an option has this flag, or had it under its former name.
fn has_flag(arg: &Arg, flag: &str) -> bool {
    arg.get_long() == Some(flag) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&flag))
}

fn set_default(command: Command, value: &SettingValue, words: &[String]) -> Command {
    let fits = is_for(value.setting, words);
    let command = command.mut_args(|arg| {
        if fits && has_flag(&arg, value.setting.key) {
            // Help must not show a password.
            let is_url = value.values.iter().any(|text| PostgresUrl::new(text).is_some());
            arg.default_values(value.values.clone()).hide_default_value(is_url)
        } else {
            arg
        }
    });
    command.mut_subcommands(|nested| {
        let words = [words, &[nested.get_name().to_owned()]].concat();
        set_default(nested, value, &words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_an_option_in_each_of_its_commands() {
        let tree = crate::command::tree::tree();
        for setting in &option::ALL {
            let found = options_for(&tree, setting);
            assert!(found.len() >= setting.commands.len().max(1), "{}", setting.key);
            let is_list = |arg: &&Arg| matches!(arg.get_action(), clap::ArgAction::Append);
            assert!(found.iter().all(|arg| is_list(arg) == setting.is_list()), "{}", setting.key);
        }
    }
}
