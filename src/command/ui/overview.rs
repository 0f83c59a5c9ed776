//! The overview: counts of a period, and the state of apps and endpoints.

use super::frame::PageFacts;
use super::pages;
use super::reply::Failure;
use super::routes::RouteMatch;
use super::server::Call;
use crate::command::shared::captures::when;
use crate::command::shared::endpoints::find_proof;
use crate::command::shared::registry;
use crate::model::error::Result;
use crate::model::mask::mask_secrets;
use crate::model::stored::{AppState, Attempt, DeliverySummary, Query, StoredCapture};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider;
use crate::render::page::{self, AppHealth, EndpointHealth, OverviewView};
use crate::settings::registry::RegisteredEndpoint;
use crate::world::{HandlerReply, Store};
use std::collections::BTreeMap;
use url::Url;

/// Period that is shown unless `since` is given.
const PERIOD: SignedDuration = SignedDuration::from_hours(24);

/// Captures among which the last attempt at an app is looked for.
const RECENT: u64 = 200;

pub(super) fn overview(call: &mut Call<'_>, matched: &RouteMatch) -> std::result::Result<HandlerReply, Failure> {
    let since = match matched.query.get("since").filter(|text| !text.is_empty()) {
        Some(text) => when(text).map_err(Failure::bad_request)?.resolve(&call.local_time()),
        None => call.at.checked_sub(PERIOD).unwrap_or(Timestamp::MIN),
    };
    let query = Query { since: Some(since), ..Query::default() };
    let urls: Vec<Url> = call.server.options.targets.iter().map(|(url, _)| url.clone()).collect();
    let registry = registry::read(&call.server.session.muted())?;
    let read = call.with_store(|store| {
        let apps = app_health(&urls, store)?;
        let proofs = registry.endpoints.iter().map(|endpoint| find_proof(endpoint, Some(&mut *store)));
        let proofs = proofs.collect::<Result<Vec<_>>>()?;
        Ok((store.count_by_hour(&query)?, store.sum_amounts(&query)?, apps, proofs))
    })?;
    let (counts, sums, apps, proofs) = read.unwrap_or_default();
    let proofs = proofs.into_iter().chain(std::iter::repeat(None));
    let endpoint = |(endpoint, proof): (&RegisteredEndpoint, Option<DeliverySummary>)| EndpointHealth {
        provider: provider::by_name(&endpoint.provider).map_or("unknown provider", |provider| provider.title()),
        url: mask_secrets(&endpoint.url),
        proved: proof.map(|proof| (proof.id, proof.arrived)),
    };
    let endpoints: Vec<_> = registry.endpoints.iter().zip(proofs).map(endpoint).collect();
    let facts = PageFacts::new(call.server, call.at);
    let view = OverviewView { counts: &counts, sums: &sums, since, apps: &apps, endpoints: &endpoints };
    Ok(pages::html(page::overview(&facts.frame(), &view)))
}

/// Reads the queues to the apps, and the last attempts at them: those named at the start, and those
/// that something waits for.
fn app_health(targets: &[Url], store: &mut dyn Store) -> Result<Vec<AppHealth>> {
    let queues = store.open_queues()?;
    let mut urls: Vec<String> = targets.iter().map(Url::to_string).collect();
    urls.extend(
        queues.iter().filter(|queue| !urls.contains(&queue.url)).map(|queue| queue.url.clone()).collect::<Vec<_>>(),
    );
    let mut attempts = last_attempts(&urls, store)?;
    let health = |url: &String| {
        let queue = queues.iter().find(|queue| queue.url == *url);
        AppHealth {
            url: mask_secrets(url),
            waiting: queue.map_or(0, |queue| queue.waiting),
            oldest: queue.map(|queue| queue.oldest),
            last: attempts.remove(url),
        }
    };
    Ok(urls.iter().map(health).collect())
}

/// Returns the last attempt at each of these apps among the newest captures.
fn last_attempts(urls: &[String], store: &mut dyn Store) -> Result<BTreeMap<String, Attempt>> {
    let mut found: BTreeMap<String, Attempt> = BTreeMap::new();
    let newest = store.list(&Query { limit: Some(RECENT), ..Query::default() })?;
    for row in newest.iter().filter(|row| row.app != AppState::NotAsked) {
        let Some(StoredCapture::Whole(stored)) = store.load(row.id)? else { continue };
        for attempt in stored.attempts {
            let asked = urls.iter().find(|url| is_at(&attempt.url, url));
            let Some(url) = asked else { continue };
            if found.get(url).is_none_or(|known| known.at < attempt.at) {
                found.insert(url.clone(), attempt);
            }
        }
    }
    Ok(found)
}

/// Returns true if a request to `asked` went to the app at `url`, whose path may be empty.
fn is_at(asked: &str, url: &str) -> bool {
    let rest = asked.strip_prefix(url.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_belongs_to_the_app_with_its_host_port_and_path() {
        for (asked, url, expected) in [
            ("http://localhost:3000/hooks", "http://localhost:3000/", true),
            ("http://localhost:3000/hooks?a=1", "http://localhost:3000/hooks", true),
            ("http://localhost:3000/hooks2", "http://localhost:3000/hooks", false),
            ("http://localhost:30001/", "http://localhost:3000/", false),
        ] {
            assert_eq!(is_at(asked, url), expected, "{asked} {url}");
        }
    }
}
