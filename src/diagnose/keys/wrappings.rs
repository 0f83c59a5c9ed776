//! Forms of a secret with something added: padding, quotes, a line or an object around it.
//!
//! The table in `forms` gives them their words.

use super::forms::{Form, Source, form};

/// Lengths of columns and buffers.
const LENGTHS: [usize; 14] = [16, 20, 24, 32, 36, 40, 48, 50, 60, 64, 80, 100, 128, 255];

/// Pads or repeats the secret to a usual length. Zero bytes change no HMAC of a short key.
pub(super) fn padded(source: &Source<'_>) -> Vec<Form> {
    let mut found = Vec::new();
    for length in LENGTHS.into_iter().filter(|&length| length > source.bytes.len() && !source.bytes.is_empty()) {
        let missing = length - source.bytes.len();
        let pads: &[(u8, &str)] = if matches!(length, 32 | 64) {
            &[(b' ', "blanks"), (b'0', "zeros"), (b'=', "`=`"), (b'#', "`#`")]
        } else {
            &[(b' ', "blanks")]
        };
        let pad = |(byte, name): &(u8, &str)| {
            form([source.bytes, &vec![*byte; missing]].concat(), format!("{name} up to {length} bytes"))
        };
        found.extend(pads.iter().map(pad));
    }
    found
}

/// What code and files write around a secret, with the words for both.
const WRAPPINGS: &[(&str, &str, &str)] = &[
    ("\n", "", "a newline at the start"),
    (" ", "", "a blank at the start"),
    (" ", " ", "blanks around it"),
    ("", "\n\n", "two newlines at the end"),
    ("", "\t", "a tab at the end"),
    ("", " \n", "a blank and a newline at the end"),
    ("\u{feff}", "", "a byte order mark at the start"),
    ("\u{feff}", "\n", "a byte order mark at the start and a newline at the end"),
    ("\"", "", "a quote at the start"),
    ("", "\"", "a quote at the end"),
    ("'", "", "a quote at the start"),
    ("", "'", "a quote at the end"),
    ("\"", "\"\n", "quotes around it and a newline at the end"),
    ("'", "'\n", "quotes around it and a newline at the end"),
    ("\\\"", "\\\"", "escaped quotes around it"),
    ("`", "`", "backticks around it"),
    ("\"", "\",", "quotes around it and a comma at the end"),
    ("'", "',", "quotes around it and a comma at the end"),
    ("\"", "\";", "quotes around it and a semicolon at the end"),
    ("'", "';", "quotes around it and a semicolon at the end"),
    ("", ";", "a semicolon at the end"),
    ("", ",", "a comma at the end"),
    ("", ".", "a full stop at the end"),
    ("", ":", "a colon at the end"),
    ("", "\\n", "`\\n` at the end"),
    ("", "\\", "a backslash at the end"),
    ("", "%", "a `%` at the end"),
    ("", "=", "a `=` at the end"),
    ("", "==", "`==` at the end"),
    ("[", "]", "brackets around it"),
    ("[\"", "\"]", "brackets and quotes around it"),
    ("['", "']", "brackets and quotes around it"),
    ("(", ")", "parentheses around it"),
    ("('", "',)", "a Python tuple around it"),
    ("<", ">", "angle brackets around it"),
    ("{", "}", "braces around it"),
    ("b'", "'", "Python's b'…' around it"),
    ("b\"", "\"", "Python's b\"…\" around it"),
    ("u'", "'", "Python's u'…' around it"),
    ("Optional(\"", "\")", "Swift's Optional(\"…\") around it"),
    ("Optional[", "]", "Java's Optional[…] around it"),
    ("Some(\"", "\")", "Some(\"…\") around it"),
    ("Some(", ")", "Some(…) around it"),
    ("Secret(", ")", "Secret(…) around it"),
    ("Bearer ", "", "`Bearer` before it"),
    ("base64:", "", "`base64:` before it"),
    ("secret=", "", "`secret=` before it"),
    ("secret: ", "", "`secret:` before it"),
    ("$", "", "a `$` before it"),
];

pub(super) fn wrapped(source: &Source<'_>) -> Vec<Form> {
    let wrap = |(before, after, words): &(&str, &str, &'static str)| {
        form([before.as_bytes(), source.bytes, after.as_bytes()].concat(), *words)
    };
    let mut found: Vec<_> = WRAPPINGS.iter().map(wrap).collect();
    if let Some(bare) = source.bare() {
        let tails =
            [("\n", "a newline at the end, without its prefix"), (" ", "a blank at the end, without its prefix")];
        found.extend(tails.map(|(tail, words)| form([bare, tail.as_bytes()].concat(), words)));
    }
    found
}

/// Lists keys for which code took a whole line, object or printed value.
pub(super) fn in_container(source: &Source<'_>) -> Vec<Form> {
    let (Some(text), variable) = (source.text(), source.variable) else { return Vec::new() };
    let bytes = || text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>();
    let line = "a whole line of an env file";
    let object = "a whole JSON object";
    vec![
        form(format!("{variable}={text}"), line),
        form(format!("{variable}={text}\n"), line),
        form(format!("{variable}=\"{text}\""), line),
        form(format!("{variable}='{text}'"), line),
        form(format!("export {variable}={text}"), line),
        form(format!("{variable}: {text}"), "a whole line of YAML"),
        form(format!("{{\"{variable}\":\"{text}\"}}"), object),
        form(format!("{{\"{variable}\": \"{text}\"}}"), object),
        form(format!("{{\"secret\":\"{text}\"}}"), object),
        form(format!("{{\"secret\": \"{text}\"}}"), object),
        form(format!("{{'secret': '{text}'}}"), "a whole Python dictionary"),
        form(format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", bytes().join(",")), "JSON.stringify of a Buffer"),
        form(format!("[{}]", bytes().join(" ")), "Go's %v of a byte slice"),
        form(format!("[{}]", bytes().join(", ")), "a printed list of byte values"),
        form(bytes().join(","), "the comma-separated byte values of a Uint8Array"),
    ]
}
