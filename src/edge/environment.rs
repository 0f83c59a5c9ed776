//! Environment variables, the user's folders, and the name under which the program was started.

use crate::model::error::{Error, Result};
use crate::model::shell::Shell;
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
    let host = whoami::hostname().unwrap_or_else(|_| "host".to_owned());
    format!("{}@{host}", user_name())
}

/// Returns the user's name from USER or LOGNAME, or the user's number. The system is not asked: a
/// static binary with glibc would load shared libraries for that, and crash if they do not fit.
#[cfg(unix)]
pub(super) fn user_name() -> String {
    let named = variable("USER").or_else(|| variable("LOGNAME"));
    named.unwrap_or_else(|| rustix::process::geteuid().as_raw().to_string())
}

#[cfg(not(unix))]
pub(super) fn user_name() -> String {
    whoami::username().unwrap_or_else(|_| "user".to_owned())
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
    let unknown = || {
        Error::failed(format!("can't find a directory for whtool's {name}")).hint(format!("set {HOME} to a directory"))
    };
    home_dir().ok_or_else(|| unknown().because("HOME is not set"))?;
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|error| unknown().because(error))?;
    Ok(native(&strategy).join(PROGRAM_NAME))
}

/// Returns the user's home. If the variable is not set, the system is asked, but not by a static
/// binary with glibc, which would crash if the system's libraries do not fit.
pub(super) fn home_dir() -> Option<PathBuf> {
    let is_static = cfg!(all(target_env = "gnu", target_feature = "crt-static"));
    if is_static && env::var_os("HOME").is_none_or(|home| home.is_empty()) {
        return None;
    }
    etcetera::home_dir().ok()
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

/// Returns the words by which the user can call this program again in their shell: as typed if that
/// works, otherwise the program's path.
pub(super) fn invocation() -> String {
    let typed = env::args_os().next().filter(|typed| is_found(typed, env::var_os("PATH"), &program_endings()));
    let name = typed.or_else(|| env::current_exe().ok().map(PathBuf::into_os_string));
    shell().call(&name.unwrap_or_else(|| OsString::from(PROGRAM_NAME)).to_string_lossy())
}

/// Git Bash and its relatives set SHELL; PowerShell and `cmd` do not.
pub(super) fn shell() -> Shell {
    if cfg!(windows) && variable("SHELL").is_none() { Shell::PowerShell } else { Shell::Posix }
}

/// Returns true if a shell finds a program of this name.
pub(super) fn has_program(name: &str) -> bool {
    is_found(OsStr::new(name), env::var_os("PATH"), &program_endings())
}

/// Returns the endings that a shell adds to the name of a program: on Windows those in PATHEXT, such
/// as `.EXE` and `.CMD`.
fn program_endings() -> Vec<String> {
    if cfg!(not(windows)) {
        return Vec::new();
    }
    let endings = variable("PATHEXT").unwrap_or_else(|| ".COM;.EXE;.BAT;.CMD".to_owned());
    endings.split(';').filter(|ending| !ending.is_empty()).map(str::to_owned).collect()
}

/// True if a shell with this PATH finds a program of this name, as it is or with one of the endings.
fn is_found(typed: &OsStr, path: Option<OsString>, endings: &[String]) -> bool {
    let is_program = |file: &Path| {
        let has_ending = |ending: &String| {
            let mut name = file.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name).is_file()
        };
        file.is_file() || endings.iter().any(has_ending)
    };
    if Path::new(typed).components().count() > 1 {
        return is_program(Path::new(typed));
    }
    !typed.is_empty() && path.is_some_and(|path| env::split_paths(&path).any(|folder| is_program(&folder.join(typed))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_names_are_searched_in_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tool");
        std::fs::write(&file, b"").unwrap();
        let path = || Some(folder.path().as_os_str().to_owned());
        assert!(is_found(OsStr::new("tool"), path(), &[]));
        assert!(!is_found(OsStr::new("other"), path(), &[]));
        assert!(!is_found(OsStr::new("tool"), None, &[]));
        assert!(is_found(file.as_os_str(), None, &[]));
        assert!(!is_found(OsStr::new(""), path(), &[]));
    }

    #[test]
    fn a_program_may_be_a_script_that_is_typed_without_its_ending() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ngrok.cmd"), b"").unwrap();
        let path = || Some(folder.path().as_os_str().to_owned());
        let endings = [".exe", ".cmd"].map(str::to_owned);
        assert!(is_found(OsStr::new("ngrok"), path(), &endings));
        assert!(is_found(folder.path().join("ngrok").as_os_str(), None, &endings));
        assert!(!is_found(OsStr::new("ngrok"), path(), &endings[..1]));
        assert!(!is_found(OsStr::new("ngrok"), path(), &[]));
    }
}
