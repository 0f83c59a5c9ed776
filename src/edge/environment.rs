//! What the process was given: variables, its own name, the user's folders.

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

/// The variable that moves all of whtool's folders.
const HOME: &str = "WHTOOL_HOME";

/// The name under which whtool is known when nothing better is.
const NAME: &str = "whtool";

/// A variable that is set, not empty, and text.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The folder for whtool's own data.
pub(super) fn data_folder() -> Result<PathBuf> {
    folder("data", |native| native.data_dir())
}

/// The folder for the user's settings.
pub(super) fn config_folder() -> Result<PathBuf> {
    folder("config", |native| native.config_dir())
}

/// One of whtool's folders. Below the user's own `WHTOOL_HOME` it is one of ours, so that it can be for its owner only whatever the
/// mode of that.
fn folder(name: &str, native: impl Fn(&Native) -> PathBuf) -> Result<PathBuf> {
    if let Some(home) = env::var_os(HOME).filter(|home| !home.is_empty()) {
        return Ok(PathBuf::from(home).join(name));
    }
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|error| {
        Error::failed(format!("can't find a folder for whtool's {name}"))
            .because(error)
            .hint(format!("set {HOME} to a folder"))
    })?;
    Ok(native(&strategy).join(NAME))
}

/// The working folder and those above it, up to the one that holds `.git`; without such a one, the working folder alone.
pub(super) fn working_folders() -> Vec<PathBuf> {
    let Ok(here) = env::current_dir() else { return Vec::new() };
    let folders: Vec<_> = here.ancestors().map(Path::to_owned).collect();
    // A worktree or submodule has a file of this name.
    let root = folders.iter().position(|folder| folder.join(".git").exists());
    folders.into_iter().take(root.unwrap_or(0) + 1).collect()
}

/// How the user would call this program again: the name as typed where that leads here, or else the program's path.
pub(super) fn program() -> String {
    let typed = env::args_os().next().filter(|typed| leads_somewhere(typed, env::var_os("PATH")));
    let name = typed.or_else(|| env::current_exe().ok().map(PathBuf::into_os_string));
    quoted(&name.unwrap_or_else(|| OsString::from(NAME)).to_string_lossy())
}

/// Whether a shell with this PATH finds a program of this name.
fn leads_somewhere(typed: &OsStr, path: Option<OsString>) -> bool {
    if Path::new(typed).components().count() > 1 {
        return Path::new(typed).is_file();
    }
    !typed.is_empty() && path.is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(typed).is_file()))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+=./,:@%\\".contains(c);
    if cfg!(windows) {
        let spaced = word.contains(' ');
        return if spaced { format!("\"{word}\"") } else { word.to_owned() };
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
        assert_eq!(quoted("./target/debug/whtool"), "./target/debug/whtool");
        if cfg!(not(windows)) {
            assert_eq!(quoted("/my tools/whtool"), "'/my tools/whtool'");
            assert_eq!(quoted("it's"), r"'it'\''s'");
            assert_eq!(quoted(""), "''");
        }
    }

    #[test]
    fn a_name_is_looked_for_in_the_path_and_a_path_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tool");
        std::fs::write(&file, b"").unwrap();
        let path = || Some(folder.path().as_os_str().to_owned());
        assert!(leads_somewhere(OsStr::new("tool"), path()));
        assert!(!leads_somewhere(OsStr::new("other"), path()));
        assert!(!leads_somewhere(OsStr::new("tool"), None));
        assert!(leads_somewhere(file.as_os_str(), None));
        assert!(!leads_somewhere(OsStr::new(""), path()));
    }
}
