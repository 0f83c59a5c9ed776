//! `whtool events export`: many captures, one after the other, in a form that is read back.

use super::opened;
use crate::command::Session;
use crate::command::shared::captures::{Filters, StoreArgs};
use crate::model::error::{CommandOutcome, Result};
use crate::render;
use clap::{Args, ValueEnum};
use std::io::Write;

/// Write out many captures, whole: JSON lines, or an HTTP archive
///
/// `whtool verify` reads both forms. They hold bodies and headers as they came: nothing is masked.
#[derive(Args)]
#[command(mut_arg("from_provider", super::list::called_provider))]
pub(super) struct Export {
    #[command(flatten)]
    filters: Filters,
    /// What to write
    #[arg(long = "as", value_name = "FORM", default_value = "ndjson")]
    form: Form,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One JSON object a line
    Ndjson,
    /// An HTTP archive (HAR 1.2)
    Har,
}

/// Writes them out as they come from the store.
pub(super) fn run(args: &Export, session: &Session<'_>) -> Result<CommandOutcome> {
    let store = opened(&args.store, session)?;
    args.filters.warn_of_unknown_types(session);
    let query = args.filters.query(session.world.now());
    let mut output = session.world.stdout();
    if args.form == Form::Har {
        output.write_all(&render::har::start())?;
    }
    let mut written = 0_u64;
    if let Some(mut store) = store {
        store.for_each(&query, &mut |kept| {
            match args.form {
                Form::Ndjson => output.write_all(&render::stored::capture(&kept))?,
                Form::Har => {
                    output.write_all(if written > 0 { b",\n" } else { b"" })?;
                    output.write_all(&render::har::entry(&kept))?;
                }
            }
            written += 1;
            Ok(())
        })?;
    }
    if args.form == Form::Har {
        output.write_all(render::har::end())?;
    }
    output.flush()?;
    session.say(&format!("{} written", render::text::count(written, "delivery")));
    Ok(CommandOutcome::Success)
}
