//! Names of fields, headers and parameters whose values are sensitive.

use super::Audience;

/// Words that make a name secret, wherever they stand in it. Tokens and PINs are the goods that
/// Plustive sells (<https://docs.plustiveimpact.com/bill-payments>).
const SECRET_WORDS: &[&str] = &[
    "token",
    "tokens",
    "pin",
    "pins",
    "secret",
    "secrets",
    "otp",
    "otps",
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "passcode",
    "apikey",
    "apikeys",
    "authorization",
    "auth",
    "bearer",
    "jwt",
    "credential",
    "credentials",
    "cookie",
    "cookies",
    "cvv",
    "cvc",
    "puk",
    "senha",
];
/// Ends of names written as one word: `accesstoken`, `meterpin`.
const SECRET_ENDINGS: &[&str] = &[
    "token",
    "tokens",
    "pin",
    "pins",
    "secret",
    "secrets",
    "password",
    "passwd",
    "apikey",
    "apikeys",
    "accesskey",
    "privatekey",
    "signingkey",
    "secretkey",
    "sessionid",
];
/// Words before `key` or `keys` that make it secret.
const KEY_KINDS: &[&str] = &[
    "api",
    "secret",
    "private",
    "access",
    "signing",
    "signature",
    "encryption",
    "auth",
    "webhook",
    "hmac",
    "master",
    "session",
    "service",
    "subscription",
    "functions",
    "live",
    "test",
];
/// Parameters of a query that grant access, whatever they mean elsewhere.
const QUERY_WORDS: &[&str] = &["sig", "signature", "key", "code", "hmac", "session", "sid", "ticket", "hash"];
/// Parts of the names of phone numbers: `operatorPhone`, `mobileNumber`, `msisdn`.
const PHONE_PARTS: &[&str] = &["phone", "mobile", "msisdn", "recipient", "whatsapp", "telemovel", "telefone"];
const PHONE_WORDS: &[&str] = &["tel", "cell", "gsm"];
/// Parts of names that identify a person.
const PERSON_PARTS: &[&str] = &[
    "email",
    "firstname",
    "lastname",
    "surname",
    "fullname",
    "address",
    "birth",
    "passport",
    "iban",
    "smartcard",
    "meternumber",
    "accountnumber",
    "accountno",
    "cardnumber",
];
const PERSON_WORDS: &[&str] = &["mail", "bvn", "nin", "nif", "dob", "street", "postcode", "zip", "payer", "holder"];
/// Words before `name` that name a thing and not a person.
const NAMED_THINGS: &[&str] = &[
    "event", "type", "product", "plan", "service", "network", "provider", "operator", "file", "host", "domain",
    "package", "currency", "country", "bank", "biller", "secret", "header", "field", "app", "tool", "disco",
];
/// Last words of names that describe a secret and are none: `tokenId`, `pinLength`, `mobileNetwork`.
const DESCRIPTIONS: &[&str] = &[
    "id",
    "ids",
    "type",
    "types",
    "count",
    "expiry",
    "expires",
    "expired",
    "in",
    "at",
    "length",
    "len",
    "status",
    "state",
    "units",
    "name",
    "names",
    "url",
    "uri",
    "hint",
    "version",
    "kind",
    "format",
    "required",
    "enabled",
    "verified",
    "method",
    "scheme",
    "date",
    "time",
    "amount",
    "fee",
    "label",
    "network",
    "operator",
    "provider",
    "money",
    "country",
    "valid",
    "sha256",
    "algorithm",
    "email",
    "address",
    "limit",
    "retries",
    "size",
];

/// Splits a name at capitals, punctuation and digits, in lower case: `customerMSISDN2` is
/// `customer msisdn`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| letters.get(index));
        let after = letters.get(index + 1);
        let starts = letter.is_uppercase()
            && (before.is_some_and(|before| !before.is_uppercase()) || after.is_some_and(|after| after.is_lowercase()));
        if !letter.is_alphabetic() || starts {
            words.push(String::new());
        }
        if letter.is_alphabetic() {
            words.last_mut().expect("it starts with one").extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Checks whether a field or header of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    is_secret(&words(name))
}

fn is_secret(words: &[String]) -> bool {
    let Some(last) = words.last() else { return false };
    let squashed = words.concat();
    if words.len() > 1 && DESCRIPTIONS.contains(&last.as_str()) {
        return squashed == "sessionid";
    }
    let before = words.len().checked_sub(2).and_then(|index| words.get(index));
    let is_key =
        matches!(last.as_str(), "key" | "keys") && before.is_some_and(|kind| KEY_KINDS.contains(&kind.as_str()));
    is_key
        || words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
        || SECRET_ENDINGS.iter().any(|ending| squashed.ends_with(ending))
}

fn is_phone(words: &[String]) -> bool {
    let Some(last) = words.last() else { return false };
    let is_description = words.len() > 1 && DESCRIPTIONS.contains(&last.as_str());
    let squashed = words.concat();
    !is_description
        && (PHONE_PARTS.iter().any(|part| squashed.contains(part))
            || words.iter().any(|word| PHONE_WORDS.contains(&word.as_str())))
}

fn is_person(words: &[String]) -> bool {
    let Some(last) = words.last() else { return false };
    let squashed = words.concat();
    let names_thing = words.iter().any(|word| NAMED_THINGS.contains(&word.as_str()));
    (matches!(last.as_str(), "name" | "names") && !names_thing)
        || PERSON_PARTS.iter().any(|part| squashed.contains(part))
        || words.iter().any(|word| PERSON_WORDS.contains(&word.as_str()))
}

/// Checks whether the value of this name is masked for these readers.
pub fn is_sensitive_name(name: &str, audience: Audience) -> bool {
    let words = words(name);
    is_secret(&words) || is_phone(&words) || (audience == Audience::Support && is_person(&words))
}

/// Checks whether a parameter of a query has a value that is masked for these readers.
pub(super) fn is_sensitive_parameter(name: &str, audience: Audience) -> bool {
    let is_access = words(name).last().is_some_and(|last| QUERY_WORDS.contains(&last.as_str()));
    is_access || is_sensitive_name(name, audience)
}

/// Checks whether a header of this name carries credentials.
pub fn is_credential_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    is_secret_name(&name) || ["authorization", "cookie", "apikey", "token"].iter().any(|part| name.contains(part))
}
