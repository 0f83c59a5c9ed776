//! Sets a variable in a file of `NAME=value` lines, such as `.env`.

/// Returns the text with the variable set. Other lines are unchanged; a replaced value is kept in a
/// comment, because it may be the only copy.
pub(super) fn set_variable(text: &[u8], name: &str, value: &str, note: &str) -> Vec<u8> {
    let line = format!("{name}={}", quoted(value));
    let mut changed = Vec::with_capacity(text.len() + line.len() + 1);
    let mut is_set = false;
    for old in text.split_inclusive(|&byte| byte == b'\n') {
        let bare = old.strip_suffix(b"\n").unwrap_or(old);
        let (bare, end) = match bare.strip_suffix(b"\r") {
            Some(bare) => (bare, &b"\r\n"[..]),
            None => (bare, if old.len() > bare.len() { &b"\n"[..] } else { b"" }),
        };
        let Some((export, old_value)) = assignment(bare, name) else {
            changed.extend_from_slice(old);
            continue;
        };
        let is_same = old_value == quoted(value).as_bytes() || old_value == value.as_bytes();
        if !old_value.is_empty() && !is_same {
            changed.extend_from_slice(format!("# {note}: ").as_bytes());
            changed.extend_from_slice(bare);
            changed.extend_from_slice(if end.is_empty() { b"\n" } else { end });
        }
        if !is_set {
            changed.extend_from_slice(export);
            changed.extend_from_slice(line.as_bytes());
            changed.extend_from_slice(end);
            is_set = true;
        }
    }
    if !is_set {
        if !changed.is_empty() && !changed.ends_with(b"\n") {
            changed.push(b'\n');
        }
        changed.extend_from_slice(line.as_bytes());
        changed.push(b'\n');
    }
    changed
}

/// Splits a line that sets this variable into what precedes the name (blanks, `export`) and the
/// value.
fn assignment<'l>(line: &'l [u8], name: &str) -> Option<(&'l [u8], &'l [u8])> {
    let start = line.len() - line.trim_ascii_start().len();
    let rest = &line[start..];
    let after_export = rest.strip_prefix(b"export").filter(|rest| rest.first().is_some_and(u8::is_ascii_whitespace));
    let rest = after_export.map_or(rest, <[u8]>::trim_ascii_start);
    let value = rest.strip_prefix(name.as_bytes())?.trim_ascii_start().strip_prefix(b"=")?;
    Some((&line[..line.len() - rest.len()], value.trim_ascii()))
}

/// Quotes a value for shells and dotenv parsers.
fn quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+=:@%".contains(&byte);
    if !value.is_empty() && value.bytes().all(is_plain) {
        return value.to_owned();
    }
    if value.contains('\'') {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`");
        return format!("\"{escaped}\"");
    }
    format!("'{value}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> String {
        String::from_utf8(set_variable(text.as_bytes(), "SECRET", "whsec_new", "before")).unwrap()
    }

    #[test]
    fn other_lines_are_unchanged() {
        assert_eq!(set(""), "SECRET=whsec_new\n");
        assert_eq!(set("A=1\n# c\nB='x y'"), "A=1\n# c\nB='x y'\nSECRET=whsec_new\n");
        assert_eq!(set("A=1\r\nSECRET=\r\nB=2\r\n"), "A=1\r\nSECRET=whsec_new\r\nB=2\r\n");
        assert_eq!(set("MY_SECRET=1\nSECRETS=2\n#SECRET=3\n"), "MY_SECRET=1\nSECRETS=2\n#SECRET=3\nSECRET=whsec_new\n");
    }

    #[test]
    fn a_replaced_value_is_kept_in_a_comment() {
        assert_eq!(set("SECRET=whsec_old\nA=1\n"), "# before: SECRET=whsec_old\nSECRET=whsec_new\nA=1\n");
        assert_eq!(set("export SECRET = 'old'"), "# before: export SECRET = 'old'\nexport SECRET=whsec_new");
        assert_eq!(set("SECRET=whsec_new\n"), "SECRET=whsec_new\n");
        assert_eq!(set("SECRET=one\nSECRET=two\n"), "# before: SECRET=one\nSECRET=whsec_new\n# before: SECRET=two\n");
    }

    #[test]
    fn values_with_special_characters_are_quoted() {
        assert_eq!(quoted("whsec_a+b/c="), "whsec_a+b/c=");
        assert_eq!(quoted("a b$c"), "'a b$c'");
        assert_eq!(quoted("it's $5"), "\"it's \\$5\"");
    }
}
