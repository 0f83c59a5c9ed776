//! `whtool sign`: signs the exact bytes of a payload, for use with other tools.

use super::{Session, cannot_read, detect_provider, parse_time, provider_parser, warn_if_empty};
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::command::shared::target;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::message::Request;
use crate::model::signature::{Key, Mac};
use crate::model::timestamp::Timestamp;
use crate::provider::{self, Provider, SignatureForm};
use crate::render;
use clap::{Args, ValueEnum};
use std::io::{Read, Write};
use std::path::PathBuf;

/// Sign a payload and print headers, a curl command, a raw HTTP request or JSON
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool sign payload.json
  whtool sign payload.json | \\
    curl -H @- --data-binary @payload.json localhost:4848
  whtool sign payload.json --as curl --to http://localhost:3000/webhooks
  printf '%s' \"$BODY\" | whtool sign - --provider plexos --as digest")]
pub(super) struct Sign {
    /// File with the payload, signed byte for byte; `-` reads standard input
    file: PathBuf,
    /// Provider to sign for (default: detected from the payload)
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser())]
    provider: Option<&'static dyn Provider>,
    /// Signing time, as Unix seconds or RFC 3339 (default: now)
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    timestamp: Option<Timestamp>,
    /// Output format
    #[arg(long = "as", value_name = "FORMAT", default_value = "headers")]
    form: SignFormat,
    /// Write Plustive's signature without the `sha256=` prefix, as in its guide
    #[arg(long)]
    bare: bool,
    /// Target URL of the `curl`, `http` and `json` formats
    #[arg(long, value_name = "URL", default_value = target::DEFAULT_TARGET, value_parser = target::parse)]
    to: url::Url,
    #[command(flatten)]
    secrets: SecretArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SignFormat {
    /// Header lines
    Headers,
    /// A curl command for bash that sends the same bytes
    Curl,
    /// A raw HTTP/1.1 request
    Http,
    /// One JSON object
    Json,
    /// Only the signature, as hex
    Digest,
}

/// Bytes of a payload that are read to detect the provider.
const DETECTION_LIMIT: u64 = 1 << 20;
/// Bytes that are read at once while signing.
const CHUNK_SIZE: usize = 256 * 1024;

impl Sign {
    fn header_form(&self) -> SignatureForm {
        if self.bare { SignatureForm::BareHex } else { SignatureForm::Reference }
    }
}

pub(super) fn run(args: &Sign, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut source = session.open(&args.file)?;
    let failed = |error| cannot_read(&args.file, error);
    let mut body = Vec::new();
    source.by_ref().take(DETECTION_LIMIT).read_to_end(&mut body).map_err(failed)?;
    let name = args.file.display().to_string();
    let provider = detect_provider(args.provider, &body, &name)?;
    warn_if_empty(&body, if name == "-" { "standard input" } else { &name }, session);
    if args.timestamp.is_some() && provider.timestamp_header().is_none() {
        session.info(&format!("{} does not sign a timestamp; --timestamp is ignored", provider.title()));
    }
    let secrets = secrets::load(&args.secrets, TestSecret::Create, session)?;
    let key = secrets.signing_key(provider)?;
    let timestamp = provider::format_unix_seconds(args.timestamp.unwrap_or_else(|| session.world.now()));
    let needs_body = matches!(args.form, SignFormat::Curl | SignFormat::Http | SignFormat::Json);
    if needs_body {
        source.read_to_end(&mut body).map_err(failed)?;
    }
    let mac = sign_stream(key, &provider.signed_prefix(&timestamp), &body, source).map_err(failed)?;
    let headers = provider.signature_headers(&mac, &timestamp, args.header_form());
    let text = match args.form {
        SignFormat::Digest => format!("{}\n", hex::encode(mac)).into_bytes(),
        SignFormat::Headers => {
            headers.iter().flat_map(|(name, value)| format!("{name}: {value}\n").into_bytes()).collect()
        }
        SignFormat::Curl => render::request::curl(&request(args, &headers, body)?, &args.to).into_bytes(),
        SignFormat::Http => session.check_terminal(request(args, &headers, body)?.to_wire())?,
        SignFormat::Json => render::json::signed(provider.name(), args.to.as_str(), &request(args, &headers, body)?),
    };
    let mut output = session.world.stdout();
    output.write_all(&text)?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

/// Signs the part that was read already, then the rest in chunks, in constant memory.
fn sign_stream(key: &Key, prefix: &str, start: &[u8], mut rest: impl Read) -> std::io::Result<Mac> {
    let mut signer = key.signer();
    signer.update(prefix.as_bytes());
    signer.update(start);
    let mut chunk = vec![0; CHUNK_SIZE];
    loop {
        match rest.read(&mut chunk) {
            Ok(0) => return Ok(signer.finish()),
            Ok(length) => signer.update(&chunk[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn request(args: &Sign, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<Request> {
    signed_post(&args.to, headers, body).map_err(|error| Error::failed("can't write the request").because(error))
}

/// Builds a signed POST with the headers of a webhook.
pub(super) fn signed_post(
    url: &url::Url,
    signature: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<Request, crate::model::message::HeaderError> {
    let mut request = Request::post(&path_and_query(url), body);
    request.headers.push("Host", host_header(url).as_bytes())?;
    request.headers.push("User-Agent", concat!("whtool/", env!("CARGO_PKG_VERSION")).as_bytes())?;
    request.headers.push("Content-Type", b"application/json")?;
    let length = request.body.len().to_string();
    request.headers.push("Content-Length", length.as_bytes())?;
    for (name, value) in signature {
        request.headers.push(name, value.as_bytes())?;
    }
    Ok(request)
}

fn path_and_query(url: &url::Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Host, with the port unless it is the default of the scheme.
fn host_header(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
