//! Address and settings of a connection: the URL, completed from the environment as libpq does.

use super::password::{PasswordFile, PasswordQuery};
use super::tls::{TlsMode, TlsSettings};
use crate::edge::environment;
use crate::model::error::{Error, Result};
use crate::model::sanitize::truncate;
use crate::world::PostgresUrl;
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

const DEFAULT_PORT: u16 = 5432;

/// Notices a server that is gone, on systems whose default is two hours.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Folders of Unix sockets, as Debian and as PostgreSQL itself have them.
const SOCKET_FOLDERS: [&str; 2] = ["/run/postgresql", "/tmp"];

pub(super) struct ConnectSettings {
    /// In the order in which they are tried.
    pub endpoints: Vec<Endpoint>,
}

pub(super) struct Endpoint {
    pub config: Config,
    pub tls: TlsSettings,
    /// Address and database, for messages.
    pub place: String,
    /// The reason why a password file was not used.
    pub ignored_file: Option<String>,
}

/// Files of the user that complete a URL.
pub(super) struct SystemFiles {
    pub password_file: Option<PathBuf>,
    /// `~/.postgresql`, with certificates.
    pub certificates: Option<PathBuf>,
}

impl SystemFiles {
    pub fn of_user(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let home = environment::home_dir();
        let (password_file, certificates) = match variable("APPDATA").filter(|_| cfg!(windows)) {
            Some(folder) => {
                let folder = Path::new(&folder).join("postgresql");
                (Some(folder.join("pgpass.conf")), Some(folder))
            }
            None => (home.as_ref().map(|home| home.join(".pgpass")), home.map(|home| home.join(".postgresql"))),
        };
        Self { password_file, certificates }
    }
}

impl ConnectSettings {
    pub fn read(url: &PostgresUrl, variable: &dyn Fn(&str) -> Option<String>, files: &SystemFiles) -> Result<Self> {
        let (text, own) = split_parameters(url)?;
        let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            Error::usage("the URL of the database can't be read").because(truncate(&cause, 200))
        })?;
        complete(&mut config, variable)?;
        let passwords = PasswordFile {
            path: own.get("passfile").or_else(|| variable("PGPASSFILE")).map(PathBuf::from),
            default: files.password_file.clone(),
        };
        let count = config.get_hosts().len().max(config.get_hostaddrs().len());
        let endpoints = (0..count).map(|index| endpoint(&config, index, &own, &passwords, variable, files));
        Ok(Self { endpoints: endpoints.collect::<Result<_>>()? })
    }
}

/// Parameters that are read here and not by the client library.
struct OwnParameters(Vec<(String, String)>);

impl OwnParameters {
    const NAMES: [&'static str; 5] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "passfile"];

    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.clone()).filter(|text| !text.is_empty())
    }
}

/// Takes parameters out of the URL that the client library does not know, or does not know whole.
fn split_parameters(url: &PostgresUrl) -> Result<(String, OwnParameters)> {
    let (place, parameters) = url.expose().split_once('?').unwrap_or((url.expose(), ""));
    let (mut own, mut rest) = (Vec::new(), Vec::new());
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if OwnParameters::NAMES.contains(&name) {
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| Error::usage(format!("`{name}` in the URL of the database is not UTF-8")))?;
            own.push((name.to_owned(), value.into_owned()));
        } else if name != "gssencmode" && name != "fallback_application_name" {
            rest.push(parameter);
        }
    }
    let separator = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{place}{separator}{}", rest.join("&")), OwnParameters(own)))
}

/// Completes what the URL does not say.
fn complete(config: &mut Config, variable: &dyn Fn(&str) -> Option<String>) -> Result<()> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        let socket_folder =
            || SOCKET_FOLDERS.iter().find(|folder| Path::new(folder).is_dir()).map(|&found| found.to_owned());
        let default = || socket_folder().filter(|_| cfg!(unix)).unwrap_or_else(|| "localhost".to_owned());
        for host in variable("PGHOST").unwrap_or_else(default).split(',') {
            // A path is the folder of a socket.
            config.host(host);
        }
    }
    if config.get_ports().is_empty() {
        for port in variable("PGPORT").unwrap_or_else(|| DEFAULT_PORT.to_string()).split(',') {
            let number = port.trim().parse().map_err(|_| Error::usage(format!("PGPORT is not a port: {port}")))?;
            config.port(number);
        }
    }
    if let Some(user) = variable("PGUSER").filter(|_| config.get_user().is_none()) {
        config.user(user);
    }
    if let Some(database) = variable("PGDATABASE").filter(|_| config.get_dbname().is_none()) {
        config.dbname(database);
    }
    if let Some(password) = variable("PGPASSWORD").filter(|_| config.get_password().is_none()) {
        config.password(password);
    }
    Ok(())
}

