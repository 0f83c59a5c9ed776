//! Reads curl command lines, as browsers copy them and `whtool sign --as curl` writes them, and
//! PowerShell's Invoke-WebRequest.

mod command;

use super::candidate::Candidate;
use super::object::decode_base64;
use super::shell::{self, Quoting, is_web_request};
use super::{Location, Resources, literal};
use command::CurlCommand;

/// Finds the commands in a text: each starts a line, after a prompt or a pipe.
pub(super) fn is_start(text: &[u8]) -> bool {
    next_command(text, 0).is_some_and(|start| {
        let command = text.get(start..).unwrap_or_default();
        let words = shell::split(command, Quoting::detect(first_part(command))).words;
        is_web_request(command) || CurlCommand::parse(words).is_complete()
    })
}

pub(super) fn read(text: &[u8], resources: &Resources<'_>) -> Vec<Candidate> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = next_command(text, at) {
        let command = text.get(start..).unwrap_or_default();
        let shell = Quoting::detect(first_part(command));
        let words = shell::split(command, shell);
        let input = piped_input(text, at, start);
        at = start + words.length.max(1);
        let location = Location::Request(found.len() as u64 + 1);
        let parsed = if is_web_request(command) {
            CurlCommand::from_power_shell(words.words)
        } else {
            CurlCommand::parse(words.words)
        };
        if !parsed.is_complete() {
            continue;
        }
        let outcome = parsed.into_capture(words.variables, input, resources, location);
        found.push(Candidate { outcome, is_webhook: true });
    }
    found
}

/// Returns the part of a text up to the next command, so that its shell is not detected by that.
fn first_part(command: &[u8]) -> &[u8] {
    let end = next_command(command, 1).unwrap_or(command.len());
    command.get(..end).unwrap_or(command)
}

/// Finds the next line at or after `from` that starts with a command.
fn next_command(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < text.len() {
        let rest = text.get(at..)?;
        let is_line_start = at == 0 || text.get(at - 1).is_some_and(|byte| matches!(byte, b'\n' | b'|'));
        if is_line_start {
            let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'$' | b'>' | b'%')).count();
            let word = rest.get(blanks..)?;
            let is_curl = [&b"curl "[..], b"curl.exe ", b"curl\t", b"wget "].iter().any(|name| word.starts_with(name));
            if is_curl || is_web_request(word) {
                return Some(at + blanks);
            }
        }
        at += memchr::memchr2(b'\n', b'|', rest)? + 1;
    }
    None
}

/// Returns what `echo`, `printf` or a here-document before the command gives to its standard input.
/// whtool writes a long body as `base64 -d <<'WORD' |`.
fn piped_input(text: &[u8], from: usize, start: usize) -> Option<Vec<u8>> {
    let before = text.get(from..start)?;
    if before.trim_ascii_end().ends_with(b"|")
        && let Some(printed) = line_starts(before).find_map(|start| printed_text(before.get(start..)?))
    {
        return Some(printed);
    }
    let opened = memchr::memmem::find(before, b"<<")?;
    let line_start = memchr::memrchr(b'\n', before.get(..opened)?).map_or(0, |at| at + 1);
    let command = shell::split(before.get(line_start..)?, Quoting::Posix);
    let word = command.here_document?;
    let body_start = opened + memchr::memchr(b'\n', before.get(opened..)?)? + 1;
    let body = before.get(body_start..)?;
    let end = memchr::memmem::find(body, &[b"\n", word.as_slice()].concat())? + 1;
    let body = body.get(..end)?;
    let decodes = command.words.first().is_some_and(|name| name == b"base64");
    if decodes { decode_base64(body) } else { Some(body.to_vec()) }
}

/// Returns the offset of every line.
fn line_starts(text: &[u8]) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(memchr::memchr_iter(b'\n', text).map(|end| end + 1)).take(100)
}

/// Returns what a command prints whose output is piped to the end of this text.
fn printed_text(text: &[u8]) -> Option<Vec<u8>> {
    let start = text.trim_ascii_start();
    let start = start.strip_prefix(b"$ ").unwrap_or(start);
    let command = shell::split(start, Quoting::Posix);
    if !start.get(command.length..)?.trim_ascii().is_empty() {
        return None;
    }
    let words: Vec<_> = command.words.iter().map(Vec::as_slice).collect();
    match words.as_slice() {
        [b"echo", b"-n", rest @ ..] | [b"printf", b"%s", rest @ ..] => Some(rest.join(&b' ')),
        [b"echo", rest @ ..] => Some([rest.join(&b' ').as_slice(), b"\n"].concat()),
        [b"printf", text] if !text.contains(&b'%') => literal::unescape_bytes(text),
        _ => None,
    }
}
