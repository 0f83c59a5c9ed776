//! The settings that files and variables may contain, and the rules for project files.
//!
//! A project file comes with a repository that anyone may have written. So it can't send events or
//! signatures to another machine, open the listener to the network, choose a secret that its author
//! knows, or name files.

use crate::model::address::is_local_by_name;
use crate::model::bind::BindHost;
use crate::webhook::route::RouteList;

/// Setting that provides the default of a command-line option.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Key in a file, and long name of the option.
    pub key: &'static str,
    /// Commands that it applies to. Empty: all that have the option.
    pub commands: &'static [&'static str],
    pub shape: ValueShape,
    /// Values that a project file may set.
    pub project_rule: ProjectRule,
    pub meaning: &'static str,
}

/// Another variable that sets `store`, and takes precedence.
pub const STORE_URL_VARIABLE: &str = "WHTOOL_STORE_URL";

/// Type of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueShape {
    /// Text or number.
    One,
    /// Path, relative to the folder of the settings file.
    Path,
    /// List of texts, separated by commas in a variable.
    Several,
    /// List of routes, whose types and URLs may have commas.
    Routes,
    /// List of paths.
    Paths,
}

/// Values of a setting that a project file may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectRule {
    Anything,
    LoopbackUrls,
    LoopbackAddress,
    /// Name of a store in whtool's data folder, or a variable with the URL of one.
    StoreName,
    /// Variables with WEBHOOK or SIGNING in their name.
    SecretVariables,
    UpToOneHour,
    Forbidden,
}

pub const ALL: [Setting; 13] = [
    Setting {
        key: "provider",
        commands: &["sign", "replay"],
        shape: ValueShape::One,
        project_rule: ProjectRule::Anything,
        meaning: "provider to sign payloads for",
    },
    Setting {
        key: "port",
        commands: &["listen"],
        shape: ValueShape::One,
        project_rule: ProjectRule::Anything,
        meaning: "port of the listener",
    },
    Setting {
        key: "bind",
        commands: &["listen"],
        shape: ValueShape::One,
        project_rule: ProjectRule::LoopbackAddress,
        meaning: "address of the listener",
    },
    Setting {
        key: "events",
        commands: &["listen"],
        shape: ValueShape::Several,
        project_rule: ProjectRule::Anything,
        meaning: "event types that listen shows",
    },
    Setting {
        key: "forward-to",
        commands: &["listen"],
        shape: ValueShape::Routes,
        project_rule: ProjectRule::LoopbackUrls,
        meaning: "URLs that listen forwards verified deliveries to",
    },
    Setting {
        key: "to",
        commands: &["sign", "replay"],
        shape: ValueShape::One,
        project_rule: ProjectRule::LoopbackUrls,
        meaning: "target URL of replay and sign",
    },
    Setting {
        key: "tolerance",
        commands: &["listen", "verify"],
        shape: ValueShape::One,
        project_rule: ProjectRule::UpToOneHour,
        meaning: "maximum age of a signed timestamp",
    },
    Setting {
        key: "store",
        commands: &[],
        shape: ValueShape::Path,
        project_rule: ProjectRule::StoreName,
        meaning: "file or PostgreSQL database in which captures are stored",
    },
    Setting {
        key: "inbox",
        commands: &[],
        shape: ValueShape::One,
        project_rule: ProjectRule::Anything,
        meaning: "inbox of a PostgreSQL store",
    },
    Setting {
        key: "refused-limit",
        commands: &["listen"],
        shape: ValueShape::One,
        project_rule: ProjectRule::Forbidden,
        meaning: "maximum space in the store for requests that were not verified",
    },
    Setting {
        key: "secret-env",
        commands: &[],
        shape: ValueShape::Several,
        project_rule: ProjectRule::SecretVariables,
        meaning: "names of variables that contain signing secrets",
    },
    Setting {
        key: "secret-file",
        commands: &[],
        shape: ValueShape::Paths,
        project_rule: ProjectRule::Forbidden,
        meaning: "files that contain signing secrets",
    },
    Setting {
        key: "color",
        commands: &[],
        shape: ValueShape::One,
        project_rule: ProjectRule::Anything,
        meaning: "when to use colors",
    },
];

impl Setting {
    /// Returns the environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("WHTOOL_{}", self.key.replace('-', "_").to_uppercase())
    }

    pub fn is_list(&self) -> bool {
        matches!(self.shape, ValueShape::Several | ValueShape::Routes | ValueShape::Paths)
    }
}

pub fn by_key(key: &str) -> Option<&'static Setting> {
    ALL.iter().find(|setting| setting.key == key)
}

