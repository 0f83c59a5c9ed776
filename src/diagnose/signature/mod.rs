//! The digests to explain: signatures in the headers of a request, and what the user's code
//! computed.

mod headers;
mod text;

pub(super) use headers::{find, other_header, own_signature_text};

use super::cause::Cause;
use super::kinds::signature as kinds;
use text::DigestText;

/// A digest that a search tries to compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Lower-case hex digits, as ASCII. May be damaged or truncated.
    digits: Vec<u8>,
    /// The first and the last four bytes, which decide quickly that a digest is another one.
    start: Option<[u8; 4]>,
    end: Option<[u8; 4]>,
    /// Faults in its notation, or in the header it is in.
    pub faults: Vec<Cause>,
}

/// The number of hex digits of a correct signature.
const SIGNATURE_DIGITS: usize = 64;
/// The number of digits that must agree for a digest with a typing error to be the same.
const MIN_SAME_DIGITS: usize = 60;

impl Target {
    fn new(digits: &str, faults: Vec<Cause>) -> Self {
        let quick = |digits: &[u8]| -> Option<[u8; 4]> {
            let mut bytes = [0; 4];
            hex::decode_to_slice(digits, &mut bytes).ok().map(|()| bytes)
        };
        let digits = digits.as_bytes().to_vec();
        let start = digits.first_chunk::<8>().and_then(|digits| quick(digits));
        let end = digits.last_chunk::<8>().and_then(|digits| quick(digits));
        Self { digits, start, end, faults }
    }

    pub(super) fn digits(&self) -> usize {
        self.digits.len()
    }

    /// Returns true if the digits are a whole signature, neither truncated nor of another algorithm.
    pub(super) fn is_whole(&self) -> bool {
        self.digits.len() == SIGNATURE_DIGITS
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        hex::decode(&self.digits).unwrap_or_default()
    }

    /// Compares with a digest. Returns the faults of the target if it is this digest, whole or
    /// damaged.
    pub(super) fn compare(&self, digest: &[u8]) -> Option<Vec<Cause>> {
        let starts = self.start.is_some() && digest.first_chunk::<4>() == self.start.as_ref();
        let ends = self.end.is_some() && digest.last_chunk::<4>() == self.end.as_ref();
        if !starts && !ends && !self.may_lack_zeros(digest) {
            return None;
        }
        let whole = hex::encode(digest);
        let damage = if whole.as_bytes() == self.digits { None } else { Some(self.damage(whole.as_bytes(), digest)?) };
        Some(damage.into_iter().chain(self.faults.iter().cloned()).collect())
    }

    /// Explains how the digits came from those of `whole`. `None`: they did not.
    fn damage(&self, whole: &[u8], digest: &[u8]) -> Option<Cause> {
        let (here, length) = (self.digits.len(), whole.len());
        let cause = |kind| Some(Cause::new(kind).with("digits", here.to_string()).with("length", length.to_string()));
        if here >= text::MIN_DIGITS && whole.starts_with(&self.digits) {
            return cause(&kinds::CUT);
        }
        if here >= text::MIN_DIGITS && whole.ends_with(&self.digits) {
            let zeros = whole[..length - here].iter().all(|digit| *digit == b'0');
            return cause(if zeros { &kinds::ZEROS_LOST } else { &kinds::START_LOST });
        }
        if unpadded(digest).as_bytes() == self.digits {
            return cause(&kinds::UNPADDED);
        }
        let same_start = whole.iter().zip(&self.digits).take_while(|(one, other)| one == other).count();
        let rest = length.min(here) - same_start;
        let same_end =
            whole.iter().rev().zip(self.digits.iter().rev()).take(rest).take_while(|(one, other)| one == other).count();
        if same_start + same_end < MIN_SAME_DIGITS || here.abs_diff(length) > 4 {
            return None;
        }
        let cause = cause(&kinds::DIGITS_CHANGED)?.with("place", (same_start + 1).to_string());
        Some(cause.with("here", self.digits.get(same_start).map_or(String::new(), |&digit| char::from(digit).into())))
    }

    /// Returns true if the digits may be those of the digest with one digit for bytes below 16.
    fn may_lack_zeros(&self, digest: &[u8]) -> bool {
        (48..SIGNATURE_DIGITS).contains(&self.digits.len())
            && digest.first_chunk::<4>().is_some_and(|start| self.digits.starts_with(unpadded(start).as_bytes()))
    }
}

/// Writes bytes in hex without the leading zero of each, as `%x` does.
fn unpadded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:x}")).collect()
}

/// Reads the digest that the user's code computed, in each way in which the text can be read. Empty:
/// there is none.
pub(super) fn read_digest(text: &str) -> Vec<Target> {
    text::read(text).into_iter().map(|DigestText { digits, faults, .. }| Target::new(&digits, faults)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    fn codes(target: &str) -> Option<Vec<&'static str>> {
        let causes = Target::new(target, Vec::new()).compare(&hex::decode(HEX).unwrap())?;
        Some(causes.iter().map(Cause::code).collect())
    }

    #[test]
    fn a_damaged_signature_is_recognized_and_another_one_is_not() {
        assert_eq!(codes(HEX), Some(vec![]));
        assert_eq!(codes(&HEX[..40]), Some(vec!["signature_cut"]));
        assert_eq!(codes(&HEX[..63]), Some(vec!["signature_cut"]));
        assert_eq!(codes(&HEX[2..]), Some(vec!["signature_start_lost"]));
        assert_eq!(codes(&HEX.replacen("bf60", "bf6", 1)), Some(vec!["signature_digits_changed"]));
        assert_eq!(codes(&HEX.replacen("bf60", "bf61", 1)), Some(vec!["signature_digits_changed"]));
        assert_eq!(codes(&HEX.replacen("bf60", "bf600", 1)), Some(vec!["signature_digits_changed"]));
        assert_eq!(codes(&HEX[..15]), None);
        assert_eq!(codes(&format!("{}{}", &HEX[..32], "0".repeat(32))), None);
        assert_eq!(codes(&"0".repeat(64)), None);
    }

    #[test]
    fn zeros_that_a_format_without_padding_drops_are_recognized() {
        let digest = [[0x0a, 0x05, 0xb0, 0x7c].repeat(8)].concat();
        let compare = |digits: &str| {
            let causes = Target::new(digits, Vec::new()).compare(&digest)?;
            causes.first().map(Cause::code)
        };
        assert_eq!(compare(&unpadded(&digest)), Some("signature_zeros_lost"));
        assert_eq!(compare(&hex::encode(&digest)[1..]), Some("signature_zeros_lost"));
    }
}
