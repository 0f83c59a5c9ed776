//! `whtool mcp`: a server of the Model Context Protocol on standard input and output.
//!
//! Each tool runs whtool again with its own streams, so that nothing but messages of the protocol
//! can reach standard output, and a tool that hangs can be ended.

use super::Session;
use super::shared::store_args::StoreArgs;
use crate::mcp::tools::{OutputKind, Permissions, ToolCall};
use crate::mcp::{self, Reaction, result};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::program_output::ProgramOutput;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

/// Serve the Model Context Protocol to coding agents, over standard input and output
///
/// Agents can list and explain received webhooks, test a handler, sign payloads and reconcile
/// payments. Secrets are never in an answer, and signed events go to this machine only.
/// docs/mcp.md has the configuration of Claude Code, Codex, Cursor and VS Code.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool mcp
  whtool mcp --allow send")]
pub(super) struct Mcp {
    /// Also offer tools that send events to apps on this machine: send_event and replay
    #[arg(long, value_name = "WHAT")]
    allow: Vec<Allowed>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Allowed {
    /// Send signed events to apps on this machine
    Send,
}

/// Longest message that is read, in bytes.
const MAX_MESSAGE: u64 = 16 * 1024 * 1024;
/// Longest run of a tool.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Pause between two looks for an event that is waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

pub(super) fn run(args: &Mcp, session: &Session<'_>) -> Result<CommandOutcome> {
    let permissions = Permissions { send: args.allow.contains(&Allowed::Send) };
    let server = ToolServer { args, session };
    let mut input = BufReader::new(session.world.stdin());
    let mut output = session.world.stdout();
    loop {
        let mut line = Vec::new();
        input.by_ref().take(MAX_MESSAGE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(CommandOutcome::Success);
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == MAX_MESSAGE {
            return Err(Error::failed("a message is longer than 16 MiB"));
        }
        let answer = match mcp::react(line.trim_ascii(), permissions, env!("CARGO_PKG_VERSION")) {
            Reaction::Nothing => continue,
            Reaction::Answer(answer) => answer,
            Reaction::Call { id, call } => mcp::result(id, server.call(&call)),
        };
        let mut message = serde_json::to_vec(&answer).map_err(std::io::Error::from)?;
        message.push(b'\n');
        output.write_all(&message)?;
        output.flush()?;
    }
}

struct ToolServer<'a> {
    args: &'a Mcp,
    session: &'a Session<'a>,
}

impl ToolServer<'_> {
    /// Runs a tool. What fails is part of its answer, which the model reads.
    fn call(&self, call: &ToolCall) -> Value {
        let boundary = self.random_boundary();
        let answered = match call {
            ToolCall::Command { words, input, output } => self.whtool(words, input, TIMEOUT).map(|done| match output {
                OutputKind::Records => result::of_records(&done, &boundary),
                OutputKind::Text { offset } => result::of_text(&done, *offset, &boundary),
            }),
            ToolCall::WaitForEvent { filters, seconds } => self.wait_for_event(filters, *seconds, &boundary),
            ToolCall::Known(value) => Ok(result::of_value(value.clone(), &boundary)),
            ToolCall::ProviderFacts { documented, learn } => self.whtool(learn, &[], TIMEOUT).map(|done| {
                let seen = serde_json::from_slice::<Value>(&done.stdout).ok();
                result::of_value(json!({"documented": documented, "seen": seen}), &boundary)
            }),
        };
        answered.unwrap_or_else(|error| result::failure(&error.to_string()))
    }

    /// Runs whtool with the store of this server.
    fn whtool(&self, words: &[String], input: &[u8], timeout: Duration) -> Result<ProgramOutput> {
        let has_store = !matches!(words.first().map(String::as_str), Some("samples" | "sign" | "check"));
        let store = if has_store { self.args.store.typed_flags(self.session) } else { Vec::new() };
        // The name of a command comes before its flags, the other words after them.
        let names = if words.first().is_some_and(|word| word == "events" || word == "samples") { 2 } else { 1 };
        let (command, rest) = words.split_at(names.min(words.len()));
        let all: Vec<String> = command.iter().cloned().chain(store).chain(rest.iter().cloned()).collect();
        self.session.world.run_own_program(&all, input, timeout)
    }

    /// Looks for events that arrived after the call until there is one, or the time is over.
    fn wait_for_event(&self, filters: &[String], seconds: u64, boundary: &str) -> Result<Value> {
        let world = self.session.world;
        let (started, mut interrupt) = (world.now(), world.interrupt_waiter()?);
        let mut words = vec!["events".to_owned(), "list".to_owned(), format!("--since={started}")];
        words.extend(filters.iter().cloned());
        words.extend(["--limit=20".to_owned(), "--json".to_owned()]);
        loop {
            let done = self.whtool(&words, &[], TIMEOUT)?;
            let elapsed = world.now().duration_since(started).unsigned_abs();
            if done.status != 0 || !done.stdout.trim_ascii().is_empty() {
                return Ok(result::of_records(&done, boundary));
            }
            if elapsed >= Duration::from_secs(seconds) {
                let content =
                    json!({"exitStatus": 1, "records": [], "messages": [format!("no event within {seconds} s")]});
                return Ok(result::of_value(content, boundary));
            }
            if interrupt.wait(POLL_INTERVAL) {
                return Err(Error::interrupted());
            }
        }
    }

    fn random_boundary(&self) -> String {
        let mut bytes = [0; 8];
        self.session.world.fill_random(&mut bytes);
        hex::encode(bytes)
    }
}
