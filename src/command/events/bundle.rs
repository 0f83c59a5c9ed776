//! `whtool events show --bundle`: writes a file for the provider's support.

use crate::command::shared::output_file;
use crate::command::shared::secrets::Secrets;
use crate::command::shared::stored_capture::support_bundle;
use crate::command::{Session, confirm};
use crate::diagnose::Finding;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::Result;
use crate::model::sanitize::escape_unsafe;
use crate::model::stored::StoredDelivery;
use crate::world::{FileVisibility, Stream};
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
    let bundle = support_bundle(stored, (analyzed, findings), secrets, session.world.now());
    let name = escape_unsafe(&path.display().to_string()).into_owned();
    if output_file::is_stdout(path) {
        return output_file::write(path, &bundle.text, FileVisibility::OwnerOnly, &|_| false, session);
    }
    output_file::check(path, &|_| false, session)?;
    session.print_message(&format!("{name} will contain:"));
    bundle.list.iter().for_each(|part| session.print_message(&format!("  - {}", escape_unsafe(part))));
    if confirm_mode == ConfirmMode::AtTerminal && session.world.is_terminal(Stream::Input) {
        confirm(session, &format!("write {name}?"), "yes")?;
    }
    output_file::write(path, &bundle.text, FileVisibility::OwnerOnly, &|_| false, session)?;
    session.info(&format!("wrote {name}; read it before you send it"));
    Ok(())
}
