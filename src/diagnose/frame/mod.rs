//! What was signed around the body: the timestamp, and the layout of the message.
//!
//! `time` lists the texts that may have stood for the timestamp, `layouts` the messages that were made
//! of it, `templates` those that were not filled in.

mod layouts;
mod templates;
mod time;

pub(super) use time::find_own as find_own_timestamp;

use super::cause::Cause;
use super::kinds::{digest as digest_kinds, timestamp as kinds};
use super::search::Class;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::message::Request;
use crate::provider::{self, Provider};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use layouts::LAYOUTS;
use md5::Md5;
use sha2::{Digest as _, Sha256};
use std::cell::OnceCell;
use templates::templates;
use time::TimeText;

/// The bytes that were signed before and after the body.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub before: Vec<u8>,
    pub after: Vec<u8>,
    /// The causes besides the layout.
    causes: Vec<Cause>,
    layout: Option<OtherLayout>,
    /// The number of changes: 0 is what should have been used, or what the headers show.
    pub changes: usize,
    pub is_rare: bool,
    /// The message has no body in it.
    pub is_whole: bool,
}

/// A layout of the message that is not the documented one. Its cause is made when it is needed: nearly
/// all frames are tried in vain.
#[derive(Clone, Copy, Debug)]
struct OtherLayout {
    template: &'static str,
    signs_time: bool,
}

impl Frame {
    /// A whole message in which nothing of the body stands.
    pub(super) fn whole(message: Vec<u8>) -> Self {
        let (after, causes) = (Vec::new(), Vec::new());
        Self { before: message, after, causes, layout: None, changes: 1, is_rare: false, is_whole: true }
    }

    /// A whole message that has this cause.
    pub(super) fn whole_with_cause(message: Vec<u8>, cause: Cause, is_rare: bool) -> Self {
        Self { causes: vec![cause], is_rare, ..Self::whole(message) }
    }

    pub(super) fn causes(&self) -> Vec<Cause> {
        let layout = self.layout.map(|OtherLayout { template, signs_time }| layout_cause(template, signs_time));
        self.causes.iter().cloned().chain(layout).collect()
    }

    /// Returns true if the timestamp was not signed.
    pub(super) fn is_without_time(&self) -> bool {
        self.causes.iter().any(|cause| cause.is(&kinds::NOT_SIGNED))
    }

    pub(super) fn class(&self) -> Class {
        match self.changes {
            0 => Class::Base,
            1 if self.is_rare => Class::Rare,
            1 => Class::Usual,
            _ => Class::Pair,
        }
    }
}

/// The parts of the request that a layout may contain.
struct Parts {
    /// Names and values; a name with several values stands there several times.
    values: Vec<(&'static str, String)>,
}

impl Parts {
    fn new(received: &AnalyzedDelivery, provider: &dyn Provider) -> Self {
        let request = &received.delivery.request;
        let mut values = vec![
            ("method", request.method.clone()),
            ("method", request.method.to_ascii_lowercase()),
            ("path", request.target.clone()),
            ("header", provider.timestamp_header().unwrap_or("X-Timestamp").to_owned()),
        ];
        if let Some((path, _)) = request.target.split_once('?') {
            values.push(("path", path.to_owned()));
        }
        values.extend(received.event.id.clone().map(|id| ("id", id)));
        values.extend(received.event.kind.clone().map(|kind| ("type", kind)));
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let ids = request.headers.iter().filter(|(name, _)| name.to_ascii_lowercase().ends_with("-id"));
        values.extend(ids.take(4).map(|(_, value)| ("id", text(value))));
        if let Some(host) = request.headers.get("Host").map(text) {
            let path = if request.target.starts_with('/') { request.target.as_str() } else { "" };
            values.extend(["https", "http"].map(|scheme| ("url", format!("{scheme}://{host}{path}"))));
            values.push(("url", format!("{host}{path}")));
        } else if request.target.contains("://") {
            values.push(("url", request.target.clone()));
        }
        Self { values }
    }

