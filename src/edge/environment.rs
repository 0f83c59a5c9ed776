//! Environment variables, the user's folders, and the name under which the program was started.

use crate::model::error::{Error, Result};
use etcetera::BaseStrategy;
#[cfg(target_vendor = "apple")]
use etcetera::base_strategy::Apple as Native;
#[cfg(windows)]
use etcetera::base_strategy::Windows as Native;
#[cfg(not(any(windows, target_vendor = "apple")))]
use etcetera::base_strategy::Xdg as Native;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variable that moves all of whtool's folders.
const HOME: &str = "WHTOOL_HOME";

const PROGRAM_NAME: &str = "whtool";

/// `None`: the variable is not set, empty, or not UTF-8.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Keeps a child process from inheriting the variables of these names.
pub(super) fn remove_variables<N: AsRef<str>>(command: &mut Command, names: &[N]) {
    for name in names {
        command.env_remove(name.as_ref());
    }
}

/// Names the user and the machine, to tell apart those who share a database.
pub(super) fn user_at_host() -> String {
    let known = |name: whoami::Result<String>, other: &str| name.ok().unwrap_or_else(|| other.to_owned());
    format!("{}@{}", known(whoami::username(), "user"), known(whoami::hostname(), "host"))
}

pub(super) fn data_dir() -> Result<PathBuf> {
    folder("data", |native| native.data_dir())
}

pub(super) fn config_dir() -> Result<PathBuf> {
    folder("config", |native| native.config_dir())
}

/// Returns one of whtool's folders. In `WHTOOL_HOME` it is a subfolder, which can have mode 0700
/// whatever the mode of `WHTOOL_HOME` is.
fn folder(name: &str, native: impl Fn(&Native) -> PathBuf) -> Result<PathBuf> {
    if let Some(home) = env::var_os(HOME).filter(|home| !home.is_empty()) {
        return Ok(PathBuf::from(home).join(name));
    }
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|error| {
        Error::failed(format!("can't find a directory for whtool's {name}"))
            .because(error)
            .hint(format!("set {HOME} to a directory"))
    })?;
    Ok(native(&strategy).join(PROGRAM_NAME))
}

/// Returns the working directory and its ancestors up to the one that holds `.git`; without one,
/// the working directory alone.
pub(super) fn project_folders() -> Vec<PathBuf> {
    let Ok(current) = env::current_dir() else { return Vec::new() };
    let folders: Vec<_> = current.ancestors().map(Path::to_owned).collect();
    // In a worktree or submodule `.git` is a file.
    let root = folders.iter().position(|folder| folder.join(".git").exists());
    folders.into_iter().take(root.unwrap_or(0) + 1).collect()
}

/// Returns the word by which the user can call this program again: as typed if that works,
/// otherwise the program's path.
pub(super) fn invocation() -> String {
    let typed = env::args_os().next().filter(|typed| is_found(typed, env::var_os("PATH")));
    let name = typed.or_else(|| env::current_exe().ok().map(PathBuf::into_os_string));
    shell_quote(&name.unwrap_or_else(|| OsString::from(PROGRAM_NAME)).to_string_lossy())
}

/// Returns true if a shell finds a program of this name. On Windows, its file has an ending.
pub(super) fn has_program(name: &str) -> bool {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    is_found(OsStr::new(&file), env::var_os("PATH"))
}

/// True if a shell with this PATH finds a program of this name.
fn is_found(typed: &OsStr, path: Option<OsString>) -> bool {
    if Path::new(typed).components().count() > 1 {
        return Path::new(typed).is_file();
    }
    !typed.is_empty() && path.is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(typed).is_file()))
}

fn shell_quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+=./,:@%\\".contains(c);
    if cfg!(windows) {
        return if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() };
    }
    if !word.is_empty() && word.chars().all(|c| is_plain(c) && c != '\\') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_a_shell_would_change_it() {
        assert_eq!(shell_quote("./target/debug/whtool"), "./target/debug/whtool");
        if cfg!(not(windows)) {
            assert_eq!(shell_quote("/my tools/whtool"), "'/my tools/whtool'");
            assert_eq!(shell_quote("it's"), r"'it'\''s'");
            assert_eq!(shell_quote(""), "''");
        }
    }

    #[test]
    fn only_bare_names_are_searched_in_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tool");
        std::fs::write(&file, b"").unwrap();
        let path = || Some(folder.path().as_os_str().to_owned());
        assert!(is_found(OsStr::new("tool"), path()));
        assert!(!is_found(OsStr::new("other"), path()));
        assert!(!is_found(OsStr::new("tool"), None));
        assert!(is_found(file.as_os_str(), None));
        assert!(!is_found(OsStr::new(""), path()));
    }
}
