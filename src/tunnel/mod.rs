//! Programs that give a listener a public URL: what to run, and where the URL is in their output.
//!
//! whtool runs the user's own program and relays nothing itself. To add a program, add a row to
//! `PROGRAMS`.

mod output;
mod programs;

pub use output::{UrlPattern, find_urls};
pub use programs::{PROGRAMS, TunnelProgram, UrlLife};

use url::Url;

/// The tunnel that the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelChoice {
    /// The first known program that is installed.
    FirstInstalled,
    Program(&'static TunnelProgram),
    Ssh(SshTarget),
}

/// A host that forwards one of its ports to the listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshTarget {
    /// `HOST` or `USER@HOST`; also the name of a host in the user's ssh configuration.
    destination: String,
    /// Port on the host's loopback address. `None`: the same as the listener's.
    remote_port: Option<u16>,
}

/// A tunnel that is ready to run.
#[derive(Clone, Debug)]
pub struct TunnelPlan {
    /// Name for messages.
    pub name: String,
    /// Command line for the shell.
    pub command: String,
    pub url: UrlSource,
    pub url_life: UrlLife,
}

/// Source of the public URL.
#[derive(Clone, Debug)]
pub enum UrlSource {
    /// It is known before the start.
    Known(Url),
    /// The program prints it; its host ends with one of these. Empty: any host.
    Printed(&'static [&'static str]),
    /// The program prints it, and this pattern finds it.
    Matching(UrlPattern),
}

#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    #[error("expected {}, or ssh:HOST", names())]
    UnknownProgram,
    #[error("expected ssh:HOST, ssh:USER@HOST or ssh:HOST:PORT")]
    InvalidHost,
}

/// Lists the names of the known programs.
fn names() -> String {
    PROGRAMS.iter().map(|program| program.name).collect::<Vec<_>>().join(", ")
}

impl std::str::FromStr for TunnelChoice {
    type Err = TunnelError;

    fn from_str(text: &str) -> Result<Self, TunnelError> {
        if let Some(host) = text.strip_prefix("ssh:") {
            return host.parse().map(Self::Ssh);
        }
        match PROGRAMS.iter().find(|program| program.name == text) {
            Some(program) => Ok(Self::Program(program)),
            None if text == "auto" => Ok(Self::FirstInstalled),
            None => Err(TunnelError::UnknownProgram),
        }
    }
}

impl std::str::FromStr for SshTarget {
    type Err = TunnelError;

    /// The characters are limited to those that mean nothing to a shell.
    fn from_str(text: &str) -> Result<Self, TunnelError> {
        let (destination, remote_port) = match text.rsplit_once(':') {
            Some((destination, port)) => (destination, Some(port.parse().map_err(|_| TunnelError::InvalidHost)?)),
            None => (text, None),
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        if destination.is_empty() || destination.starts_with('-') || !destination.bytes().all(is_plain) {
            return Err(TunnelError::InvalidHost);
        }
        Ok(Self { destination: destination.to_owned(), remote_port })
    }
}

impl TunnelPlan {
    /// Plans to run a known program in front of the listener's port.
    pub fn of_program(program: &'static TunnelProgram, port: u16, public_url: Option<Url>) -> Self {
        let url = public_url.map_or(UrlSource::Printed(program.hosts), UrlSource::Known);
        Self { name: program.name.to_owned(), command: fill_in(program.command, port), url, url_life: program.url_life }
    }

    /// Plans to let a host forward one of its ports. ssh prints no URL.
    pub fn through_ssh(target: &SshTarget, port: u16, public_url: Url) -> Self {
        let SshTarget { destination, remote_port } = target;
        let remote = remote_port.unwrap_or(port);
        let options = "-o BatchMode=yes -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 -o ServerAliveCountMax=2";
        Self {
            name: format!("ssh to {destination}"),
            command: format!("ssh -NT {options} -R 127.0.0.1:{remote}:127.0.0.1:{port} {destination}"),
            url: UrlSource::Known(public_url),
            url_life: UrlLife::Fixed,
        }
    }

    /// Plans to run a command of the user's, in which `{port}` is replaced.
    pub fn of_command(command: &str, port: u16, url: UrlSource) -> Self {
        let url_life = if matches!(url, UrlSource::Known(_)) { UrlLife::Fixed } else { UrlLife::Unknown };
        Self { name: "the tunnel".to_owned(), command: fill_in(command, port), url, url_life }
    }

    /// Returns the URLs that may be the public one, given all that the program has printed.
    pub fn candidates(&self, output: &[u8]) -> Vec<Url> {
        let text = String::from_utf8_lossy(output);
        match &self.url {
            UrlSource::Known(url) => vec![url.clone()],
            UrlSource::Printed(hosts) => find_urls(&text, hosts),
            UrlSource::Matching(pattern) => pattern.find(&text),
        }
    }
}

fn fill_in(command: &str, port: u16) -> String {
    command.replace("{port}", &port.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_a_known_program_or_a_host_for_ssh() {
        let parse = |text: &str| text.parse::<TunnelChoice>();
        assert_eq!(parse("auto").unwrap(), TunnelChoice::FirstInstalled);
        assert!(matches!(parse("ngrok").unwrap(), TunnelChoice::Program(program) if program.name == "ngrok"));
        for (text, destination, remote_port) in [
            ("ssh:hooks.example.com", "hooks.example.com", None),
            ("ssh:me@hooks", "me@hooks", None),
            ("ssh:me@hooks:4900", "me@hooks", Some(4900)),
        ] {
            let target = SshTarget { destination: destination.to_owned(), remote_port };
            assert_eq!(parse(text).unwrap(), TunnelChoice::Ssh(target), "{text}");
        }
        for text in ["", "telnet", "ssh:", "ssh:-oProxyCommand=x", "ssh:a b", "ssh:a;b", "ssh:$(x)", "ssh:a:b", "Ngrok"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_port_is_filled_in() {
        let target = "me@hooks".parse().unwrap();
        let plan = TunnelPlan::through_ssh(&target, 4848, "https://hooks.example.com".parse().unwrap());
        assert!(plan.command.ends_with("-R 127.0.0.1:4848:127.0.0.1:4848 me@hooks"), "{}", plan.command);
        let plan = TunnelPlan::of_command("t --to {port}", 99, UrlSource::Printed(&[]));
        assert_eq!(plan.command, "t --to 99");
        for program in PROGRAMS {
            let plan = TunnelPlan::of_program(program, 4848, None);
            assert!(plan.command.contains("4848") && !plan.command.contains('{'), "{}", plan.command);
        }
    }
}