impl ProjectRule {
    pub fn allows(self, value: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::LoopbackUrls => {
                value.parse::<RouteList>().is_ok_and(|list| list.0.iter().all(|route| is_local_by_name(&route.url)))
            }
            Self::LoopbackAddress => value.parse::<BindHost>().is_ok_and(|host| host.is_loopback()),
            Self::StoreName => is_store_name(value) || value.strip_prefix('$').is_some_and(is_variable_name),
            Self::SecretVariables => value.contains("WEBHOOK") || value.contains("SIGNING"),
            Self::UpToOneHour => is_up_to_one_hour(value),
            Self::Forbidden => false,
        }
    }

    /// Describes the allowed values, to follow "a project file may ".
    pub fn rule(self) -> &'static str {
        match self {
            Self::Anything => "set any value",
            Self::LoopbackUrls => "only use URLs on this machine, such as http://localhost:3000",
            Self::LoopbackAddress => "only bind to this machine: localhost, 127.0.0.1 or ::1",
            Self::StoreName => {
                "only name a store in whtool's data directory, with letters, digits, - and _, or $VARIABLE with a URL"
            }
            Self::SecretVariables => "only name variables with WEBHOOK or SIGNING in their name",
            Self::UpToOneHour => "set at most one hour",
            Self::Forbidden => "not set this",
        }
    }
}

/// Returns true for a name that shells export: capital letters, digits and _.
pub fn is_variable_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    name.bytes().next().is_some_and(is_letter) && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

fn is_store_name(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Parses the value like the flag does.
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
    fn a_project_file_can_send_nothing_to_another_machine() {
        for url in [
            "http://localhost:3000",
            "payment.*=http://127.0.0.1:3000/x",
            "localhost:1",
            "http://[::1]/",
            "http://0.0.0.0",
            "shop.localhost:1",
        ] {
            assert!(allows("forward-to", url) && allows("to", url), "{url}");
        }
        for url in [
            "https://evil.example",
            "payment.*=http://10.0.0.1/",
            "http://localhost.evil.example",
            // Only a lookup could tell where this leads.
            "http://shop.test",
            "",
        ] {
            assert!(!allows("forward-to", url) && !allows("to", url), "{url}");
        }
    }

    #[test]
    fn a_project_file_can_not_open_the_listener() {
        assert!(allows("bind", "127.0.0.1") && allows("bind", "::1"));
        assert!(!allows("bind", "0.0.0.0") && !allows("bind", "::") && !allows("bind", "192.168.0.1"));
    }

    #[test]
    fn a_project_file_can_not_choose_a_secret_that_its_author_knows() {
        assert!(allows("secret-env", "SHOP_WEBHOOK_SECRET"));
        assert!(!allows("secret-env", "HOME") && !allows("secret-env", "AWS_SECRET_ACCESS_KEY"));
        assert!(!allows("secret-file", "secret.txt"));
    }

    #[test]
    fn a_project_file_can_not_name_files_or_accept_old_deliveries() {
        assert!(allows("store", "shop-2") && allows("store", "$TEAM_STORE_1"));
        assert!(["$", "$a", "$1", "$A/b", "postgres://db/x"].iter().all(|name| !allows("store", name)));
        assert!(["../x", "/etc/passwd", "a/b", "", "C:x", ".x"].iter().all(|name| !allows("store", name)));
        assert!(allows("tolerance", "10m") && allows("tolerance", "3600") && allows("tolerance", "1h"));
        assert!(!allows("tolerance", "2h") && !allows("tolerance", "3601") && !allows("tolerance", "61m"));
        assert!(!allows("tolerance", "1d") && !allows("tolerance", "1y"));
    }

    #[test]
    fn a_variable_is_named_after_its_key() {
        assert_eq!(by_key("forward-to").unwrap().variable(), "WHTOOL_FORWARD_TO");
    }

    #[test]
    fn every_key_has_its_variable_and_only_lists_are_lists() {
        let expected = [
            ("WHTOOL_PROVIDER", false),
            ("WHTOOL_PORT", false),
            ("WHTOOL_BIND", false),
            ("WHTOOL_EVENTS", true),
            ("WHTOOL_FORWARD_TO", true),
            ("WHTOOL_TO", false),
            ("WHTOOL_TOLERANCE", false),
            ("WHTOOL_STORE", false),
            ("WHTOOL_INBOX", false),
            ("WHTOOL_REFUSED_LIMIT", false),
            ("WHTOOL_SECRET_ENV", true),
            ("WHTOOL_SECRET_FILE", true),
            ("WHTOOL_COLOR", false),
        ];
        let found: Vec<_> = ALL.iter().map(|setting| (setting.variable(), setting.is_list())).collect();
        assert_eq!(found, expected.map(|(variable, is_list)| (variable.to_owned(), is_list)));
        assert_eq!(by_key("Port"), None);
    }
}
