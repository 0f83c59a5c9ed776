//! Where deliveries are kept and sent on from, and what the provider is answered in the app's place.

use super::super::forwarder;
use super::super::sender::clients::Clients;
use super::super::store::Writer;
use crate::delivery::Received;
use crate::kept::Attempt;
use crate::world::{Forward, Manner};
use hyper::StatusCode;
use hyper::body::Bytes;
use std::sync::Arc;
use tokio::sync::Notify;
use url::Url;

/// Where deliveries are kept, and sent on from.
pub(super) struct Keeping {
    /// The way to the store.
    pub writer: Writer,
    /// How verified deliveries are sent on.
    pub forward: Option<Forward>,
    /// The way to the app.
    pub clients: Clients,
    /// Wakes the forwarder.
    pub wake: Arc<Notify>,
}

impl Keeping {
    /// The URLs that a delivery goes to.
    pub fn routes(&self, received: &Received) -> Vec<Url> {
        self.forward.as_ref().map(|forward| (forward.routes)(received)).unwrap_or_default()
    }

    /// Where the provider gets the app's answer: asks the first app, and gives back its reply, the attempt and the other routes.
    /// `Err`: the provider gets our own, and all routes are left.
    pub async fn pass_through(
        &self,
        received: &Received,
        mut routes: Vec<Url>,
    ) -> Result<(Reply, Option<Attempt>, Vec<Url>), Vec<Url>> {
        let forward = match &self.forward {
            Some(forward) if forward.manner == Manner::PassThrough && !routes.is_empty() => forward,
            _ => return Err(routes),
        };
        let url = routes.remove(0);
        let attempt = forwarder::exchange(&self.clients, forward, &received.delivery.request, &url).await;
        let reply = match &attempt.outcome {
            Ok(answer) => Reply {
                status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY),
                body: Some(Bytes::from(answer.body.clone())),
            },
            Err(_) => Reply::of(StatusCode::BAD_GATEWAY),
        };
        Ok((reply, Some(attempt), routes))
    }
}

/// What a request is answered with.
pub(super) struct Reply {
    pub status: StatusCode,
    /// The app's body. `None`: our own word for the status.
    pub body: Option<Bytes>,
}

impl Reply {
    pub fn of(status: StatusCode) -> Self {
        Self { status, body: None }
    }
}
