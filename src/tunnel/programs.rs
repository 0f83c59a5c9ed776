//! The known programs.

/// A program that makes a local port reachable at a public URL.
#[derive(Debug, PartialEq, Eq)]
pub struct TunnelProgram {
    pub name: &'static str,
    /// Name of the file that is run.
    pub executable: &'static str,
    /// Command line; `{port}` stands for the local port.
    pub(super) command: &'static str,
    /// Ends of the hosts of its public URLs.
    pub(super) hosts: &'static [&'static str],
    pub url_life: UrlLife,
    /// Advice for users who do not have it.
    pub install: &'static str,
}

impl TunnelProgram {
    /// Returns true for a program that the user has installed for this purpose. The services that
    /// need only ssh have to be named: they would see every event.
    pub fn is_default(&self) -> bool {
        self.executable == self.name
    }
}

/// The time for which a public URL stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlLife {
    /// As long as the user's account or server has it.
    Fixed,
    /// Until the program ends.
    OneRun,
    /// At most this many minutes.
    Minutes(u32),
    Unknown,
}

impl UrlLife {
    /// Returns words that follow the name of the program.
    pub fn words(self) -> String {
        match self {
            Self::Fixed | Self::Unknown => String::new(),
            Self::OneRun => " (the next run has another URL)".to_owned(),
            Self::Minutes(minutes) => format!(" (for {minutes} minutes; then it has another URL)"),
        }
    }
}

macro_rules! ssh_service {
    ($forward:literal) => {
        concat!(
            "ssh -T -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ExitOnForwardFailure=yes ",
            "-o ServerAliveInterval=15 -o ServerAliveCountMax=2 ",
            $forward
        )
    };
}

/// The known programs.
///
/// Commands and URLs are those that each project documents.
pub static PROGRAMS: &[TunnelProgram] = &[
    TunnelProgram {
        name: "cloudflared",
        executable: "cloudflared",
        command: "cloudflared tunnel --no-autoupdate --url http://127.0.0.1:{port}",
        hosts: &[".trycloudflare.com"],
        url_life: UrlLife::OneRun,
        install: "https://github.com/cloudflare/cloudflared/releases, or `brew install cloudflared`",
    },
    TunnelProgram {
        name: "ngrok",
        executable: "ngrok",
        command: "ngrok http {port} --log stdout --log-format logfmt",
        hosts: &[".ngrok-free.app", ".ngrok-free.dev", ".ngrok.app", ".ngrok.dev", ".ngrok.io"],
        url_life: UrlLife::OneRun,
        install: "https://ngrok.com/download; it needs an account",
    },
    TunnelProgram {
        name: "tailscale",
        executable: "tailscale",
        command: "tailscale funnel {port}",
        hosts: &[".ts.net"],
        url_life: UrlLife::Fixed,
        install: "https://tailscale.com/download; Funnel must be allowed for the machine",
    },
    TunnelProgram {
        name: "zrok",
        executable: "zrok",
        command: "zrok share public --headless http://127.0.0.1:{port}",
        hosts: &[".share.zrok.io", ".zrok.io"],
        url_life: UrlLife::OneRun,
        install: "https://docs.zrok.io; it needs an account",
    },
    TunnelProgram {
        name: "localhost.run",
        executable: "ssh",
        command: ssh_service!("-R 80:127.0.0.1:{port} nokey@localhost.run"),
        hosts: &[".lhr.life", ".lhr.rocks"],
        url_life: UrlLife::OneRun,
        install: "it needs only ssh, which is not installed",
    },
    TunnelProgram {
        name: "pinggy",
        executable: "ssh",
        command: ssh_service!("-p 443 -R 0:127.0.0.1:{port} a.pinggy.io"),
        hosts: &[".pinggy.link", ".pinggy-free.link"],
        url_life: UrlLife::Minutes(60),
        install: "it needs only ssh, which is not installed",
    },
    TunnelProgram {
        name: "serveo",
        executable: "ssh",
        command: ssh_service!("-R 80:127.0.0.1:{port} serveo.net"),
        hosts: &[".serveo.net", ".serveousercontent.com"],
        url_life: UrlLife::OneRun,
        install: "it needs only ssh, which is not installed",
    },
];
