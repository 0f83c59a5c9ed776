//! A check that another command runs, with its progress: the same probes as those of `check`.

use super::client::HttpHandlerClient;
use super::{Check, report_header};
use crate::check::{self, CheckPlan, CheckReport, ProbeSelection};
use crate::command::Session;
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::diagnose::oracle::HandlerSecrets;
use crate::model::address::Reach;
use crate::model::error::{Error, Result};
use crate::provider::Provider;
use crate::render::check::ReportHeader;
use clap::{Args, Command, FromArgMatches};
use url::Url;

/// A handler to check with all probes.
pub(in crate::command) struct HandlerCheck<'a> {
    pub provider: &'static dyn Provider,
    pub url: &'a Url,
    pub reach: Reach,
    pub secrets: &'a SecretArgs,
    /// Ends the check once it returns true.
    pub is_canceled: &'a dyn Fn() -> bool,
}

/// Runs a check. `progress` gets the number of probes that are done, and of all.
pub(in crate::command) fn check_handler(
    wanted: &HandlerCheck<'_>,
    progress: &dyn Fn(usize, usize),
    session: &Session<'_>,
) -> Result<(CheckReport, ReportHeader)> {
    let args = default_args(wanted.url)?;
    let secrets = secrets::load(wanted.secrets, TestSecret::Create, session)?;
    let key = secrets.signing_key(wanted.provider)?.clone();
    let handler_secrets = HandlerSecrets::new(wanted.provider, &key, &secrets.credentials());
    let selection = ProbeSelection { only: Vec::new(), skip: Vec::new() };
    let (provider, url) = (wanted.provider, wanted.url.clone());
    let plan = CheckPlan { provider, key, handler_secrets, url, budget: super::budget(&args)?, selection };
    let (mut done, total) = (0, check::probes(provider).len());
    progress(done, total);
    let started = session.world.now();
    let mut client = HttpHandlerClient::new(&args, &plan, wanted.reach, None, session).canceled_by(wanted.is_canceled);
    let report = check::run(&plan, &mut client, &mut || {
        done += 1;
        progress(done, total);
    })?;
    Ok((report, report_header(&plan, started, session)))
}

/// Returns the arguments of `whtool check URL` without any flag.
fn default_args(url: &Url) -> Result<Check> {
    let matches = Check::augment_args(Command::new("check")).try_get_matches_from(["check", url.as_str()]);
    matches.and_then(|matches| Check::from_arg_matches(&matches)).map_err(|error| Error::usage(error.to_string()))
}
