//! Which column of a list holds what: by the names that people give them, or as they say.

use std::str::FromStr;

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListColumn {
    /// The provider's reference, or the merchant's where the provider finds it by that.
    Reference,
    /// The status that the order has.
    Status,
    /// The amount.
    Amount,
    /// The currency.
    Currency,
}

/// The usual names, the likeliest first, in lower case and without what separates words.
const USUAL: [(ListColumn, &str, &[&str]); 4] = [
    (
        ListColumn::Reference,
        "reference",
        &[
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
    ),
    (ListColumn::Status, "status", &["expectedstatus", "status", "paymentstatus", "orderstatus", "state"]),
    (
        ListColumn::Amount,
        "amount",
        &["expectedamount", "amount", "amountminor", "minor", "amountkobo", "kobo", "centavos", "total", "price"],
    ),
    (ListColumn::Currency, "currency", &["expectedcurrency", "currency", "currencycode", "ccy"]),
];

/// Names that the user gave columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames(Vec<(ListColumn, String)>);

impl ColumnNames {
    /// Columns named by flags; of two for the same the last one counts.
    pub fn from_args(given: &[ColumnArg]) -> Self {
        Self(given.iter().map(|named| (named.column, named.name.clone())).collect())
    }

    /// The name that was given to a column.
    pub fn explicit_name(&self, column: ListColumn) -> Option<&str> {
        self.0.iter().rfind(|(other, _)| *other == column).map(|(_, name)| name.as_str())
    }

    /// The place of a column among these headers. `Err`: the name that was given, and is not there.
    pub fn find(&self, column: ListColumn, headers: &[&str]) -> Result<Option<usize>, String> {
        if let Some(name) = self.explicit_name(column) {
            let place = headers.iter().position(|header| header.trim() == name);
            let place = place.or_else(|| headers.iter().position(|header| plain(header) == plain(name)));
            return place.map(Some).ok_or_else(|| name.to_owned());
        }
        let usual = USUAL.iter().find(|(other, ..)| *other == column).map_or(&[][..], |(_, _, names)| names);
        Ok(usual.iter().find_map(|name| headers.iter().position(|header| plain(header) == *name)))
    }
}

/// A header without case and without what separates its words.
fn plain(header: &str) -> String {
    header.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `reference=payment_id`, as a flag has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnArg {
    column: ListColumn,
    name: String,
}

impl FromStr for ColumnArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let what = "write reference=NAME, status=NAME, amount=NAME or currency=NAME";
        let (word, name) = text.split_once('=').filter(|(_, name)| !name.is_empty()).ok_or(what)?;
        let (column, ..) = USUAL.iter().find(|(_, own, _)| *own == word).ok_or(what)?;
        Ok(Self { column: *column, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_are_found_however_they_are_spelled() {
        let place = |column, headers: &[&str]| ColumnNames::default().find(column, headers).unwrap();
        assert_eq!(place(ListColumn::Reference, &["order_id", "Payment ID"]), Some(1));
        assert_eq!(place(ListColumn::Reference, &["clientReference", "x"]), Some(0));
        assert_eq!(place(ListColumn::Amount, &["x", "amount-kobo"]), Some(1));
        assert_eq!(place(ListColumn::Currency, &["x"]), None);
    }

    #[test]
    fn a_name_that_was_given_comes_before_the_usual_ones_and_must_be_there() {
        let columns = ColumnNames::from_args(&["reference=their ref".parse().unwrap()]);
        assert_eq!(columns.find(ListColumn::Reference, &["reference", "their ref"]), Ok(Some(1)));
        assert_eq!(columns.find(ListColumn::Reference, &["reference"]), Err("their ref".to_owned()));
        assert!("colour=red".parse::<ColumnArg>().is_err() && "reference".parse::<ColumnArg>().is_err());
    }
}
