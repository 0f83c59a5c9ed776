//! Candidates for the key: the provider's secrets, and what may have become of them.
//!
//! `parts` takes a secret out of a variable that holds more than that, by the steps in `cleaning`
//! and `containers`. `forms` changes a secret as code and shells do, by those in `changes` and
//! `wrappings`. To add a way, add a row to one of their tables. `fault` names what is visibly wrong
//! with a secret, without any request.

mod changes;
pub(super) mod cleaning;
mod containers;
pub(crate) mod fault;
mod forms;
pub(crate) mod parts;
#[cfg(test)]
mod tests;
mod text;
mod wrappings;

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
pub(super) fn keys(provider: &dyn Provider, credentials: &Credentials<'_>) -> Vec<Candidate> {
    let secrets = || credentials.keys.iter().map(|key| &key.secret);
    let own: Vec<_> = secrets().filter(|secret| secret.provider == provider.name()).collect();
    let mut list = KeyList::default();
    own.iter().for_each(|secret| list.add(Candidate::new(secret.expose(), Vec::new())));
    for secret in &own {
        list.add_secret(secret, provider);
    }
    for secret in secrets().filter(|secret| secret.provider != provider.name()) {
        let name = format!("{} ({})", secret.origin, secret.provider);
        list.add(Candidate::new(secret.expose(), vec![Cause::new(&secret::OF_OTHER_PROVIDER).with("name", name)]));
    }
    for (name, key) in credentials.api_keys {
        let cause = Cause::new(&key::API_KEY).with("name", name.clone());
        list.add(Candidate::new(key.as_bytes(), vec![cause]));
    }
    list.add_unset(provider);
    list.usual.extend(list.rare);
    list.usual
}

/// What code signs with that has no secret: values that are not there, defaults and placeholders.
const UNSET_WORDS: &[&str] = &[
    "nil",
    "NaN",
    "<nil>",
    "<null>",
    "(null)",
    "false",
    "true",
    "False",
    "True",
    "NULL",
    "Null",
    "[object Object]",
    "[object Promise]",
    "[object Undefined]",
    "()",
    "\"\"",
    "''",
    "{}",
    "[]",
    "0",
    " ",
    "\n",
    "secret",
    "test",
    "test_secret",
    "testsecret",
    "test-secret",
    "mysecret",
    "my-secret",
    "my_secret",
    "supersecret",
    "password",
    "webhook",
    "default",
    "dev",
    "development",
    "local",
    "dummy",
    "placeholder",
    "changeme",
    "change-me",
    "webhook_secret",
    "webhook-secret",
    "your_secret",
    "your-secret",
    "your_secret_here",
    "your-secret-here",
    "your_webhook_secret",
    "your-webhook-secret",
    "YOUR_SECRET",
    "YOUR_WEBHOOK_SECRET",
    "<secret>",
    "<your-secret>",
    "***",
    "********",
    "**********",
    "[REDACTED]",
    "[FILTERED]",
    "SecretStr('**********')",
    "Secret { .. }",
];

/// Keys without repetition.
#[derive(Default)]
struct KeyList {
    usual: Vec<Candidate>,
    rare: Vec<Candidate>,
    seen: HashSet<Vec<u8>>,
}

impl KeyList {
    fn add(&mut self, candidate: Candidate) {
        if !self.seen.insert(candidate.bytes.clone()) {
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
            let candidate = Candidate::new(part.bytes.clone(), vec![cause]);
            self.add(if index < USUAL_PARTS { candidate } else { candidate.rare() });
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
                let candidate = Candidate::new(bytes, causes);
                self.add(if row.is_rare || part.is_some() { candidate.rare() } else { candidate });
            }
        }
    }

    /// Adds what a variable turns into that was not set, or not replaced.
    fn add_unset(&mut self, provider: &dyn Provider) {
        let usual = [("an empty string", ""), ("`undefined`", "undefined"), ("`null`", "null"), ("`None`", "None")];
        for (used, key) in usual {
            self.add(Candidate::new(key.as_bytes(), vec![Cause::new(&key::UNSET).with("used", used)]));
        }
        let prefix = provider.secret_prefix();
        let prefixed = ["", "undefined", "null", "...", "test", "xxx", "your_secret", "secret", "test_secret"];
        let prefixed = prefixed.iter().filter(|_| !prefix.is_empty()).map(|rest| format!("{prefix}{rest}"));
        let words: Vec<_> = UNSET_WORDS.iter().map(|word| (*word).to_owned()).chain(prefixed).collect();
        let variables = [provider.secret_variable(), "WEBHOOK_SECRET", "SIGNING_SECRET", "SECRET"];
        let names = variables.into_iter().flat_map(|name| {
            let reads = [
                ("", ""),
                ("$", ""),
                ("${", "}"),
                ("%", "%"),
                ("{{", "}}"),
                ("{{ ", " }}"),
                ("process.env.", ""),
                ("os.environ['", "']"),
                ("os.environ[\"", "\"]"),
                ("os.getenv('", "')"),
                ("ENV['", "']"),
                ("env('", "')"),
                ("$env:", ""),
            ];
            reads.map(|(before, after)| format!("{before}{name}{after}"))
        });
        for word in words.into_iter().chain(names) {
            let cause = Cause::new(&key::UNSET).with("used", format!("the text `{word}`"));
            self.add(Candidate::new(word.into_bytes(), vec![cause]).rare());
        }
    }
}

/// Describes the way to a part of a variable: the cause is that of its first step.
fn describe(steps: &[Step], name: &str) -> Cause {
    let (first, rest) = steps.split_first().expect("a part is at least one step away");
    let rest: Vec<_> = rest.iter().map(|step| step.phrase.as_str()).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(" (then {})", rest.join(", ")) };
    Cause::new(first.kind).with("name", name.to_owned()).with("part", first.detail.clone()).with("rest", rest)
}
