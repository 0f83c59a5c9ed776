//! Saves answers in a file, so that an interrupted run can continue without asking again: one JSON
//! object per line.
//!
//! The first line describes the run: its input and its APIs. A last line that was cut off is
//! dropped; any other line that can't be read is an error.

use crate::command::shared::api::{self, ApiArgs};
use crate::command::{Session, cannot_read};
use crate::model::error::{Error, Result};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{self, Provider};
use crate::reconcile::Order;
use crate::world::AppendFile;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A power cut loses at most this much of the run; a crash of the process loses less.
const SYNC_INTERVAL: SignedDuration = SignedDuration::from_secs(1);

/// Journal of a run, from `--resume`.
pub(in crate::command) struct JournalOptions {
    pub path: PathBuf,
    /// Everything that decides which references are looked up, as JSON. The journal of a run with
    /// another input is refused. The encoding is part of the file format: a change needs a new
    /// schema version.
    pub input: Value,
}

pub(super) struct Journal<'a> {
    path: &'a Path,
    file: Box<dyn AppendFile + 'a>,
    session: &'a Session<'a>,
    synced: Timestamp,
    /// Hashes of the orders with an answer, 8 bytes each.
    known: HashSet<u64>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct JournalHeader {
    schema: String,
    input: Value,
    /// The base URLs of all providers.
    apis: Vec<String>,
}

/// The schema of a file that may be from another version.
#[derive(Deserialize)]
struct JournalVersion {
    schema: String,
}

#[derive(Serialize, Deserialize)]
struct JournalEntry {
    line: u64,
    reference: String,
    status: Option<String>,
    minor: Option<String>,
    currency: Option<String>,
    provider: String,
    /// `null` if the provider has no such record.
    answer: Option<Value>,
}

/// An answer from an earlier run.
pub(super) struct KnownAnswer {
    pub order: Order,
    pub provider: &'static dyn Provider,
    /// `None` if the provider has no such record.
    pub answer: Option<Value>,
}

const SCHEMA: &str = "whtool.journal/2";

impl<'a> Journal<'a> {
    /// Opens or creates a journal, passes on the answers in it, and returns their number.
    pub(super) fn open(
        options: &'a JournalOptions,
        api: &ApiArgs,
        session: &'a Session<'a>,
        each: &mut dyn FnMut(KnownAnswer) -> Result<()>,
    ) -> Result<(Self, u64)> {
        let (path, header) = (options.path.as_path(), header(options, api, session));
        // Locked before it is read, so that no other process writes to it in between.
        let mut file = session.world.append(path).map_err(|error| cannot_write(path, error))?;
        let mut known = HashSet::new();
        let contents = file.contents().map_err(|error| cannot_read(path, error))?;
        let length = read(&mut BufReader::new(contents), &header, path, &mut |answer| {
            known.insert(hash_of(&answer.order));
            each(answer)
        })?;
        refuse_if_others_can_read(path, session)?;
        file.truncate(length).map_err(|error| cannot_write(path, error))?;
        let (synced, count) = (session.world.now(), known.len() as u64);
        let mut journal = Self { path, file, session, synced, known };
        if length == 0 {
            journal.write(&header)?;
        }
        Ok((journal, count))
    }

    /// Returns true if the answer for this order is known.
    pub(super) fn contains(&self, order: &Order) -> bool {
        self.known.contains(&hash_of(order))
    }

    pub(super) fn add(&mut self, order: &Order, provider: &dyn Provider, answer: Option<&Value>) -> Result<()> {
        self.write(&JournalEntry {
            line: order.line,
            reference: order.reference.clone(),
            status: order.status.clone(),
            minor: order.minor.map(|minor| minor.to_string()),
            currency: order.currency.clone(),
            provider: provider.name().to_owned(),
            answer: answer.cloned(),
        })?;
        let now = self.session.world.now();
        if now.duration_since(self.synced) > SYNC_INTERVAL { self.sync() } else { Ok(()) }
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        self.file.write_all(&line_of(line)).map_err(|error| cannot_write(self.path, error))
    }

    /// Writes everything to the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.synced = self.session.world.now();
        self.file.sync().map_err(|error| cannot_write(self.path, error))
    }
}

