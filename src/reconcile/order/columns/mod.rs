//! Finds the columns of an order list by their usual names, or by the names given with `--column`.

mod names;

use std::str::FromStr;

/// A column that reconcile reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListColumn {
    /// The provider's reference, or the merchant's where the provider accepts it in lookups.
    Reference,
    Status,
    Amount,
    Currency,
    /// The shop's own number of the order.
    OwnId,
    Created,
}

impl ListColumn {
    pub(super) const ALL: [Self; 6] =
        [Self::Reference, Self::Status, Self::Amount, Self::Currency, Self::OwnId, Self::Created];

    /// Returns the word for this column in `--column`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Status => "status",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::OwnId => "id",
            Self::Created => "created",
        }
    }

    /// Lists the usual names, most telling first.
    fn usual_names(self) -> impl Iterator<Item = &'static str> {
        let lists: [&[&str]; 3] = match self {
            Self::Reference => [names::REFERENCE, &[], &[]],
            Self::Status => [names::STATUS, &[], &[]],
            Self::Amount => [&["expectedamount"], names::MINOR_AMOUNT, names::AMOUNT],
            Self::Currency => [names::CURRENCY, &[], &[]],
            Self::OwnId => [names::OWN_ID, &[], &[]],
            Self::Created => [names::CREATED, &[], &[]],
        };
        lists.into_iter().flatten().copied()
    }

    /// Returns the position of a column's name among the usual ones. The names of fields inside of
    /// others, such as `payment.id`, count as a whole or, after all others, by their last part.
    pub(super) fn rank(self, name: &str) -> Option<usize> {
        let position = |name: &str| self.usual_names().position(|usual| usual == name);
        let (whole, plain) = (normalize(name), normalize(without_unit(name)));
        position(&whole).or_else(|| position(&plain)).or_else(|| {
            let last = normalize(without_unit(name).rsplit_once('.')?.1);
            position(&last).map(|rank| rank + 1_000)
        })
    }
}

/// Removes what stands in parentheses, such as the currency in `Valor (CVE)`.
fn without_unit(name: &str) -> &str {
    name.split(['(', '[']).next().unwrap_or_default().trim()
}

/// Returns what stands in parentheses.
pub(super) fn unit(name: &str) -> Option<&str> {
    name.split_once(['(', '['])?.1.split([')', ']']).next().map(str::trim)
}

/// Returns true for the name of an amount in minor units, such as `amount_kobo` or `amount (kobo)`.
pub(super) fn is_minor_amount(name: &str) -> bool {
    let is_minor = |name: &str| names::MINOR_AMOUNT.contains(&normalize(name).as_str());
    is_minor(name) || unit(name).is_some_and(is_minor) || name.rsplit_once('.').is_some_and(|(_, last)| is_minor(last))
}

/// The column names that the user gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames(Vec<ColumnArg>);

impl ColumnNames {
    /// Collects the `--column` flags; if one column is named twice, the last name counts.
    pub fn from_args(args: &[ColumnArg]) -> Self {
        Self(args.to_vec())
    }

    pub fn explicit_name(&self, column: ListColumn) -> Option<&str> {
        self.0.iter().rfind(|arg| arg.column == column).map(|arg| arg.name.as_str())
    }

    /// Returns true if the user gave this name for a column.
    pub(super) fn is_named(&self, column: ListColumn, name: &str) -> bool {
        self.explicit_name(column).is_some_and(|given| given == name || normalize(given) == normalize(name))
    }

    /// Adds names for columns that the user did not name.
    pub(super) fn or_names(mut self, others: &[(ListColumn, &str)]) -> Self {
        for (column, name) in others {
            if self.explicit_name(*column).is_none() {
                self.0.push(ColumnArg { column: *column, name: (*name).to_owned() });
            }
        }
        self
    }

    /// Returns the index of the column that the user named. The error is a name that is missing.
    pub(super) fn find_explicit(&self, column: ListColumn, header: &[String]) -> Result<Option<usize>, String> {
        let Some(name) = self.explicit_name(column) else { return Ok(None) };
        let exact = header.iter().position(|header| header.trim() == name);
        let index = exact.or_else(|| header.iter().position(|header| normalize(header) == normalize(name)));
        index.map(Some).ok_or_else(|| name.to_owned())
    }

    /// Returns true if a header has a column that may be the reference.
    pub(super) fn has_reference(&self, header: &[String]) -> bool {
        match self.find_explicit(ListColumn::Reference, header) {
            Ok(Some(_)) => true,
            Ok(None) => header.iter().any(|name| ListColumn::Reference.rank(name).is_some()),
            // A name that is missing is reported with the header.
            Err(_) => header.iter().any(|name| self.is_known(name)),
        }
    }

    /// Returns true for the name of a column that is read.
    pub(super) fn is_known(&self, name: &str) -> bool {
        let is_explicit = self.0.iter().any(|arg| arg.name == name || normalize(&arg.name) == normalize(name));
        is_explicit || ListColumn::ALL.iter().any(|column| column.rank(name).is_some())
    }
}

/// Removes case, accents, spaces and punctuation from a header.
pub(super) fn normalize(header: &str) -> String {
    // Every cell of a list is compared with the header: most need no tables of characters.
    if header.is_ascii() {
        let letters = header.chars().filter(char::is_ascii_alphanumeric);
        return letters.map(|letter| letter.to_ascii_lowercase()).collect();
    }
    let letters = header.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase);
    letters.map(without_accent).collect()
}

