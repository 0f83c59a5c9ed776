//! Finds public URLs in the output of a program.

use regex_lite::Regex;
use url::Url;

/// A pattern that finds the public URL in the output of a command of the user's.
#[derive(Clone, Debug)]
pub struct UrlPattern(Regex);

impl std::str::FromStr for UrlPattern {
    type Err = regex_lite::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Regex::new(text).map(Self)
    }
}

impl UrlPattern {
    /// Returns what the pattern matches, or its first group if it has one.
    pub fn find(&self, text: &str) -> Vec<Url> {
        let found = self.0.captures_iter(text).filter_map(|captures| captures.get(1).or(captures.get(0)));
        unique(found.filter_map(|found| Url::parse(found.as_str()).ok()))
    }
}

/// Finds URLs without a path whose host ends with one of these. Other URLs are of documentation,
/// dashboards and interfaces of the service. Without `hosts`, every such URL is found.
pub fn find_urls(text: &str, hosts: &[&str]) -> Vec<Url> {
    let starts = text.match_indices("http").map(|(at, _)| &text[at..]);
    let urls = starts.filter(|rest| rest.starts_with("https://") || rest.starts_with("http://")).filter_map(|rest| {
        let is_end = |character: char| character.is_whitespace() || "\"'`|<>()[]{},;\u{1b}\\".contains(character);
        let url = Url::parse(rest.split(is_end).next()?.trim_end_matches('.')).ok()?;
        let host = url.host_str()?;
        let is_public = hosts.is_empty() || hosts.iter().any(|end| host.ends_with(end) && host.len() > end.len());
        (is_public && url.path() == "/" && url.query().is_none()).then_some(url)
    });
    // https comes first where a service offers both.
    let (secure, plain): (Vec<_>, Vec<_>) = urls.partition(|url| url.scheme() == "https");
    unique(secure.into_iter().chain(plain.into_iter().filter(|_| hosts.is_empty())))
}

fn unique(urls: impl Iterator<Item = Url>) -> Vec<Url> {
    let mut found: Vec<Url> = Vec::new();
    for url in urls {
        if !found.contains(&url) {
            found.push(url);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::PROGRAMS;

    fn found(program: &str, text: &str) -> Vec<String> {
        let program = PROGRAMS.iter().find(|entry| entry.name == program).unwrap();
        find_urls(text, program.hosts).iter().map(Url::to_string).collect()
    }

    /// Lines as the projects' documentation and issue threads show them.
    #[test]
    fn the_public_url_is_found_in_what_each_program_prints() {
        let cloudflared = "2024-05-02T10:00:00Z INF Thank you for trying Cloudflare Tunnel. Doing so, without a \
            Cloudflare account, is a quick way to experiment. https://developers.cloudflare.com/cloudflare-one/\n\
            2024-05-02T10:00:00Z INF Requesting new quick Tunnel on trycloudflare.com...\n\
            2024-05-02T10:00:03Z INF |  https://seasonal-deck-organisms-sf.trycloudflare.com       |\n";
        assert_eq!(found("cloudflared", cloudflared), ["https://seasonal-deck-organisms-sf.trycloudflare.com/"]);
        let failed = "failed to request quick Tunnel: Post \"https://api.trycloudflare.com/tunnel\": dial tcp: lookup";
        assert!(found("cloudflared", failed).is_empty());
        let ngrok = "t=2024 lvl=info msg=\"starting web service\" obj=web addr=127.0.0.1:4040\n\
            t=2024 lvl=info msg=\"started tunnel\" obj=tunnels name=command_line addr=http://localhost:4848 \
            url=https://84c5-203-0-113-1.ngrok-free.app\n";
        assert_eq!(found("ngrok", ngrok), ["https://84c5-203-0-113-1.ngrok-free.app/"]);
        let tailscale = "Available on the internet:\n\nhttps://amelie.pango.ts.net/\n|-- proxy http://127.0.0.1:4848\n\n\
            Press Ctrl+C to exit.\n";
        assert_eq!(found("tailscale", tailscale), ["https://amelie.pango.ts.net/"]);
        let zrok = "[   0.011]    INFO main.(*sharePublicCommand).run: access your zrok share at the following \
            endpoints:\n https://wvszln4dyz9q.share.zrok.io\n";
        assert_eq!(found("zrok", zrok), ["https://wvszln4dyz9q.share.zrok.io/"]);
        let pinggy = "You are not authenticated.\nYour tunnel will expire in 60 minutes. Upgrade to Pinggy Pro to get \
            unrestricted tunnels. https://dashboard.pinggy.io\n\nhttp://rnfic-203-0-113-1.a.free.pinggy.link\n\
            https://rnfic-203-0-113-1.a.free.pinggy.link\n";
        assert_eq!(found("pinggy", pinggy), ["https://rnfic-203-0-113-1.a.free.pinggy.link/"]);
        let serveo = "\u{1b}[32mForwarding HTTP traffic from https://abc123.serveo.net\u{1b}[0m\n";
        assert_eq!(found("serveo", serveo), ["https://abc123.serveo.net/"]);
        let run = "Welcome to localhost.run!\nTo set up and manage custom domains go to https://admin.localhost.run/\n\
            04ba1b2d93f1cd.lhr.life tunneled with tls termination, https://04ba1b2d93f1cd.lhr.life\n";
        assert_eq!(found("localhost.run", run), ["https://04ba1b2d93f1cd.lhr.life/"]);
    }

    #[test]
    fn a_pattern_finds_the_url_of_a_command_with_or_without_a_group() {
        let find = |pattern: &str, text| {
            let urls = pattern.parse::<UrlPattern>().unwrap().find(text);
            urls.iter().map(Url::to_string).collect::<Vec<_>>()
        };
        assert_eq!(find("https://[^ ]+", "up at https://a.example/x now"), ["https://a.example/x"]);
        assert_eq!(find("public=([^ ]+)", "public=https://a.example local=http://b"), ["https://a.example/"]);
        assert!(find("public=([^ ]+)", "public=nothing").is_empty());
        assert!("(".parse::<UrlPattern>().is_err());
    }

    #[test]
    fn any_url_without_a_path_may_be_the_one_of_an_unknown_program() {
        let text = "docs: https://t.example/docs. Local: http://127.0.0.1:4848 public (https://abc.t.example), bye";
        let urls = find_urls(text, &[]);
        assert_eq!(
            urls.iter().map(Url::as_str).collect::<Vec<_>>(),
            ["https://abc.t.example/", "http://127.0.0.1:4848/"]
        );
    }
}
