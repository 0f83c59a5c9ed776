//! Writes and reads replay lists: the events that an app missed, one per line.

use crate::provider::{self, Provider};
use crate::reconcile::{ReconciledReference, ReplayEvent};
use crate::render::json::line;
use serde_json::{Value, json};

const REBUILT: &str = "whtool.rebuilt/1";

/// Writes the line of a replay list: the number of a capture, or a `whtool.rebuilt/1` record with an
/// event made from the provider's record.
pub fn replay_line(reconciled: &ReconciledReference, event: &ReplayEvent) -> Vec<u8> {
    match event {
        ReplayEvent::Captured(id) => format!("{id}\n").into_bytes(),
        ReplayEvent::Rebuilt(event) => line(&json!({
            "schema": REBUILT, "provider": reconciled.provider.name(), "reference": reconciled.order.reference,
            "body": event.to_string(),
        })),
    }
}

/// Recognizes a replay list by its first bytes: numbers of captures, and `rebuilt` records. The last
/// line may be cut off.
pub fn is_replay_list(start: &[u8]) -> bool {
    let is_number = |line: &[u8]| !line.is_empty() && line.iter().all(u8::is_ascii_digit);
    let is_rebuilt = |line: &[u8]| std::str::from_utf8(line).is_ok_and(|line| read_rebuilt(line).is_some());
    let start_of_rebuilt = format!(r#"{{"schema":"{REBUILT}","#);
    let mut lines: Vec<&[u8]> = start.split(|byte| *byte == b'\n').collect();
    let cut_off = lines.pop().unwrap_or_default();
    (cut_off.is_empty() || is_number(cut_off) || cut_off.starts_with(start_of_rebuilt.as_bytes()))
        && !start.is_empty()
        && lines.into_iter().all(|line| is_number(line) || is_rebuilt(line))
}

/// Reads a `whtool.rebuilt/1` record: provider, reference and body. `None` if the line is something
/// else.
pub fn read_rebuilt(line: &str) -> Option<(&'static dyn Provider, String, Vec<u8>)> {
    let record: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| record.get(name)?.as_str();
    text("schema").filter(|schema| *schema == REBUILT)?;
    Some((provider::by_name(text("provider")?)?, text("reference")?.to_owned(), text("body")?.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_list_is_recognized_by_whole_lines_and_the_start_of_a_long_one() {
        let rebuilt = r#"{"schema":"whtool.rebuilt/1","provider":"plexos","reference":"pi_1","body":"{}"}"#;
        let long = format!("{}{}", &rebuilt[..70], "x".repeat(5_000));
        for list in ["7\n12\n".to_owned(), format!("7\n{rebuilt}\n"), format!("{rebuilt}\n{long}"), long] {
            assert!(is_replay_list(list.as_bytes()), "{list}");
        }
        for other in
            ["", "reference,status\npi_1,paid\n", "pi_1\n7\n", "{\"schema\":\"x\"}\n", "7\n\n", "SQLite format 3\0"]
        {
            assert!(!is_replay_list(other.as_bytes()), "{other}");
        }
    }
}
