//! One table written in hundreds of dialects, by code that shares nothing with the reader.

use super::*;

/// The orders that every list is made of: number, note, reference, status, minor units.
const TABLE: [(&str, &str, &str, &str, i128); 6] = [
    ("#1001", "plain", "pi_aaa111", "paid", 1_250_000),
    ("#1002", "5\" screen", "pi_bbb222", "pending", 27_050),
    ("#1003", "Conceição", "PLS-CCC333", "refunded", 99),
    ("#1004", "a b c", "pi_ddd444", "failed", 100_000_000),
    ("#1005", "O'Brien", "pi_eee555", "paid", 500),
    ("#1006", "", "PLS-FFF666", "cancelled", 7_777_701),
];

#[derive(Clone, Copy, Debug)]
struct Written {
    delimiter: char,
    quoting: Quoting,
    encoding: &'static str,
    amounts: Notation,
    header: [&'static str; 5],
    junk: Junk,
    line_end: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quoting {
    All,
    Minimal,
    /// Tabs without quotes, as `mysql -B` writes them.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    Minor,
    Point,
    Comma,
    GroupedPoint,
    GroupedComma,
    Space,
    Dollar,
    Currency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Junk {
    None,
    /// A title and an empty line above the header, a row without values, a total.
    Spreadsheet,
    SepLine,
    /// Empty lines, and the header again in the middle.
    Joined,
}

const HEADERS: [[&str; 5]; 4] = [
    ["order_id", "note", "payment_id", "status", "amount"],
    ["Nº do pedido", "Observações", "Referência", "Estado", "Valor (CVE)"],
    ["Numéro de commande", "Remarque", "Référence de paiement", "Statut", "Montant"],
    ["Name", "Notes", "Transaction ID", "Payment Status", "Total"],
];

fn amount(minor: i128, notation: Notation) -> String {
    let (whole, cents) = (minor / 100, minor % 100);
    let grouped = |mark: &str| {
        let digits = whole.to_string();
        let first = (digits.len() - 1) % 3 + 1;
        let mut text = digits[..first].to_owned();
        for start in (first..digits.len()).step_by(3) {
            text += mark;
            text += &digits[start..start + 3];
        }
        text
    };
    match notation {
        Notation::Minor => minor.to_string(),
        Notation::Point => format!("{whole}.{cents:02}"),
        Notation::Comma => format!("{whole},{cents:02}"),
        Notation::GroupedPoint => format!("{},{cents:02}", grouped(".")),
        Notation::GroupedComma => format!("{}.{cents:02}", grouped(",")),
        Notation::Space => format!("{},{cents:02}", grouped("\u{a0}")),
        Notation::Dollar => format!("{}${cents:02}", grouped(".")),
        Notation::Currency => format!("NGN {}.{cents:02}", grouped(",")),
    }
}

impl Written {
    fn cell(self, text: &str) -> String {
        let needs_quotes = text.contains(['"', '\n', self.delimiter]);
        match self.quoting {
            Quoting::None => text.to_owned(),
            Quoting::Minimal if !needs_quotes => text.to_owned(),
            _ => format!("\"{}\"", text.replace('"', "\"\"")),
        }
    }

    fn row(self, cells: &[&str]) -> String {
        let cells: Vec<String> = cells.iter().map(|cell| self.cell(cell)).collect();
        cells.join(&self.delimiter.to_string()) + self.line_end
    }

    fn text(self) -> String {
        let mut text = String::new();
        let header = self.row(&self.header);
        match self.junk {
            Junk::Spreadsheet => text += &format!("Sales of the month{0}{0}", self.line_end),
            Junk::SepLine => text += &format!("sep={}{}", self.delimiter, self.line_end),
            Junk::None | Junk::Joined => {}
        }
        text += &header;
        for (index, (id, note, reference, status, minor)) in TABLE.iter().enumerate() {
            text += &self.row(&[id, note, reference, status, &amount(*minor, self.amounts)]);
            match self.junk {
                Junk::Joined if index == 2 => text += &format!("{0}{header}{0}", self.line_end),
                Junk::Spreadsheet if index == 3 => text += &self.row(&["", "", "", "", ""]),
                _ => {}
            }
        }
        if self.junk == Junk::Spreadsheet {
            let sum = TABLE.iter().map(|row| row.4).sum();
            text += &self.row(&["Total", "", "", "", &amount(sum, self.amounts)]);
        }
        text
    }

    fn bytes(self) -> Vec<u8> {
        let text = self.text();
        match self.encoding {
            "utf-8" => text.into_bytes(),
            "utf-8 with mark" => format!("\u{feff}{text}").into_bytes(),
            "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16le with mark" => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16be with mark" => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
            // ISO 8859-1, in which all letters of the table have the number of their byte.
            _ => text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect(),
        }
    }
}

fn all() -> Vec<Written> {
    let encodings = ["utf-8", "utf-8 with mark", "utf-16le", "utf-16le with mark", "utf-16be with mark", "latin"];
    let notations = [
        Notation::Minor,
        Notation::Point,
        Notation::Comma,
        Notation::GroupedPoint,
        Notation::GroupedComma,
        Notation::Space,
        Notation::Dollar,
        Notation::Currency,
    ];
    let junks = [Junk::None, Junk::Spreadsheet, Junk::SepLine, Junk::Joined];
    let mut dialects = Vec::new();
    for delimiter in [',', ';', '\t', '|'] {
        for quoting in [Quoting::All, Quoting::Minimal, Quoting::None] {
            if quoting == Quoting::None && delimiter != '\t' {
                continue;
            }
            for (number, amounts) in notations.into_iter().enumerate() {
                for (other, junk) in junks.into_iter().enumerate() {
                    // Each encoding and header meets each delimiter, notation and kind of junk.
                    let index = dialects.len() + number + other;
                    dialects.push(Written {
                        delimiter,
                        quoting,
                        encoding: encodings[index % encodings.len()],
                        amounts,
                        header: HEADERS[(index / 2) % HEADERS.len()],
                        junk,
                        line_end: if index % 3 == 0 { "\r\n" } else { "\n" },
                    });
                }
            }
        }
    }
    dialects
}

#[test]
fn the_same_table_is_read_from_every_dialect() {
    let dialects = all();
    assert!(dialects.len() >= 200, "{}", dialects.len());
    for written in dialects {
        let bytes = written.bytes();
        let reader = open(&bytes, &[], AmountFormat::Auto).unwrap_or_else(|error| panic!("{written:?}: {error}"));
        let counts = reader.counts().clone();
        let orders: Vec<_> = reader
            .map(|order| order.unwrap().unwrap_or_else(|bad| panic!("{written:?}: {bad:?}")))
            .map(|order| (order.own_id.unwrap(), order.reference, order.status.unwrap(), order.minor))
            .collect();
        let expected: Vec<_> = TABLE
            .iter()
            .map(|(id, _, reference, status, minor)| {
                ((*id).to_owned(), (*reference).to_owned(), (*status).to_owned(), Some(*minor))
            })
            .collect();
        assert_eq!(orders, expected, "{written:?}");
        // Every line with text is an order, the header, or was skipped by name.
        let lines = written.text().lines().filter(|line| !line.trim().is_empty()).count() as u64;
        assert_eq!(counts.orders + counts.bad + counts.skipped + 1, lines, "{written:?}");
    }
}
