//! Recognizes webhooks of services that whtool does not verify, by their headers.

use super::cause::Cause;
use super::kinds::signature as kinds;
use crate::model::delivery::AnalyzedDelivery;
use crate::provider;

/// Headers that only one service, or one standard, sends.
static HEADERS: &[(&str, &str)] = &[
    ("Stripe-Signature", "Stripe"),
    ("svix-signature", "Svix"),
    ("webhook-signature", "a service that follows Standard Webhooks, such as Svix"),
    ("X-Slack-Signature", "Slack"),
    ("X-GitHub-Event", "GitHub"),
    ("X-Gitlab-Token", "GitLab"),
    ("X-Gitlab-Event", "GitLab"),
    ("X-Gitea-Signature", "Gitea"),
    ("X-Paystack-Signature", "Paystack"),
    ("verif-hash", "Flutterwave"),
    ("flutterwave-signature", "Flutterwave"),
    ("monnify-signature", "Monnify"),
    ("x-korapay-signature", "Kora"),
    ("x-squad-encrypted-body", "Squad"),
    ("x-interswitch-signature", "Interswitch"),
    ("x-anchor-signature", "Anchor"),
    ("x-nomba-signature", "Nomba"),
    ("nomba-signature", "Nomba"),
    ("vfd-signature", "VFD"),
    ("x-shopify-hmac-sha256", "Shopify"),
    ("x-wc-webhook-signature", "WooCommerce"),
    ("x-square-hmacsha256-signature", "Square"),
    ("paypal-transmission-sig", "PayPal"),
    ("paddle-signature", "Paddle"),
    ("x-razorpay-signature", "Razorpay"),
    ("x-twilio-signature", "Twilio"),
    ("x-twilio-email-event-webhook-signature", "SendGrid"),
    ("x-line-signature", "LINE"),
    ("x-zm-signature", "Zoom"),
    ("linear-signature", "Linear"),
    ("typeform-signature", "Typeform"),
    ("calendly-webhook-signature", "Calendly"),
    ("x-hubspot-signature-v3", "HubSpot"),
    ("x-hubspot-signature", "HubSpot"),
    ("intercom-signature", "Intercom"),
    ("x-dropbox-signature", "Dropbox"),
    ("x-docusign-signature-1", "DocuSign"),
    ("x-adyen-hmac-signature", "Adyen"),
    ("x-cc-webhook-signature", "Coinbase Commerce"),
    ("gocardless-signature", "GoCardless"),
    ("x-mollie-signature", "Mollie"),
    ("x-pagerduty-signature", "PagerDuty"),
    ("sentry-hook-signature", "Sentry"),
    ("x-vercel-signature", "Vercel"),
    ("x-netlify-event", "Netlify"),
    ("travis-ci-signature", "Travis CI"),
    ("circleci-signature", "CircleCI"),
    ("x-atlassian-webhook-identifier", "Atlassian"),
    ("x-discord-signature", "Discord"),
    ("x-signature-ed25519", "Discord"),
    ("x-telegram-bot-api-secret-token", "Telegram"),
    ("x-viber-content-signature", "Viber"),
    ("x-persona-signature", "Persona"),
    ("persona-signature", "Persona"),
    ("plaid-verification", "Plaid"),
    ("x-mercadopago-signature", "Mercado Pago"),
    ("x-callback-token", "Xendit"),
    ("aftership-hmac-sha256", "AfterShip"),
    ("x-event-key", "Bitbucket"),
    ("webhook-id", "a service that follows Standard Webhooks"),
    ("x-amz-sns-message-type", "Amazon SNS"),
    ("x-delivery-id", "Wise"),
    ("hmacsignature", "Adyen"),
    ("x-mailgun-signature", "Mailgun"),
    ("x-event-name", "Lemon Squeezy"),
    ("x-shopify-topic", "Shopify"),
    ("x-bitbucket-type", "Bitbucket"),
    ("x-intercom-topic", "Intercom"),
    ("svix-id", "Svix"),
    ("x-notion-signature", "Notion"),
    ("x-pusher-signature", "Pusher"),
    ("x-ably-signature", "Ably"),
    ("x-cal-signature-256", "Cal.com"),
    ("x-trello-webhook", "Trello"),
    // Several services send these, so they come last.
    ("X-Hub-Signature-256", "GitHub, Meta or another service that uses this header"),
    ("X-Hub-Signature", "GitHub, Meta, Intercom or another service that uses this header"),
];

/// Finds the service that sent a request without our providers' headers and event types.
pub(super) fn find(received: &AnalyzedDelivery) -> Option<Cause> {
    let request = &received.delivery.request;
    if provider::by_header(request).is_some() || is_documented_type(received) {
        return None;
    }
    let known = HEADERS.iter().find(|(name, _)| request.headers.get(name).is_some());
    let known = known.map(|(header, service)| ((*service).to_owned(), (*header).to_owned()));
    let (service, header) = known.or_else(|| request.headers.iter().find_map(|(name, _)| named_by_header(name)))?;
    Some(Cause::new(&kinds::OF_OTHER_SERVICE).with("service", service).with("header", header))
}

fn is_documented_type(received: &AnalyzedDelivery) -> bool {
    let types = received.provider.and_then(provider::by_name).map_or(&[][..], |provider| provider.event_types());
    types.iter().any(|known| received.event.kind.as_deref() == Some(known.name))
}

/// Words in `X-…-Signature` that name no service.
const GENERIC: [&str; 9] = ["webhook", "hook", "event", "request", "payload", "body", "message", "hmac", "api"];

/// Reads the name of a service from a header such as `X-Acme-Signature`.
fn named_by_header(header: &str) -> Option<(String, String)> {
    let lower = header.to_ascii_lowercase();
    let name = lower.strip_prefix("x-")?.split_once("-signature")?.0;
    let is_name = !GENERIC.contains(&name) && !name.contains("plexos") && !name.contains("plustive");
    let (first, rest) = name.split_at_checked(1)?;
    is_name.then(|| (format!("{}{rest}", first.to_uppercase()), header.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::Delivery;
    use crate::model::event::Event;
    use crate::model::message::Request;
    use crate::model::verdict::Verdict;

    fn service(header: &str, kind: Option<&str>) -> Option<String> {
        let mut request = Request::post("/", b"{}".to_vec());
        request.headers.push(header, b"x").unwrap();
        let delivery = Delivery { request, peer: None, arrived: None };
        let event = Event { kind: kind.map(str::to_owned), ..Event::default() };
        let received = AnalyzedDelivery { provider: Some("plexos"), verdict: Verdict::Unsigned, event, delivery };
        find(&received).map(|cause| cause.value("service").to_owned())
    }

    #[test]
    fn webhooks_of_other_services_are_known_by_their_header() {
        assert_eq!(service("stripe-signature", None).as_deref(), Some("Stripe"));
        assert_eq!(service("VERIF-HASH", None).as_deref(), Some("Flutterwave"));
        assert_eq!(service("X-Other", None), None);
        assert_eq!(service("svix-signature", Some("user.created")).as_deref(), Some("Svix"));
        assert_eq!(service("X-Acme-Signature", None).as_deref(), Some("Acme"));
        assert_eq!(service("X-Webhook-Signature", None), None);
        assert_eq!(service("X-Hub-Signature-256", Some("payment.debited")), None);
    }
}
