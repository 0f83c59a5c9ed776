//! The document around every page: head, navigation, and the list of keys.

use super::view::PageFrame;
use super::{ICON, SCRIPT, STYLE};
use maud::{DOCTYPE, Markup, html};

/// The page in the navigation that is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Events,
    Overview,
    Check,
    Reconcile,
    Other,
}

const SECTIONS: [(Section, &str, &str); 4] = [
    (Section::Events, "/", "Events"),
    (Section::Overview, "/overview", "Overview"),
    (Section::Check, "/check", "Check"),
    (Section::Reconcile, "/reconcile", "Reconcile"),
];

/// Keys and what they do.
const KEYS: [(&str, &str); 11] = [
    ("j", "Next event"),
    ("k", "Previous event"),
    ("Enter", "Open the event"),
    ("/", "Filter the list"),
    ("r", "Replay the event"),
    ("e", "Edit and replay"),
    ("d", "Compare with the previous event"),
    ("c", "Copy as curl"),
    ("Ctrl+Enter", "Send the edited payload"),
    ("Esc", "Close, or back to the list"),
    ("?", "Show the keys"),
];

/// The way in which a page changes while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Updates {
    None,
    /// With each event of the stream.
    Live,
    /// With each event of the stream, and without a script by loading it again.
    Progress,
}

pub(super) fn document(
    frame: Option<&PageFrame<'_>>,
    title: &str,
    section: Section,
    updates: Updates,
    content: &Markup,
) -> String {
    let live = (updates != Updates::None).then_some("/stream");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) @if !title.is_empty() { " · " } "whtool" }
                link rel="icon" href=(ICON.address());
                link rel="stylesheet" href=(STYLE.address());
                script src=(SCRIPT.address()) {}
                @if updates == Updates::Progress { noscript { meta http-equiv="refresh" content="2"; } }
            }
            body.app data-live=[live] {
                a.skip href="#main" { "Skip to content" }
                (header(frame, section))
                (content)
                (keys())
            }
        }
    };
    page.into_string()
}

fn header(frame: Option<&PageFrame<'_>>, section: Section) -> Markup {
    html! {
        header.top {
            a.brand href="/" { "whtool" }
            @if frame.is_some() {
                nav aria-label="Pages" {
                    @for (page, href, name) in SECTIONS {
                        a href=(href) aria-current=[(page == section).then_some("page")] { (name) }
                    }
                }
            }
            div.status {
                @if let Some(frame) = frame {
                    @match frame.listener {
                        Some(url) => span { "listening on " code { (frame.text(url)) } },
                        None => span title="store" { code { (frame.text(frame.store)) } },
                    }
                }
                span #live hidden role="status" {}
                button #theme type="button" hidden title="Dark or light" aria-label="Switch between dark and light" { "◐" }
                button #keys-button type="button" hidden title="Keys" aria-label="Show the keys" { "?" }
            }
        }
    }
}

fn keys() -> Markup {
    html! {
        dialog #keys aria-label="Keys" {
            h2 { "Keys" }
            dl.keys {
                @for (key, action) in KEYS { dt { kbd { (key) } } dd { (action) } }
            }
            form method="dialog" { button { "Close" } }
        }
    }
}
