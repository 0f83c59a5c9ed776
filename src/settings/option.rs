//! The settings: what a file or a variable may set, for which commands, and what a project's file may not do.
//!
//! A project file comes with a repository, and that may be a stranger's. So it can't send events or signatures to another machine, open
//! the listener to the network, choose a secret that the stranger knows, or name files.

use crate::model::address::is_loopback;
use crate::webhook::forward::Route;
use std::net::IpAddr;

/// A setting: it stands in for an option of the command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in a file, which is also the option's long name.
    pub key: &'static str,
    /// The commands it is for. Empty: every one that has the option.
    pub commands: &'static [&'static str],
    /// How many values it has.
    pub shape: ValueShape,
    /// What a project file may say.
    pub project_rule: ProjectRule,
    /// What it means.
    pub meaning: &'static str,
}

/// How many values a setting has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueShape {
    /// One text or number.
    One,
    /// The path of a file, relative to the folder of the file that says it.
    Path,
    /// Any number of texts; in a variable a comma separates them.
    Several,
    /// Any number of paths.
    Paths,
}

/// What a project file may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectRule {
    /// Anything: it can do no harm.
    Anything,
    /// URLs on this machine.
    LoopbackUrls,
    /// An address of this machine.
    LoopbackAddress,
    /// The name of a store in whtool's data folder.
    StoreName,
    /// Variables that are called like signing secrets.
    SecretVariables,
    /// A span of an hour at most.
    UpToOneHour,
    /// Nothing.
    Forbidden,
}

/// Every setting.
pub const ALL: [Setting; 11] = [
    Setting {
        key: "provider",
        commands: &["sign", "replay"],
        shape: ValueShape::One,
        project_rule: ProjectRule::Anything,
        meaning: "whose signature a payload gets",
    },
    Setting {
        key: "port",
        commands: &["listen"],
        shape: ValueShape::One,
        project_rule: ProjectRule::Anything,
        meaning: "the port of the listener",
    },
    Setting {
        key: "bind",
        commands: &["listen"],
        shape: ValueShape::One,
        project_rule: ProjectRule::LoopbackAddress,
        meaning: "the address of the listener",
    },
    Setting {
        key: "events",
        commands: &["listen"],
        shape: ValueShape::Several,
        project_rule: ProjectRule::Anything,
        meaning: "the types of events that listen shows",
    },
    Setting {
        key: "forward-to",
        commands: &["listen"],
        shape: ValueShape::Several,
        project_rule: ProjectRule::LoopbackUrls,
        meaning: "where listen sends verified deliveries on to",
    },
    Setting {
        key: "to",
        commands: &["sign", "replay"],
        shape: ValueShape::One,
        project_rule: ProjectRule::LoopbackUrls,
        meaning: "where replay sends, and where a signed request goes",
    },
    Setting {
        key: "tolerance",
        commands: &["listen", "verify"],
        shape: ValueShape::One,
        project_rule: ProjectRule::UpToOneHour,
        meaning: "how old a signed time may be",
    },
    Setting {
        key: "store",
        commands: &[],
        shape: ValueShape::Path,
        project_rule: ProjectRule::StoreName,
        meaning: "where captures are kept",
    },
    Setting {
        key: "secret-env",
        commands: &[],
        shape: ValueShape::Several,
        project_rule: ProjectRule::SecretVariables,
        meaning: "more variables that hold signing secrets",
    },
    Setting {
        key: "secret-file",
        commands: &[],
        shape: ValueShape::Paths,
        project_rule: ProjectRule::Forbidden,
        meaning: "files that hold signing secrets",
    },
    Setting {
        key: "color",
        commands: &[],
        shape: ValueShape::One,
        project_rule: ProjectRule::Anything,
        meaning: "when to use colours",
    },
];

impl Setting {
    /// The variable that sets it.
    pub fn variable(&self) -> String {
        format!("WHTOOL_{}", self.key.replace('-', "_").to_uppercase())
    }

