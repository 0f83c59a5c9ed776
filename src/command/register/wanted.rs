//! What is to be registered, checked before anything is sent: the URL, and the names of the events.

use crate::model::address::is_private;
use crate::model::error::{Error, Result};
use crate::provider::{EventType, Provider};
use std::collections::BTreeSet;
use url::Url;
use wildmatch::WildMatch;

/// Which URLs will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum UrlPolicy {
    /// Those that a provider can reach, and nobody can read on the way.
    PublicHttps,
    /// Any, for tests.
    Any,
}

/// The URL as it is sent.
pub(in crate::command) fn check_url(text: &str, allowed: UrlPolicy) -> Result<Url> {
    let refused = |why: &str, hint: &str| Err(Error::usage(format!("can't register `{text}`")).because(why).hint(hint));
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => url,
        _ => return refused("it is no http or https URL", "write it whole: https://shop.example.com/webhooks"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refused("it has a name or a password in it", "leave them out: the signature tells who sends");
    }
    if url.fragment().is_some() {
        return refused("it has a fragment, which is never sent", "leave out what follows the #");
    }
    match allowed {
        UrlPolicy::Any => Ok(url),
        UrlPolicy::PublicHttps if url.scheme() != "https" => {
            refused("it is not https: anybody on the way could read the events", "--allow-http does it all the same")
        }
        UrlPolicy::PublicHttps if is_private(&url) => refused(
            "the provider can't reach a private address",
            "open a tunnel to it and give the tunnel's URL; --allow-http does it all the same",
        ),
        UrlPolicy::PublicHttps => Ok(url),
    }
}

/// The event types that these words mean: names, globs such as `payment.*`, or `all`; in the provider's order.
pub(in crate::command) fn select_events(provider: &dyn Provider, words: &[String]) -> Result<Vec<String>> {
    let known = provider.event_types();
    let mut chosen = BTreeSet::new();
    for word in words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()) {
        let glob = WildMatch::new(if word == "all" { "*" } else { word });
        let before = chosen.len();
        chosen.extend((0..known.len()).filter(|&place| glob.matches(known[place].name)));
        let is_known = chosen.len() > before || known.iter().any(|each| glob.matches(each.name));
        if !is_known {
            return Err(unknown(provider, known, word));
        }
    }
    if chosen.is_empty() {
        return Err(Error::usage("no events were named").hint("--events all, or a list: payment.debited,refund.*"));
    }
    Ok(chosen.into_iter().map(|place| known[place].name.to_owned()).collect())
}

fn unknown(provider: &dyn Provider, known: &[EventType], word: &str) -> Error {
    let error = Error::usage(format!("{} has no event `{word}`", provider.title()));
    let likeness = |each: &EventType| strsim::jaro_winkler(word, each.name);
    let near = known.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    match near.filter(|near| likeness(near) > 0.8) {
        Some(near) => error.hint(format!("did you mean `{}`?", near.name)),
        None => {
            let names: Vec<_> = known.iter().map(|each| each.name).collect();
            error.hint(format!("it has {}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    #[test]
    fn only_what_a_provider_can_reach_in_private_is_taken() {
        let taken = |text: &str| check_url(text, UrlPolicy::PublicHttps).is_ok();
        assert!(
            taken("https://shop.example.com/webhooks") && taken("https://8.8.8.8/") && taken("https://[2606:4700::1]/")
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
            "https://intranet/",
            "https://me:secret@shop.example.com/",
            "https://shop.example.com/#part",
            "ftp://shop.example.com/",
            "shop.example.com",
            "",
        ] {
            assert!(!taken(text), "{text}");
        }
        assert!(check_url("http://127.0.0.1:1/hook", UrlPolicy::Any).is_ok());
        assert!(check_url("http://me:x@127.0.0.1:1/hook", UrlPolicy::Any).is_err());
    }

    #[test]
    fn events_are_names_globs_or_all_and_come_once_in_order() {
        let plexos = provider::by_name("plexos").unwrap();
        let chosen =
            |words: &[&str]| select_events(plexos, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(chosen(&["all"]).unwrap().len(), 12);
        assert_eq!(
            chosen(&["payment.failed", "payment.debited", "payment.failed"]).unwrap(),
            ["payment.debited", "payment.failed"]
        );
        assert_eq!(chosen(&["refund.*"]).unwrap(), ["refund.created", "refund.succeeded", "refund.failed"]);
        assert_eq!(chosen(&["payment.canceled"]).unwrap_err().hint.unwrap(), "did you mean `payment.cancelled`?");
        assert!(chosen(&["xyz"]).unwrap_err().hint.unwrap().contains("checkout.expired"));
        assert!(chosen(&[""]).is_err());
    }
}
