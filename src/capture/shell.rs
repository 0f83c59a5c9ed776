//! Splits command lines into words, as bash, the Windows command prompt and PowerShell do.

use super::literal::unescape_bytes;

/// The quoting rules that a command is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    Posix,
    /// `cmd.exe`, where `^` escapes.
    Cmd,
    /// Where a backtick escapes.
    PowerShell,
}

impl Quoting {
    /// Detects the shell by how a command continues its lines or escapes quotes.
    pub fn detect(command: &[u8]) -> Self {
        let contains = |word: &[u8]| memchr::memmem::find(command, word).is_some();
        let is_posix = contains(b"\\\n") || contains(b"$'");
        if !is_posix && (contains(b" ^\n") || contains(b" ^\r\n") || contains(b"^\"")) {
            Self::Cmd
        } else if !is_posix && (contains(b" `\n") || contains(b" `\r\n") || contains(b"`\"") || is_web_request(command))
        {
            Self::PowerShell
        } else {
            Self::Posix
        }
    }
}

/// Checks whether a command is one of PowerShell's own.
pub(super) fn is_web_request(command: &[u8]) -> bool {
    let names: [&[u8]; 4] = [b"invoke-webrequest", b"invoke-restmethod", b"iwr", b"irm"];
    let command = command.trim_ascii_start();
    let is_named = |name: &[u8]| {
        let (start, after) = command.split_at_checked(name.len())?;
        (start.eq_ignore_ascii_case(name) && after.first()?.is_ascii_whitespace()).then_some(())
    };
    names.iter().any(|name| is_named(name).is_some())
}

/// Words of one command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub words: Vec<Vec<u8>>,
    /// Variables that the shell would have replaced, such as `$TOKEN`.
    pub variables: Vec<String>,
    /// The word that ends a here-document, if the command reads one.
    pub here_document: Option<Vec<u8>>,
    /// The number of bytes of the command.
    pub length: usize,
}

/// Splits the command at the start of a text into words. It ends at a line end, `;`, `|` or `&`.
pub(super) fn split(text: &[u8], shell: Quoting) -> Command {
    match shell {
        Quoting::Posix => Splitter::new(text).posix(),
        Quoting::Cmd => {
            let (plain, length) = without_carets(text);
            Command { words: windows_words(&plain), length, ..Command::default() }
        }
        Quoting::PowerShell => Splitter::new(text).power_shell(),
    }
}

struct Splitter<'t> {
    text: &'t [u8],
    at: usize,
    word: Option<Vec<u8>>,
    command: Command,
}

