//! A real PostgreSQL server in a temporary folder, of the programs that Debian installs.

use crate::process::available;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The user `nobody`: PostgreSQL does not run as root.
#[cfg(unix)]
const NOBODY: u32 = 65_534;

/// The password of the server's user `shop`.
pub const PASSWORD: &str = "not-a-real-password";

/// A server that runs until it is dropped.
pub struct PostgresServer {
    /// `None`: it is stopped.
    server: Option<Child>,
    pub folder: TempDir,
    pub port: u16,
    programs: PathBuf,
    /// Settings of the command line.
    settings: Vec<String>,
}

impl PostgresServer {
    /// Starts a new server with these settings, or says that the test is skipped. It has the user
    /// `shop` and the database `postgres`. On Windows, there is none.
    pub fn start(settings: &[&str]) -> Option<Self> {
        if cfg!(windows) {
            return None;
        }
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        give_to_server(folder.path(), 0o755);
        give_to_server(&folder.path().join("password"), 0o600);
        let mut init = as_server(&programs.join("initdb"));
        init.args(["-N", "-A", "scram-sha-256", "-U", "shop", "--locale=C", "-E", "UTF8", "-D"]);
        init.arg(folder.path().join("data")).arg("--pwfile").arg(folder.path().join("password"));
        let made = init.output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server = Self { server: None, folder, port, programs, settings };
        server.restart();
        Some(server)
    }

    /// Starts it again on the same data and port, after it was stopped.
    pub fn restart(&mut self) {
        self.stop();
        let mut postgres = as_server(&self.programs.join("postgres"));
        postgres.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path()).args(["-p", &self.port.to_string()]);
        postgres.args(["-c", "listen_addresses=127.0.0.1"]);
        for setting in &self.settings {
            postgres.args(["-c", setting]);
        }
        let mut server = postgres.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(server.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("ready to accept connections") && !line.contains("ready to accept read-only connections") {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "it did not start");
        }
        std::thread::spawn(move || said.lines().map_while(Result::ok).for_each(drop));
        self.server = Some(server);
    }

    /// Stops it at once, as `pg_ctl stop -m immediate` does: without a checkpoint.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            Command::new("sh").args(["-c", &format!("kill -QUIT {}", server.id())]).status().unwrap();
            server.wait().unwrap();
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns a URL with the password.
    pub fn url(&self) -> String {
        format!("postgres://shop:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    pub fn psql(&self) -> Command {
        let mut psql = Command::new("psql");
        psql.args(["-h", self.folder.path().to_str().unwrap(), "-p", &self.port.to_string(), "-U", "shop", "postgres"]);
        psql.args(["-v", "ON_ERROR_STOP=1"]).env("PGPASSWORD", PASSWORD);
        psql
    }

    /// Runs statements in psql, and returns the rows without headings.
    pub fn run(&self, sql: &str) -> String {
        let ran = self.psql().args(["-Atqc", sql]).output().unwrap();
        assert!(ran.status.success(), "{sql}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap().trim_end().to_owned()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Finds the folder of the server's programs, which Debian keeps out of the PATH.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.retain(|folder| folder.join("initdb").is_file());
    folders.sort();
    let folder = folders.pop().unwrap_or_default();
    (available(folder.join("initdb").to_str().unwrap()) && available("psql")).then_some(folder)
}

#[cfg(unix)]
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|ran| ran.stdout == b"0\n")
}

/// Runs a program as the user of the server.
pub fn as_server(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir("/");
    #[cfg(unix)]
    if is_root() {
        use std::os::unix::process::CommandExt;
        command.uid(NOBODY).gid(NOBODY);
    }
    command.stdin(Stdio::null());
    command
}

/// Makes the server's user the owner of a file or folder.
#[cfg(unix)]
pub fn give_to_server(path: &Path, mode: u32) {
    use std::os::unix::fs::{PermissionsExt, chown};
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(windows)]
pub fn give_to_server(_path: &Path, _mode: u32) {}
