//! Options of one exchange, for both ways to send a request.

use crate::world::{CertificateCheck, SendOptions};
use std::time::Duration;

/// Longest wait for a connection; the time limit of the request may end it sooner.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
pub(in crate::edge) struct ExchangeOptions {
    /// Time limit from connecting to the end of the answer.
    pub timeout: Duration,
    pub certificates: CertificateCheck,
    /// Most bytes of the answer's body that are read.
    pub max_body: usize,
}

impl From<&SendOptions> for ExchangeOptions {
    fn from(options: &SendOptions) -> Self {
        Self { timeout: options.timeout, certificates: options.certificates, max_body: options.max_body }
    }
}
