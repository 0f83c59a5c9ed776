//! Translates a query to an SQL condition and its parameters, and selects the deliveries that match.

use super::rows::{micros, text};
use super::summaries::{self, Range};
use crate::model::stored::Query;
use memchr::memmem::Finder;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use std::ops::RangeInclusive;

/// Returns the condition, except for numbers, text in the body, and limit.
fn condition(query: &Query) -> (String, Vec<Value>) {
    let mut terms = vec!["1".to_owned()];
    let mut values = Vec::new();
    let mut term = |sql: &str, value: Value| {
        values.push(value);
        terms.push(sql.replace('#', &format!("?{}", values.len())));
    };
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
    terms.extend(type_condition(query, "d.kind", &mut values));
    if query.failed {
        terms.push(
            "(d.verdict <> 'verified' OR d.answered NOT BETWEEN 200 AND 299 OR d.app NOT BETWEEN 200 AND 299)"
                .to_owned(),
        );
    }
    (terms.join(" AND "), values)
}

/// Returns the condition that a type matches one of the globs. `None`: there are none.
pub(super) fn type_condition(query: &Query, kind: &str, values: &mut Vec<Value>) -> Option<String> {
    let globs: Vec<_> = query
        .kinds
        .iter()
        .map(|glob| {
            // Only `*` and `?` are special, as in all other filters; in GLOB, `[` is, too.
            values.push(text(&glob.replace('[', "[[]")));
            format!("{kind} GLOB ?{}", values.len())
        })
        .collect();
    (!globs.is_empty()).then(|| format!("({})", globs.join(" OR ")))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

/// The deliveries `d` that match a query: those in some ranges of numbers for which a condition is
/// true.
pub(super) struct Selection {
    source: &'static str,
    condition: String,
    values: Vec<Value>,
    /// Text in the body, which is found faster here than by SQLite.
    text: Option<String>,
    ranges: Vec<Range>,
}

const DELIVERIES: &str = "main.deliveries d";

/// Most captures succeed, so that a scan for others would read all.
const FAILED_DELIVERIES: &str = "main.deliveries d INDEXED BY deliveries_failed";

impl Selection {
    /// Selects within bounds. The limit of the query is not applied.
    pub fn new(connection: &Connection, query: &Query, (first, last): Range) -> rusqlite::Result<Self> {
        let (condition, values) = condition(query);
        let (low, high) = query.ids.clone().map_or((i64::MIN, i64::MAX), RangeInclusive::into_inner);
        let ranges = summaries::ranges(connection, query, (first.max(low), last.min(high)))?;
        let source = if query.failed { FAILED_DELIVERIES } else { DELIVERIES };
        Ok(Self { source, condition, values, text: query.grep.clone(), ranges })
    }

    /// Selects all that match, or, if the query has a limit, the newest of them.
    pub fn newest(connection: &Connection, query: &Query) -> rusqlite::Result<Self> {
        let mut selection = Self::new(connection, query, (i64::MIN, i64::MAX))?;
        if query.limit.is_some() {
            let mut oldest = i64::MAX;
            selection.for_each(connection, "d.id", (Order::NewestFirst, query.limit), |row| {
                oldest = row.get(0)?;
                Ok(())
            })?;
            selection.skip_to(oldest - 1);
        }
        Ok(selection)
    }

    /// Adds a condition without parameters.
    pub fn require(&mut self, condition: &str) {
        self.condition.push_str(" AND ");
        self.condition.push_str(condition);
    }

    /// Calls `each` with these columns of the first deliveries in this order.
    pub fn for_each(
        &self,
        connection: &Connection,
        columns: &str,
        (order, limit): (Order, Option<u64>),
        mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(&self.sql(columns, order))?;
        let body = statement.column_count() - 1;
        let finder = self.text.as_ref().map(|text| Finder::new(text.as_bytes()));
        let mut left = limit.unwrap_or(u64::MAX);
        let forward = self.ranges.iter().filter(|_| order == Order::OldestFirst);
        for &(first, last) in forward.chain(self.ranges.iter().rev().filter(|_| order == Order::NewestFirst)) {
            let ends = [first, last].map(Value::Integer);
            let mut rows = statement.query(params_from_iter(self.values.iter().chain(&ends)))?;
            while left > 0
                && let Some(row) = rows.next()?
            {
                if let Some(finder) = &finder
                    && finder.find(row.get_ref(body)?.as_blob()?).is_none()
                {
                    continue;
                }
                each(row)?;
                left -= 1;
            }
        }
        Ok(())
    }

    /// Leaves out the deliveries up to this number.
    pub fn skip_to(&mut self, last: i64) {
        self.ranges.retain_mut(|range| {
            range.0 = range.0.max(last.saturating_add(1));
            range.0 <= range.1
        });
    }

    /// Leaves out the deliveries after this number.
    pub fn end_at(&mut self, last: i64) {
        self.ranges.retain_mut(|range| {
            range.1 = range.1.min(last);
            range.0 <= range.1
        });
    }

    /// Returns the query for one range. To search bodies, they are its last column.
    fn sql(&self, columns: &str, order: Order) -> String {
        let Self { source, condition, values, text, .. } = self;
        let (body, contents) = match text {
            Some(_) => (", c.body", "CROSS JOIN main.contents c ON c.delivery = d.id"),
            None => ("", ""),
        };
        let direction = if order == Order::NewestFirst { "DESC" } else { "ASC" };
        let (first, last) = (values.len() + 1, values.len() + 2);
        format!(
            "SELECT {columns}{body} FROM {source} {contents} \
             WHERE {condition} AND d.id BETWEEN ?{first} AND ?{last} ORDER BY d.id {direction}"
        )
    }
}
