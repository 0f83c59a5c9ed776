//! The demo: a handful of deliveries, good and bad, sent to the listener over HTTP.

use crate::command::samples::{self, PayloadArgs};
use crate::command::shared::secrets::Secrets;
use crate::command::{Session, sign};
use crate::model::address::Reach;
use crate::model::error::{Error, Result};
use crate::model::exchange::{NextRequest, OutgoingRequest};
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::Key;
use crate::model::timestamp::SignedDuration;
use crate::provider::{self, Provider, SignatureForm};
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, SendOptions};
use std::net::SocketAddr;
use std::time::Duration;

pub(super) struct DemoDelivery {
    provider: &'static dyn Provider,
    key: Key,
    body: Vec<u8>,
    /// Time since it was signed.
    age: SignedDuration,
    tampering: Tampering,
}

/// Change to a body after it is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tampering {
    None,
    /// Turns the first digit of the amount from 1 into 9.
    RaiseAmount,
}

/// Returns the deliveries in order.
pub(super) fn deliveries(secrets: &Secrets, session: &Session<'_>) -> Result<Vec<DemoDelivery>> {
    let delivery = |name: &str| -> Result<DemoDelivery> {
        let (provider, sample) = samples::find(name)?;
        let body = samples::payload(provider, sample, &PayloadArgs::default(), session)?;
        let key = secrets.signing_key(provider)?.clone();
        Ok(DemoDelivery { provider, key, body, age: SignedDuration::ZERO, tampering: Tampering::None })
    };
    let payment = delivery("payment.debited")?;
    let duplicate =
        DemoDelivery { body: payment.body.clone(), key: payment.key.clone(), ..delivery("payment.debited")? };
    let tampered = DemoDelivery { tampering: Tampering::RaiseAmount, ..delivery("payment.debited")? };
    let stale = DemoDelivery { age: SignedDuration::from_mins(20), ..delivery("refund.succeeded")? };
    let wrong_secret = DemoDelivery { key: unknown_key(session), ..delivery("transaction.failed")? };
    Ok(vec![
        payment,
        delivery("transaction.success")?,
        delivery("transaction.completed.electricity")?,
        duplicate,
        tampered,
        stale,
        wrong_secret,
    ])
}

/// Makes a key whose secret is not configured.
fn unknown_key(session: &Session<'_>) -> Key {
    let mut secret = [0; 32];
    session.world.fill_random(&mut secret);
    Key::new(Secret::new("", SecretOrigin::LocalTest, secret.to_vec()))
}

/// Sends the deliveries one after another. The listener shows the results.
pub(super) fn send(deliveries: Vec<DemoDelivery>, address: SocketAddr, session: &Session<'_>) {
    let options = SendOptions {
        concurrency: 1,
        per_second: None,
        timeout: Duration::from_secs(10),
        certificates: CertificateCheck::Verify,
        max_body: MAX_ANSWER_BODY,
    };
    let mut deliveries = deliveries.into_iter().enumerate();
    let mut next = || {
        let outgoing =
            deliveries.next().map(|(number, delivery)| delivery.request(number as u64, address, session).ok());
        NextRequest::from(outgoing.flatten())
    };
    if let Err(error) = session.world.send(&options, &mut next, &mut |_| {}) {
        session.print_error(&error);
    }
}

impl DemoDelivery {
    fn request(self, number: u64, address: SocketAddr, session: &Session<'_>) -> Result<OutgoingRequest> {
        let path = format!("http://{address}/webhooks/{}", self.provider.name());
        let url: url::Url =
            path.parse().map_err(|error| Error::failed("the listener's address is not a URL").because(error))?;
        let timestamp = provider::format_unix_seconds(session.world.now() - self.age);
        let mac = self.key.sign(self.provider.signed_prefix(&timestamp).as_bytes(), &self.body);
        let headers = self.provider.signature_headers(&mac, &timestamp, SignatureForm::Reference);
        let body = self.tampering.apply(self.body);
        let request = sign::signed_post(&url, &headers, body)
            .map_err(|error| Error::failed("can't build the request").because(error))?;
        Ok(OutgoingRequest::to_url(number, url, Reach::ThisMachine, request))
    }
}

impl Tampering {
    fn apply(self, body: Vec<u8>) -> Vec<u8> {
        const AMOUNT: &[u8] = br#""amount":"1"#;
        let position = body.windows(AMOUNT.len()).position(|window| window == AMOUNT);
        match (self, position) {
            (Self::RaiseAmount, Some(position)) => {
                let mut body = body;
                body[position + AMOUNT.len() - 1] = b'9';
                body
            }
            _ => body,
        }
    }
}

/// Returns commands to try in a second terminal.
pub(super) fn hint(address: SocketAddr, session: &Session<'_>) -> String {
    let program = session.world.invocation();
    let to = if address.port() == super::DEFAULT_PORT { String::new() } else { format!(" --to http://{address}/") };
    format!(
        "\nEnd of the demo; still listening. Try in a second terminal:\n  {program} replay payment.debited{to}\n  \
         {program} replay transaction.completed.refunded{to}\n  {program} replay payment.debited --tamper{to}\n  \
         {program} samples"
    )
}
