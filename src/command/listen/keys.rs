//! Single keys while `listen` runs at a terminal.

use super::Listen;
use super::display::Display;
use crate::command::Session;
use crate::command::ui::UiServer;
use crate::model::error::Result;
use crate::model::sanitize;
use crate::model::stored::{CaptureId, Query};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::model::verdict::VerdictCode;
use crate::world::{Keys, RunningListener};
use std::time::Duration;
use url::Url;

/// Time between two looks at the keyboard.
pub(super) const INTERVAL: Duration = Duration::from_millis(50);

pub(super) struct KeyReader<'a> {
    keys: Box<dyn Keys + 'a>,
    next_look: Timestamp,
}

/// A stored event, for `r`.
#[derive(Clone)]
pub(super) struct LastEvent {
    pub id: CaptureId,
    pub kind: Option<String>,
    pub arrived: Option<Timestamp>,
}

const HELP: &str = "keys:
  p      payloads on and off
  r      replay the last event to your app
  c      clear the screen
  o      open the page (--ui)
  q      quit, as Ctrl+C does
  Enter  print an empty line";

impl<'a> KeyReader<'a> {
    /// Starts to read keys. `None`: there is no terminal, or JSON is printed.
    pub(super) fn start(args: &Listen, session: &'a Session<'_>) -> Option<Self> {
        if args.display.json {
            return None;
        }
        session.world.keys().map(|keys| Self { keys, next_look: session.world.now() })
    }

    /// Does what the next key asks for.
    pub(super) fn handle_next(
        &mut self,
        args: &Listen,
        listener: &mut dyn RunningListener,
        (display, page): (&mut Display<'_>, Option<&UiServer<'_>>),
        session: &Session<'_>,
    ) -> Result<()> {
        let now = session.world.now();
        let next_look = now.checked_add(INTERVAL).unwrap_or(now);
        // A clock that was set back does not delay it.
        if now < self.next_look && self.next_look <= next_look {
            return Ok(());
        }
        self.next_look = next_look;
        match self.keys.next() {
            Some('?') => session.info(HELP),
            Some('p') => display.toggle_payloads(),
            Some('r') => replay_last(args, listener, display, session)?,
            Some('c') => display.clear(listener.address())?,
            Some('o') => match page {
                Some(page) => page.open_page(),
                None => session.info("o: there is no page; start with --ui"),
            },
            Some('q') => session.world.interrupt(),
            Some('\n' | '\r') => display.output.write_record(b"\n")?,
            _ => {}
        }
        Ok(())
    }
}

/// Queues the last verified event for the app again. One of an earlier run is taken if there is none
/// of this one.
fn replay_last(
    args: &Listen,
    listener: &mut dyn RunningListener,
    display: &Display<'_>,
    session: &Session<'_>,
) -> Result<()> {
    let routes = args.forward.routes();
    if routes.is_empty() {
        session.info("r: there is no app to replay to; start with --forward-to URL");
        return Ok(());
    }
    let last = match display.last_event.clone() {
        None if !args.no_store && !args.stores_in_memory() => last_stored(args, session)?,
        last => last,
    };
    let Some(LastEvent { id, kind, arrived }) = last else {
        session.info("r: no verified event has been stored yet");
        return Ok(());
    };
    let name = sanitize::truncate(kind.as_deref().unwrap_or("an event without a type"), 60);
    let urls: Vec<Url> =
        routes.into_iter().filter(|route| route.matches(kind.as_deref())).map(|route| route.url).collect();
    if urls.is_empty() {
        session.info(&format!("r: no --forward-to takes {name}"));
    } else if !listener.forward_again(id, &urls)? {
        session.info(&format!("r: {id} is no longer stored"));
    } else {
        let age = arrived.map(|arrived| session.world.now().duration_since(arrived));
        let age = age.filter(|age| *age > args.tolerance && !args.forward.resign);
        let note = age.map_or_else(String::new, |age| {
            let (age, program) = (SignedDuration::from_secs(age.as_secs()), session.world.invocation());
            format!("; it was signed {age:#} ago, `{program} replay {id}` signs it again")
        });
        session.info(&format!("replaying {id}  {name}{note}"));
    }
    Ok(())
}

fn last_stored(args: &Listen, session: &Session<'_>) -> Result<Option<LastEvent>> {
    let query = Query { verdict: Some(VerdictCode::Verified), limit: Some(1), ..Query::default() };
    let newest = args.store.open(session)?.list(&query)?.pop();
    Ok(newest.map(|newest| LastEvent { id: newest.id, kind: newest.kind, arrived: Some(newest.arrived) }))
}
