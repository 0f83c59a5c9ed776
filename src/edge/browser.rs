//! Opens pages in the user's browser.

use super::environment::has_program;
use crate::model::error::{Error, Result};
use std::process::{Command, Stdio};

/// Programs that open a URL, the first one found is used. `cmd` would read `&` in a URL.
const OPENERS: [(&str, &[&str]); 4] =
    [("open", &[]), ("wslview", &[]), ("xdg-open", &[]), ("rundll32", &["url.dll,FileProtocolHandler"])];

/// Opens a URL, without waiting for the browser.
pub(super) fn open(url: &str) -> Result<()> {
    let is_usable = |name: &&str| has_program(name) && (*name != "open" || cfg!(target_os = "macos"));
    let opener = OPENERS.iter().find(|(name, _)| is_usable(name));
    let failed = || Error::failed("can't open a browser").hint("open the link yourself");
    let (name, words) = opener.ok_or_else(|| failed().because("there is no xdg-open"))?;
    let mut command = Command::new(name);
    command.args(*words).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| failed().because(error))?;
    // Reaps it when it ends.
    std::thread::spawn(move || child.wait());
    Ok(())
}
