//! The demonstration: a handful of deliveries, good and bad, sent to our own listener over real HTTP.

use crate::command::samples::{self, PayloadArgs};
use crate::command::shared::secrets::Secrets;
use crate::command::{Session, sign};
use crate::model::error::{Error, Result};
use crate::model::exchange::{NextRequest, OutgoingRequest};
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::Key;
use crate::model::timestamp::SignedDuration;
use crate::provider::{self, Provider, SignatureForm};
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, SendOptions};
use std::net::SocketAddr;
use std::time::Duration;

/// One delivery of the demonstration.
pub(super) struct Staged {
    provider: &'static dyn Provider,
    key: Key,
    body: Vec<u8>,
    /// How long ago it was signed.
    age: SignedDuration,
    tampering: Tampering,
}

/// What happens to a body after it is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tampering {
    None,
    /// The first 1 becomes a 9.
    RaiseAmount,
}

/// The deliveries, in order.
pub(super) fn plan(secrets: &Secrets, session: &Session<'_>) -> Result<Vec<Staged>> {
    let staged = |name: &str| -> Result<Staged> {
        let (provider, sample) = samples::find(name)?;
        let body = samples::payload(provider, sample, &PayloadArgs::default(), session)?;
        let key = secrets.signing_key(provider)?.clone();
        Ok(Staged { provider, key, body, age: SignedDuration::ZERO, tampering: Tampering::None })
    };
    let payment = staged("payment.debited")?;
    let again = Staged { body: payment.body.clone(), key: payment.key.clone(), ..staged("payment.debited")? };
    let tampered = Staged { tampering: Tampering::RaiseAmount, ..staged("payment.debited")? };
    let stale = Staged { age: SignedDuration::from_mins(20), ..staged("refund.succeeded")? };
    let wrong_secret = Staged { key: strange_key(session), ..staged("transaction.failed")? };
    Ok(vec![
        payment,
        staged("transaction.success")?,
        staged("transaction.completed.electricity")?,
        again,
        tampered,
        stale,
        wrong_secret,
    ])
}

/// A key of a secret that nobody knows.
fn strange_key(session: &Session<'_>) -> Key {
    let mut secret = [0; 32];
    session.world.fill_random(&mut secret);
    Key::new(Secret::new("", SecretOrigin::LocalTest, secret.to_vec()))
}

/// Sends them one after the other. What becomes of them is seen in the listener.
pub(super) fn deliver(plan: Vec<Staged>, address: SocketAddr, session: &Session<'_>) {
    let sending = SendOptions {
        concurrency: 1,
        per_second: None,
        timeout: Duration::from_secs(10),
        certificates: CertificateCheck::Verify,
        max_body: MAX_ANSWER_BODY,
    };
    let mut staged = plan.into_iter().enumerate();
    let mut next = || {
        let outgoing = staged.next().map(|(number, staged)| staged.outgoing(number as u64, address, session).ok());
        NextRequest::from(outgoing.flatten())
    };
    if let Err(error) = session.world.send(&sending, &mut next, &mut |_| {}) {
        session.tell(&error);
    }
}

impl Staged {
    fn outgoing(self, number: u64, address: SocketAddr, session: &Session<'_>) -> Result<OutgoingRequest> {
        let path = format!("http://{address}/webhooks/{}", self.provider.name());
        let url: url::Url =
            path.parse().map_err(|error| Error::failed("the listener's address is no URL").because(error))?;
        let timestamp = provider::format_unix_seconds(session.world.now() - self.age);
        let mac = self.key.sign(self.provider.signed_prefix(&timestamp).as_bytes(), &self.body);
        let headers = self.provider.signature_headers(&mac, &timestamp, SignatureForm::Reference);
        let body = self.tampering.applied(self.body);
        let request = sign::signed_post(&url, &headers, body)
            .map_err(|error| Error::failed("can't write the request").because(error))?;
        Ok(OutgoingRequest { number, url, request })
    }
}

impl Tampering {
    fn applied(self, body: Vec<u8>) -> Vec<u8> {
        const AMOUNT: &[u8] = br#""amount":"1"#;
        let place = body.windows(AMOUNT.len()).position(|window| window == AMOUNT);
        match (self, place) {
            (Self::RaiseAmount, Some(place)) => {
                let mut body = body;
                body[place + AMOUNT.len() - 1] = b'9';
                body
            }
            _ => body,
        }
    }
}

/// What to type in a second terminal.
pub(super) fn hint(address: SocketAddr, session: &Session<'_>) -> String {
    let program = session.world.invocation();
    let to = if address.port() == super::DEFAULT_PORT { String::new() } else { format!(" --to http://{address}/") };
    format!(
        "\nThat was the demonstration; listening goes on. In a second terminal:\n  {program} replay payment.debited{to}\n  \
         {program} replay transaction.completed.refunded{to}\n  {program} replay payment.debited --tamper{to}\n  \
         {program} samples"
    )
}
