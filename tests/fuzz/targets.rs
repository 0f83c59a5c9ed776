//! Fuzz targets: every parser of bytes from outside, with the properties that must hold for any
//! input.
//!
//! `tests/fuzz/mod.rs` runs them on stable Rust; cargo-fuzz (`fuzz/`) runs them guided by coverage.

use std::time::Duration;
use whtool::capture::{self, Capture, CaptureError, Resources};
use whtool::diagnose::{self, Credentials, HashAllowance, HashBudget};
use whtool::json::value::Payload;
use whtool::json::{Document, SERIALIZERS, is_valid, top_level_keys};
use whtool::model::delivery::Delivery;
use whtool::model::exchange::Answer;
use whtool::model::mask::Reveal;
use whtool::model::message::Request;
use whtool::model::sanitize::needs_escape;
use whtool::model::secret::{Secret, SecretOrigin};
use whtool::model::signature::{DEFAULT_TOLERANCE, Key};
use whtool::model::timestamp::{self, Timestamp};
use whtool::provider::{self, Provider};
use whtool::render::paint::Paint;
use whtool::render::payload::{lines, sensitive_ranges};
use whtool::settings::file::{self, FileScope};
use whtool::settings::registry::Registry;
use whtool::webhook::receive::{Rules, receive};
use whtool::webhook::route::{Route, RouteList};

/// A parser under test.
pub struct FuzzTarget {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Valid inputs to start from.
    pub seeds: &'static [&'static [u8]],
}

const PLEXOS: &[u8] = include_bytes!("../vectors/plexos.json");
const REFERENCE: &[u8] = include_bytes!("../vectors/plustive-reference.json");
const GUIDE: &[u8] = include_bytes!("../vectors/plustive-guide.json");
const HAR: &[u8] = include_bytes!("../../src/capture/tests/sample.har");
const RAW: &[u8] = b"POST /hooks HTTP/1.1\r\nHost: x\r\nX-Plexos-Timestamp: 1736937000\r\nContent-Length: 2\r\n\r\n{}";
const CHUNKED: &[u8] = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nA: b\r\n\r\n";
const CHUNKED_LF: &[u8] = b"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n1\n\n\n0A\n0123456789\n0;l\n\nGET /";
const CURL: &[u8] = b"> POST /hooks HTTP/1.1\r\n> Host: x\r\n>\r\n} [2 bytes data]\n{}\n";
const LINE: &[u8] = b"{\"schema\":\"whtool.delivery/1\",\"arrived\":\"2025-01-15T10:30:00Z\",\"request\":{\"method\":\"POST\",\"target\":\"/\",\"headers\":[[\"Host\",\"x\"],[\"X\",{\"base64\":\"/w==\"}]],\"body\":\"{}\"}}\n";
const LINE64: &[u8] = b"{\"method\":\"POST\",\"target\":\"/\",\"headers\":[],\"bodyBase64\":\"//4=\"}\nnot json\n\n";
const JSON: &[u8] = b"{\"a\":[1,-0.5e+9,true,null,\"\\u00e9\\ud83d\\ude00/\\n\"],\"b\":{\"\":{}},\"c\":[],\"a\":1e400}";
const TOML: &[u8] =
    b"# x\nport = 3_000\nevents = [\"payment.*\"]\nforward-to = 'payment.*=http://localhost:3000/x'\n[a.b]\n";
const REGISTRY: &[u8] = b"{\"schema\":\"whtool.registry/1\",\"endpoints\":[],\"secrets\":[{\"name\":\"a\",\"provider\":\"plexos\",\"added\":\"2025-01-01T00:00:00Z\",\"secretBase64\":\"/w==\"}]}";

