//! Candidates for the key: the provider's secrets, and what may have become of them.
//!
//! `parts` takes a secret out of a variable that holds more than that; `forms` changes a secret as
//! code and shells do. To add a way, add a row to one of their tables. `fault` names what is
//! visibly wrong with a secret, without any request.

pub(crate) mod fault;
mod forms;
pub(crate) mod parts;
#[cfg(test)]
mod tests;
mod text;

use super::candidate::{Candidate, Credentials};
use super::cause::Cause;
use super::kinds::{key, secret};
use crate::model::secret::Secret;
use crate::provider::Provider;
use forms::{FORMS, Source};
use parts::{Part, Step};
use std::collections::HashSet;

/// The number of parts of one variable that are combined with other mistakes, and that are
/// searched for changed forms.
const USUAL_PARTS: usize = 16;

/// Lists the keys that may have been used: the provider's own secrets, parts and other forms of
/// them, the secrets of other providers, API keys, and what an unset variable turns into. The rare
/// ones come last.
pub(super) fn keys<'k>(provider: &dyn Provider, credentials: &'k Credentials<'_>) -> Vec<Candidate<'k>> {
    let secrets = || credentials.keys.iter().map(|key| &key.secret);
    let own: Vec<_> = secrets().filter(|secret| secret.provider == provider.name()).collect();
    let mut list = KeyList::default();
    own.iter().for_each(|secret| list.add(Candidate::correct(secret.expose())));
    for secret in &own {
        list.add_secret(secret, provider);
    }
    for secret in secrets().filter(|secret| secret.provider != provider.name()) {
        let name = format!("{} ({})", secret.origin, secret.provider);
        list.add(Candidate::new(secret.expose(), Cause::new(&secret::OF_OTHER_PROVIDER).with("name", name)));
    }
    for (name, key) in credentials.api_keys {
        let cause = Cause::new(&key::API_KEY).with("name", name.clone());
        list.add(Candidate::new(key.as_bytes(), cause));
    }
    list.add_unset(provider);
    list.usual.extend(list.rare);
    list.usual
}

/// Keys without repetition.
#[derive(Default)]
struct KeyList<'k> {
    usual: Vec<Candidate<'k>>,
    rare: Vec<Candidate<'k>>,
    seen: HashSet<Vec<u8>>,
}

impl<'k> KeyList<'k> {
    fn add(&mut self, candidate: Candidate<'k>) {
        if !self.seen.insert(candidate.bytes.to_vec()) {
            return;
        }
        if candidate.is_rare {
            self.rare.push(candidate);
        } else {
            self.usual.push(candidate);
        }
    }

    /// Adds the parts and forms of a secret, and the forms of its first parts.
    fn add_secret(&mut self, secret: &Secret, provider: &dyn Provider) {
        let name = secret.origin.to_string();
        let parts = parts::find_parts(secret.expose(), provider.secret_prefix());
        for (index, part) in parts.iter().enumerate() {
            let cause = describe(&part.steps, &name);
            self.add(Candidate { is_rare: index >= USUAL_PARTS, ..Candidate::new(part.bytes.clone(), cause) });
        }
        self.add_forms(secret.expose(), &name, provider, None);
        for Part { bytes, steps } in parts.iter().take(USUAL_PARTS) {
            self.add_forms(bytes, &name, provider, Some(&describe(steps, &name)));
        }
    }

    /// Adds the forms of a secret, or of a part of a variable that the cause describes.
    fn add_forms(&mut self, bytes: &[u8], name: &str, provider: &dyn Provider, part: Option<&Cause>) {
        let source = Source { bytes, prefix: provider.secret_prefix(), variable: provider.secret_variable() };
        // The rare forms of parts are too many.
        for row in FORMS.iter().filter(|row| part.is_none() || !row.is_rare) {
            for (bytes, words) in (row.make)(&source) {
                let cause = Cause::new(row.kind).with("name", name.to_owned()).with("part", words);
                let causes = part.cloned().into_iter().chain([cause]).collect();
                self.add(Candidate { bytes: bytes.into(), causes, is_rare: row.is_rare || part.is_some() });
            }
        }
    }

    /// Adds what a variable turns into that was not set, or not replaced.
    fn add_unset(&mut self, provider: &dyn Provider) {
        let usual = [("an empty string", ""), ("`undefined`", "undefined"), ("`null`", "null"), ("`None`", "None")];
        for (used, key) in usual {
            self.add(Candidate::new(key.as_bytes(), Cause::new(&key::UNSET).with("used", used)));
        }
        let variable = provider.secret_variable();
        let words = [
            "nil",
            "NaN",
            "<nil>",
            "false",
            "true",
            "[object Object]",
            "[object Promise]",
            "()",
            "\"\"",
            "''",
            "{}",
            "0",
            "secret",
            "test",
            "changeme",
            "your_webhook_secret",
            "your-webhook-secret",
            "webhook_secret",
            "YOUR_SECRET",
        ];
        let names = [
            variable.to_owned(),
            format!("${variable}"),
            format!("${{{variable}}}"),
            format!("%{variable}%"),
            format!("{{{{{variable}}}}}"),
            format!("process.env.{variable}"),
            format!("ENV['{variable}']"),
            provider.secret_prefix().to_owned(),
            format!("{}undefined", provider.secret_prefix()),
            format!("{}null", provider.secret_prefix()),
        ];
        for word in words.into_iter().map(str::to_owned).chain(names) {
            let cause = Cause::new(&key::UNSET).with("used", format!("the text `{word}`"));
            self.add(Candidate { is_rare: true, ..Candidate::new(word.into_bytes(), cause) });
        }
    }
}

/// Describes the way to a part of a variable: the cause is that of its first step.
fn describe(steps: &[Step], name: &str) -> Cause {
    let (first, rest) = steps.split_first().expect("a part is at least one step away");
    let rest: String = rest.iter().map(|step| format!(", {}", step.phrase)).collect();
    Cause::new(first.kind).with("name", name.to_owned()).with("part", first.detail.clone()).with("rest", rest)
}
