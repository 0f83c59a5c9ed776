//! `whtool learn`: shows what providers really send, from verified captures.

use super::{Session, cannot_read, provider_parser};
use crate::command::shared::captures::{When, when};
use crate::command::shared::output_file;
use crate::command::shared::store_args::StoreArgs;
use crate::learn::drift::{self, Drift};
use crate::learn::retries::RetrySchedule;
use crate::learn::types::{self, TypeLanguage};
use crate::learn::{LearnedFacts, ObservedEvent};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::stored::{Query, StoredCapture, StoredDelivery};
use crate::model::verdict::VerdictCode;
use crate::provider::{self, Provider};
use crate::render::learn::{self as render, MeasuredRetries};
use crate::world::FileVisibility;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Show what the providers really send, from verified captures
///
/// The providers' documents contradict each other and leave much open. For each such point, this
/// shows what arrived, how often, and when first and last. Samples and everything else that is
/// signed with the local test secret are left out.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool learn
  whtool learn --types zod > webhooks.ts
  whtool learn --save facts.json
  whtool learn --against facts.json --since 1d
  whtool learn --report > report.json

Exit status:
  0  done; with --against: nothing is different
  1  with --against: there are differences
  3  nothing was captured, or a file could not be read")]
pub(super) struct Learn {
    /// Only this provider
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser())]
    provider: Option<&'static dyn Provider>,
    /// Only deliveries since this time: 2h (ago), today, a date, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = when)]
    since: Option<When>,
    /// Only deliveries before this time
    #[arg(long, value_name = "TIME", value_parser = when)]
    until: Option<When>,
    /// Print types of the payloads, from captures and documents together
    #[arg(long, value_name = "LANGUAGE", value_parser = language(), conflicts_with_all = ["save", "against", "json"])]
    types: Option<TypeLanguage>,
    /// Write the facts to this file, for --against
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Compare with the facts in this file: new or missing fields, other types, unknown events,
    /// statuses and forms
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Print JSON: the facts as one record, without ids, amounts, names or phone numbers; with
    /// --against, one record per difference
    #[arg(long, visible_alias = "report")]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

fn language() -> impl TypedValueParser<Value = TypeLanguage> {
    PossibleValuesParser::new(TypeLanguage::ALL.map(TypeLanguage::code)).map(|word| {
        let found = TypeLanguage::ALL.into_iter().find(|language| language.code() == word);
        found.expect("it is one of the possible values")
    })
}

pub(super) fn run(args: &Learn, session: &Session<'_>) -> Result<CommandOutcome> {
    let is_own = |start: &[u8]| render::is_learned(start);
    if let Some(path) = &args.save {
        output_file::check(path, &is_own, session)?;
    }
    let baseline = args.against.as_deref().map(|path| read_facts(path, session)).transpose()?;
    let learned = collect(args, session)?;
    if let Some(language) = args.types {
        return print_types(language, &learned.facts, args, session);
    }
    learned.warn_if_incomplete(session);
    if learned.facts.0.is_empty() {
        return Err(Error::failed("no verified events of a provider were captured")
            .because("samples and other events signed with the local test secret do not count")
            .hint("receive some with `whtool listen`, or print the documented types: whtool learn --types ts"));
    }
    let retries = learned.measured_retries();
    if let Some(path) = &args.save {
        let bytes = render::learned(&learned.facts, &retries);
        output_file::write(path, &bytes, FileVisibility::Shared, &is_own, session)?;
        session.info(&format!("saved to {}", path.display()));
    }
    match &baseline {
        Some(baseline) => print_drift(&drift::compare(baseline, &learned.facts), args, session),
        None if args.save.is_some() && !args.json => Ok(CommandOutcome::Success),
        None => print_facts(&learned, &retries, args, session),
    }
}

/// Everything that the captures show.
#[derive(Default)]
struct Learned {
    facts: LearnedFacts,
    retries: BTreeMap<&'static str, RetrySchedule>,
    /// Verified deliveries whose body is not JSON or was not kept.
    unreadable: u64,
    /// Requests of a provider that did not verify, by verdict.
    unverified: BTreeMap<&'static str, u64>,
}

impl Learned {
    fn add(&mut self, stored: &StoredDelivery) {
        let summary = &stored.summary;
        let Some(provider) = summary.provider.as_deref().and_then(provider::by_name) else { return };
        let event = ObservedEvent { kind: summary.kind.as_deref(), status: summary.status.as_deref() };
        if !self.facts.add(provider, &stored.request, &event, summary.arrived) {
            self.unreadable += 1;
        }
        // Repeats of an event may be signed anew, but have the same body.
        let key = hex::encode(Sha256::digest(&stored.request.body));
        self.retries.entry(provider.name()).or_default().add(&key, summary.arrived, summary.answer.is_success());
    }