impl<'t> Splitter<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, word: None, command: Command::default() }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn push(&mut self, bytes: &[u8]) {
        self.word.get_or_insert_default().extend_from_slice(bytes);
    }

    fn end_word(&mut self) {
        self.command.words.extend(self.word.take());
    }

    fn finish(mut self) -> Command {
        self.end_word();
        self.command.length = self.at.min(self.text.len());
        self.command
    }

    fn posix(mut self) -> Command {
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\n' | b';' | b'|' | b'&' | b')' => break,
                b' ' | b'\t' | b'\r' => self.end_word(),
                b'#' if self.word.is_none() => self.skip_line(),
                b'\\' => self.posix_escape(),
                b'\'' => {
                    let end = self.find(b'\'');
                    self.push_range(end);
                }
                b'"' => self.double_quoted(),
                b'$' if self.peek(0) == Some(b'\'') => self.ansi_quoted(),
                b'$' => self.variable(),
                b'<' if self.peek(0) == Some(b'<') && self.peek(1) != Some(b'<') => self.here_document(),
                _ => self.push(&[byte]),
            }
        }
        self.finish()
    }

    fn skip_line(&mut self) {
        self.at = self.find(b'\n');
    }

    /// Returns the offset of the next such byte, or the end of the text.
    fn find(&self, byte: u8) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        memchr::memchr(byte, rest).map_or(self.text.len(), |at| self.at + at)
    }

    /// Adds the text up to `end` and skips the byte there.
    fn push_range(&mut self, end: usize) {
        let text = self.text.get(self.at..end).unwrap_or_default();
        self.push(text);
        self.at = end + 1;
    }

    fn posix_escape(&mut self) {
        match (self.peek(0), self.peek(1)) {
            (Some(b'\n'), _) => self.at += 1,
            (Some(b'\r'), Some(b'\n')) => self.at += 2,
            (Some(byte), _) => {
                self.push(&[byte]);
                self.at += 1;
            }
            (None, _) => {}
        }
    }

    fn double_quoted(&mut self) {
        self.push(b"");
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match (byte, self.peek(0)) {
                (b'"', _) => return,
                (b'\\', Some(next @ (b'"' | b'\\' | b'$' | b'`'))) => {
                    self.push(&[next]);
                    self.at += 1;
                }
                (b'\\', Some(b'\n')) => self.at += 1,
                (b'$', Some(_)) => self.variable(),
                _ => self.push(&[byte]),
            }
        }
    }

    /// Reads `$'…'`.
    fn ansi_quoted(&mut self) {
        self.at += 1;
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = super::literal::quoted_end(rest, b'\'').unwrap_or(rest.len());
        let quoted = rest.get(..end).unwrap_or_default();
        let text = unescape_ansi(quoted);
        self.push(&text);
        self.at += end + 1;
    }

    /// Keeps a variable as it is written, and remembers its name.
    fn variable(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let name: Vec<u8> = match rest {
            [b'{', inner @ ..] => inner.iter().copied().take_while(|byte| *byte != b'}').collect(),
            _ => rest.iter().copied().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').collect(),
        };
        if !name.is_empty() {
            self.command.variables.push(String::from_utf8_lossy(&name).into_owned());
        }
        self.push(b"$");
    }

    fn here_document(&mut self) {
        self.at += 1;
        self.at += usize::from(self.peek(0) == Some(b'-'));
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"|;&".contains(byte);
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let plain = word.iter().copied().filter(|byte| !b"'\"\\".contains(byte)).collect();
        self.command.here_document = Some(plain);
        self.at += length;
    }

    fn power_shell(mut self) -> Command {
        // Open brackets, in which line ends do not end the command.
        let mut depth = 0_usize;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'`' if matches!(self.peek(0), Some(b'\n')) => self.at += 1,
                b'`' if matches!((self.peek(0), self.peek(1)), (Some(b'\r'), Some(b'\n'))) => self.at += 2,
                b'\n' if depth == 0 => break,
                b'|' | b'#' if depth == 0 && self.word.is_none() => break,
                b'@' if matches!(self.peek(0), Some(b'{' | b'(')) => self.end_word(),
                b'{' | b'(' | b'[' => {
                    depth += 1;
                    self.end_word();
                    self.command.words.push(vec![byte]);
                }
                b'}' | b')' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.end_word();
                    self.command.words.push(vec![byte]);
                }
                b'=' | b';' if depth > 0 => self.end_word(),
                b' ' | b'\t' | b'\r' | b'\n' => self.end_word(),
                b'\'' => self.doubled_quotes(),
                b'"' => self.backtick_quoted(),
                _ => self.push(&[byte]),
            }
        }
        self.finish()
    }

    /// Reads `'it''s'`.
    fn doubled_quotes(&mut self) {
        loop {
            let end = self.find(b'\'');
            self.push_range(end);
            if self.peek(0) != Some(b'\'') {
                return;
            }
            self.push(b"'");
            self.at += 1;
        }
    }

    /// Reads `` "a`"b" ``, in which Chrome writes other characters as `$([char]233)`.
    fn backtick_quoted(&mut self) {
        self.push(b"");
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match (byte, self.peek(0)) {
                (b'"', Some(b'"')) => {
                    self.push(b"\"");
                    self.at += 1;
                }
                (b'"', _) => return,
                (b'`', Some(next)) => {
                    let plain = match next {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'0' => 0,
                        other => other,
                    };
                    self.push(&[plain]);
                    self.at += 1;
                }
                (b'$', _) => self.char_code(),
                _ => self.push(&[byte]),
            }
        }
    }

    fn char_code(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let code = rest.strip_prefix(b"([char]").and_then(|rest| {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(rest.get(..digits)?).ok()?.parse::<u32>().ok()?;
            Some((char::from_u32(number)?, b"([char]".len() + digits + 1))
        });
        match code {
            Some((letter, used)) => {
                self.push(letter.encode_utf8(&mut [0; 4]).as_bytes());
                self.at += used;
            }
            None => self.variable(),
        }
    }
}

