//! Sends missed events to the app, signed as the provider signs them.

use super::Watch;
use crate::command::shared::secrets::{self, Secrets, TestSecret};
use crate::command::shared::target;
use crate::command::{Session, sign};
use crate::model::address::Reach;
use crate::model::error::{Error, Result};
use crate::model::exchange::{OutgoingRequest, SendFailure, SentRequest};
use crate::model::mask::mask_secrets;
use crate::model::message::Request;
use crate::model::target_fault::SendFlags;
use crate::provider::{self, SignatureForm};
use crate::reconcile::watch::{DeliveryOutcome, PlannedDelivery};
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, SendOptions};
use std::time::Duration;
use url::Url;

/// Marks an event that no provider sent.
const REBUILT_HEADER: &str = "X-Whtool-Rebuilt";

/// Time limit of one delivery.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Flags that advice about a failure may name.
const FLAGS: SendFlags = SendFlags { insecure: Some("--insecure"), timeout: None };

/// Sends events to the app.
pub(super) struct Deliverer<'a> {
    session: &'a Session<'a>,
    to: &'a Url,
    reach: Reach,
    secrets: Secrets,
    form: SignatureForm,
    options: SendOptions,
}

impl<'a> Deliverer<'a> {
    /// Loads the secrets, and asks before events go to another machine. `None`: nothing is delivered.
    pub(super) fn new(args: &'a Watch, session: &'a Session<'a>) -> Result<Option<Self>> {
        let Some(to) = args.delivery.to.as_ref().filter(|_| args.delivery.deliver) else { return Ok(None) };
        let secrets = secrets::load(&args.secrets, TestSecret::IfPresent, session)?;
        if provider::ALL.iter().all(|provider| secrets.signing_key(*provider).is_err()) {
            return Err(Error::credentials("there is no secret to sign deliveries with")
                .hint("set PLEXOS_WEBHOOK_SECRET or PLUSTIVE_WEBHOOK_SECRET, or use --secret-file"));
        }
        let question =
            |host: &str| format!("{host} is not this machine; it will receive requests with valid signatures");
        let reach = target::confirm_reach(to, args.delivery.yes, question, session)?;
        let options = SendOptions {
            concurrency: 1,
            per_second: None,
            timeout: TIMEOUT,
            certificates: if args.delivery.insecure { CertificateCheck::Skip } else { CertificateCheck::Verify },
            max_body: MAX_ANSWER_BODY,
        };
        let form = if args.delivery.bare { SignatureForm::BareHex } else { SignatureForm::Reference };
        Ok(Some(Self { session, to, reach, secrets, form, options }))
    }

    /// Builds the request, signed now.
    pub(super) fn request(&self, planned: &PlannedDelivery, body: Vec<u8>) -> Result<Request> {
        let provider = provider::by_name(&planned.event.key.provider)
            .ok_or_else(|| Error::failed(format!("unknown provider `{}`", planned.event.key.provider)))?;
        let timestamp = provider::format_unix_seconds(self.session.world.now());
        let key = self.secrets.signing_key(provider)?;
        if key.secret.is_local_test() {
            self.session.warn_once(&format!("signing events of {} with the local test secret", provider.title()));
        }
        let mac = key.sign(provider.signed_prefix(&timestamp).as_bytes(), &body);
        let headers = provider.signature_headers(&mac, &timestamp, self.form);
        let unwritable = |error| Error::failed("can't write the request").because(error);
        let mut request = sign::signed_post(self.to, &headers, body).map_err(unwritable)?;
        if planned.event.is_rebuilt {
            request.headers.push(REBUILT_HEADER, b"from the provider's record").map_err(unwritable)?;
        }
        Ok(request)
    }

    /// Sends a request and waits for the answer, even if the watch is stopped meanwhile.
    pub(super) fn send(&self, request: Request) -> Result<DeliveryOutcome> {
        let outgoing = OutgoingRequest { number: 0, url: self.to.clone(), reach: self.reach, request };
        let SentRequest { answer, .. } = self.session.world.send_one(&self.options, outgoing)?;
        Ok(match answer {
            Ok(answer) if answer.status.is_success() => DeliveryOutcome::Accepted { answer: answer.status.0 },
            Ok(answer) => DeliveryOutcome::Refused { answer: answer.status.0 },
            Err(failure) if failure.is_unsent() => DeliveryOutcome::Unsent { reason: reason(&failure) },
            Err(failure) => DeliveryOutcome::Unsure { reason: reason(&failure) },
        })
    }
}

fn reason(failure: &SendFailure) -> String {
    mask_secrets(&failure.explain(&FLAGS))
}
