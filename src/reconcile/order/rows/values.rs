//! Reads JSON values one after the other: lines, a stream, or the elements of an array at any depth.

use super::super::text::Text;
use super::Lines;
use super::lines::TextLine;
use super::scanner::{ScanError, Scanner};
use std::io;

/// Arrays are searched down to this depth.
const MAX_DEPTH: usize = 6;

/// The place of the rows in a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum JsonLayout {
    /// One value per line.
    Lines,
    /// Values one after the other, on any number of lines.
    Values,
    /// The elements of an array, or the values of an object's members. The names lead to it from the
    /// value at the top.
    Array(Vec<String>),
}

pub(super) struct JsonValues(Input);

enum Input {
    Lines(Lines),
    Values(Scanner),
    Array { scanner: Scanner, path: Vec<String>, end: Option<u8> },
}

/// A value and the line on which it starts. `None`: it is too long, or not UTF-8.
pub(super) type FoundValue = (u64, Option<String>);

impl JsonValues {
    pub(super) fn new(text: Text, layout: JsonLayout) -> io::Result<Self> {
        Ok(Self(match layout {
            JsonLayout::Lines => Input::Lines(Lines::new(text)?),
            JsonLayout::Values => Input::Values(Scanner::new(text)?),
            JsonLayout::Array(path) => Input::Array { scanner: Scanner::new(text)?, path, end: None },
        }))
    }

    pub(super) fn rewind(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Input::Lines(lines) => lines.rewind(),
            Input::Values(scanner) => scanner.rewind(),
            Input::Array { scanner, end, .. } => {
                *end = None;
                scanner.rewind()
            }
        }
    }

    /// Reads the next value. The error is the reason why the rest can't be read, with its line.
    pub(super) fn next(&mut self) -> io::Result<Result<Option<FoundValue>, (u64, &'static str)>> {
        match self.scan() {
            Ok(value) => Ok(Ok(value)),
            Err(ScanError::Io(error)) => Err(error),
            Err(ScanError::Invalid(reason)) => {
                let line = match &self.0 {
                    Input::Lines(_) => 0,
                    Input::Values(scanner) | Input::Array { scanner, .. } => scanner.line,
                };
                Ok(Err((line, reason)))
            }
        }
    }

    fn scan(&mut self) -> Result<Option<FoundValue>, ScanError> {
        let (scanner, end) = match &mut self.0 {
            Input::Lines(lines) => {
                while let Some(TextLine { number, text }) = lines.next_line()? {
                    if text.as_ref().is_none_or(|text| !text.trim().is_empty()) {
                        return Ok(Some((number, text)));
                    }
                }
                return Ok(None);
            }
            Input::Values(scanner) => (scanner, None),
            Input::Array { scanner, path, end } => {
                let Some(end) = advance(scanner, path, end)? else { return Ok(None) };
                (scanner, Some(end))
            }
        };
        // Values one after the other may be separated by commas or record separators (RFC 7464).
        while end.is_none() && (scanner.take_if(b',')? || scanner.take_if(0x1e)?) {}
        if end.is_none() && scanner.peek()?.is_none() {
            return Ok(None);
        }
        let (line, mut json) = (scanner.line, Vec::new());
        let is_whole = scanner.value(Some(&mut json))?;
        if end.is_some() && scanner.peek()? != end {
            scanner.expect(b',', "a comma is missing in the JSON")?;
        }
        Ok(Some((line, is_whole.then(|| String::from_utf8(json).ok()).flatten())))
    }
}

/// Moves to the next element and returns the byte that ends the array or object. `None`: the text
/// ends here.
fn advance(scanner: &mut Scanner, path: &[String], end: &mut Option<u8>) -> Result<Option<u8>, ScanError> {
    loop {
        if let Some(byte) = *end {
            if !scanner.take_if(byte)? {
                if byte == b'}' {
                    scanner.name()?;
                }
                return Ok(*end);
            }
            *end = None;
            for _ in path {
                leave(scanner)?;
            }
        }
        if scanner.peek()?.is_none() {
            return Ok(None);
        }
        for name in path {
            scanner.expect(b'{', "an object is missing in the JSON")?;
            enter(scanner, name)?;
        }
        *end = Some(if scanner.take_if(b'{')? { b'}' } else { b']' });
        if *end == Some(b']') {
            scanner.expect(b'[', "an array is missing in the JSON")?;
        }
    }
}

/// Moves to the value of a member.
fn enter(scanner: &mut Scanner, name: &str) -> Result<(), ScanError> {
    while scanner.peek()? == Some(b'"') {
        if scanner.name()? == name {
            return Ok(());
        }
        scanner.value(None)?;
        scanner.take_if(b',')?;
    }
    Err(ScanError::Invalid("the array of the orders is missing in an object"))
}

/// Moves behind the end of the object.
fn leave(scanner: &mut Scanner) -> Result<(), ScanError> {
    while scanner.take_if(b',')? {
        scanner.name()?;
        scanner.value(None)?;
    }
    scanner.expect(b'}', "a closing brace is missing in the JSON")
}

/// The names that lead to an array, and its first element.
pub(in super::super) type FoundArray = (Vec<String>, String);

/// Finds the arrays of objects in a JSON text, outermost first, by the names that lead to them.
pub(in super::super) fn find_arrays(text: Text) -> io::Result<(Text, Vec<FoundArray>)> {
    let mut scanner = Scanner::new(text)?;
    let mut found = Vec::new();
    match collect_arrays(&mut scanner, &mut Vec::new(), &mut found) {
        Ok(()) | Err(ScanError::Invalid(_)) => {}
        Err(ScanError::Io(error)) => return Err(error),
    }
    Ok((scanner.into_text(), found))
}

fn collect_arrays(scanner: &mut Scanner, path: &mut Vec<String>, found: &mut Vec<FoundArray>) -> Result<(), ScanError> {
    match scanner.peek()? {
        Some(b'[') => {
            scanner.expect(b'[', "")?;
            if matches!(scanner.peek()?, Some(b'{')) {
                let mut first = Vec::new();
                scanner.value(Some(&mut first))?;
                scanner.take_if(b',')?;
                found.push((path.clone(), String::from_utf8_lossy(&first).into_owned()));
            }
            // The rest of the array is skipped with its object.
            while !scanner.take_if(b']')? {
                scanner.value(None)?;
                scanner.take_if(b',')?;
            }
            Ok(())
        }
        Some(b'{') if path.len() < MAX_DEPTH => {
            scanner.expect(b'{', "")?;
            while !scanner.take_if(b'}')? {
                path.push(scanner.name()?);
                collect_arrays(scanner, path, found)?;
                path.pop();
                scanner.take_if(b',')?;
            }
            Ok(())
        }
        _ => scanner.value(None).map(drop),
    }
}
