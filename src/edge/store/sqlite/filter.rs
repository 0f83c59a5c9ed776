//! Translates a query to an SQL condition and its parameters.

use super::rows::{micros, text};
use crate::model::stored::Query;
use rusqlite::types::Value;

pub(super) fn condition(query: &Query) -> (String, Vec<Value>) {
    let mut terms = vec!["1".to_owned()];
    let mut values = Vec::new();
    let mut term = |sql: &str, value: Value| {
        values.push(value);
        terms.push(sql.replace('#', &format!("?{}", values.len())));
    };
    if let Some(ids) = &query.ids {
        term("d.id >= #", Value::Integer(*ids.start()));
        term("d.id <= #", Value::Integer(*ids.end()));
    }
    if let Some(is_test) = query.is_test {
        term("d.is_test = #", Value::Integer(i64::from(is_test)));
    }
    if let Some(provider) = &query.provider {
        term("d.provider = #", text(provider));
    }
    if let Some(verdict) = query.verdict {
        term("d.verdict = #", text(verdict.as_str()));
    }
    if let Some(secret) = &query.secret {
        term("d.secret = #", text(secret));
    }
    if let Some(since) = query.since {
        term("d.arrived >= #", Value::Integer(micros(since)));
    }
    if let Some(until) = query.until {
        term("d.arrived < #", Value::Integer(micros(until)));
    }
    if let Some(reference) = &query.reference {
        term("# IN (d.event_id, d.subject)", text(reference));
    }
    if let Some(grep) = &query.grep {
        let sql = "EXISTS (SELECT 1 FROM contents c WHERE c.delivery = d.id AND instr(c.body, #) > 0)";
        term(sql, Value::Blob(grep.as_bytes().to_vec()));
    }
    let globs: Vec<_> = query
        .kinds
        .iter()
        .map(|glob| {
            // Only `*` and `?` are special, as in all other filters; in GLOB, `[` is, too.
            values.push(text(&glob.replace('[', "[[]")));
            format!("d.kind GLOB ?{}", values.len())
        })
        .collect();
    if !globs.is_empty() {
        terms.push(format!("({})", globs.join(" OR ")));
    }
    if query.failed {
        terms.push(
            "(d.verdict <> 'verified' OR d.answered NOT BETWEEN 200 AND 299 OR d.app NOT BETWEEN 200 AND 299)"
                .to_owned(),
        );
    }
    (terms.join(" AND "), values)
}

/// Returns the limit for SQL; -1 is none.
pub(super) fn limit(query: &Query) -> Value {
    Value::Integer(query.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(-1)))
}
