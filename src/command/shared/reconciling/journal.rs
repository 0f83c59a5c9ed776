//! Saves final answers in a file, so that an interrupted run can continue without asking again: one
//! JSON object per line.
//!
//! The first line describes the run: its input and its APIs. Answers about payments that are still
//! open, or unknown, are not saved: they may change. The last line of a run that reached its end says
//! so; the next run with that file starts anew. A last line that was cut off is dropped; any other
//! line that can't be read is an error.

use crate::command::shared::api::{self, ApiArgs};
use crate::command::{Session, cannot_read};
use crate::model::error::{Error, Result};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{self, Provider};
use crate::reconcile::Order;
use crate::render::text::count;
use crate::world::AppendFile;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A power cut loses at most this much of the run; a crash of the process loses nothing.
const SYNC_INTERVAL: SignedDuration = SignedDuration::from_secs(1);
/// Older answers are not used: payments may have been refunded since.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(24);

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
    start: JournalStart,
    synced: Timestamp,
    is_dirty: bool,
    /// Positions of the answers of an interrupted run, by the hash of their orders: 16 bytes each.
    known: HashMap<u64, u64>,
}

/// State of the file that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JournalStart {
    New,
    /// The number of answers, and the start of the interrupted run.
    Resumed(u64, Timestamp),
    Finished,
    TooOld,
}

#[derive(Serialize, Deserialize)]
struct JournalHeader {
    schema: String,
    started: Timestamp,
    input: Value,
    /// The base URLs of all providers.
    apis: Vec<String>,
}

/// The schema of a file that may be from another version.
#[derive(Deserialize)]
struct JournalVersion {
    schema: String,
}

/// The last line of a run that reached its end.
#[derive(Serialize, Deserialize)]
struct JournalEnd {
    finished: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct JournalEntry {
    line: u64,
    reference: String,
    provider: String,
    answer: Value,
}

/// The start of a `JournalEntry`, by which it is found.
#[derive(Deserialize)]
struct EntryKey {
    line: u64,
    reference: String,
}

/// An answer from an interrupted run.
pub(super) struct KnownAnswer {
    pub order: Order,
    pub provider: &'static dyn Provider,
    pub answer: Value,
}

const SCHEMA: &str = "whtool.journal/3";

impl<'a> Journal<'a> {
    /// Opens or creates a journal.
    pub(super) fn open(options: &'a JournalOptions, api: &ApiArgs, session: &'a Session<'a>) -> Result<Self> {
        let (path, header) = (options.path.as_path(), header(options, api, session));
        // Locked before it is read, so that no other process writes to it in between.
        let mut file = session.world.append(path).map_err(|error| cannot_write(path, error))?;
        let contents = file.contents().map_err(|error| cannot_read(path, error))?;
        let SavedRun { start, length, known } = read(&mut BufReader::new(contents), &header, path)?;
        refuse_if_others_can_read(path, session)?;
        file.truncate(length).map_err(|error| cannot_write(path, error))?;
        let synced = session.world.now();
        let mut journal = Self { path, file, session, start, synced, is_dirty: false, known };
        if length == 0 {
            journal.write(&header)?;
        }
        Ok(journal)
    }

    /// Describes what an existing file means for this run.
    pub(super) fn describe_start(&self) -> Option<String> {
        let path = self.path.display();
        match self.start {
            JournalStart::New | JournalStart::Resumed(0, _) => None,
            JournalStart::Resumed(answers, started) => {
                let known = count(answers, "answer");
                Some(format!("continuing the run of {started:.0} from {path}: {known} known"))
            }
            JournalStart::Finished => Some(format!("the run in {path} is finished: starting a new one")),
            JournalStart::TooOld => Some(format!("the run in {path} is more than a day old: starting a new one")),
        }
    }

    /// Returns true if an earlier process had answers.
    pub(super) fn is_resumed(&self) -> bool {
        matches!(self.start, JournalStart::Resumed(1.., _))
    }

    /// Returns the known answer for an order. Each is returned once.
    pub(super) fn take(&mut self, order: &Order, provider: &dyn Provider) -> Result<Option<Value>> {
        let Some(offset) = self.known.remove(&hash_of(order.line, &order.reference)) else { return Ok(None) };
        let entry = self.entry_at(offset)?;
        let is_same =
            entry.line == order.line && entry.reference == order.reference && entry.provider == provider.name();
        Ok(is_same.then_some(entry.answer))
    }

    /// Returns the answers about captured references that were not taken: the captures are no longer
    /// among those asked for. An order in a list has more than a reference, so it is not among them.
    pub(super) fn take_unlisted(&mut self) -> Result<Vec<KnownAnswer>> {
        let mut offsets: Vec<u64> = std::mem::take(&mut self.known).into_values().collect();
        offsets.sort_unstable();
        let mut unlisted = Vec::new();
        for offset in offsets {
            let JournalEntry { line, reference, provider, answer } = self.entry_at(offset)?;
            if let (0, Some(provider)) = (line, provider::by_name(&provider)) {
                unlisted.push(KnownAnswer { order: Order::for_reference(reference), provider, answer });
            }
        }
        Ok(unlisted)
    }

    fn entry_at(&mut self, offset: u64) -> Result<JournalEntry> {
        let line = self.file.line_at(offset).map_err(|error| cannot_read(self.path, error))?;
        serde_json::from_slice(&line)
            .map_err(|error| Error::failed(format!("can't read the journal {}", self.path.display())).because(error))
    }

