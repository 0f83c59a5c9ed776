//! Writes a request as a curl command for bash.

use crate::model::message::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use url::Url;

/// The largest body that goes into the command line. Linux allows 128 KiB for one argument, and an
/// escaped byte takes four characters.
const MAX_INLINE_BODY: usize = 24 * 1024;

/// Formats a command for bash that sends exactly this request: same header lines, same bytes.
pub fn curl(request: &Request, url: &Url) -> String {
    let mut command = format!(
        "curl -sS -i --globoff -X {} {}",
        shell_quote(request.method.as_bytes()),
        shell_quote(url.as_str().as_bytes())
    );
    for (name, value) in request.headers.iter().filter(|(name, _)| !is_set_by_curl(name)) {
        let line =
            if value.is_empty() { format!("{name};").into_bytes() } else { [name.as_bytes(), b": ", value].concat() };
        write!(command, " \\\n  -H {}", shell_quote(&line)).expect("writing to a String does not fail");
    }
    if request.body.contains(&0) || request.body.len() > MAX_INLINE_BODY {
        return with_piped_body(&command, &request.body);
    }
    format!("{command} \\\n  --data-raw {}\n", shell_quote(&request.body))
}

fn is_set_by_curl(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("host")
}

/// Passes the body through a pipe, because an argument cannot contain NUL and is limited in length.
fn with_piped_body(command: &str, body: &[u8]) -> String {
    let text = STANDARD.encode(body);
    let lines: String =
        text.as_bytes().chunks(76).flat_map(|line| [str::from_utf8(line).unwrap_or_default(), "\n"]).collect();
    format!("base64 -d <<'WHTOOL' |\n{lines}WHTOOL\n{command} \\\n  --data-binary @-\n")
}

/// Quotes a word for bash: in single quotes if it is readable that way, else as `$'…'`, which also
/// escapes `!` and tabs because an interactive shell may act on them.
pub fn shell_quote(word: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(word)
        && !text
            .chars()
            .any(|character| character == '\'' || character == '!' || (character.is_control() && character != '\n'))
        && text.is_ascii()
    {
        return format!("'{text}'");
    }
    let mut shown = String::from("$'");
    for &byte in word {
        match byte {
            b'\'' | b'\\' => shown.extend(['\\', char::from(byte)]),
            b'\n' => shown.push_str("\\n"),
            b'!' => shown.push_str("\\x21"),
            0x20..0x7f => shown.push(char::from(byte)),
            _ => write!(shown, "\\x{byte:02x}").expect("writing to a String does not fail"),
        }
    }
    shown.push('\'');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_single_quotes_if_possible_and_escaped_if_necessary() {
        assert_eq!(shell_quote(b"{\"a\": \"$x `y`\"}"), "'{\"a\": \"$x `y`\"}'");
        assert_eq!(shell_quote(b"it's\t!\\"), "$'it\\'s\\x09\\x21\\\\'");
        assert_eq!(shell_quote("…".as_bytes()), "$'\\xe2\\x80\\xa6'");
    }

    fn request(headers: &[(&str, &[u8])], body: &[u8]) -> Request {
        let mut request = Request::post("/ignored", body.to_vec());
        for (name, value) in headers {
            request.headers.push(name, value).unwrap();
        }
        request
    }

    #[test]
    fn a_command_has_every_header_except_those_that_curl_sets() {
        let headers: [(&str, &[u8]); 6] = [
            ("Host", b"old.example"),
            ("X-Empty", b""),
            ("X-Twice", b"1"),
            ("Content-Length", b"9"),
            ("X-Twice", b"it's"),
            ("X-Bytes", b"\xff"),
        ];
        let url = Url::parse("http://localhost:3000/hooks?a=[1]").unwrap();
        let expected = [
            r"curl -sS -i --globoff -X 'POST' 'http://localhost:3000/hooks?a=[1]' \",
            r"  -H 'X-Empty;' \",
            r"  -H 'X-Twice: 1' \",
            r"  -H $'X-Twice: it\'s' \",
            r"  -H $'X-Bytes: \xff' \",
            r"  --data-raw '{}'",
            "",
        ]
        .join("\n");
        assert_eq!(curl(&request(&headers, b"{}"), &url), expected);
    }

    #[test]
    fn a_body_that_no_argument_can_hold_is_piped_and_decodes_to_the_same_bytes() {
        let url = Url::parse("http://h/").unwrap();
        let piped = curl(&request(&[], b"a\0b"), &url);
        // `printf 'a\0b' | base64`
        let expected = "base64 -d <<'WHTOOL' |\nYQBi\nWHTOOL\ncurl -sS -i --globoff -X 'POST' 'http://h/' \\\n  --data-binary @-\n";
        assert_eq!(piped, expected);
        let with_size = |size| curl(&request(&[], &vec![b'x'; size]), &url);
        assert!(with_size(24 * 1024).contains("--data-raw"));
        let large = with_size(24 * 1024 + 1);
        assert!(large.contains("--data-binary @-") && large.lines().all(|line| line.len() <= 76), "{large}");
    }

    #[test]
    fn words_that_an_interactive_shell_would_change_are_escaped() {
        for (word, quoted) in [
            ("", "''"),
            ("a b", "'a b'"),
            ("a\nb", "'a\nb'"),
            ("a\\b", "'a\\b'"),
            ("hi!", "$'hi\\x21'"),
            ("a\r\n", "$'a\\x0d\\n'"),
            ("é", "$'\\xc3\\xa9'"),
            ("\u{7f}", "$'\\x7f'"),
        ] {
            assert_eq!(shell_quote(word.as_bytes()), quoted, "{word:?}");
        }
    }
}
