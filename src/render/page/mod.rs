//! HTML: the pages of `ui`, and the frame of the reports that `check` and `reconcile` write.
//!
//! Pages are functions from the values of `view` to markup: the server in `command::ui` chooses the
//! values. maud escapes every value; `parts` masks secrets and escapes invisible characters before.
//! One style sheet serves pages and reports.

mod check;
mod detail;
mod diff;
mod layout;
mod list;
mod message;
mod overview;
mod parts;
mod payload;
mod query;
mod reconcile;
mod report;
mod timeline;
mod view;

pub use check::check;
pub use detail::detail;
pub use diff::diff;
pub use list::list;
pub use message::{error, login};
pub use overview::overview;
pub(super) use parts::bar;
pub use query::{FilterName, ListQuery};
pub use reconcile::reconcile;
pub(super) use report::{escape_markup, escape_prose, page, start};
pub use view::{
    AppHealth, CheckView, DetailPart, DetailView, DiffView, EndpointHealth, ListView, OverviewView, PageFrame,
    ReconcileView, RecordView, Replay, ReplayMode,
};

use sha2::{Digest as _, Sha256};

/// A file that pages load.
pub struct Asset {
    pub path: &'static str,
    pub content_type: &'static str,
    pub body: &'static str,
}

impl Asset {
    /// Returns a hash of the content for the address that pages use: browsers may keep that forever.
    pub fn version(&self) -> String {
        hex::encode(&Sha256::digest(self.body)[..6])
    }

    /// Returns the address that pages use.
    fn address(&self) -> String {
        format!("{}?v={}", self.path, self.version())
    }
}

/// The files that pages load, all of them.
pub static ASSETS: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];

static STYLE: Asset =
    Asset { path: "/assets/page.css", content_type: "text/css; charset=utf-8", body: include_str!("page.css") };
static SCRIPT: Asset =
    Asset { path: "/assets/page.js", content_type: "text/javascript; charset=utf-8", body: include_str!("page.js") };
static ICON: Asset = Asset { path: "/assets/icon.svg", content_type: "image/svg+xml", body: include_str!("icon.svg") };

#[cfg(test)]
mod tests;