    fn measured_retries(&self) -> Vec<MeasuredRetries> {
        let known = |(name, schedule): (&&'static str, &RetrySchedule)| {
            let (pauses, abandoned) = (schedule.pauses(), schedule.abandoned());
            let duplicates = schedule.duplicates();
            Some(MeasuredRetries { provider: provider::by_name(name)?, pauses, abandoned, duplicates })
        };
        self.retries.iter().filter_map(known).collect()
    }

    fn warn_if_incomplete(&self, session: &Session<'_>) {
        if self.unreadable > 0 {
            let events = crate::render::text::count(self.unreadable, "verified event");
            session.warn(&format!("{events} left out: the body is not a JSON object, or was not kept"));
        }
        if !self.unverified.is_empty() {
            let requests = crate::render::text::count(self.unverified.values().sum(), "request");
            let verdicts: Vec<_> = self
                .unverified
                .iter()
                .map(|(verdict, count)| format!("{count} {}", verdict.replace('_', " ")))
                .collect();
            session.warn(&format!("{requests} left out, since only verified ones count: {}", verdicts.join(", ")));
        }
    }
}

fn collect(args: &Learn, session: &Session<'_>) -> Result<Learned> {
    let mut learned = Learned::default();
    let Some(mut store) = args.store.open_if_exists(session)? else {
        return match &args.store.store {
            Some(name) => Err(Error::failed(format!("no store at {name}"))),
            None => Ok(learned),
        };
    };
    let now = session.now();
    let query = Query {
        is_test: Some(false),
        verdict: Some(VerdictCode::Verified),
        provider: args.provider.map(|provider| provider.name().to_owned()),
        since: args.since.map(|since| since.resolve(&now)),
        until: args.until.map(|until| until.resolve(&now)),
        ..Query::default()
    };
    for each in store.count_by_hour(&Query { verdict: None, ..query.clone() })? {
        if each.verdict != VerdictCode::Verified && each.provider.is_some() {
            *learned.unverified.entry(each.verdict.as_str()).or_default() += each.deliveries;
        }
    }
    store.for_each(&query, &mut |stored| {
        match stored {
            StoredCapture::Whole(stored) => learned.add(&stored),
            StoredCapture::WithoutBody(_) => learned.unreadable += 1,
        }
        Ok(())
    })?;
    Ok(learned)
}

fn print_types(
    language: TypeLanguage,
    facts: &LearnedFacts,
    args: &Learn,
    session: &Session<'_>,
) -> Result<CommandOutcome> {
    let wanted = |provider: &&&'static dyn Provider| args.provider.is_none_or(|only| only.name() == provider.name());
    let providers: Vec<_> = provider::ALL.iter().filter(wanted).copied().collect();
    if facts.0.is_empty() {
        session.info("nothing was captured: the types are those of the documents");
    }
    let mut output = session.world.stdout();
    output.write_all(language.write(&types::model(facts, &providers)).as_bytes())?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn print_facts(
    learned: &Learned,
    retries: &[MeasuredRetries],
    args: &Learn,
    session: &Session<'_>,
) -> Result<CommandOutcome> {
    let mut output = session.world.stdout();
    if args.json {
        output.write_all(&render::learned(&learned.facts, retries))?;
        output.flush()?;
        return Ok(CommandOutcome::Success);
    }
    for (index, (provider, facts)) in learned.facts.providers().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        write!(output, "{gap}{}", session.wrap(&render::facts(provider, facts, session.out)))?;
        for retries in retries.iter().filter(|retries| retries.provider.name() == provider.name()) {
            write!(output, "{}", render::retries(retries, session.out))?;
        }
    }
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn print_drift(found: &[Drift], args: &Learn, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut output = session.world.stdout();
    for each in found {
        if args.json {
            output.write_all(&render::drift_record(each))?;
        } else {
            output.write_all(session.wrap(&render::drift(each, session.out)).as_bytes())?;
        }
    }
    output.flush()?;
    if found.is_empty() {
        session.info("nothing is different");
        return Ok(CommandOutcome::Success);
    }
    session.info(&crate::render::text::count(found.len() as u64, "difference"));
    Ok(CommandOutcome::Negative)
}

fn read_facts(path: &Path, session: &Session<'_>) -> Result<LearnedFacts> {
    let mut bytes = Vec::new();
    session.open(path)?.read_to_end(&mut bytes).map_err(|error| cannot_read(path, error))?;
    render::read_learned(&bytes).map_err(|reason| {
        Error::failed(format!("can't use {}", path.display()))
            .because(reason)
            .hint("write such a file with `whtool learn --save FILE`")
    })
}
