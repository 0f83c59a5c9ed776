//! The main loop of `listen`: passes events of the listener to the display, the goal and the
//! commands, and stops everything at the end.

use super::display::{Display, NewEvent};
use super::exec::Commands;
use super::goal::Goal;
use super::keys::{self, KeyReader};
use super::secret_reload::{self, SecretReloader};
use super::tunnel::{TunnelEvent, TunnelLink};
use super::tunnel_endpoint::TunnelEndpoint;
use super::{Listen, Session};
use crate::command::ui::UiServer;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::render::text;
use crate::world::{ListenerEvent, RunningListener};
use std::time::Duration;

/// Everything that runs beside the listener: programs, and the keyboard.
pub(super) struct Helpers<'s> {
    /// With the endpoint that is registered for its URL.
    pub tunnel: Option<(TunnelLink, Option<TunnelEndpoint<'s>>)>,
    pub commands: Option<Commands>,
    pub keys: Option<KeyReader<'s>>,
    pub page: Option<&'s UiServer<'s>>,
}

/// Receives until the goal is reached, the time is over, or the user stops it.
pub(super) fn receive_until_done(
    args: &Listen,
    listener: &mut dyn RunningListener,
    (display, goal): (&mut Display<'_>, &mut Goal),
    reloader: &mut SecretReloader,
    Helpers { mut tunnel, commands, mut keys, page }: Helpers<'_>,
    session: &Session<'_>,
) -> Result<CommandOutcome> {
    if let Some((link, _)) = &tunnel {
        display.show_tunnel(link, &TunnelEvent::Started)?;
    }
    // A deadline beyond the largest timestamp is no deadline.
    let deadline = args.timeout.and_then(|span| session.world.now().checked_add(span).ok());
    let stop_reason = loop {
        if goal.is_reached() {
            break StopReason::CountReached;
        }
        let now = session.world.now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            break StopReason::TimedOut;
        }
        if let Some((link, endpoint)) = &mut tunnel
            && let Some(event) = link.next_event()
        {
            display.show_tunnel(link, &event)?;
            match (event, endpoint) {
                (TunnelEvent::Failed(error), _) => break StopReason::Failed(error),
                (TunnelEvent::Up(url), Some(endpoint)) => {
                    if let Err(error) = endpoint.register(&url) {
                        break StopReason::Failed(error);
                    }
                }
                _ => {}
            }
        }
        while let Some(finished) = commands.as_ref().and_then(Commands::next_finished) {
            finished.outcome.is_err().then(|| goal.add_failed_command());
            display.show_command(&finished)?;
        }
        display.output.flush_if_due(now)?;
        if let Some(secrets) = reloader.reload_if_due(now, session) {
            display.update_secrets(secrets);
        }
        if let Some(keys) = &mut keys {
            keys.handle_next(args, listener, (display, page), session)?;
        }
        let interval = if keys.is_some() { keys::INTERVAL } else { secret_reload::INTERVAL };
        match next(listener, (deadline, interval), display, session)? {
            ListenerEvent::Received(delivery) => {
                if let Some(event) = display.add_delivery(&delivery)? {
                    goal.add(&delivery.received, (&event.name, delivery.id), &args.forward);
                    run_for(event, commands.as_ref(), session);
                }
            }
            ListenerEvent::Dropped(dropped) => display.add_dropped(dropped)?,
            ListenerEvent::Resumed(count) => display.show_resumed(count),
            ListenerEvent::QueueFailed(reason) => display.show_queue_state(reason.as_deref()),
            ListenerEvent::Forwarded(forwarded) => {
                goal.add_forwarded(&forwarded);
                display.show_forwarded(&forwarded)?;
            }
            ListenerEvent::Rejected(request) if tunnel.as_ref().is_some_and(|(link, _)| link.takes(&request)) => {}
            ListenerEvent::Rejected(request) => display.add_rejected(&request),
            ListenerEvent::TimedOut => {}
            ListenerEvent::Interrupted => {
                session.info("stopping: finishing open requests (Ctrl+C again to quit now)");
                break StopReason::Interrupted;
            }
            ListenerEvent::Closed => return Err(Error::failed("the listener stopped unexpectedly")),
        }
    };
    drop(keys);
    if let Some((link, endpoint)) = &mut tunnel {
        if let Some(endpoint) = endpoint {
            endpoint.remove();
        }
        display.show_tunnel(link, &TunnelEvent::Ended)?;
    }
    finish(listener, (display, goal), commands.as_ref(), session)?;
    if let Some(commands) = &commands {
        if matches!(stop_reason, StopReason::CountReached) {
            while let Some(finished) = commands.wait() {
                finished.outcome.is_err().then(|| goal.add_failed_command());
                display.show_command(&finished)?;
            }
        }
        if let open @ 1.. = commands.open() {
            let open = text::count(open as u64, "event");
            session.warn(&format!("--exec: the commands for {open} were stopped or not started"));
        }
    }
    report_queued(args, session);
    display.show_expectations(&goal.expectations())?;
    let result = goal.result();
    if let Some((text, _)) = &result {
        session.info(text);
    }
    match stop_reason {
        StopReason::CountReached => Ok(result.map_or(CommandOutcome::Success, |(_, outcome)| outcome)),
        StopReason::TimedOut => {
            session.info(&format!("timed out after {:#}", args.timeout.unwrap_or_default()));
            Ok(CommandOutcome::Negative)
        }
        // A service is stopped like this; a goal that was not reached is no success.
        StopReason::Interrupted if session.world.was_terminated() => {
            Ok(result.map_or(CommandOutcome::Success, |(_, outcome)| outcome))
        }
        StopReason::Interrupted => Err(Error::interrupted()),
        StopReason::Failed(error) => Err(error),
    }
}

