//! `listen --register`: an endpoint at the provider for as long as the tunnel's URL lives.

use crate::command::Session;
use crate::command::endpoints::remote::delete_endpoint;
use crate::command::register::{NewEndpoint, register};
use crate::command::shared::api::{ApiArgs, ApiClient, Confirmation};
use crate::command::shared::endpoints::UrlPolicy;
use crate::command::shared::registry;
use crate::model::address::Reach;
use crate::model::error::Result;
use crate::model::exchange::{NextRequest, OutgoingRequest};
use crate::model::message::Request;
use crate::model::sanitize::escape_unsafe;
use crate::model::timestamp::SignedDuration;
use crate::provider::endpoints::{EndpointFields, EndpointRequest};
use crate::provider::{self, Provider};
use crate::settings::registry::RegisteredEndpoint;
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, SendOptions};
use std::time::Duration;
use url::Url;

const DESCRIPTION: &str = "temporary: whtool listen --tunnel";
const API_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);
const ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Registers the URLs of a tunnel, one after the other.
pub(super) struct TunnelEndpoint<'a> {
    client: ApiClient,
    /// Path of the endpoint's URL.
    path: String,
    policy: UrlPolicy,
    session: &'a Session<'a>,
    /// The endpoint that this listener has made.
    current: Option<RegisteredEndpoint>,
}

impl<'a> TunnelEndpoint<'a> {
    /// Reads the API key of the provider that has an API for endpoints, and asks before it is used
    /// if it is a live one. Endpoints that an earlier run has left are deleted.
    pub(super) fn new(
        path: &str,
        policy: UrlPolicy,
        confirmation: Confirmation,
        session: &'a Session<'a>,
    ) -> Result<Self> {
        let provider = provider_with_api();
        let client = ApiClient::new(provider, &ApiArgs::with_timeout(API_TIMEOUT), session)?;
        if let Some(create) = provider.endpoint_call(&EndpointRequest::Create(EndpointFields::default())) {
            let what = "register the tunnel's URL, and delete the endpoint at the end,";
            client.confirm_live_key(&create.call, what, confirmation, session)?;
        }
        let path = format!("/{}", path.trim_start_matches('/'));
        let mut endpoint = Self { client, path, policy, session, current: None };
        endpoint.remove_leftovers()?;
        Ok(endpoint)
    }

    /// Registers the URL, in place of the one before. A URL that is registered already is used as
    /// it is.
    pub(super) fn register(&mut self, base: &Url) -> Result<()> {
        let mut url = base.clone();
        url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), self.path));
        let title = self.client.provider.title();
        if self.current.as_ref().is_some_and(|current| current.url == url.as_str()) {
            return Ok(());
        }
        self.remove();
        let registry = registry::read(self.session)?;
        let (name, api) = (self.client.provider.name(), self.client.base.as_str());
        if let Some(known) = registry.find_by_url(name, api, url.as_str()) {
            let id = escape_unsafe(&known.id);
            self.session.info(&format!("{title}: {url} is already registered as {id}, whose secret is stored"));
            return Ok(());
        }
        let new = NewEndpoint {
            client: self.client.clone(),
            url: url.as_str(),
            policy: self.policy,
            events: vec!["all".to_owned()],
            description: Some(DESCRIPTION),
            again: false,
            is_temporary: true,
            confirmation: Confirmation::Given,
        };
        let (endpoint, _) = register(new, self.session)?;
        let (id, mode) = (escape_unsafe(&endpoint.id), endpoint.mode.name());
        self.session.info(&format!(
            "{title}: registered {url} as {id} ({mode} mode); whtool deletes it at the end, if the API allows it"
        ));
        self.current = Some(endpoint);
        Ok(())
    }

    /// Deletes the endpoint that this listener has made. If that fails, it is named.
    pub(super) fn remove(&mut self) {
        if let Some(endpoint) = self.current.take() {
            self.delete(&endpoint);
        }
    }

    fn delete(&self, endpoint: &RegisteredEndpoint) {
        let (session, title) = (self.session, self.client.provider.title());
        let id = escape_unsafe(&endpoint.id);
        match delete_endpoint(&self.client, &endpoint.id, Confirmation::Given, session) {
            Ok(()) => session.info(&format!("{title}: deleted {id}")),
            Err(error) => {
                session.print_error(&error);
                let dashboard = self.client.provider.api().dashboard;
                let url = escape_unsafe(&endpoint.url);
                session.warn(&format!("the endpoint {id} for {url} still exists: delete it in {dashboard}"));
            }
        }
    }

    /// Deletes the endpoints of earlier runs whose URLs lead to no listener any more.
    fn remove_leftovers(&mut self) -> Result<()> {
        let (name, base) = (self.client.provider.name(), self.client.base.as_str());
        let registry = registry::read(self.session)?;
        let is_own = |one: &&RegisteredEndpoint| one.temporary && one.provider == name && one.base == base;
        for endpoint in registry.endpoints.iter().filter(is_own) {
            let url = escape_unsafe(&endpoint.url);
            if self.is_alive(&endpoint.url) {
                self.session.info(&format!("{url} leads to another `whtool listen`, whose endpoint is left alone"));
            } else {
                self.session.info(&format!("{url} of an earlier run leads nowhere"));
                self.delete(endpoint);
            }
        }
        Ok(())
    }

    /// Returns true if a listener answers at this URL: it refuses a GET with 405.
    fn is_alive(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        let mut request = Request { method: "GET".to_owned(), ..Request::post(url.path(), Vec::new()) };
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        // Fails for characters that no host has.
        let _ = request.headers.push("Host", host.as_bytes());
        let options = SendOptions {
            concurrency: 1,
            per_second: None,
            timeout: ALIVE_TIMEOUT,
            certificates: CertificateCheck::Verify,
            max_body: MAX_ANSWER_BODY,
        };
        let mut next = Some(OutgoingRequest::to_url(0, url, Reach::Anywhere, request));
        let mut status = None;
        let sent = self.session.world.send(&options, &mut || NextRequest::from(next.take()), &mut |sent| {
            status = sent.answer.ok().map(|answer| answer.status.0);
        });
        sent.is_ok() && status == Some(405)
    }
}

/// Returns the provider whose endpoints can be registered by API.
fn provider_with_api() -> &'static dyn Provider {
    let has_api = |provider: &&&dyn Provider| {
        provider.endpoint_call(&EndpointRequest::Create(EndpointFields::default())).is_some()
    };
    *provider::ALL.iter().find(has_api).unwrap_or(&provider::ALL[0])
}