fn line_of(line: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec(line).expect("a line has text keys and no floats of its own");
    text.push(b'\n');
    text
}

/// Refuses an existing file that other users can read or change: the provider's answers contain
/// phone numbers.
pub(in crate::command) fn refuse_if_others_can_read(path: &Path, session: &Session<'_>) -> Result<()> {
    if session.world.file_mode(path).is_none_or(|mode| mode & 0o077 == 0) {
        return Ok(());
    }
    let path = path.display();
    Err(Error::failed(format!("{path} would contain the provider's answers, but other users can read or change it"))
        .hint(format!("chmod 600 {path}")))
}

fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    let kind = error.kind();
    let failed = Error::failed(format!("can't write the journal {}", path.display())).because(error);
    match kind {
        std::io::ErrorKind::ResourceBusy => failed.hint("wait for the other run to end, or use another journal"),
        _ => failed,
    }
}

/// Hashes line and reference: the same reference on two lines is two orders.
fn hash_of(order: &Order) -> u64 {
    hash(&(order.line, &order.reference))
}

/// Hashes a value for sets that live as long as this process.
pub(in crate::command) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn header(options: &JournalOptions, api: &ApiArgs, session: &Session<'_>) -> JournalHeader {
    let base =
        |provider: &&'static dyn Provider| api::base_url(*provider, api, session).ok().map(|url| url.to_string());
    let apis = provider::ALL.iter().filter_map(base).collect();
    JournalHeader { schema: SCHEMA.to_owned(), input: options.input.clone(), apis }
}

/// Reads a journal and returns the length of its complete lines in bytes.
fn read(
    input: &mut dyn BufRead,
    header: &JournalHeader,
    path: &Path,
    each: &mut dyn FnMut(KnownAnswer) -> Result<()>,
) -> Result<u64> {
    let (mut complete, mut number) = (0, 0_u64);
    let (first, mut line) = (line_of(header), Vec::new());
    loop {
        line.clear();
        let length = input.read_until(b'\n', &mut line).map_err(|error| cannot_read(path, error))?;
        if line.last() != Some(&b'\n') {
            // Only a part of our own first line may be overwritten.
            return if number > 0 || first.starts_with(&line) {
                Ok(complete)
            } else {
                check_header(&line, header, path).map(|()| 0)
            };
        }
        number += 1;
        if number == 1 {
            check_header(&line, header, path)?;
        } else {
            each(parse_entry(&line).ok_or_else(|| damaged(path, number))?)?;
        }
        complete += length as u64;
    }
}

fn parse_entry(line: &[u8]) -> Option<KnownAnswer> {
    let line: JournalEntry = serde_json::from_slice(line).ok()?;
    let minor = line.minor.map(|minor| minor.parse()).transpose().ok()?;
    let JournalEntry { reference, status, currency, .. } = line;
    let order = Order { line: line.line, reference, status, minor, currency, ..Order::default() };
    Some(KnownAnswer { order, provider: provider::by_name(&line.provider)?, answer: line.answer })
}

/// Checks that a first line is that of a journal of this run.
fn check_header(line: &[u8], expected: &JournalHeader, path: &Path) -> Result<()> {
    let refused = |why| Error::usage(format!("can't resume from {}", path.display())).because(why);
    let version = serde_json::from_slice::<JournalVersion>(line).ok().map(|version| version.schema);
    match version.filter(|schema| schema.starts_with("whtool.journal/")) {
        None => return Err(refused("it is not a journal of `whtool reconcile`")),
        Some(schema) if schema != SCHEMA => {
            return Err(refused("it is a journal of another version of whtool").hint("use a new file to start over"));
        }
        Some(_) => {}
    }
    match serde_json::from_slice::<JournalHeader>(line) {
        Err(_) => Err(refused("its first line is damaged")),
        Ok(found) if found.apis != expected.apis => Err(refused("it is the journal of a run against another API")),
        Ok(found) if found.input != expected.input => Err(refused("it is the journal of a run with another input")),
        Ok(_) => Ok(()),
    }
}

fn damaged(path: &Path, number: u64) -> Error {
    Error::failed(format!("can't read the journal {}", path.display())).because(format!("line {number} is damaged"))
}
