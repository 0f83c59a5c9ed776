//! Settings: their sources, their precedence, and the limits of a project file.

use crate::common::TestWorld;
use std::path::MAIN_SEPARATOR;
use whtool::model::message::Request;

const PROJECT: &str = "/project/whtool.toml";
const USER: &str = "/config/config.toml";
const PAYLOAD: &[u8] = include_bytes!("vectors/plexos.json");

fn new_world() -> TestWorld {
    let mut world = TestWorld::with_secrets()
        .file("payload.json", PAYLOAD)
        .file("neither.json", "{}")
        .file("/a.secret", "a")
        .file("/b.secret", "b")
        .variable("A_WEBHOOK", "a")
        .variable("B_WEBHOOK", "b");
    world.folders = vec!["/project/deep".into(), "/project".into()];
    world
}

/// A setting, two values, a command that it affects, and the output that distinguishes the values.
struct Case {
    key: &'static str,
    values: [&'static str; 2],
    words: &'static [&'static str],
    signs: [&'static str; 2],
}

const CASES: [Case; 13] = [
    Case {
        key: "provider",
        values: ["plexos", "plustive"],
        words: &["sign", "neither.json"],
        signs: ["X-Plexos-Signature", "X-Plustive-Signature"],
    },
    Case { key: "port", values: ["3001", "3002"], words: &["listen"], signs: [":3001 ", ":3002 "] },
    Case {
        key: "bind",
        values: ["127.0.0.7", "127.0.0.8"],
        words: &["listen"],
        signs: ["http://127.0.0.7:", "http://127.0.0.8:"],
    },
    Case {
        key: "events",
        values: ["payment.*", "refund.*"],
        words: &["listen", "--json", "--observe"],
        signs: ["\"payment.debited\"", "\"refund.created\""],
    },
    Case {
        key: "forward-to",
        values: ["http://localhost:1/", "http://localhost:2/"],
        words: &["listen"],
        signs: [
            "forwarding verified deliveries to http://localhost:1/",
            "forwarding verified deliveries to http://localhost:2/",
        ],
    },
    Case {
        key: "to",
        values: ["http://localhost:1/", "http://localhost:2/"],
        words: &["sign", "payload.json", "--as", "http"],
        signs: ["Host: localhost:1\r\n", "Host: localhost:2\r\n"],
    },
    Case {
        key: "tolerance",
        values: ["1s", "1h"],
        words: &["verify", "old.http"],
        signs: ["timestamp too old", "payment.debited        evt_abc123  100.00 CVE (10000)  DEBITED  verified"],
    },
    Case { key: "store", values: ["one", "two"], words: &["events"], signs: ["no store at", "no store at"] },
    Case {
        key: "inbox",
        values: ["one", "two"],
        words: &["events", "--store", "$TEAM_STORE"],
        signs: ["inbox one of the store $TEAM_STORE", "inbox two of the store $TEAM_STORE"],
    },
    Case {
        key: "refused-limit",
        values: ["3MiB", "5MiB"],
        words: &["listen", "-v", "--timeout", "1s"],
        signs: ["may take 3.1 MB of the store", "may take 5.2 MB of the store"],
    },
    Case {
        key: "secret-env",
        values: ["A_WEBHOOK", "B_WEBHOOK"],
        words: &["sign", "payload.json", "--as", "digest", "--timestamp", "1736937000"],
        signs: [A, B],
    },
    Case {
        key: "secret-file",
        values: ["/a.secret", "/b.secret"],
        words: &["sign", "payload.json", "--as", "digest", "--timestamp", "1736937000"],
        signs: [A, B],
    },
    Case { key: "color", values: ["always", "never"], words: &["samples"], signs: ["\x1b[", "\n  payment.created "] },
];

/// `(printf 1736937000.; cat plexos.json) | openssl dgst -sha256 -hmac a`
const A: &str = "1c11ec214b492e34957c63dd4c0ae6aa23ff3f9aab91195c39659c26b0cc5dba";
/// The same with `b`.
const B: &str = "d1258b98873c0b6b2bee5d676386d3e789dcf12e4430b40e9da6d4cf4f85020c";

impl Case {
    fn run(&self, world: TestWorld, flag: Option<&str>) -> String {
        let request =
            |kind: &str| Request::post("/", format!(r#"{{"id":"e","type":"{kind}","data":{{}}}}"#).into_bytes());
        let world = world.delivered([request("payment.debited"), request("refund.created")]);
        let old =
            world.run(&["sign", "payload.json", "--provider", "plexos", "--as", "http", "--timestamp", "1736936400"]);
        let world = world.file("old.http", old.out);
        let flag = flag.map(|value| format!("--{}={value}", self.key));
        let words: Vec<_> = self.words.iter().copied().chain(flag.as_deref()).collect();
        let run = world.run(&words);
        format!("{}{}", String::from_utf8_lossy(&run.out), run.err).replace(MAIN_SEPARATOR, "/")
    }

    /// Sets the value at a level.
    fn set(&self, world: TestWorld, level: Level, value: &str) -> TestWorld {
        let line = format!("{} = \"{value}\"\n", self.key);
        match level {
            Level::User => world.file(USER, line),
            Level::Project => world.file(PROJECT, line),
            Level::Environment => {
                world.variable(&format!("WHTOOL_{}", self.key.replace('-', "_").to_uppercase()), value)
            }
        }
    }

    /// Returns the output for a value; a store's name becomes a path, depending on the level.
    fn sign(&self, which: usize, level: Option<Level>) -> String {
        let value = self.values[which];
        match (self.key, level) {
            ("store", Some(Level::Project)) => format!("/data/stores/{value}.db"),
            ("store", Some(Level::User)) => format!("no store at /config/{value}"),
            ("store", _) => format!("no store at {value}"),
            _ => self.signs[which].to_owned(),
        }
    }

    fn shows(&self, text: &str, which: usize, level: Option<Level>) {
        let (sign, other) = (self.sign(which, level), self.sign(1 - which, level));
        assert!(text.contains(&sign), "{} at {level:?}: no {sign:?} in {text}", self.key);
        assert!(!text.contains(&other), "{} at {level:?}: {other:?} in {text}", self.key);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    User,
    Project,
    Environment,
}

#[test]
fn a_flag_beats_a_variable_beats_the_project_beats_the_user_beats_the_default() {
    for case in &CASES {
        let levels: &[Level] = match case.key {
            "secret-file" | "refused-limit" => &[Level::User, Level::Environment],
            _ => &[Level::User, Level::Project, Level::Environment],
        };
        for (at, &level) in levels.iter().enumerate() {
            for which in [0, 1] {
                let alone = case.set(new_world(), level, case.values[which]);
                case.shows(&case.run(alone, None), which, Some(level));
                if at > 0 {
                    let weaker = case.set(new_world(), levels[at - 1], case.values[1 - which]);
                    case.shows(&case.run(case.set(weaker, level, case.values[which]), None), which, Some(level));
                }
                let under_a_flag = case.set(new_world(), level, case.values[1 - which]);
                case.shows(&case.run(under_a_flag, Some(case.values[which])), which, None);
            }
        }
    }
}

#[test]
fn every_setting_has_its_case() {
    let keys = new_world().run(&["config", "show", "--json"]).json();
    let keys: Vec<_> = keys.iter().map(|record| record["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(keys, CASES.map(|case| case.key));
}

#[test]
fn the_nearest_project_file_upwards_is_used() {
    let world = new_world().file(PROJECT, "port = 1").file("/project/deep/whtool.toml", "port = 2");
    let record = &world.run(&["config", "show", "--json"]).json()[1];
    assert_eq!((&record["value"], &record["origin"]), (&"2".into(), &"project".into()));
    let paths = world.run(&["config", "path"]).text();
    assert_eq!(paths, "project  /project/deep/whtool.toml\nuser     /config/config.toml (does not exist)\n");
    let mut elsewhere = world;
    elsewhere.folders = vec!["/elsewhere".into()];
    assert_eq!(elsewhere.run(&["config", "show", "--json"]).json()[1]["origin"], "default");
}

#[test]
fn config_show_prints_a_valid_settings_file() {
    let world = new_world().file(PROJECT, "port = 3000\nevents = ['payment.*']\n");
    let shown = world.run(&["config", "show", "--origin"]).text();
    assert!(shown.contains("\nport = 3000  ") && shown.contains("# /project/whtool.toml\n"), "{shown}");
    assert_eq!(new_world().file(PROJECT, &shown).run(&["config", "show", "--origin"]).text(), shown);
}

#[test]
fn untrusted_text_is_escaped_in_records_too() {
    let world = new_world().file(PROJECT, "events = [\"payment.\u{202e}*\"]");
    for words in [&["config", "show", "--json"][..], &["doctor", "--json"]] {
        let text = world.run(words).text();
        assert!(!text.contains('\u{202e}'), "{text}");
    }
    assert!(world.run(&["config", "show", "--json"]).text().contains(r"payment.\u202e*"));
}

#[test]
fn invalid_settings_stop_commands_except_those_that_help_to_fix_them() {
    for (text, word) in [
        ("prot = 1", "did you mean `port`?"),
        ("port = 70000", "a port from 0 to 65535"),
        ("forward-to = 'https://evil.example'", "URLs on this machine"),
        ("bind = '0.0.0.0'", "bind to this machine"),
        ("secret-env = 'HOME'", "WEBHOOK or SIGNING"),
        ("store = '../../x'", "only name a store"),
        ("secret-file = 'x'", "not set this"),
        ("# whsec_abcdef", "looks like a secret"),
        ("\u{1b}]0;x\u{7}", "line 1"),
        (&"x".repeat(70_000), "larger than 64 KiB"),
    ] {
        let world = new_world().file(PROJECT, text);
        let run = world.run(&["samples"]);
        assert_eq!((run.status, run.out.len()), (3, 0), "{text}");
        assert!(run.err.contains(word) && run.err.contains(PROJECT), "{text}: {}", run.err);
        assert!(
            run.err.lines().count() <= 3 && !run.err.contains('\x1b') && !run.err.contains("abcdef"),
            "{}",
            run.err
        );
        for words in [&["config", "path"][..], &["help", "exit-codes"], &["--version"], &["samples", "--help"]] {
            assert_eq!(world.run(words).status, 0, "{words:?}");
        }
    }
}

#[test]
fn config_show_reports_every_error_and_shows_the_valid_settings() {
    let world = new_world().file(PROJECT, "port = 3000\nprot = 1\nbind = '0.0.0.0'\n").file(USER, "no toml");
    let world = world.variable("WHTOOL_EVENTS", "refund.*").variable("WHTOOL_COLOR", "pink");
    let run = world.run(&["config", "show", "--origin"]);
    let text = run.text();
    assert_eq!(run.status, 3, "{text}");
    assert!(text.contains("\nport = 3000  ") && text.contains("\nevents = [\"refund.*\"]  "), "{text}");
    for word in ["`prot`", "`bind`", "/config/config.toml", "can't use `color` of WHTOOL_COLOR"] {
        assert!(run.err.contains(word), "{word}: {}", run.err);
    }
    assert_eq!(world.run(&["samples"]).err.matches("error:").count(), 1, "other commands report only the first error");
    let findings = world.run(&["doctor", "--json", "--offline"]).json();
    assert_eq!(findings.iter().filter(|finding| finding["subject"] == "settings").count(), 4, "{findings:?}");
}

#[test]
fn forwarding_flags_accept_a_url_from_the_settings() {
    assert_eq!(new_world().run(&["listen", "--ordered"]).status, 2);
    let configured = new_world().file(PROJECT, "forward-to = 'localhost:1'");
    assert_eq!(configured.run(&["listen", "--ordered"]).status, 130);
}

#[test]
fn routes_in_a_variable_keep_the_commas_of_their_types() {
    let routes = "payment.*,refund.failed=http://localhost:1/?a=1,2, http://localhost:2/";
    let world = new_world().variable("WHTOOL_FORWARD_TO", routes);
    let shown = world.run(&["config", "show", "--json"]).text();
    let listed = r#"["payment.*,refund.failed=http://localhost:1/?a=1,2","http://localhost:2/"]"#;
    assert!(shown.contains(listed), "{shown}");
    let run = world.run(&["listen"]);
    assert!(run.err.contains("to http://localhost:1/?a=1,2, http://localhost:2/"), "{}", run.err);
}

#[test]
fn an_invalid_variable_is_named_with_the_valid_values() {
    let port = TestWorld::default().variable("WHTOOL_PORT", "abc").run(&["listen"]);
    assert!(port.err.contains("WHTOOL_PORT") && port.err.contains("a port from 0 to 65535"), "{}", port.err);
    let color = TestWorld::default().variable("WHTOOL_COLOR", "red").run(&["events"]);
    assert!(
        color.err.contains("WHTOOL_COLOR") && color.err.contains("[possible values: auto, always, never]"),
        "{}",
        color.err
    );
    assert!(!port.err.contains("<value>") && !color.err.contains("<value>"), "{}{}", port.err, color.err);
}

#[test]
fn config_show_prints_the_value_and_the_origin_of_every_setting() {
    let world = new_world().file(PROJECT, "port = 3000\nevents = ['payment.*']\n").variable("WHTOOL_COLOR", "never");
    insta::assert_snapshot!(world.run(&["config", "show", "--origin"]).text());
}

#[test]
fn the_port_of_the_listener_is_the_default_target_too() {
    let sign = |variables: &[(&str, &str)]| {
        let world = variables.iter().fold(new_world(), |world, (name, value)| world.variable(name, value));
        world.run(&["sign", "payload.json", "--as", "curl"]).text()
    };
    assert!(sign(&[("WHTOOL_PORT", "3001")]).contains("'http://127.0.0.1:3001/'"));
    assert!(sign(&[("WHTOOL_PORT", "3001"), ("WHTOOL_TO", "http://localhost:9/")]).contains("'http://localhost:9/'"));
}
