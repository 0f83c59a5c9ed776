//! Parts that `register`, `endpoints` and `doctor` share: checks of an endpoint's URL and events,
//! its JSON record, and the delivery that proves that it works.

use crate::command::Session;
use crate::model::address::is_private;
use crate::model::error::{Error, Result};
use crate::model::message::Request;
use crate::model::secret::SecretOrigin;
use crate::model::stored::{DeliverySummary, Query, StoredCapture};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use crate::provider::{EventType, Provider};
use crate::settings::registry::RegisteredEndpoint;
use crate::world::Store;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use url::Url;
use wildmatch::WildMatch;

/// URLs that may be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum UrlPolicy {
    /// Only https URLs that a provider can reach.
    PublicHttps,
    /// Any http or https URL, for tests.
    Any,
}

/// Parses and checks the URL of an endpoint.
pub(in crate::command) fn check_url(text: &str, policy: UrlPolicy) -> Result<Url> {
    let refused = |why: &str, hint: &str| Err(Error::usage(format!("can't register `{text}`")).because(why).hint(hint));
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => url,
        _ => {
            return refused(
                "not an http or https URL",
                "give a complete URL, such as https://shop.example.com/webhooks",
            );
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refused(
            "the URL contains a user name or password",
            "remove it: the signature proves who sent an event",
        );
    }
    if url.fragment().is_some() {
        return refused("the URL has a fragment, which is never sent", "remove everything from the # on");
    }
    match policy {
        UrlPolicy::Any => Ok(url),
        UrlPolicy::PublicHttps if url.scheme() != "https" => {
            refused("not https: events could be read in transit", "use https, or --allow-http for a test")
        }
        UrlPolicy::PublicHttps if is_private(&url) => refused(
            "the provider can't reach a private address",
            "open a tunnel and register its URL, or use --allow-http for a test",
        ),
        UrlPolicy::PublicHttps => Ok(url),
    }
}

/// Resolves names, globs such as `payment.*`, and `all` to event types, in the provider's order.
pub(in crate::command) fn select_events(provider: &dyn Provider, patterns: &[String]) -> Result<Vec<String>> {
    let known = provider.event_types();
    let mut selected = BTreeSet::new();
    for pattern in patterns.iter().map(|pattern| pattern.trim()).filter(|pattern| !pattern.is_empty()) {
        let glob = WildMatch::new(if pattern == "all" { "*" } else { pattern });
        let matches: Vec<_> = (0..known.len()).filter(|&index| glob.matches(known[index].name)).collect();
        if matches.is_empty() {
            return Err(unknown_event(provider, known, pattern));
        }
        selected.extend(matches);
    }
    if selected.is_empty() {
        return Err(
            Error::usage("no events given").hint("use --events all, or a list such as payment.debited,refund.*")
        );
    }
    Ok(selected.into_iter().map(|index| known[index].name.to_owned()).collect())
}

fn unknown_event(provider: &dyn Provider, known: &[EventType], pattern: &str) -> Error {
    let error = Error::usage(format!("{} has no event `{pattern}`", provider.title()));
    let similarity = |kind: &EventType| strsim::jaro_winkler(pattern, kind.name);
    let nearest = known.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    match nearest.filter(|nearest| similarity(nearest) > 0.8) {
        Some(nearest) => error.hint(format!("did you mean `{}`?", nearest.name)),
        None => {
            let names: Vec<_> = known.iter().map(|kind| kind.name).collect();
            error.hint(format!("its events are {}", names.join(", ")))
        }
    }
}

/// Builds the error for a provider whose API does not manage endpoints.
pub(in crate::command) fn no_endpoint_api(provider: &dyn Provider) -> Error {
    let (title, dashboard, name) = (provider.title(), provider.api().dashboard, provider.name());
    Error::failed(format!("{title}'s API can't manage webhook endpoints"))
        .because(format!("its documentation says to set the URL in {dashboard}, which also shows the signing secret"))
        .hint(format!("set the URL there, copy the secret, and run `whtool secret add {name}`"))
}

/// Number of deliveries searched for one that whtool did not send itself.
const MAX_DELIVERIES_CHECKED: u64 = 200;