pub const TARGETS: [FuzzTarget; 10] = [
    FuzzTarget { name: "raw_http", run: raw_http, seeds: &[RAW, CHUNKED, CHUNKED_LF, CURL] },
    FuzzTarget {
        name: "captures",
        run: any_capture,
        seeds: &[
            HAR,
            b"{\"httpMethod\":\"POST\",\"headers\":{\"A\":\"b\"},\"body\":\"e30=\",\"isBase64Encoded\":true}",
            b"[{\"headers\":{\"A\":[\"b\"]},\"body\":{\"type\":\"Buffer\",\"data\":[123,125]}},{\"rawHeaders\":[\"A\",\"b\"],\"body\":\"\\udc80\"}]",
            b"curl 'http://h/' \\\n  -H $'A: \\x62' \\\n  --data-raw '{}'\n",
            b"curl ^\"http://h/^\" ^\n  --data-raw ^\"^{^}^\"\n",
            b"Invoke-WebRequest -Uri \"http://h/\" `\n-Headers @{\n\"A\"=\"b\"\n} `\n-Body \"{`\"a`\":1}\"",
            b"### a\n@h = x\nPOST {{h}}/y\nA: b\n\n{}\n###\n",
            b"X-A-Signature: 1\nHost: h\n\n{}",
            b"1 INFO {\"type\":\"a\",\"data\":{},\"id\":\"x\"} x-a-signature: 1\n\"{\\x22type\\x22:1,\\x22data\\x22:{}}\"",
            include_bytes!("../vectors/captures/tcpdump.pcap"),
            include_bytes!("../vectors/captures/tcpdump-X.txt"),
            include_bytes!("../vectors/captures/tcpdump-A.txt"),
            include_bytes!("../vectors/captures/curl-trace.txt"),
            include_bytes!("../vectors/captures/curl-trace-ascii.txt"),
            include_bytes!("../vectors/captures/httpie-raw.txt"),
            include_bytes!("../vectors/captures/mitmproxy.flow"),
            b"<items burpVersion=\"1\"><item><request base64=\"true\"><![CDATA[UE9TVCAvIEhUVFAvMS4xDQoNCnt9]]></request></item></items>",
            b"id,headers,content\n1,\"{\"\"A\"\":\"\"b\"\"}\",{}\n",
            b"{ method: 'POST', headers: { 'x-a': 'b' }, body: <Buffer 7b 7d>, url: \"/\" }",
        ],
    },
    FuzzTarget { name: "json_lines", run: json_lines, seeds: &[LINE, LINE64] },
    FuzzTarget {
        name: "signature_headers",
        run: signature_headers,
        seeds: &[b"1736937000\n0011223344556677889900aabbccddeeff", b"\nsha256=00ff", b"1736937000\nsha256=,x"],
    },
    FuzzTarget { name: "payload", run: payload, seeds: &[PLEXOS, REFERENCE, GUIDE, JSON] },
    FuzzTarget { name: "json", run: json, seeds: &[JSON, PLEXOS, GUIDE, b"-0.0"] },
    FuzzTarget { name: "settings", run: settings, seeds: &[TOML] },
    FuzzTarget { name: "registry", run: registry, seeds: &[REGISTRY] },
    FuzzTarget {
        name: "api_answer",
        run: api_answer,
        seeds: &[
            b"\x91{\"error\":{\"message\":\"Payment not found\",\"code\":\"NOT_FOUND\"}}",
            b"\xc8{\"data\":[],\"hasMore\":false}",
        ],
    },
    FuzzTarget {
        name: "text_values",
        run: text_values,
        seeds: &[b"2025-01-15T10:30:00.000Z", b"1736937000123", b"payment.*=http://localhost:3000/x", b"[::1]:80"],
    },
];

/// Runs the target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a known target");
    (target.run)(bytes);
}

fn now() -> Timestamp {
    Timestamp::from_second(1_736_937_000).expect("a valid time")
}

/// A key of each provider.
fn keys() -> Vec<Key> {
    let key =
        |provider: &&'static dyn Provider| Key::new(Secret::new(provider.name(), SecretOrigin::Flag, "whsec_fuzz"));
    provider::ALL.iter().map(key).collect()
}

/// Verifies and explains a request: only a request signed with a known secret verifies.
fn verify(request: Request) {
    let rules = Rules { keys: keys(), tolerance: Some(DEFAULT_TOLERANCE) };
    let received = receive(Delivery { request, peer: None, arrived: None }, &rules, now());
    if !received.verdict.is_verified() {
        let credentials = Credentials::new(&rules.keys, &[]);
        let mut budget = HashBudget::new(HashAllowance(2_000), HashAllowance(2_000), 1);
        diagnose::explain(&received, &credentials, &mut budget);
        return;
    }
    // A request verifies only if its signature is in the headers.
    let request = &received.delivery.request;
    let signer = provider::by_header(request).expect("a verified request is signed");
    let header = request.headers.get(signer.signature_header()).expect("found by_header");
    let time = signer.timestamp_header().and_then(|name| request.headers.get(name)).unwrap_or_default();
    let prefix = signer.signed_prefix(&String::from_utf8_lossy(time));
    let key = rules.keys.iter().find(|key| key.secret.provider == signer.name()).expect("each provider has a key");
    let mac = hex::encode(key.sign(prefix.as_bytes(), &request.body));
    assert!(String::from_utf8_lossy(header).to_lowercase().contains(&mac), "verified without this signature");
}

