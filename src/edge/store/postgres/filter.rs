//! Translates a query to an SQL condition on `whtool.deliveries d`, and its parameters.

use super::params::Params;
use super::text::{encode, prefix};
use crate::model::stored::Query;
use tokio_postgres::types::Type;

/// True for failed deliveries, as the index `deliveries_failed` has it.
const FAILED: &str = "(d.verdict <> 'verified' OR d.answered < 200 OR d.answered > 299 OR d.app < 200 OR d.app > 299)";

/// Returns the condition for the deliveries of an inbox that match, except for the limit.
pub(super) fn condition(inbox: &str, query: &Query, params: &mut Params) -> String {
    let mut terms = vec![format!("d.inbox = {}", params.add_text(inbox))];
    if let Some(ids) = &query.ids {
        let (first, last) = (params.add_number(*ids.start()), params.add_number(*ids.end()));
        terms.push(format!("d.seq BETWEEN {first} AND {last}"));
    }
    if let Some(is_test) = query.is_test {
        terms.push(format!("d.is_test = {}", params.add(is_test, Type::BOOL)));
    }
    for (column, value) in [
        ("provider", query.provider.as_deref()),
        ("verdict", query.verdict.map(|verdict| verdict.as_str())),
        ("secret", query.secret.as_deref()),
    ] {
        if let Some(value) = value {
            terms.push(format!("d.{column} = {}", params.add_text(value)));
        }
    }
    if let Some(since) = query.since {
        terms.push(format!("d.arrived >= {}", params.add_time(since)));
    }
    if let Some(until) = query.until {
        terms.push(format!("d.arrived < {}", params.add_time(until)));
    }
    if let Some(reference) = &query.reference {
        let (indexed, whole) = (params.add(prefix(reference), Type::TEXT), params.add_text(reference));
        terms.push(format!(
            "(d.seq, d.arrived) IN (SELECT n.seq, n.arrived FROM whtool.names n WHERE n.inbox = $1 AND n.name = {indexed}) \
             AND {whole} IN (d.event_id, d.subject)"
        ));
    }
    if let Some(grep) = &query.grep {
        let text = params.add(grep.as_bytes().to_vec(), Type::BYTEA);
        terms.push(format!(
            "EXISTS (SELECT FROM whtool.contents c WHERE (c.inbox, c.seq, c.arrived) = (d.inbox, d.seq, d.arrived) \
             AND position({text} IN c.body) > 0)"
        ));
    }
    let globs: Vec<_> =
        query.kinds.iter().map(|glob| format!("d.kind ~ {}", params.add(pattern(glob), Type::TEXT))).collect();
    if !globs.is_empty() {
        terms.push(format!("({})", globs.join(" OR ")));
    }
    if query.failed {
        terms.push(FAILED.to_owned());
    }
    terms.join(" AND ")
}

/// Converts a glob, in which only `*` and `?` are special, to a regular expression.
fn pattern(glob: &str) -> String {
    let mut pattern = String::from("^");
    for character in encode(glob).chars() {
        match character {
            '*' => pattern.push_str(".*"),
            // Any character as it is stored: U+0000 and U+0001 take two.
            '?' => pattern.push_str("(?:\u{1}[01]|[^\u{1}])"),
            _ if character.is_ascii_punctuation() => pattern.extend(['\\', character]),
            other => pattern.push(other),
        }
    }
    pattern.push('$');
    pattern
}