/// Finds the latest delivery that the endpoint's own secret verified and that whtool did not send
/// itself.
pub(in crate::command) fn find_proof(
    endpoint: &RegisteredEndpoint,
    store: Option<&mut (dyn Store + '_)>,
) -> Result<Option<DeliverySummary>> {
    let (Some(store), Some(name)) = (store, &endpoint.secret) else { return Ok(None) };
    let query = Query {
        secret: Some(SecretOrigin::Stored(name.clone()).to_string()),
        verdict: Some(VerdictCode::Verified),
        limit: Some(MAX_DELIVERIES_CHECKED),
        ..Query::default()
    };
    for summary in store.list(&query)?.into_iter().rev() {
        if matches!(store.load(summary.id)?, Some(StoredCapture::Whole(stored)) if !is_from_whtool(&stored.request)) {
            return Ok(Some(summary));
        }
    }
    Ok(None)
}

/// Checks whether whtool sent this delivery, by `replay`, `check` or `listen --demo`. It has the
/// secret, so that proves nothing.
fn is_from_whtool(request: &Request) -> bool {
    request.headers.get("user-agent").is_some_and(|agent| agent.starts_with(b"whtool/"))
}

/// Builds the JSON record of an endpoint.
pub(in crate::command) fn record(endpoint: &RegisteredEndpoint, proof: Option<&DeliverySummary>) -> Value {
    json!({
        "schema": "whtool.endpoint/1", "id": endpoint.id, "provider": endpoint.provider, "mode": endpoint.mode.name(),
        "api": endpoint.base, "url": endpoint.url, "events": endpoint.events, "status": endpoint.status,
        "description": endpoint.description, "created": endpoint.created.to_string(), "secret": endpoint.secret,
        "proved": proof.is_some(),
        "lastVerified": proof.map(|summary| json!({"at": summary.arrived.to_string(), "delivery": summary.id})),
    })
}

/// Formats a time in the local time zone, to the minute.
pub(in crate::command) fn format_local_time(time: Timestamp, session: &Session<'_>) -> String {
    time.to_zoned(session.world.time_zone()).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    #[test]
    fn only_https_urls_that_a_provider_can_reach_are_accepted() {
        let accepted = |text: &str| check_url(text, UrlPolicy::PublicHttps).is_ok();
        assert!(
            accepted("https://shop.example.com/webhooks")
                && accepted("https://8.8.8.8/")
                && accepted("https://[2606:4700::1]/")
        );
        for text in [
            "http://shop.example.com/",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://10.0.0.8/",
            "https://192.168.1.4:8443/hook",
            "https://[fd00::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.1.1/",
            "https://printer.local/",
            "https://shop.test/",
            "https://[fe80::1]/",
            "https://intranet/",
            "https://me:secret@shop.example.com/",
            "https://shop.example.com/#part",
            "ftp://shop.example.com/",
            "shop.example.com",
            "",
        ] {
            assert!(!accepted(text), "{text}");
        }
        assert!(check_url("http://127.0.0.1:1/hook", UrlPolicy::Any).is_ok());
        assert!(check_url("http://me:x@127.0.0.1:1/hook", UrlPolicy::Any).is_err());
    }

    #[test]
    fn events_are_selected_by_name_glob_or_all_once_and_in_order() {
        let plexos = provider::by_name("plexos").unwrap();
        let selected =
            |words: &[&str]| select_events(plexos, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(selected(&["all"]).unwrap().len(), 12);
        assert_eq!(
            selected(&["payment.failed", "payment.debited", "payment.failed"]).unwrap(),
            ["payment.debited", "payment.failed"]
        );
        assert_eq!(selected(&["refund.*"]).unwrap(), ["refund.created", "refund.succeeded", "refund.failed"]);
        assert_eq!(selected(&["payment.canceled"]).unwrap_err().hint.unwrap(), "did you mean `payment.cancelled`?");
        assert!(selected(&["xyz"]).unwrap_err().hint.unwrap().contains("checkout.expired"));
        assert!(selected(&[""]).is_err());
    }
}
