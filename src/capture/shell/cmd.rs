//! Undoes the escapes of `cmd.exe` and of Windows programs.

/// Undoes the escapes of `cmd.exe` in the first command of a text. Returns also the length of the
/// command.
pub(super) fn without_carets(text: &[u8]) -> (Vec<u8>, usize) {
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
pub(super) fn windows_words(line: &[u8]) -> Vec<Vec<u8>> {
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
