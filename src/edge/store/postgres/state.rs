//! Keeps the state of `whtool watch`: rows with a kind, a key and bytes, whose meaning is the domain's.

use super::params::Params;
use super::rows::Columns;
use super::session::PostgresSession;
use super::text::encode;
use crate::model::error::Result;
use crate::model::stored::StateRow;
use tokio_postgres::types::Type;

impl PostgresSession {
    pub(super) async fn read_state(&self, kinds: &[&str]) -> Result<Vec<StateRow>> {
        let mut params = Params::default();
        let inbox = params.add_text(self.inbox());
        let kinds: Vec<String> = kinds.iter().map(|kind| encode(kind).into_owned()).collect();
        let kinds = params.add(kinds, Type::TEXT_ARRAY);
        let sql = format!(
            "SELECT kind, key, value FROM whtool.watch_state WHERE inbox = {inbox} AND kind = ANY({kinds}) \
             ORDER BY array_position({kinds}, kind), key"
        );
        let rows = self.query(&sql, &params).await?;
        rows.iter().map(|row| Columns::new(row).read_state_row()).collect()
    }

    pub(super) async fn read_state_row(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>> {
        let mut params = Params::default();
        let names = [self.inbox(), kind, key].map(|text| params.add_text(text)).join(", ");
        let sql = format!("SELECT value FROM whtool.watch_state WHERE (inbox, kind, key) = ({names})");
        self.query(&sql, &params).await?.first().map(|row| Columns::new(row).read()).transpose()
    }

    pub(super) async fn write_state_rows(&mut self, rows: &[StateRow]) -> Result<()> {
        let inbox = self.inbox().to_owned();
        let transaction = self.begin_write().await?;
        for StateRow { kind, key, value } in rows {
            let mut params = Params::default();
            let names = [&*inbox, kind, key].map(|text| params.add_text(text)).join(", ");
            let sql = match value {
                Some(value) => format!(
                    "INSERT INTO whtool.watch_state (inbox, kind, key, value) VALUES ({names}, {}) \
                     ON CONFLICT (inbox, kind, key) DO UPDATE SET value = excluded.value",
                    params.add(value.clone(), Type::BYTEA)
                ),
                None => format!("DELETE FROM whtool.watch_state WHERE (inbox, kind, key) = ({names})"),
            };
            transaction.query(&sql, &params).await?;
        }
        transaction.commit().await
    }
}