    pub(super) fn add(&mut self, order: &Order, provider: &dyn Provider, answer: &Value) -> Result<()> {
        self.write(&JournalEntry {
            line: order.line,
            reference: order.reference.clone(),
            provider: provider.name().to_owned(),
            answer: answer.clone(),
        })?;
        self.sync_if_due()
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        self.is_dirty = true;
        self.file.write_all(&line_of(line)).map_err(|error| cannot_write(self.path, error))
    }

    /// Writes everything to the disk if that was not done for a second.
    pub(super) fn sync_if_due(&mut self) -> Result<()> {
        let is_due = self.session.world.now().duration_since(self.synced) >= SYNC_INTERVAL;
        if self.is_dirty && is_due { self.sync() } else { Ok(()) }
    }

    /// Writes everything to the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        (self.synced, self.is_dirty) = (self.session.world.now(), false);
        self.file.sync().map_err(|error| cannot_write(self.path, error))
    }

    /// Records that the run reached its end.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.write(&JournalEnd { finished: self.session.world.now() })?;
        self.sync()
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
fn hash_of(line: u64, reference: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line, reference).hash(&mut hasher);
    hasher.finish()
}

fn header(options: &JournalOptions, api: &ApiArgs, session: &Session<'_>) -> JournalHeader {
    let base =
        |provider: &&'static dyn Provider| api::base_url(*provider, api, session).ok().map(|url| url.to_string());
    let apis = provider::ALL.iter().filter_map(base).collect();
    JournalHeader { schema: SCHEMA.to_owned(), started: session.world.now(), input: options.input.clone(), apis }
}

struct SavedRun {
    start: JournalStart,
    /// The length of the part to keep, in bytes.
    length: u64,
    known: HashMap<u64, u64>,
}

impl SavedRun {
    /// Returns a run that starts anew.
    fn anew(start: JournalStart) -> Self {
        Self { start, length: 0, known: HashMap::new() }
    }
}

fn read(input: &mut dyn BufRead, expected: &JournalHeader, path: &Path) -> Result<SavedRun> {
    let mut line = Vec::new();
    let length = input.read_until(b'\n', &mut line).map_err(|error| cannot_read(path, error))?;
    let is_cut_off = line.last() != Some(&b'\n');
    if length == 0 || (is_cut_off && is_start_of_header(&line)) {
        return Ok(SavedRun::anew(JournalStart::New));
    }
    let header = read_header(&line, path)?;
    let (mut complete, mut number, mut is_finished) = (length as u64, 1_u64, false);
    let mut known = HashMap::new();
    loop {
        line.clear();
        let length = input.read_until(b'\n', &mut line).map_err(|error| cannot_read(path, error))?;
        if line.last() != Some(&b'\n') {
            break;
        }
        number += 1;
        is_finished = line.starts_with(b"{\"finished\":") && serde_json::from_slice::<JournalEnd>(&line).is_ok();
        if !is_finished {
            let key: EntryKey = serde_json::from_slice(&line).map_err(|_| damaged(path, number))?;
            known.insert(hash_of(key.line, &key.reference), complete);
        }
        complete += length as u64;
    }
    if is_finished {
        return Ok(SavedRun::anew(JournalStart::Finished));
    }
    check_same_run(&header, expected, path)?;
    if expected.started.duration_since(header.started) > MAX_AGE {
        return Ok(SavedRun::anew(JournalStart::TooOld));
    }
    Ok(SavedRun { start: JournalStart::Resumed(known.len() as u64, header.started), length: complete, known })
}

/// Returns true for a part of our own first line.
fn is_start_of_header(line: &[u8]) -> bool {
    let start = format!(r#"{{"schema":"{SCHEMA}","#);
    start.as_bytes().starts_with(line) || line.starts_with(start.as_bytes())
}

fn refused(path: &Path, why: &str) -> Error {
    Error::usage(format!("can't resume from {}", path.display())).because(why)
}

/// Reads a first line, which must be that of a journal of this version.
fn read_header(line: &[u8], path: &Path) -> Result<JournalHeader> {
    let version = serde_json::from_slice::<JournalVersion>(line).ok().map(|version| version.schema);
    match version.filter(|schema| schema.starts_with("whtool.journal/")) {
        None => Err(refused(path, "it is not a journal of `whtool reconcile`")),
        Some(schema) if schema != SCHEMA => {
            Err(refused(path, "it is a journal of another version of whtool").hint("use a new file to start over"))
        }
        Some(_) => serde_json::from_slice(line).map_err(|_| refused(path, "its first line is damaged")),
    }
}

/// Checks that an interrupted run had the same input and the same APIs.
fn check_same_run(found: &JournalHeader, expected: &JournalHeader, path: &Path) -> Result<()> {
    let why = if found.apis != expected.apis {
        "it is the journal of an interrupted run against another API"
    } else if found.input != expected.input {
        "it is the journal of an interrupted run with another input"
    } else {
        return Ok(());
    };
    Err(refused(path, why).hint("use a new file to start over"))
}

fn damaged(path: &Path, number: u64) -> Error {
    Error::failed(format!("can't read the journal {}", path.display())).because(format!("line {number} is damaged"))
}