/// Reports how many deliveries are still queued. An error of the store is ignored.
fn report_queued(args: &Listen, session: &Session<'_>) {
    let urls: Vec<_> = args.forward.routes().into_iter().map(|route| route.url).collect();
    if urls.is_empty() || args.no_store || args.stores_in_memory() {
        return;
    }
    let store = args.location(session).and_then(|location| session.world.open_store(&location));
    let queued = store.and_then(|mut store| store.count_pending(&urls));
    if let Ok(queued @ 1..) = queued {
        session.info(&format!(
            "{} still queued; the next `whtool listen` with the same --forward-to forwards them",
            text::count(queued, "delivery")
        ));
    }
}

/// Runs the command of `--exec` for an event that has not had it.
fn run_for(event: NewEvent, commands: Option<&Commands>, session: &Session<'_>) {
    let (Some(commands), Some(record)) = (commands, event.record) else { return };
    if !commands.add(&event.name, record) {
        session.warn(&format!("--exec: not run for {}: too many events wait for it", event.name));
    }
}

enum StopReason {
    CountReached,
    TimedOut,
    Interrupted,
    /// The tunnel did not come up.
    Failed(Error),
}

/// Waits for the next event. Output is flushed only when no event is queued, so a burst costs few
/// writes. `TimedOut` means that the deadline has passed, or that it is time for another look at the
/// registry and the keyboard.
fn next(
    listener: &mut dyn RunningListener,
    (deadline, interval): (Option<Timestamp>, Duration),
    display: &mut Display<'_>,
    session: &Session<'_>,
) -> Result<ListenerEvent> {
    match listener.next(Some(Duration::ZERO)) {
        ListenerEvent::TimedOut => {}
        happening => return Ok(happening),
    }
    display.output.flush()?;
    let left = deadline.map(|deadline| deadline.duration_since(session.world.now()));
    Ok(match left {
        Some(left) if left.is_negative() || left.is_zero() => ListenerEvent::TimedOut,
        left => listener.next(Some(left.map_or(interval, SignedDuration::unsigned_abs).min(interval))),
    })
}

/// Closes the listener, shows what is still open, and prints the summary.
fn finish(
    listener: &mut dyn RunningListener,
    (display, goal): (&mut Display<'_>, &mut Goal),
    commands: Option<&Commands>,
    session: &Session<'_>,
) -> Result<()> {
    listener.close();
    loop {
        match listener.next(None) {
            ListenerEvent::Received(delivery) => {
                if let Some(event) = display.add_delivery(&delivery)? {
                    run_for(event, commands, session);
                }
            }
            ListenerEvent::Dropped(dropped) => display.add_dropped(dropped)?,
            ListenerEvent::Resumed(count) => display.show_resumed(count),
            ListenerEvent::QueueFailed(reason) => display.show_queue_state(reason.as_deref()),
            ListenerEvent::Forwarded(forwarded) => {
                goal.add_forwarded(&forwarded);
                display.show_forwarded(&forwarded)?;
            }
            ListenerEvent::Rejected(request) => display.add_rejected(&request),
            ListenerEvent::Closed => break,
            ListenerEvent::TimedOut | ListenerEvent::Interrupted => {}
        }
    }
    display.output.flush()?;
    display.print_summary();
    Ok(())
}
