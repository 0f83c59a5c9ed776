//! A complete list of orders in a temporary file: a source that fails concludes nothing.

use super::Reconcile;
use crate::command::Session;
use crate::command::shared::list_source::ListSource;
use crate::model::error::{Error, Result};
use crate::reconcile::order::{Spool, SpoolWriter};
use std::io;

pub(super) struct SpooledList {
    pub source: ListSource,
    pub spool: Spool,
}

impl SpooledList {
    pub(super) fn read(source: ListSource, args: &Reconcile, session: &Session<'_>) -> Result<Self> {
        let failed = |error: io::Error| Error::failed("can't save the list").because(error);
        let mut writer = SpoolWriter::new(&|| session.world.temporary_file()).map_err(failed)?;
        args.source.copy(&source, args.api.credential_variables(), session, &mut writer)?;
        Ok(Self { source, spool: writer.finish().map_err(failed)? })
    }
}