fn endpoint(
    all: &Config,
    index: usize,
    own: &OwnParameters,
    passwords: &PasswordFile,
    variable: &dyn Fn(&str) -> Option<String>,
    files: &SystemFiles,
) -> Result<Endpoint> {
    let host = all.get_hosts().get(index);
    let address = all.get_hostaddrs().get(index).copied();
    let ports = all.get_ports();
    let port = ports.get(index).or_else(|| ports.first()).copied().unwrap_or(DEFAULT_PORT);
    let name = match (host, address) {
        (Some(Host::Tcp(name)), _) => name.clone(),
        #[cfg(unix)]
        (Some(Host::Unix(folder)), _) => folder.display().to_string(),
        (None, address) => address.map(|address| address.to_string()).unwrap_or_default(),
    };
    let mut config = all_but_hosts(all);
    config.host(&name).port(port);
    if let Some(address) = address {
        config.hostaddr(address);
    }
    let user = config.get_user().map_or_else(environment::user_name, str::to_owned);
    config.user(&user);
    let database = config.get_dbname().unwrap_or(&user).to_owned();
    let mut ignored_file = None;
    if config.get_password().is_none() {
        let query = PasswordQuery { host: &name, port, database: &database, user: &user };
        match passwords.find(&query) {
            Ok(None) => {}
            Ok(Some(password)) => {
                config.password(password);
            }
            Err(why) => ignored_file = Some(why),
        }
    }
    let is_socket = name.starts_with('/');
    let is_local = is_socket || address.map_or_else(|| is_loopback(&name), |address| address.is_loopback());
    let tls = tls_settings(own, variable, files, is_local)?;
    config.ssl_mode(match tls.mode {
        TlsMode::Disable => SslMode::Disable,
        // There is no TLS on a socket; libpq ignores the mode, too.
        _ if is_socket => SslMode::Disable,
        TlsMode::Prefer => SslMode::Prefer,
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
    });
    let place = if is_socket { format!("{name}, port {port}") } else { format!("{name}:{port}") };
    Ok(Endpoint { config, tls, place: format!("{place}, database {database}, user {user}"), ignored_file })
}

/// Copies everything but the servers.
fn all_but_hosts(all: &Config) -> Config {
    let mut config = Config::new();
    config
        .application_name("whtool")
        .ssl_negotiation(all.get_ssl_negotiation())
        .channel_binding(all.get_channel_binding())
        .target_session_attrs(all.get_target_session_attrs())
        .keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle().min(KEEPALIVE));
    if let Some(user) = all.get_user() {
        config.user(user);
    }
    if let Some(password) = all.get_password() {
        config.password(password);
    }
    if let Some(name) = all.get_dbname() {
        config.dbname(name);
    }
    if let Some(options) = all.get_options() {
        config.options(options);
    }
    if let Some(timeout) = all.get_connect_timeout() {
        config.connect_timeout(*timeout);
    }
    config
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn tls_settings(
    own: &OwnParameters,
    variable: &dyn Fn(&str) -> Option<String>,
    files: &SystemFiles,
    is_local: bool,
) -> Result<TlsSettings> {
    let set = |name: &str, name_in_environment: &str| own.get(name).or_else(|| variable(name_in_environment));
    let default_file =
        |name: &str| files.certificates.as_ref().map(|folder| folder.join(name)).filter(|path| path.is_file());
    let roots = set("sslrootcert", "PGSSLROOTCERT");
    let has_roots = roots.as_deref().is_some_and(|roots| roots != "system");
    let mode = match set("sslmode", "PGSSLMODE").as_deref() {
        None if is_local => TlsMode::Prefer,
        None | Some("verify-full") => TlsMode::VerifyFull,
        Some("disable") => TlsMode::Disable,
        Some("allow" | "prefer") => TlsMode::Prefer,
        // libpq takes `require` with a root certificate for `verify-ca`.
        Some("require") if has_roots => TlsMode::VerifyCa,
        Some("require") => TlsMode::Require,
        Some("verify-ca") => TlsMode::VerifyCa,
        Some(other) => {
            return Err(Error::usage(format!("there is no sslmode `{}`", truncate(other, 40)))
                .hint("use disable, prefer, require, verify-ca or verify-full"));
        }
    };
    let certificate = set("sslcert", "PGSSLCERT").map(PathBuf::from).or_else(|| default_file("postgresql.crt"));
    let key = set("sslkey", "PGSSLKEY").map(PathBuf::from).or_else(|| default_file("postgresql.key"));
    Ok(TlsSettings {
        mode,
        roots: if has_roots { roots.map(PathBuf::from) } else { default_file("root.crt").filter(|_| roots.is_none()) },
        client: certificate.zip(key),
    })
}

#[cfg(test)]
mod tests;
