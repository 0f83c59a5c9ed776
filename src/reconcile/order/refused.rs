//! Names files that are no lists of orders, so that the error says what they are.

/// The name of a format, and advice or "".
type Named = (&'static str, &'static str);

const UNPACK: &str = "unpack it first";
const QUERY: &str = "read its orders with --query 'select …'";
const SAVE: &str = "export the orders as CSV or XLSX";

/// Names a file by its first bytes. Workbooks and gzip files are read.
pub(super) fn by_magic(start: &[u8]) -> Option<Named> {
    const MAGIC: [(&[u8], Named); 22] = [
        (b"%PDF", ("a PDF document", SAVE)),
        (b"SQLite format 3\0", ("an SQLite database", QUERY)),
        (b"PGDMP", ("a dump of a PostgreSQL database", QUERY)),
        (b"BZh", ("a bzip2 file", UNPACK)),
        (b"\xfd7zXZ\0", ("an xz file", UNPACK)),
        (b"\x28\xb5\x2f\xfd", ("a Zstandard file", UNPACK)),
        (b"7z\xbc\xaf\x27\x1c", ("a 7-Zip archive", UNPACK)),
        (b"Rar!", ("a RAR archive", UNPACK)),
        (b"PAR1", ("a Parquet file", SAVE)),
        (b"Obj\x01", ("an Avro file", SAVE)),
        (b"ARROW1", ("an Arrow file", SAVE)),
        (b"\x89PNG", ("a PNG image", SAVE)),
        (b"\xff\xd8\xff", ("a JPEG image", SAVE)),
        (b"GIF8", ("a GIF image", SAVE)),
        (b"RIFF", ("a media file", SAVE)),
        (b"{\\rtf", ("an RTF document", SAVE)),
        (b"\x7fELF", ("a program", "")),
        (b"MZ", ("a program", "")),
        (b"bplist", ("a property list", SAVE)),
        (b"\x80\x04\x95", ("a Python pickle", SAVE)),
        (b"wOFF", ("a font", "")),
        (b"\xca\xfe\xba\xbe", ("a program", "")),
    ];
    MAGIC
        .iter()
        .find(|(magic, _)| start.starts_with(magic) && (*magic != b"MZ" || start.contains(&0)))
        .map(|(_, named)| *named)
}

/// Names a text by its start. It has no byte order mark.
pub(super) fn by_text(start: &str) -> Option<Named> {
    let start = start.trim_start();
    let lower = start.chars().take(2_000).collect::<String>().to_lowercase();
    let has = |text: &str| lower.contains(text);
    if lower.starts_with('<') {
        return Some(if has("<html") || has("<!doctype html") || has("<table") || has("<body") {
            (
                "HTML",
                "if it is a login page, export the list again; if a program saved it as .xls, open and save it as XLSX",
            )
        } else if has("urn:schemas-microsoft-com:office:spreadsheet") {
            ("an XML spreadsheet", "open it and save it as XLSX")
        } else if has("<ofx>") {
            ("a bank statement (OFX)", SAVE)
        } else {
            ("XML", SAVE)
        });
    }
    if is_sql(&lower) {
        return Some(("a dump of SQL", QUERY));
    }
    if lower.starts_with("version https://git-lfs") {
        return Some(("a pointer of Git LFS", "run git lfs pull"));
    }
    if lower.starts_with("-----begin ") {
        return Some(("a key or certificate", ""));
    }
    if lower.starts_with("traceback (most recent call last)") {
        return Some(("an error message of a program", "check what wrote the list"));
    }
    if lower.starts_with("ofxheader") {
        return Some(("a bank statement (OFX)", SAVE));
    }
    if lower.starts_with(":20:") || lower.starts_with("{1:f01") {
        return Some(("a bank statement (MT940)", SAVE));
    }
    let lines = || start.lines().filter(|line| !line.trim().is_empty()).take(20);
    let is_yaml = lines().next().is_some_and(|line| line == "---" || line.starts_with("- ") || line.ends_with(':'))
        && lines().filter(|line| line.trim_start().trim_start_matches("- ").contains(": ")).count() >= 1
        && !lines().any(|line| line.contains(','));
    if is_yaml {
        return Some(("YAML", SAVE));
    }
    let is_mail = lines()
        .take(4)
        .filter(|line| {
            line.starts_with("From: ") || line.starts_with("Subject: ") || line.starts_with("MIME-Version: ")
        })
        .count()
        >= 2;
    is_mail.then_some(("an email", "save its attachment"))
}

fn is_sql(lower: &str) -> bool {
    const STARTS: [&str; 8] = [
        "insert into ",
        "create table ",
        "-- mysql dump",
        "-- postgresql database dump",
        "pragma foreign_keys",
        "begin transaction;",
        "drop table ",
        "set names ",
    ];
    lower.lines().take(30).any(|line| {
        let line = line.trim_start_matches(['/', '*', '!', ' ']);
        STARTS.iter().any(|start| line.trim_start().starts_with(start))
    }) || lower.starts_with("--\n--")
}

/// Returns true for bytes that no text has.
pub(super) fn is_binary(text: &str) -> bool {
    let controls =
        text.chars().filter(|letter| letter.is_control() && !"\n\r\t\u{1e}\u{1f}\u{c}".contains(*letter)).count();
    controls > 0 && (text.contains('\0') || controls * 50 > text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_first_bytes() {
        for (start, name) in [
            (&b"%PDF-1.7"[..], "a PDF document"),
            (b"SQLite format 3\0", "an SQLite database"),
            (b"BZh91AY", "a bzip2 file"),
            (b"MZ\x90\0", "a program"),
        ] {
            assert_eq!(by_magic(start).map(|named| named.0), Some(name));
        }
        assert_eq!(by_magic(b"MZ-1001\n"), None);
        assert_eq!(by_magic(b"reference,status\n"), None);
    }

    #[test]
    fn texts_are_named_by_their_start() {
        for (start, name) in [
            ("<!DOCTYPE html><html>", "HTML"),
            ("\n<table><tr><td>pi_1", "HTML"),
            ("<?xml version=\"1.0\"?><orders/>", "XML"),
            ("-- MySQL dump 10.13\n", "a dump of SQL"),
            ("--\n-- PostgreSQL database dump\n", "a dump of SQL"),
            ("CREATE TABLE orders (\n", "a dump of SQL"),
            ("---\n- reference: pi_1\n  status: paid\n", "YAML"),
            ("orders:\n  - reference: pi_1\n", "YAML"),
            ("From: a@b.cv\nSubject: orders\n\npi_1", "an email"),
        ] {
            assert_eq!(by_text(start).map(|named| named.0), Some(name), "{start}");
        }
        for start in
            ["reference,status\npi_1,paid\n", "pi_1\npi_2\n", "{\"id\":1}", "id | status\n", "Sales: May\nid,status\n"]
        {
            assert_eq!(by_text(start), None, "{start}");
        }
    }
}
