//! Random values that follow from the seed. Each purpose has its own sequence, so the third payment
//! of a run has the same id whatever else happened before it.

use crate::model::signature::Signer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SeededRng {
    seed: u64,
    /// Number of draws for each purpose.
    drawn: BTreeMap<String, u64>,
}

impl SeededRng {
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: BTreeMap::new() }
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Draws 32 bytes for a purpose.
    fn draw(&mut self, purpose: &str) -> [u8; 32] {
        let count = self.drawn.entry(purpose.to_owned()).or_default();
        *count += 1;
        let mut signer = Signer::with_key(&self.seed.to_be_bytes());
        signer.update(purpose.as_bytes());
        signer.update(&count.to_be_bytes());
        signer.finish()
    }

    fn word(&mut self, prefix: &str, alphabet: &[u8], length: usize) -> String {
        let letters = self.draw(prefix).into_iter().cycle().take(length);
        let letter = |byte: u8| alphabet.get(usize::from(byte) % alphabet.len().max(1)).copied().unwrap_or(b'0');
        prefix.chars().chain(letters.map(|byte| char::from(letter(byte)))).collect()
    }

    /// Draws an id such as `pi_4k0…`.
    pub fn id(&mut self, prefix: &str) -> String {
        self.word(prefix, b"0123456789abcdefghijklmnopqrstuvwxyz", 16)
    }

    /// Draws a reference such as `PLS-9KQ2M7P3XR`, without letters that look alike.
    pub fn reference(&mut self) -> String {
        self.word("PLS-", b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ", 10)
    }

    /// Draws a number of `length` digits.
    pub fn digits(&mut self, purpose: &str, length: usize) -> String {
        self.word(purpose, b"0123456789", length).split_off(purpose.len())
    }

    pub fn secret(&mut self) -> String {
        format!("whsec_emulated_{}", hex::encode(self.draw("whsec")))
    }

    /// Draws a number from 0 up to, but not including, 1.
    pub fn fraction(&mut self, purpose: &str) -> f64 {
        let [a, b, c, d, ..] = self.draw(purpose);
        f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_depend_on_the_seed_and_purpose_only() {
        let (mut one, mut other) = (SeededRng::new(7), SeededRng::new(7));
        other.fraction("fault");
        other.reference();
        assert_eq!([one.id("pi_"), one.id("pi_")], [other.id("pi_"), other.id("pi_")]);
        assert_ne!(one.id("pi_"), SeededRng::new(8).id("pi_"));
        assert!((0..1000).all(|_| (0.0..1.0).contains(&one.fraction("x"))));
    }

    /// HMAC-SHA256 with the seed as key, over purpose and number of the draw; in Python:
    /// `hmac.new((7).to_bytes(8, 'big'), b'pi_' + (1).to_bytes(8, 'big'), 'sha256').digest()`,
    /// of which each byte picks a letter: `alphabet[byte % len(alphabet)]`.
    #[test]
    fn a_seed_gives_the_same_values_in_every_version() {
        let mut rng = SeededRng::new(7);
        assert_eq!([rng.id("pi_"), rng.id("pi_")], ["pi_swn5vuc1w9asnycu", "pi_x3kc5ig0pvnsa7e6"]);
        assert_eq!(rng.reference(), "PLS-UHSUPK8BNM");
        assert_eq!(rng.digits("meter", 20), "21892768006055971347");
        assert_eq!(rng.secret(), "whsec_emulated_74d0811945ddd771cadcfa90dbf8bf6c71e679c7eb45b5ae754531ede58c3294");
        assert!((rng.fraction("fault") - 0.420_020_016_841_590_4).abs() < f64::EPSILON);
        assert_eq!(rng.seed(), 7);
    }

    #[test]
    fn a_saved_generator_goes_on_where_it_stopped() {
        let mut rng = SeededRng::new(7);
        rng.id("pi_");
        let saved = serde_json::to_string(&rng).unwrap();
        let mut restored: SeededRng = serde_json::from_str(&saved).unwrap();
        assert_eq!(restored.id("pi_"), "pi_x3kc5ig0pvnsa7e6");
    }
}
