//! Finds the columns of an order list by their usual names, or by the names given with `--column`.

use std::str::FromStr;

/// A column that reconcile reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListColumn {
    /// The provider's reference, or the merchant's where the provider accepts it in lookups.
    Reference,
    Status,
    Amount,
    Currency,
}

impl ListColumn {
    const ALL: [Self; 4] = [Self::Reference, Self::Status, Self::Amount, Self::Currency];

    /// Returns the word for this column in `--column`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Status => "status",
            Self::Amount => "amount",
            Self::Currency => "currency",
        }
    }

    /// Lists the usual headers, most likely first, in lower case and without separators.
    fn usual_names(self) -> &'static [&'static str] {
        match self {
            Self::Reference => &[
                "reference",
                "paymentid",
                "paymentintentid",
                "payment",
                "transactionreference",
                "transactionid",
                "plustivereference",
                "ref",
                "id",
                "clientreference",
                "orderreference",
                "orderid",
                "order",
            ],
            Self::Status => &["expectedstatus", "status", "paymentstatus", "orderstatus", "state"],
            Self::Amount => &[
                "expectedamount",
                "amount",
                "amountminor",
                "minor",
                "amountkobo",
                "kobo",
                "centavos",
                "total",
                "price",
            ],
            Self::Currency => &["expectedcurrency", "currency", "currencycode", "ccy"],
        }
    }
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

    /// Returns the index of a column among the headers. The error is a name that the user gave and
    /// that is missing.
    pub fn find(&self, column: ListColumn, headers: &[&str]) -> Result<Option<usize>, String> {
        if let Some(name) = self.explicit_name(column) {
            let exact = headers.iter().position(|header| header.trim() == name);
            let index = exact.or_else(|| headers.iter().position(|header| normalize(header) == normalize(name)));
            return index.map(Some).ok_or_else(|| name.to_owned());
        }
        let position = |name: &&str| headers.iter().position(|header| normalize(header) == *name);
        Ok(column.usual_names().iter().find_map(position))
    }
}

/// Removes case, spaces and punctuation from a header.
fn normalize(header: &str) -> String {
    header.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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
        let expected = "expected reference=NAME, status=NAME, amount=NAME or currency=NAME";
        let (word, name) = text.split_once('=').filter(|(_, name)| !name.is_empty()).ok_or(expected)?;
        let column = ListColumn::ALL.into_iter().find(|column| column.code() == word).ok_or(expected)?;
        Ok(Self { column, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_are_found_in_any_spelling() {
        let find = |column, headers: &[&str]| ColumnNames::default().find(column, headers).unwrap();
        assert_eq!(find(ListColumn::Reference, &["order_id", "Payment ID"]), Some(1));
        assert_eq!(find(ListColumn::Reference, &["clientReference", "x"]), Some(0));
        assert_eq!(find(ListColumn::Amount, &["x", "amount-kobo"]), Some(1));
        assert_eq!(find(ListColumn::Currency, &["x"]), None);
    }

    #[test]
    fn a_name_from_a_flag_beats_the_usual_names_and_must_exist() {
        let columns = ColumnNames::from_args(&["reference=their ref".parse().unwrap()]);
        assert_eq!(columns.find(ListColumn::Reference, &["reference", "their ref"]), Ok(Some(1)));
        assert_eq!(columns.find(ListColumn::Reference, &["reference"]), Err("their ref".to_owned()));
        assert!("color=red".parse::<ColumnArg>().is_err() && "reference".parse::<ColumnArg>().is_err());
    }

    #[test]
    fn a_name_from_a_flag_may_have_another_case_and_separator_and_an_exact_one_wins() {
        let columns = ColumnNames::from_args(&["reference=payment id".parse().unwrap()]);
        assert_eq!(columns.find(ListColumn::Reference, &["reference", "Payment_ID"]), Ok(Some(1)));
        assert_eq!(columns.find(ListColumn::Reference, &["PAYMENT-ID", " payment id "]), Ok(Some(1)));
    }

    #[test]
    fn of_several_usual_names_the_most_telling_wins_wherever_it_stands() {
        let find = |column, headers: &[&str]| ColumnNames::default().find(column, headers).unwrap();
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
            assert_eq!(find(column, &headers), Some(index), "{headers:?}");
        }
    }

    #[test]
    fn the_last_name_for_a_column_counts_and_other_columns_keep_theirs() {
        let args = ["amount=a", "status=s", "amount=b=c"].map(|text| text.parse::<ColumnArg>().unwrap());
        let columns = ColumnNames::from_args(&args);
        assert_eq!(columns.explicit_name(ListColumn::Amount), Some("b=c"));
        assert_eq!(columns.explicit_name(ListColumn::Status), Some("s"));
        assert_eq!(columns.explicit_name(ListColumn::Currency), None);
        assert_eq!(columns.find(ListColumn::Reference, &["id"]), Ok(Some(0)));
    }

    #[test]
    fn a_column_flag_is_one_of_four_words_and_a_name() {
        let expected = "expected reference=NAME, status=NAME, amount=NAME or currency=NAME";
        for text in ["", "amount", "amount=", "=x", "Amount=x", "amounts=x", " amount=x"] {
            assert_eq!(text.parse::<ColumnArg>(), Err(expected.to_owned()), "{text}");
        }
    }
}
