//! Answers of tools: the records of a command as structured content, and the same as text between
//! random marks, so that text from outside cannot pretend to be the end of the answer.

use crate::model::mask::{Audience, mask_text};
use crate::model::program_output::ProgramOutput;
use crate::model::sanitize::escape_unsafe;
use serde_json::{Value, json};

/// Longest text in an answer, such as a body, in bytes.
const MAX_TEXT: usize = 8 * 1024;
/// Longest answer, in bytes; further records are left out.
const MAX_ANSWER: usize = 256 * 1024;

/// Builds the answer for a command that printed records. Exit status 1 is an answer, not an error.
pub fn of_records(result: &ProgramOutput, boundary: &str) -> Value {
    let (mut records, mut length, mut left_out) = (Vec::new(), 0, 0_u64);
    for line in result.stdout.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        length += line.len().min(MAX_TEXT);
        if length > MAX_ANSWER {
            left_out += 1;
            continue;
        }
        let mut record =
            serde_json::from_slice(line).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(line).into_owned()));
        guard(&mut record);
        records.push(record);
    }
    let mut content = json!({"exitStatus": result.status, "messages": messages(result), "records": records});
    if left_out > 0 {
        content["recordsLeftOut"] = left_out.into();
    }
    answer(content, result.status, boundary)
}

/// Builds the answer for a command that printed text, from this byte on.
pub fn of_text(result: &ProgramOutput, offset: usize, boundary: &str) -> Value {
    let rest = result.stdout.get(offset..).unwrap_or_default();
    let mut part = String::from_utf8_lossy(rest.get(..MAX_TEXT).unwrap_or(rest)).into_owned();
    part = mask_text(&part, Audience::Team);
    let next = offset.saturating_add(MAX_TEXT);
    let mut content = json!({
        "exitStatus": result.status, "messages": messages(result), "totalBytes": result.stdout.len(), "offset": offset,
        "text": part,
    });
    if next < result.stdout.len() {
        content["nextOffset"] = next.into();
    }
    answer(content, result.status, boundary)
}

/// Builds the answer of a tool that runs no command.
pub fn of_value(content: Value, boundary: &str) -> Value {
    answer(content, 0, boundary)
}

/// Builds the answer for a call that was not made.
pub fn failure(why: &str) -> Value {
    json!({"content": [{"type": "text", "text": why}], "isError": true})
}

fn answer(content: Value, status: i32, boundary: &str) -> Value {
    let text = format!("<whtool-{boundary}>\n{content}\n</whtool-{boundary}>");
    json!({"content": [{"type": "text", "text": text}], "structuredContent": content, "isError": !matches!(status, 0 | 1)})
}

/// Returns the lines that the command wrote for people: notes, warnings and errors.
fn messages(result: &ProgramOutput) -> Vec<String> {
    let text = String::from_utf8_lossy(&result.stderr);
    text.lines().take(50).map(|line| escape_unsafe(line).chars().take(500).collect()).collect()
}

/// Masks secrets in every text of a record, and cuts long ones. A note says how to get the rest.
fn guard(value: &mut Value) {
    match value {
        Value::String(text) => {
            let masked = mask_text(text, Audience::Team);
            *text = if masked.len() > MAX_TEXT { cut(&masked) } else { masked };
        }
        Value::Array(items) => items.iter_mut().for_each(guard),
        Value::Object(fields) => fields.values_mut().for_each(guard),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut(text: &str) -> String {
    let end = (0..=MAX_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}… [{} of {} bytes; show_event with body_offset shows more]", &text[..end], end, text.len())
}