    /// Whether it has several values.
    pub fn is_list(&self) -> bool {
        matches!(self.shape, ValueShape::Several | ValueShape::Paths)
    }
}

/// The setting of this key.
pub fn by_key(key: &str) -> Option<&'static Setting> {
    ALL.iter().find(|setting| setting.key == key)
}

impl ProjectRule {
    /// Whether a project file may say this.
    pub fn allows(self, value: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::LoopbackUrls => value.parse::<Route>().is_ok_and(|route| is_loopback(&route.url)),
            Self::LoopbackAddress => value.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
            Self::StoreName => is_store_name(value),
            Self::SecretVariables => value.contains("WEBHOOK") || value.contains("SIGNING"),
            Self::UpToOneHour => is_up_to_one_hour(value),
            Self::Forbidden => false,
        }
    }

    /// What it may say, to go on after "a project file may ".
    pub fn rule(self) -> &'static str {
        match self {
            Self::Anything => "say anything here",
            Self::LoopbackUrls => "only name addresses of this machine, such as http://localhost:3000",
            Self::LoopbackAddress => "only bind to this machine: 127.0.0.1 or ::1",
            Self::StoreName => {
                "only give a store's name, of letters, digits, - and _: the file is in whtool's data folder"
            }
            Self::SecretVariables => "only name variables with WEBHOOK or SIGNING in their name",
            Self::UpToOneHour => "only set an hour at most",
            Self::Forbidden => "not set this",
        }
    }
}

fn is_store_name(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Read as the flag reads it.
fn is_up_to_one_hour(value: &str) -> bool {
    let in_words = || {
        let span = value.parse::<jiff::Span>().ok()?;
        span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()
    };
    let span = value.parse().ok().map(jiff::SignedDuration::from_secs).or_else(in_words);
    span.is_some_and(|span| span.as_secs() <= 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(key: &str, value: &str) -> bool {
        by_key(key).unwrap().project_rule.allows(value)
    }

    #[test]
    fn a_project_can_send_nothing_to_another_machine() {
        for url in ["http://localhost:3000", "payment.*=http://127.0.0.1:3000/x", "localhost:1", "http://[::1]/"] {
            assert!(allows("forward-to", url) && allows("to", url), "{url}");
        }
        for url in [
            "https://evil.example",
            "payment.*=http://10.0.0.1/",
            "http://localhost.evil.example",
            "http://0.0.0.0",
            "",
        ] {
            assert!(!allows("forward-to", url) && !allows("to", url), "{url}");
        }
    }

    #[test]
    fn a_project_can_not_open_the_listener() {
        assert!(allows("bind", "127.0.0.1") && allows("bind", "::1"));
        assert!(!allows("bind", "0.0.0.0") && !allows("bind", "::") && !allows("bind", "192.168.0.1"));
    }

    #[test]
    fn a_project_can_not_choose_a_secret_that_a_stranger_knows() {
        assert!(allows("secret-env", "SHOP_WEBHOOK_SECRET"));
        assert!(!allows("secret-env", "HOME") && !allows("secret-env", "AWS_SECRET_ACCESS_KEY"));
        assert!(!allows("secret-file", "secret.txt"));
    }

    #[test]
    fn a_project_can_not_name_files_or_let_old_deliveries_in() {
        assert!(allows("store", "shop-2"));
        assert!(["../x", "/etc/passwd", "a/b", "", "C:x", ".x"].iter().all(|name| !allows("store", name)));
        assert!(allows("tolerance", "10m") && allows("tolerance", "3600") && allows("tolerance", "1h"));
        assert!(!allows("tolerance", "2h") && !allows("tolerance", "3601") && !allows("tolerance", "61m"));
        assert!(!allows("tolerance", "1d") && !allows("tolerance", "1y"));
    }

    #[test]
    fn a_variable_is_called_like_its_key() {
        assert_eq!(by_key("forward-to").unwrap().variable(), "WHTOOL_FORWARD_TO");
    }
}
