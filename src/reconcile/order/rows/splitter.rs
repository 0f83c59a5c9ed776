//! Splits lines into cells, strictly: text after a closing quote is an error, and a quote that is
//! never closed is one too.

use super::Row;

/// The notation of cells in a delimited list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Dialect {
    /// `None`: a line is one cell.
    pub(in super::super) delimiter: Option<char>,
    pub(in super::super) quote: Option<char>,
    /// A backslash takes away the meaning of the character after it, as in `a\,b` and `\"`.
    pub(in super::super) has_escapes: bool,
}

/// The state after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SplitState {
    Complete,
    /// Inside of quotes: the row continues on the next line.
    Quoted,
    TextAfterQuote,
}

impl Dialect {
    /// Adds the cells of a line to a row; with `is_quoted` it continues a cell with quotes.
    pub(super) fn split(self, line: &str, is_quoted: bool, row: &mut Row) -> SplitState {
        let has_quote = self.quote.is_some_and(|quote| line.contains(quote));
        if !is_quoted && !has_quote && !(line.contains('\\') && (self.has_escapes || self.delimiter == Some('\t'))) {
            match self.delimiter {
                Some(delimiter) => line.split(delimiter).for_each(|cell| row.push(cell)),
                None => row.push(line),
            }
            return SplitState::Complete;
        }
        self.split_marked(line, is_quoted, row)
    }

    fn split_marked(self, line: &str, mut is_quoted: bool, row: &mut Row) -> SplitState {
        let mut rest = line;
        loop {
            if is_quoted {
                match self.read_quoted(rest, row) {
                    Ok(after) => rest = after,
                    Err(state) => return state,
                }
                let padding = rest.trim_start_matches(' ');
                if padding.is_empty() {
                    row.end_cell(false);
                    return SplitState::Complete;
                }
                match self.delimiter.and_then(|delimiter| padding.strip_prefix(delimiter)) {
                    Some(next) => rest = next,
                    None => return SplitState::TextAfterQuote,
                }
                row.end_cell(false);
            }
            let trimmed = rest.trim_start_matches(' ');
            if let Some(inner) = self.quote.and_then(|quote| trimmed.strip_prefix(quote)) {
                (rest, is_quoted) = (inner, true);
                continue;
            }
            is_quoted = false;
            match self.read_plain(rest, row) {
                Some(next) => rest = next,
                None => return SplitState::Complete,
            }
        }
    }

    /// Reads to the closing quote and returns what follows it.
    fn read_quoted<'l>(self, mut rest: &'l str, row: &mut Row) -> Result<&'l str, SplitState> {
        let quote = self.quote.unwrap_or('"');
        loop {
            let stop = rest.find(|letter| letter == quote || (self.has_escapes && letter == '\\'));
            let Some(stop) = stop else {
                row.extend(rest);
                return Err(SplitState::Quoted);
            };
            row.extend(&rest[..stop]);
            let mut after = rest[stop..].chars();
            let is_escape = after.next() == Some('\\') && quote != '\\';
            let next = after.clone().next();
            match next {
                Some(letter) if is_escape || letter == quote => {
                    after.next();
                    row.extend(letter.encode_utf8(&mut [0; 4]));
                    rest = after.as_str();
                }
                _ if is_escape => return Err(SplitState::Quoted),
                _ => return Ok(after.as_str()),
            }
        }
    }

    /// Reads a cell without quotes. `None`: it was the last one of the line.
    fn read_plain<'l>(self, mut rest: &'l str, row: &mut Row) -> Option<&'l str> {
        loop {
            let is_stop = |letter| Some(letter) == self.delimiter || letter == '\\';
            let Some(stop) = rest.find(is_stop) else {
                row.push(rest);
                return None;
            };
            row.extend(&rest[..stop]);
            let mut after = rest[stop..].chars();
            if after.next() != Some('\\') {
                row.end_cell(false);
                return Some(after.as_str());
            }
            let escaped = after.next();
            rest = match (escaped, self.delimiter) {
                // `mysql -B` and COPY of PostgreSQL. `\N` stays, and is an empty cell later.
                (Some(letter), Some('\t')) if unescape(letter).is_some() => {
                    row.extend(unescape(letter).unwrap_or_default());
                    after.as_str()
                }
                (Some(letter), _) if self.has_escapes => {
                    row.extend(letter.encode_utf8(&mut [0; 4]));
                    after.as_str()
                }
                _ => {
                    row.extend("\\");
                    &rest[stop + 1..]
                }
            };
        }
    }
}

fn unescape(letter: char) -> Option<&'static str> {
    Some(match letter {
        't' => "\t",
        'n' => "\n",
        'r' => "\r",
        '\\' => "\\",
        '0' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(dialect: Dialect, line: &str) -> (SplitState, Vec<String>) {
        let mut row = Row::default();
        let state = dialect.split(line, false, &mut row);
        (state, row.cells().map(str::to_owned).collect())
    }

    const CSV: Dialect = Dialect { delimiter: Some(','), quote: Some('"'), has_escapes: false };

    #[test]
    fn quotes_are_removed_and_doubled_ones_halved() {
        for (line, cells) in [
            ("a,b", vec!["a", "b"]),
            ("", vec![""]),
            (",", vec!["", ""]),
            ("\"a,b\",c", vec!["a,b", "c"]),
            ("\"a \"\"b\"\"\",", vec!["a \"b\"", ""]),
            ("a, \"b\" ,c", vec!["a", "b", "c"]),
            ("5\" pipe,\"\"", vec!["5\" pipe", ""]),
            ("a\\,b", vec!["a\\", "b"]),
        ] {
            assert_eq!(
                split(CSV, line),
                (SplitState::Complete, cells.into_iter().map(str::to_owned).collect()),
                "{line}"
            );
        }
    }

    #[test]
    fn text_after_a_closing_quote_and_an_open_quote_are_seen() {
        assert_eq!(split(CSV, "a,\"b\"c,d").0, SplitState::TextAfterQuote);
        assert_eq!(split(CSV, "a,\"5 inch,paid").0, SplitState::Quoted);
        assert_eq!(split(CSV, "\"").0, SplitState::Quoted);
    }

    #[test]
    fn backslashes_escape_only_where_the_dialect_says_so() {
        let escaped = Dialect { has_escapes: true, ..CSV };
        assert_eq!(split(escaped, "a\\,b,\"c\\\"d\"").1, ["a,b", "c\"d"]);
        let tabs = Dialect { delimiter: Some('\t'), ..CSV };
        assert_eq!(split(tabs, "a\\tb\tC:\\dir\t\\N\tx\\\\y").1, ["a\tb", "C:\\dir", "\\N", "x\\y"]);
    }
}