pub(in super::super) fn without_accent(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'ª' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'º' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

/// The value of a `--column` flag, such as `reference=payment_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnArg {
    pub column: ListColumn,
    pub name: String,
}

impl FromStr for ColumnArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected reference=NAME, status=NAME, amount=NAME, currency=NAME, id=NAME (the order's own) or created=NAME";
        let (word, name) = text.split_once('=').filter(|(_, name)| !name.is_empty()).ok_or(expected)?;
        let column = ListColumn::ALL.into_iter().find(|column| column.code() == word).ok_or(expected)?;
        Ok(Self { column, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the best column by its usual names.
    fn best(column: ListColumn, headers: &[&str]) -> Option<usize> {
        let ranked = headers.iter().enumerate().filter_map(|(index, name)| Some((column.rank(name)?, index)));
        ranked.min().map(|(_, index)| index)
    }

    fn explicit(columns: &ColumnNames, column: ListColumn, headers: &[&str]) -> Result<Option<usize>, String> {
        let headers: Vec<String> = headers.iter().map(|name| (*name).to_owned()).collect();
        columns.find_explicit(column, &headers)
    }

    #[test]
    fn usual_names_are_found_in_any_spelling() {
        assert_eq!(best(ListColumn::Reference, &["order_id", "Payment ID"]), Some(1));
        assert_eq!(best(ListColumn::Reference, &["clientReference", "x"]), Some(0));
        assert_eq!(best(ListColumn::Amount, &["x", "amount-kobo"]), Some(1));
        assert_eq!(best(ListColumn::Currency, &["x"]), None);
    }

    #[test]
    fn a_name_from_a_flag_beats_the_usual_names_and_must_exist() {
        let columns = ColumnNames::from_args(&["reference=their ref".parse().unwrap()]);
        assert_eq!(explicit(&columns, ListColumn::Reference, &["reference", "their ref"]), Ok(Some(1)));
        assert_eq!(explicit(&columns, ListColumn::Reference, &["reference"]), Err("their ref".to_owned()));
        assert!("color=red".parse::<ColumnArg>().is_err() && "reference".parse::<ColumnArg>().is_err());
    }

    #[test]
    fn a_name_from_a_flag_may_have_another_case_and_separator_and_an_exact_one_wins() {
        let columns = ColumnNames::from_args(&["reference=payment id".parse().unwrap()]);
        assert_eq!(explicit(&columns, ListColumn::Reference, &["reference", "Payment_ID"]), Ok(Some(1)));
        assert_eq!(explicit(&columns, ListColumn::Reference, &["PAYMENT-ID", " payment id "]), Ok(Some(1)));
    }

    #[test]
    fn of_several_usual_names_the_most_telling_wins_wherever_it_stands() {
        for (column, headers, index) in [
            (ListColumn::Reference, ["id", "order_id", "payment_id"], 2),
            (ListColumn::Reference, ["id", "reference", "payment_id"], 1),
            (ListColumn::Reference, ["order", "client_reference", "id"], 2),
            (ListColumn::Reference, ["plustive reference", "ref", "id"], 0),
            (ListColumn::Status, ["state", "Order Status", "payment-status"], 2),
            (ListColumn::Status, ["status", "expected_status", "state"], 1),
            (ListColumn::Amount, ["price", "total", "amount_minor"], 2),
            (ListColumn::Amount, ["amount", "expectedAmount", "kobo"], 1),
            (ListColumn::Currency, ["ccy", "currency", "x"], 1),
            (ListColumn::Currency, ["CURRENCY_CODE", "ccy", "expected currency"], 2),
        ] {
            assert_eq!(best(column, &headers), Some(index), "{headers:?}");
        }
    }

    #[test]
    fn the_last_name_for_a_column_counts_and_other_columns_keep_theirs() {
        let args = ["amount=a", "status=s", "amount=b=c"].map(|text| text.parse::<ColumnArg>().unwrap());
        let columns = ColumnNames::from_args(&args);
        assert_eq!(columns.explicit_name(ListColumn::Amount), Some("b=c"));
        assert_eq!(columns.explicit_name(ListColumn::Status), Some("s"));
        assert_eq!(columns.explicit_name(ListColumn::Currency), None);
        assert_eq!(explicit(&columns, ListColumn::Reference, &["id"]), Ok(None));
    }

    #[test]
    fn a_column_flag_is_one_of_six_words_and_a_name() {
        let expected = "expected reference=NAME, status=NAME, amount=NAME, currency=NAME, id=NAME (the order's own) or created=NAME";
        for text in ["", "amount", "amount=", "=x", "Amount=x", "amounts=x", " amount=x"] {
            assert_eq!(text.parse::<ColumnArg>(), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn usual_names_are_known_in_three_languages_with_accents_and_units() {
        for (column, name) in [
            (ListColumn::Reference, "Referência do pagamento"),
            (ListColumn::Reference, "ID de transaction"),
            (ListColumn::OwnId, "N.º do pedido"),
            (ListColumn::OwnId, "Numéro de commande"),
            (ListColumn::Status, "Situação"),
            (ListColumn::Status, "État"),
            (ListColumn::Amount, "Valor (CVE)"),
            (ListColumn::Amount, "Montant"),
            (ListColumn::Currency, "Moeda"),
            (ListColumn::Created, "Criado em"),
            (ListColumn::Created, "Date de commande"),
            (ListColumn::Reference, "payment.id"),
        ] {
            assert!(column.rank(name).is_some(), "{name}");
        }
        assert!(is_minor_amount("amount (kobo)") && is_minor_amount("Amount_Minor") && !is_minor_amount("Total (CVE)"));
    }
}
