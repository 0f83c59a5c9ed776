//! `whtool events export`: writes captures in a format that other tools read.

use super::open_if_exists;
use crate::command::Session;
use crate::command::shared::captures::{self, Filters};
use crate::command::shared::store_args::StoreArgs;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::stored::StoredCapture;
use crate::render;
use clap::{Args, ValueEnum};
use std::io::Write;

/// Export captures as JSON lines or as an HTTP archive
///
/// `whtool verify` reads both formats. Bodies and headers are written unmasked.
#[derive(Args)]
#[command(mut_arg("from_provider", captures::rename_provider_flag))]
pub(super) struct ExportEvents {
    /// Captures to export, instead of filters: numbers, last, ranges (40..45), event ids or
    /// references
    #[arg(value_name = "CAPTURE")]
    names: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    /// Output format
    #[arg(long = "as", value_name = "FORMAT", default_value = "ndjson")]
    format: ExportFormat,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// One JSON object per line
    Ndjson,
    /// An HTTP archive (HAR 1.2)
    Har,
}

pub(super) fn run(args: &ExportEvents, session: &Session<'_>) -> Result<CommandOutcome> {
    let store = open_if_exists(&args.store, session)?;
    if !args.names.is_empty() && !args.filters.is_empty() {
        return Err(Error::usage("captures are selected by name or by filters, not both"));
    }
    args.filters.warn_if_unknown_types(session);
    let query = args.filters.query(&session.now());
    let mut output = session.world.stdout();
    if args.format == ExportFormat::Har {
        output.write_all(&render::har::start())?;
    }
    let (mut written, mut without_body) = (0_u64, 0_u64);
    if let Some(mut store) = store {
        let mut write = |stored: StoredCapture| -> Result<()> {
            let StoredCapture::Whole(stored) = stored else {
                without_body += 1;
                return Ok(());
            };
            match args.format {
                ExportFormat::Ndjson => output.write_all(&render::stored::capture(&stored))?,
                ExportFormat::Har => {
                    output.write_all(if written > 0 { b",\n" } else { b"" })?;
                    output.write_all(&render::har::entry(&stored))?;
                }
            }
            written += 1;
            Ok(())
        };
        if args.names.is_empty() {
            store.for_each(&query, &mut write)?;
        }
        for name in &args.names {
            for id in captures::find_all(store.as_mut(), name, session)? {
                store.load(id)?.map_or(Ok(()), &mut write)?;
            }
        }
    }
    if args.format == ExportFormat::Har {
        output.write_all(render::har::end())?;
    }
    output.flush()?;
    session.info(&format!("exported {}", render::text::count(written, "delivery")));
    if without_body > 0 {
        let left_out = render::text::count(without_body, "refused request");
        session.warn(&format!("left out {left_out} whose body was not kept (see `listen --refused-limit`)"));
    }
    Ok(CommandOutcome::Success)
}
