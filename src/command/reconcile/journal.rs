//! The journal: what was answered, one JSON object a line, so that an interrupted run goes on without asking it again.
//!
//! Its first line says of which input and which APIs it is. A last line that was cut off is dropped; anything else that can't be
//! read is refused.

use super::Reconcile;
use crate::command::Session;
use crate::command::shared::api;
use crate::model::error::{Error, Result};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{self, Provider};
use crate::reconcile::Order;
use crate::world::AppendFile;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// How much may be lost when the machine loses its power; the process alone loses less.
const SYNC: SignedDuration = SignedDuration::from_secs(1);

/// An open journal.
pub(super) struct Journal<'a> {
    path: &'a Path,
    file: Box<dyn AppendFile + 'a>,
    session: &'a Session<'a>,
    synced: Timestamp,
    /// Hashes of what it knows: eight bytes for each reference.
    known: HashSet<u64>,
}

/// The first line.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct JournalHeader {
    schema: String,
    input: String,
    apis: Vec<String>,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
struct JournalEntry {
    line: u64,
    reference: String,
    status: Option<String>,
    minor: Option<String>,
    currency: Option<String>,
    provider: String,
    /// `null`: the provider has no such record.
    answer: Option<Value>,
}

/// What the journal knows of a reference.
pub(super) struct KnownAnswer {
    pub order: Order,
    pub provider: &'static dyn Provider,
    /// The provider's answer; `None`: it has no such record.
    pub answer: Option<Value>,
}

const SCHEMA: &str = "whtool.journal/1";

impl<'a> Journal<'a> {
    /// Opens it, and hands out what it knows; makes it when it is not there.
    pub(super) fn open(
        path: &'a Path,
        args: &Reconcile,
        session: &'a Session<'a>,
        each: &mut dyn FnMut(KnownAnswer) -> Result<()>,
    ) -> Result<Self> {
        let head = head(args, session)?;
        // Opened before it is read: nobody else may write to it in between.
        let mut file = session.world.append(path).map_err(|error| cannot_write(path, error))?;
        let mut known = HashSet::new();
        let held = file.contents().map_err(|error| super::super::cannot_read(path, error))?;
        let keep = read(&mut BufReader::new(held), &head, path, &mut |known_| {
            known.insert(hash_of(&known_.order));
            each(known_)
        })?;
        refuse_if_others_can_read(path, session)?;
        file.truncate(keep).map_err(|error| cannot_write(path, error))?;
        if !known.is_empty() {
            session.say(&format!(
                "{} known from {}",
                crate::render::text::count(known.len() as u64, "answer"),
                path.display()
            ));
        }
        let synced = session.world.now();
        let mut journal = Self { path, file, session, synced, known };
        if keep == 0 {
            journal.write(&head)?;
        }
        Ok(journal)
    }

    /// Whether it knows the answer.
    pub(super) fn contains(&self, order: &Order) -> bool {
        self.known.contains(&hash_of(order))
    }

    /// Notes an answer down.
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
        if now.duration_since(self.synced) > SYNC { self.sync() } else { Ok(()) }
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        self.file.write_all(&text_of(line)).map_err(|error| cannot_write(self.path, error))
    }

    /// Brings it to the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.synced = self.session.world.now();
        self.file.sync().map_err(|error| cannot_write(self.path, error))
    }
}

fn text_of(line: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec(line).expect("a line has text keys and no floats of its own");
    text.push(b'\n');
    text
}

/// Refuses a file that is there and that others may read or change: goods and phone numbers are in what providers answer.
pub(super) fn refuse_if_others_can_read(path: &Path, session: &Session<'_>) -> Result<()> {
    if session.world.file_mode(path).is_none_or(|mode| mode & 0o077 == 0) {
        return Ok(());
    }
    let path = path.display();
    Err(Error::failed(format!("{path} can be read or changed by other users, and gets what the provider answers"))
        .hint(format!("chmod 600 {path}")))
}

fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    let kind = error.kind();
    let failed = Error::failed(format!("can't write the journal {}", path.display())).because(error);
    match kind {
        std::io::ErrorKind::ResourceBusy => {
            failed.hint("wait for the other run to end, or give this one a journal of its own")
        }
        _ => failed,
    }
}

/// A reference in its place; one line of a list is not another.
fn hash_of(order: &Order) -> u64 {
    hash(&(order.line, &order.reference))
}

/// What stands for something that was met, in eight bytes.
pub(super) fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// What a journal of this run begins with: all that decides what is asked, and whom.
fn head(args: &Reconcile, session: &Session<'_>) -> Result<JournalHeader> {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    };
    add(&format!("{:?} {} {:?} {} {:?}", args.references, args.decimal, args.column, args.open, args.since));
    add(args.provider.map_or("", Provider::name));
    if let Some(path) = &args.from {
        if path == Path::new("-") {
            return Err(Error::usage("standard input can't be resumed").hint("put the list into a file"));
        }
        let (mut file, mut buffer) = (session.open(path)?, vec![0; 64 * 1024]);
        loop {
            let length = file.read(&mut buffer).map_err(|error| super::super::cannot_read(path, error))?;
            if length == 0 {
                break;
            }
            digest.update(&buffer[..length]);
        }
    }
    let base =
        |provider: &&'static dyn Provider| api::base_url(*provider, &args.api, session).ok().map(|url| url.to_string());
    let apis = provider::ALL.iter().filter_map(base).collect();
    Ok(JournalHeader { schema: SCHEMA.to_owned(), input: hex::encode(digest.finalize()), apis })
}

/// Reads a journal, and gives back how many of its bytes are whole lines.
fn read(
    input: &mut dyn BufRead,
    head: &JournalHeader,
    path: &Path,
    each: &mut dyn FnMut(KnownAnswer) -> Result<()>,
) -> Result<u64> {
    let (mut whole, mut number) = (0, 0_u64);
    let (first, mut line) = (text_of(head), Vec::new());
    loop {
        line.clear();
        let length = input.read_until(b'\n', &mut line).map_err(|error| super::super::cannot_read(path, error))?;
        if line.last() != Some(&b'\n') {
            // Nothing but a part of our own first line may be written over.
            return if number > 0 || first.starts_with(&line) {
                Ok(whole)
            } else {
                check(None, head, path).map(|()| 0)
            };
        }
        number += 1;
        if number == 1 {
            check(serde_json::from_slice(&line).ok(), head, path)?;
        } else {
            each(known(&line).ok_or_else(|| damaged(path, number))?)?;
        }
        whole += length as u64;
    }
}

fn known(line: &[u8]) -> Option<KnownAnswer> {
    let line: JournalEntry = serde_json::from_slice(line).ok()?;
    let minor = line.minor.map(|minor| minor.parse()).transpose().ok()?;
    let JournalEntry { reference, status, currency, .. } = line;
    let order = Order { line: line.line, reference, status, minor, currency };
    Some(KnownAnswer { order, provider: provider::by_name(&line.provider)?, answer: line.answer })
}

fn check(found: Option<JournalHeader>, head: &JournalHeader, path: &Path) -> Result<()> {
    let refused = |why| Err(Error::usage(format!("{} can't be resumed", path.display())).because(why));
    match found {
        None => refused("it is no journal of `whtool reconcile`"),
        Some(found) if found.schema != head.schema => refused("it was written by another whtool"),
        Some(found) if found.apis != head.apis => refused("it is the journal of a run against another API"),
        Some(found) if found.input != head.input => refused("it is the journal of a run over another input"),
        Some(_) => Ok(()),
    }
}

fn damaged(path: &Path, number: u64) -> Error {
    Error::failed(format!("can't read the journal {}", path.display())).because(format!("line {number} is damaged"))
}
