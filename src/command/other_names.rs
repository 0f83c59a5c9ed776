//! Names that other tools give to what whtool does.

use crate::model::capture_name::CaptureName;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Commands of other tools, and advice.
const OTHER_NAMES: &[(&[&str], &str)] = &[
    (&["resend", "retry", "redeliver", "send", "fire", "emit", "publish"], "use `whtool replay`"),
    (
        &["forward", "proxy", "http", "start", "serve", "dev", "run", "receive"],
        "use `whtool listen --forward-to URL`, with the URL of your app",
    ),
    (&["tunnel", "expose", "share", "connect"], "start a tunnel to `whtool listen`: see docs/tunnels.md"),
    (
        &["logs", "log", "tail", "follow", "stream"],
        "`whtool listen` shows deliveries as they arrive, `whtool events` those before",
    ),
    (
        &["list", "ls", "history", "requests", "deliveries", "captures", "inspect", "open", "show", "event"],
        "use `whtool events`, or `whtool events show last`",
    ),
    (
        &["login", "logout", "auth", "account", "whoami"],
        "no account is needed: API keys are in PLEXOS_PAY_SECRET_KEY and PLUSTIVE_API_KEY",
    ),
    (
        &["init", "setup", "configure", "settings"],
        "nothing needs to be set up; `whtool config show > whtool.toml` writes the settings of a project",
    ),
    (&["webhooks", "webhook", "create", "subscribe"], "use `whtool register` or `whtool endpoints`"),
    (&["secrets", "keys", "key"], "use `whtool secret`"),
    (&["test", "probe"], "use `whtool check URL`, with the URL of your handler"),
    (&["debug", "explain", "diagnose", "validate"], "use `whtool verify FILE`, or `whtool verify last`"),
    (&["signature", "hmac"], "use `whtool sign FILE`"),
    (&["status", "health"], "use `whtool doctor`"),
    (&["fixtures", "payloads", "sample", "examples"], "use `whtool samples`"),
    (&["mock", "simulate", "sandbox"], "use `whtool emulate`"),
    (&["version"], "use `whtool --version`"),
];

/// Replaces the suggestion of a similar name where another tool's name, or a capture, is meant.
pub(super) fn explain(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(advice) = advice(typed)
    {
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(advice)]));
    }
    error
}

fn advice(typed: &str) -> Option<String> {
    let known = OTHER_NAMES.iter().find(|(names, _)| names.contains(&typed));
    let is_capture = !CaptureName::parse(typed).is_reference() || typed.starts_with("evt_") || typed.starts_with("pi_");
    match known {
        Some((_, advice)) => Some((*advice).to_owned()),
        None => is_capture.then(|| format!("use `whtool events show {typed}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::COMMANDS;
    use std::collections::HashSet;

    #[test]
    fn no_name_is_a_command_or_listed_twice() {
        let mut seen: HashSet<_> =
            COMMANDS.iter().flat_map(|entry| [entry.name].into_iter().chain(entry.alias)).collect();
        for name in OTHER_NAMES.iter().flat_map(|(names, _)| *names) {
            assert!(seen.insert(name), "{name}");
        }
    }
}
