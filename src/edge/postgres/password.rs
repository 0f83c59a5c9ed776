//! The password file of libpq: one line `host:port:database:user:password` per server.

use std::fs;
use std::path::{Path, PathBuf};

pub(super) struct PasswordFile {
    /// The file that was named.
    pub path: Option<PathBuf>,
    /// The file that is used if none was named.
    pub default: Option<PathBuf>,
}

pub(super) struct PasswordQuery<'a> {
    /// A name, an address, or the folder of a socket.
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

impl PasswordFile {
    /// Returns the password of the first line that fits. An error says why the file was not used.
    pub fn find(&self, query: &PasswordQuery<'_>) -> Result<Option<String>, String> {
        let path = match (&self.path, &self.default) {
            (Some(path), _) => path,
            (None, Some(path)) if path.is_file() => path,
            _ => return Ok(None),
        };
        let shown = path.display();
        refuse_shared(path)?;
        let text = fs::read_to_string(path).map_err(|error| format!("{shown} was not read: {error}"))?;
        Ok(text.lines().find_map(|line| password_in(line, query)))
    }
}

/// Refuses a file that other users can read, as libpq does.
#[cfg(unix)]
fn refuse_shared(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map(|metadata| metadata.permissions().mode()).unwrap_or_default();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(format!("{path} was not used, since other users can read it: chmod 600 {path}"))
}

#[cfg(not(unix))]
fn refuse_shared(_: &Path) -> Result<(), String> {
    Ok(())
}

fn password_in(line: &str, query: &PasswordQuery<'_>) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let [host, port, database, user, password] = <[String; 5]>::try_from(split_fields(line)).ok()?;
    // Without a host, libpq looks for localhost instead of the folder of the socket.
    let is_socket = query.host.starts_with('/') && host == "localhost";
    let fits = |field: &str, value: &str| field == "*" || field == value;
    let fits_place = is_socket || fits(&host, query.host);
    let fits_all = fits_place
        && fits(&port, &query.port.to_string())
        && fits(&database, query.database)
        && fits(&user, query.user);
    fits_all.then_some(password)
}

/// Splits at colons. A backslash escapes the character after it.
fn split_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.trim_end_matches('\r').chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut().into_iter().for_each(|field| field.extend(characters.next())),
            other => fields.last_mut().into_iter().for_each(|field| field.push(other)),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str, host: &str, user: &str) -> Option<String> {
        let query = PasswordQuery { host, port: 5432, database: "shop", user };
        text.lines().find_map(|line| password_in(line, &query))
    }

    /// <https://www.postgresql.org/docs/current/libpq-pgpass.html>
    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text =
            "# host:port:database:user:password\ndb:5432:other:ana:1\ndb:5432:shop:ana:a\\:b\\\\c\n*:*:*:eva:x:y\n";
        assert_eq!(find(text, "db", "ana").as_deref(), Some("a:b\\c"));
        assert_eq!(find(text, "elsewhere", "eva").as_deref(), Some("x:y"));
        assert_eq!(find(text, "elsewhere", "ana"), None);
        assert_eq!(find("localhost:*:shop:ana:s\r\n", "/run/postgresql", "ana").as_deref(), Some("s"));
        assert_eq!(find("db:5432:shop:ana", "db", "ana"), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_can_read_is_not_used_and_it_is_said() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, "*:*:*:*:x\n").unwrap();
        let query = PasswordQuery { host: "db", port: 1, database: "d", user: "u" };
        let file = PasswordFile { path: Some(path.clone()), default: None };
        for (mode, is_used) in [(0o600, true), (0o640, false), (0o644, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(file.find(&query).is_ok(), is_used, "{mode:o}");
        }
        let missing = PasswordFile { path: None, default: Some(folder.path().join("none")) };
        assert_eq!(missing.find(&query), Ok(None));
    }
}
