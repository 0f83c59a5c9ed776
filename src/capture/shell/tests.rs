//! Command lines of each shell.

use super::*;

fn words(text: &str, shell: Quoting) -> Vec<String> {
    split(text.as_bytes(), shell).words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
}

#[test]
fn bash_quotes_are_undone() {
    // `printf '[%s]\n' …` prints the same words.
    let command = r#"curl -d '{"a":"b"}' "x \"y\" \$z \n" $'it\'s\x21\tA\u00e9\101' a\ b'c'"d" \
      '' # comment
      next"#;
    let expected = ["curl", "-d", r#"{"a":"b"}"#, r#"x "y" $z \n"#, "it's!\tAéA", "a bcd", ""];
    assert_eq!(words(command, Quoting::Posix), expected);
    assert_eq!(words("a;b", Quoting::Posix), ["a"]);
    assert_eq!(words("'unfinished", Quoting::Posix), ["unfinished"]);
}

#[test]
fn variables_are_kept_and_named() {
    let command = split(br#"curl "$URL/x" -H "A: ${TOKEN}" '$no'"#, Quoting::Posix);
    assert_eq!(command.variables, ["URL", "TOKEN"]);
    assert_eq!(command.words[1], b"$URL/x");
}

#[test]
fn a_here_document_is_named() {
    let command = split(b"base64 -d <<'WHTOOL' |\nabc", Quoting::Posix);
    assert_eq!((command.here_document.as_deref(), command.words.len()), (Some(&b"WHTOOL"[..]), 2));
}

#[test]
fn both_styles_of_the_windows_command_prompt_are_undone() {
    let new =
        "curl ^\"http://h/^\" ^\r\n  -H ^\"X-A: b^\" ^\n  --data-raw ^\"^{^\\^\"id^\\^\":^\\^\"50^%^\\^\"^}^\"\nnext";
    let expected = ["curl", "http://h/", "-H", "X-A: b", "--data-raw", r#"{"id":"50%"}"#];
    assert_eq!(Quoting::detect(new.as_bytes()), Quoting::Cmd);
    assert_eq!(words(new, Quoting::Cmd), expected);
    let old = "curl \"http://h/\" ^\n  -H \"X-A: b\" ^\n  --data-raw \"{\\\"id\\\":\\\"50%\\\"}\"";
    assert_eq!(words(old, Quoting::Cmd), expected);
}

#[test]
fn power_shell_quotes_are_undone() {
    let command = "Invoke-WebRequest -Uri \"http://h/\" `\n-Headers @{\n\"X-A\"=\"b\"\n  \
                   \"X-B\"='it''s'\n} `\n-Body \"{`\"n`\":`\"$([char]233)`\"}\"\nnext";
    assert_eq!(Quoting::detect(command.as_bytes()), Quoting::PowerShell);
    let expected = [
        "Invoke-WebRequest",
        "-Uri",
        "http://h/",
        "-Headers",
        "{",
        "X-A",
        "b",
        "X-B",
        "it's",
        "}",
        "-Body",
        r#"{"n":"é"}"#,
    ];
    assert_eq!(words(command, Quoting::PowerShell), expected);
}
