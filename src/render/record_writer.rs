//! Writes JSON records field by field, without building a tree first.
//!
//! `listen` and `verify` write thousands of these records per second.

use super::json::escape_unsafe_json;
use crate::capture::request_json;
use crate::json::text::write_string;
use crate::model::message::Request;
use serde::Serialize;

/// The records of most deliveries fit in this capacity.
pub(super) const TYPICAL_RECORD_SIZE: usize = 1536;

/// A JSON object that is still being written.
pub(super) struct RecordWriter(Vec<u8>);

impl RecordWriter {
    /// Starts a record of this schema.
    pub fn new(schema: &str) -> Self {
        let mut bytes = Vec::with_capacity(TYPICAL_RECORD_SIZE);
        bytes.push(b'{');
        let mut object = Self(bytes);
        object.text("schema", Some(schema));
        object
    }

    /// Adds a string or null.
    pub fn text(&mut self, key: &'static str, text: Option<&str>) {
        self.key(key);
        match text {
            Some(text) => write_string(text, &mut self.0),
            None => self.0.extend_from_slice(b"null"),
        }
    }

    pub fn value(&mut self, key: &'static str, value: &impl Serialize) {
        self.key(key);
        serde_json::to_writer(&mut self.0, value).expect("keys are strings and a vector takes every write");
    }

    pub fn object(&mut self, key: &'static str, members: impl FnOnce(&mut Self)) {
        self.key(key);
        self.0.push(b'{');
        members(self);
        self.0.push(b'}');
    }

    /// Adds an array of records.
    pub fn records(&mut self, key: &'static str, records: impl Iterator<Item = Self>) {
        self.key(key);
        self.0.push(b'[');
        for (index, record) in records.enumerate() {
            self.0.extend_from_slice(if index > 0 { b"," } else { b"" });
            self.0.extend_from_slice(&record.0);
            self.0.push(b'}');
        }
        self.0.push(b']');
    }

    pub fn request(&mut self, key: &'static str, request: &Request) {
        self.key(key);
        request_json::write(request, &mut self.0);
    }

    /// Finishes the record as one line.
    pub fn into_line(mut self) -> Vec<u8> {
        self.0.push(b'}');
        let mut line = escape_unsafe_json(self.0);
        line.push(b'\n');
        line
    }

    /// Writes a key, which must need no escapes.
    fn key(&mut self, key: &'static str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_record_is_one_line_of_json_with_its_members_in_order() {
        let mut record = RecordWriter::new("whtool.event/1");
        record.text("none", None);
        record.object("empty", |_| ());
        record.object("event", |event| {
            event.text("type", Some("a\"b\n\u{1b}[31m\u{202e}é"));
            event.value("count", &3);
        });
        record.value("list", &[1, 2]);
        let line = String::from_utf8(record.into_line()).unwrap();
        // Control characters are escaped, so that printing a record does not act on the terminal.
        let expected = concat!(
            r#"{"schema":"whtool.event/1","none":null,"empty":{},"event":{"type":"a\"b\n\u001b[31m\u202eé","count":3},"list":[1,2]}"#,
            "\n"
        );
        assert_eq!(line, expected);
    }
}