    /// Fills a template with every combination of values. Each result is what stands before and
    /// after the body. Empty: a part is missing, or the template has none of them.
    fn fill(&self, template: &str, time: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Some((before, after)) = template.split_once("{body}") else { return Vec::new() };
        let mut filled = vec![(before.replace("{ts}", time), after.replace("{ts}", time))];
        if !filled.iter().any(|(before, after)| before.contains('{') || after.contains('{')) {
            return into_bytes(filled);
        }
        for name in ["id", "type", "url", "path", "method", "header"] {
            let placeholder = format!("{{{name}}}");
            if !before.contains(&placeholder) && !after.contains(&placeholder) {
                continue;
            }
            let values = self.values.iter().filter(|(known, _)| *known == name);
            filled = values
                .flat_map(|(_, value)| {
                    let fill = |text: &String| text.replace(&placeholder, value);
                    filled.iter().map(move |(before, after)| (fill(before), fill(after))).collect::<Vec<_>>()
                })
                .collect();
        }
        into_bytes(filled)
    }
}

fn into_bytes(texts: Vec<(String, String)>) -> Vec<(Vec<u8>, Vec<u8>)> {
    texts.into_iter().map(|(before, after)| (before.into_bytes(), after.into_bytes())).collect()
}

/// What may have been signed around the body of a request. The rare frames, which are most, are made
/// when they are asked for.
pub(super) struct Frames<'a> {
    provider: &'a dyn Provider,
    received: &'a AnalyzedDelivery,
    /// What should have been used comes first, if the request has it.
    usual: Vec<Frame>,
    rare: OnceCell<Vec<Frame>>,
    /// Whole messages that only the caller knows.
    messages: Vec<Frame>,
}

impl<'a> Frames<'a> {
    pub(super) fn new(provider: &'a dyn Provider, received: &'a AnalyzedDelivery) -> Self {
        let usual = frames(provider, received, FrameRarity::Usual);
        Self { provider, received, usual, rare: OnceCell::new(), messages: Vec::new() }
    }

    pub(super) fn add_messages(&mut self, messages: Vec<Frame>) {
        self.messages.extend(messages);
    }

    pub(super) fn group(&self, class: Class) -> impl Iterator<Item = &Frame> {
        let frames = match class {
            Class::Base | Class::Usual => &self.usual,
            Class::Rare | Class::Pair => self.rare(),
        };
        frames.iter().chain(&self.messages).filter(move |frame| frame.class() == class)
    }

