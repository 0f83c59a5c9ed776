//! `whtool events show --bundle`: writes a file for the provider's support.

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

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ConfirmMode {
    AtTerminal,
    Never,
}

/// Lists the contents, asks for confirmation, and writes the file. Never overwrites one.
pub(super) fn write(
    stored: &StoredDelivery,
    (analyzed, findings): (&AnalyzedDelivery, &[Finding]),
    secrets: &Secrets,
    (path, confirm_mode): (&Path, ConfirmMode),
    session: &Session<'_>,
) -> Result<()> {
    let contents = Contents {
        stored,
        analyzed,
        findings,
        version: env!("CARGO_PKG_VERSION"),
        created: session.world.now().to_string(),
        secrets: secrets.bytes().collect(),
    };
    let bundle = bundle::build(&contents);
    let name = escape_unsafe(&path.display().to_string()).into_owned();
    if path == Path::new("-") {
        let mut output = session.world.stdout();
        output.write_all(&bundle.text)?;
        return Ok(output.flush()?);
    }
    if session.world.file_exists(path) {
        return Err(already_exists(&name));
    }
    session.print_message(&format!("{name} will contain:"));
    bundle.list.iter().for_each(|part| session.print_message(&format!("  - {}", escape_unsafe(part))));
    if confirm_mode == ConfirmMode::AtTerminal && session.world.is_terminal(Stream::Input) {
        confirm(session, &format!("write {name}?"), "yes")?;
    }
    session.world.update_file(path, &mut |old| match old {
        None => Ok(bundle.text.clone()),
        Some(_) => Err(already_exists(&name)),
    })?;
    session.info(&format!("wrote {name}; read it before you send it"));
    Ok(())
}

fn already_exists(name: &str) -> Error {
    Error::failed(format!("{name} already exists")).hint("choose another name or remove the file")
}
