//! `whtool events show --bundle`: a file for the provider's support.

use crate::command::shared::secrets::Secrets;
use crate::command::{Session, confirm};
use crate::diagnose::Finding;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::{Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::stored::StoredDelivery;
use crate::render::bundle::{self, Contents};
use crate::world::Stream;
use std::io::Write;
use std::path::Path;

/// Whether the person is asked first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// At a terminal.
    AtTerminal,
    /// Never.
    Never,
}

/// Lists what goes into the file, asks, and writes it. A file that is there already stays.
pub(super) fn write(
    kept: &StoredDelivery,
    (judged, findings): (&AnalyzedDelivery, &[Finding]),
    secrets: &Secrets,
    (path, asking): (&Path, Asking),
    session: &Session<'_>,
) -> Result<()> {
    let contents = Contents {
        kept,
        judged,
        findings,
        version: env!("CARGO_PKG_VERSION"),
        made: session.world.now().to_string(),
        secrets: secrets.bytes().collect(),
    };
    let bundle = bundle::bundle(&contents);
    let name = escape_unsafe(&path.display().to_string()).into_owned();
    if path == Path::new("-") {
        let mut output = session.world.stdout();
        output.write_all(&bundle.text)?;
        return Ok(output.flush()?);
    }
    if session.world.file_exists(path) {
        return Err(in_the_way(&name));
    }
    session.write_error_line(&format!("{name} for the provider's support will hold:"));
    bundle.list.iter().for_each(|part| session.write_error_line(&format!("  - {}", escape_unsafe(part))));
    if asking == Asking::AtTerminal && session.world.is_terminal(Stream::Input) {
        confirm(session, &format!("write {name}?"), "yes")?;
    }
    session.world.update_file(path, &mut |old| match old {
        None => Ok(bundle.text.clone()),
        Some(_) => Err(in_the_way(&name)),
    })?;
    session.say(&format!("wrote {name}: read it before you send it"));
    Ok(())
}

fn in_the_way(name: &str) -> Error {
    Error::failed(format!("{name} is there already")).hint("give another name, or remove it first")
}