    /// Returns the frame that should have been used, if the request has its parts.
    pub(super) fn correct(&self) -> Option<&Frame> {
        self.usual.first().filter(|frame| frame.changes == 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.usual.iter().chain(self.rare()).chain(&self.messages)
    }

    fn rare(&self) -> &Vec<Frame> {
        self.rare.get_or_init(|| frames(self.provider, self.received, FrameRarity::Rare))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameRarity {
    Usual,
    Rare,
}

fn frames(provider: &dyn Provider, received: &AnalyzedDelivery, rarity: FrameRarity) -> Vec<Frame> {
    let request = &received.delivery.request;
    let parts = Parts::new(received, provider);
    let signs_time = provider.timestamp_header().is_some();
    let times = time::list(provider, received, rarity);
    let mut found = Vec::new();
    let simple = |before: Vec<u8>, causes: Vec<Cause>, changes: usize, is_rare: bool| Frame {
        before,
        after: Vec::new(),
        causes,
        layout: None,
        changes,
        is_rare,
        is_whole: false,
    };
    if signs_time {
        for TimeText { text, causes, changes, is_rare } in &times {
            found.push(simple(provider.signed_prefix(text).into_bytes(), causes.clone(), *changes, *is_rare));
        }
        found.push(simple(Vec::new(), vec![Cause::new(&kinds::NOT_SIGNED)], 1, false));
    } else {
        found.push(simple(Vec::new(), Vec::new(), 0, false));
        found.extend(other_rules(provider, request, &times));
        if rarity == FrameRarity::Rare {
            found.extend(unset_times(provider));
        }
    }
    for layout in LAYOUTS.iter().filter(|layout| rarity == FrameRarity::Rare || !layout.is_rare) {
        let with_time = layout.template.contains("{ts}");
        // Times that are guesses are combined with the usual layouts only, which makes two changes.
        let is_combined = rarity == FrameRarity::Rare && !layout.is_rare;
        let times = times.iter().filter(|time| time.changes == 0 || (is_combined && !time.is_rare));
        let no_time = [TimeText::none()];
        let times: Vec<_> = if with_time { times.collect() } else { no_time.iter().collect() };
        for time in times {
            let other = OtherLayout { template: layout.template, signs_time };
            found.extend(parts.fill(layout.template, &time.text).into_iter().map(|(before, after)| Frame {
                before,
                after,
                causes: time.causes.clone(),
                layout: Some(other),
                changes: time.changes + 1,
                is_rare: layout.is_rare || time.is_rare,
                is_whole: false,
            }));
        }
    }
    if let Some(time) = times.first().filter(|_| rarity == FrameRarity::Rare) {
        found.extend(templates(provider, &time.text));
        found.extend(body_twice(provider, &time.text, &request.body));
        found.extend(body_hashes(provider, &time.text, &request.body));
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|frame| {
        let is_asked_for = matches!(frame.class(), Class::Base | Class::Usual) == (rarity == FrameRarity::Usual);
        seen.insert((frame.before.clone(), frame.after.clone(), frame.is_whole)) && is_asked_for
    });
    found
}

/// Lists what code for the other providers makes of a timestamp header that is not there.
fn unset_times(own: &dyn Provider) -> Vec<Frame> {
    let others = provider::ALL.iter().filter(|other| other.name() != own.name() && other.timestamp_header().is_some());
    let frames = others.flat_map(|other| {
        ["undefined", "null", "None", ""].map(|text| {
            let shown = if text.is_empty() { "an empty text".to_owned() } else { format!("`{text}`") };
            let before = other.signed_prefix(text).into_bytes();
            let causes = vec![Cause::new(&kinds::UNSET).with("text", shown)];
            Frame { before, after: Vec::new(), causes, layout: None, changes: 1, is_rare: true, is_whole: false }
        })
    });
    frames.collect()
}

/// The longest body that is put into a whole message.
const MAX_TWICE: usize = 64 * 1024;

/// Builds the message of code that adds the body twice, such as by two handlers of the same stream.
fn body_twice(provider: &dyn Provider, time: &str, body: &[u8]) -> Option<Frame> {
    let message = [provider.signed_prefix(time).as_bytes(), body, body].concat();
    let cause = Cause::new(&kinds::LAYOUT).with("layout", "the body twice").with("expected", "the body once");
    (body.len() <= MAX_TWICE).then(|| Frame::whole_with_cause(message, cause, true))
}

/// Lists the messages of code that puts a hash of the body in its place, as AWS and others do.
fn body_hashes(provider: &dyn Provider, time: &str, body: &[u8]) -> Vec<Frame> {
    let digest = Sha256::digest(body);
    let hashes = [
        ("the SHA-256 of the body in hex", hex::encode(digest)),
        ("the SHA-256 of the body in upper-case hex", hex::encode_upper(digest)),
        ("the SHA-256 of the body in base64", STANDARD.encode(digest)),
        ("the MD5 of the body in hex", hex::encode(Md5::digest(body))),
    ];
    let frame = |(what, hash): (&'static str, String)| {
        let message = [provider.signed_prefix(time), hash].concat().into_bytes();
        Frame::whole_with_cause(message, Cause::new(&digest_kinds::MESSAGE_OTHER).with("what", what), true)
    };
    hashes.into_iter().map(frame).collect()
}

/// Lists what the other providers sign before the body at this time.
fn other_rules(own: &dyn Provider, request: &Request, times: &[TimeText]) -> Vec<Frame> {
    let others = provider::ALL.iter().filter(|other| other.name() != own.name() && other.timestamp_header().is_some());
    let time = others.flat_map(|other| {
        let own_time = find_own_timestamp(&request.headers, *other).map(str::to_owned);
        let texts =
            own_time.into_iter().chain(times.iter().filter(|time| time.changes == 0).map(|time| time.text.clone()));
        texts.map(|text| {
            let cause = Cause::new(&kinds::OTHER_PROVIDER_RULE).with("provider", other.title());
            Frame {
                before: other.signed_prefix(&text).into_bytes(),
                after: Vec::new(),
                causes: vec![cause],
                layout: None,
                changes: 1,
                is_rare: false,
                is_whole: false,
            }
        })
    });
    time.collect()
}

/// Names the layout: a separator between timestamp and body, or another message.
fn layout_cause(template: &str, signs_time: bool) -> Cause {
    let separator = template.strip_prefix("{ts}").and_then(|rest| rest.strip_suffix("{body}"));
    if let Some(separator) = separator
        && signs_time
        && !separator.contains('{')
    {
        return Cause::new(&kinds::SEPARATOR).with("separator", separator_name(separator));
    }
    let words = template.replace("{ts}", "<timestamp>").replace('\n', "\\n").replace('\r', "\\r").replace('\0', "\\0");
    let words = ["body", "id", "type", "url", "path", "method", "header"]
        .iter()
        .fold(words, |words, name| words.replace(&format!("{{{name}}}"), &format!("<{name}>")));
    let expected = if signs_time { "<timestamp>.<body>" } else { "<body>" };
    Cause::new(&kinds::LAYOUT).with("layout", words).with("expected", expected)
}

fn separator_name(separator: &str) -> String {
    let name = match separator {
        "" => "nothing",
        ":" => "a colon",
        "\n" => "a newline",
        "," => "a comma",
        "-" => "a hyphen",
        " " => "a space",
        "|" => "a vertical bar",
        "_" => "an underscore",
        "/" => "a slash",
        ";" => "a semicolon",
        "&" => "an ampersand",
        "+" => "a plus sign",
        "\t" => "a tab",
        "\r\n" => "CRLF",
        "\0" => "a NUL byte",
        ". " => "a dot and a space",
        other => return format!("`{}`", other.escape_debug()),
    };
    name.to_owned()
}