/// Undoes the escapes of `$'…'`, which also knows octal numbers and `\e`.
fn unescape_ansi(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at(at);
        plain.extend_from_slice(before);
        let octal =
            escape.get(1..).unwrap_or_default().iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        let hex = |limit: usize| {
            escape.get(2..).unwrap_or_default().iter().take(limit).take_while(|byte| byte.is_ascii_hexdigit()).count()
        };
        let used = match escape.get(1) {
            Some(b'0'..=b'7') => {
                let value =
                    escape.iter().skip(1).take(octal).fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                plain.push((value & 0xff) as u8);
                1 + octal
            }
            Some(b'x') if hex(2) == 1 => {
                plain.extend(escape.get(2).and_then(|digit| char::from(*digit).to_digit(16)).map(|digit| digit as u8));
                3
            }
            Some(b'u')
                if escape.get(6..8) == Some(b"\\u")
                    && unescape_bytes(escape.get(..12).unwrap_or_default()).is_some() =>
            {
                plain.extend(unescape_bytes(escape.get(..12).unwrap_or_default()).unwrap_or_default());
                12
            }
            Some(b'e' | b'E') => {
                plain.push(0x1b);
                2
            }
            Some(letter) => {
                let used = match letter {
                    b'x' => 4,
                    b'u' => 6,
                    _ => 2,
                };
                let part = escape.get(..used.min(escape.len())).unwrap_or_default();
                plain.extend(unescape_bytes(part).unwrap_or_else(|| part.to_vec()));
                part.len()
            }
            None => 1,
        };
        rest = escape.get(used..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    plain
}

/// Undoes the escapes of `cmd.exe` in the first command of a text. Returns also the length of the
/// command.
fn without_carets(text: &[u8]) -> (Vec<u8>, usize) {
    let (mut plain, mut at, mut in_quotes) = (Vec::new(), 0, false);
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'^' if !in_quotes => match (text.get(at), text.get(at + 1)) {
                (Some(b'\n'), next) => at += 1 + escaped_line_end(next.copied(), &mut plain),
                (Some(b'\r'), Some(b'\n')) => at += 2 + escaped_line_end(text.get(at + 2).copied(), &mut plain),
                (Some(next), _) => {
                    plain.push(*next);
                    at += 1;
                }
                (None, _) => {}
            },
            b'\n' | b'&' | b'|' if !in_quotes => break,
            _ => {
                in_quotes ^= byte == b'"';
                plain.push(byte);
            }
        }
    }
    (plain, at)
}

/// A line end after an escaped one is part of the word. Returns the number of bytes it takes.
fn escaped_line_end(next: Option<u8>, plain: &mut Vec<u8>) -> usize {
    if next == Some(b'\n') {
        plain.push(b'\n');
        return 1;
    }
    0
}

/// Splits a command line as Windows programs do: `\"` is a quote, and so is `""` within quotes.
fn windows_words(line: &[u8]) -> Vec<Vec<u8>> {
    let (mut words, mut word, mut at, mut in_quotes) = (Vec::new(), None::<Vec<u8>>, 0, false);
    while let Some(&byte) = line.get(at) {
        let slashes = line.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == b'\\').count();
        at += slashes.max(1);
        if slashes > 0 {
            let before_quote = line.get(at) == Some(&b'"');
            let kept = if before_quote { slashes / 2 } else { slashes };
            word.get_or_insert_default().extend(std::iter::repeat_n(b'\\', kept));
            if before_quote && slashes % 2 == 1 {
                word.get_or_insert_default().push(b'"');
                at += 1;
            }
            continue;
        }
        match byte {
            b'"' if in_quotes && line.get(at) == Some(&b'"') => {
                word.get_or_insert_default().push(b'"');
                at += 1;
            }
            b'"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default();
            }
            b' ' | b'\t' | b'\r' | b'\n' if !in_quotes => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
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
        let new = "curl ^\"http://h/^\" ^\r\n  -H ^\"X-A: b^\" ^\n  --data-raw ^\"^{^\\^\"id^\\^\":^\\^\"50^%^\\^\"^}^\"\nnext";
        let expected = ["curl", "http://h/", "-H", "X-A: b", "--data-raw", r#"{"id":"50%"}"#];
        assert_eq!(Quoting::detect(new.as_bytes()), Quoting::Cmd);
        assert_eq!(words(new, Quoting::Cmd), expected);
        let old = "curl \"http://h/\" ^\n  -H \"X-A: b\" ^\n  --data-raw \"{\\\"id\\\":\\\"50%\\\"}\"";
        assert_eq!(words(old, Quoting::Cmd), expected);
    }

    #[test]
    fn power_shell_quotes_are_undone() {
        let command = "Invoke-WebRequest -Uri \"http://h/\" `\n-Headers @{\n\"X-A\"=\"b\"\n  \"X-B\"='it''s'\n} `\n-Body \"{`\"n`\":`\"$([char]233)`\"}\"\nnext";
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
}
