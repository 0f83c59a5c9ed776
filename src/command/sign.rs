//! `whtool sign`: the signature of the exact bytes, in a form that another tool takes.

use super::{Session, cannot_read, moment, provider_of, provider_values, warn_of_nothing};
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

/// Sign a payload: print headers, a curl command, a raw HTTP request or JSON
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool sign payload.json
  whtool sign payload.json | \\
    curl -H @- --data-binary @payload.json localhost:4848
  whtool sign payload.json --as curl --to http://localhost:3000/webhooks
  printf '%s' \"$BODY\" | whtool sign - --provider plexos --as digest")]
pub(super) struct Sign {
    /// The payload, byte for byte; `-` is standard input
    file: PathBuf,
    /// Whose signature; recognised from the payload when not given
    #[arg(long, value_name = "NAME", value_parser = provider_values())]
    provider: Option<&'static dyn Provider>,
    /// The time of signing: Unix seconds or RFC 3339; now when not given
    #[arg(long, value_name = "TIME", value_parser = moment)]
    timestamp: Option<Timestamp>,
    /// What to print
    #[arg(long = "as", value_name = "FORM", default_value = "headers")]
    form: Output,
    /// Write Plustive's signature as bare hex, as its guide does, instead of `sha256=` and hex
    #[arg(long)]
    bare: bool,
    /// Where a request in `curl`, `http` or `json` form goes
    #[arg(long, value_name = "URL", default_value = target::DEFAULT_TARGET, value_parser = target::parse)]
    to: url::Url,
    #[command(flatten)]
    secrets: SecretArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Header lines
    Headers,
    /// A command that pastes into bash and sends the same bytes
    Curl,
    /// A raw HTTP/1.1 request
    Http,
    /// One JSON object
    Json,
    /// The signature alone, as hex
    Digest,
}

/// How much of a payload is looked at to recognise the provider.
const START: u64 = 1 << 20;
/// How much is read at once while signing.
const PIECE: usize = 256 * 1024;

impl Sign {
    /// The form of Plustive's header.
    fn header_form(&self) -> SignatureForm {
        if self.bare { SignatureForm::BareHex } else { SignatureForm::Reference }
    }
}

/// Signs, and prints the signature.
pub(super) fn run(args: &Sign, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut source = session.open(&args.file)?;
    let failed = |error| cannot_read(&args.file, error);
    let mut body = Vec::new();
    source.by_ref().take(START).read_to_end(&mut body).map_err(failed)?;
    let name = args.file.display().to_string();
    let provider = provider_of(args.provider, &body, &name)?;
    warn_of_nothing(&body, if name == "-" { "standard input" } else { &name }, session);
    if args.timestamp.is_some() && provider.timestamp_header().is_none() {
        session.say(&format!("{} signs no time: --timestamp changes nothing", provider.title()));
    }
    let secrets = secrets::load(&args.secrets, TestSecret::Create, session)?;
    let key = secrets.signing_key(provider)?;
    let timestamp = provider::format_unix_seconds(args.timestamp.unwrap_or_else(|| session.world.now()));
    let needs_body = matches!(args.form, Output::Curl | Output::Http | Output::Json);
    if needs_body {
        source.read_to_end(&mut body).map_err(failed)?;
    }
    let mac = sign_stream(key, &provider.signed_prefix(&timestamp), &body, source).map_err(failed)?;
    let headers = provider.signature_headers(&mac, &timestamp, args.header_form());
    let text = match args.form {
        Output::Digest => format!("{}\n", hex::encode(mac)).into_bytes(),
        Output::Headers => headers.iter().flat_map(|(name, value)| format!("{name}: {value}\n").into_bytes()).collect(),
        Output::Curl => render::request::curl(&request(args, &headers, body)?, &args.to).into_bytes(),
        Output::Http => request(args, &headers, body)?.to_wire(),
        Output::Json => render::json::signed(provider.name(), &args.to, &request(args, &headers, body)?),
    };
    let mut output = session.world.stdout();
    output.write_all(&text)?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

/// Signs what was read already, and then the rest as it comes, in constant memory.
fn sign_stream(key: &Key, prefix: &str, start: &[u8], mut rest: impl Read) -> std::io::Result<Mac> {
    let mut signer = key.signer();
    signer.update(prefix.as_bytes());
    signer.update(start);
    let mut piece = vec![0; PIECE];
    loop {
        match rest.read(&mut piece) {
            Ok(0) => return Ok(signer.finish()),
            Ok(length) => signer.update(&piece[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn request(args: &Sign, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<Request> {
    post(&args.to, headers, body).map_err(|error| Error::failed("can't write the request").because(error))
}

/// A signed POST to a URL, with the headers every delivery has.
pub(super) fn post(
    url: &url::Url,
    signature: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<Request, crate::model::message::HeaderError> {
    let mut request = Request::post(&target_of(url), body);
    request.headers.push("Host", host_of(url).as_bytes())?;
    request.headers.push("User-Agent", concat!("whtool/", env!("CARGO_PKG_VERSION")).as_bytes())?;
    request.headers.push("Content-Type", b"application/json")?;
    let length = request.body.len().to_string();
    request.headers.push("Content-Length", length.as_bytes())?;
    for (name, value) in signature {
        request.headers.push(name, value.as_bytes())?;
    }
    Ok(request)
}

/// Path and query.
fn target_of(url: &url::Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Host, and port unless it is the scheme's own.
fn host_of(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