fn verify_all(captures: impl Iterator<Item = Result<Capture, CaptureError>>, bytes: usize) {
    for (number, capture) in captures.enumerate() {
        assert!(number <= bytes, "more requests than bytes");
        match capture {
            Ok(capture) if number < 4 => verify(capture.delivery.request),
            Ok(_) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn raw_http(bytes: &[u8]) {
    capture::detect_format(bytes);
    verify_all(capture::read_raw(bytes), bytes.len());
}

/// Detects the format and reads the requests.
fn any_capture(bytes: &[u8]) {
    capture::detect_format(bytes);
    match capture::read_file(bytes, &Resources::NONE) {
        Ok(file) => verify_all(file.captures.into_iter(), bytes.len()),
        Err(unreadable) => assert!(!unreadable.reason.is_empty() && !unreadable.advice_for("f").contains("{file}")),
    }
}

fn json_lines(bytes: &[u8]) {
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    assert!(capture::count_lines(bytes).abs_diff(lines) <= 1);
    verify_all(capture::read_json_lines(bytes, 1), bytes.len());
}

/// The first line is the timestamp header, the second the signature header, the rest the body.
fn signature_headers(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |&byte| byte == b'\n');
    let (time, signature) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let body = parts.next().unwrap_or_default();
    for provider in provider::ALL {
        let mut request = Request::post("/", body.to_vec());
        let time = provider.timestamp_header().is_none_or(|name| request.headers.push(name, time).is_ok());
        if time && request.headers.push(provider.signature_header(), signature).is_ok() {
            verify(request);
        }
    }
}

/// The payload as shown contains nothing that a terminal acts on.
fn payload(bytes: &[u8]) {
    for reveal in [Reveal::Masked, Reveal::Everything] {
        let shown = lines(bytes, "", Paint::Plain, reveal);
        assert!(!shown.chars().any(|letter| letter != '\n' && needs_escape(letter)), "{shown:?}");
    }
    for place in sensitive_ranges(bytes) {
        assert!(place.start <= place.end && place.end <= bytes.len());
    }
    let Ok(payload) = Payload::parse(bytes) else { return };
    for provider in provider::ALL {
        provider.parse_event(&payload);
    }
}

/// JSON that serde_json accepts is accepted here too, and a serializer writes its own output
/// unchanged.
fn json(bytes: &[u8]) {
    top_level_keys(bytes);
    let skipped: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(bytes);
    assert!(skipped.is_err() || std::str::from_utf8(bytes).is_err() || is_valid(bytes), "serde_json accepts it");
    let Ok(document) = Document::parse(bytes) else { return };
    assert!(is_valid(bytes));
    for serializer in SERIALIZERS {
        let written = serializer.write(&document);
        let Ok(again) = Document::parse(&written) else {
            // Python parses 1e400 as infinity and writes `Infinity`.
            assert!(written.windows(8).any(|word| word == b"Infinity"), "{}", written.escape_ascii());
            continue;
        };
        let twice = serializer.write(&again);
        // PHP writes -0.0 as -0, and parses that as the integer 0.
        let zero = serializer.code.starts_with("php") && written.windows(2).any(|two| two == b"-0");
        assert!(twice == written || zero, "differs when written twice: {}", written.escape_ascii());
    }
}

/// No error repeats a secret.
fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for scope in [FileScope::Project, FileScope::User] {
        match file::parse(text, scope) {
            Ok(sets) => {
                let sets: Vec<_> = sets.into_iter().flatten().collect();
                let may =
                    |set: &file::FileSetting| set.values.iter().all(|value| set.setting.project_rule.allows(value));
                assert!(scope == FileScope::User || sets.iter().all(may));
            }
            Err(error) => {
                error.hint();
                assert!(!error.to_string().contains("sk_live_0"));
            }
        }
    }
}

/// A registry that was read is written and read back the same.
fn registry(bytes: &[u8]) {
    if let Ok(registry) = Registry::parse(Some(bytes)) {
        assert_eq!(Registry::parse(Some(&registry.to_bytes())).as_ref(), Ok(&registry));
        registry.signing_secrets().for_each(drop);
    }
}

/// The first byte encodes the status, the rest is the body.
fn api_answer(bytes: &[u8]) {
    let Some((&status, body)) = bytes.split_first() else { return };
    let mut answer = Answer::new(100 + u16::from(status) * 2, body);
    let _ = answer.headers.push("Retry-After", body.get(..20).unwrap_or(body));
    for &provider in provider::ALL {
        if let Err(unfit) = provider::api::parse_response(provider, &answer, now()) {
            assert!(!unfit.to_error(provider, "it failed").to_string().is_empty());
        }
    }
}

/// Values of flags, headers and fields.
fn text_values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = timestamp::parse_unix(text);
    let _ = text.parse::<Route>();
    let _ = text.parse::<RouteList>();
    if let Ok(time) = timestamp::parse(text) {
        timestamp::format_duration(time.duration_since(now()));
        let _ = Duration::try_from(time.duration_since(now()));
    }
}
