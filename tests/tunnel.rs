//! `listen --tunnel-command` with real processes and sockets: a relay in the test stands for the far
//! end, and a real sshd where one is installed.

use crate::common::TestWorld;
use crate::emulate::Emulated;
use crate::process::{Listener, available, whtool};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Accepts connections at once, and passes them on as soon as it is told where to.
fn relay() -> (SocketAddr, Sender<SocketAddr>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, (sender, receiver)) = (listener.local_addr().unwrap(), channel::<SocketAddr>());
    thread::spawn(move || {
        let Ok(target) = receiver.recv() else { return };
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(target) else { continue };
            let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || copy(from, to));
            thread::spawn(move || copy(server, client));
        }
    });
    (address, sender)
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn listen(home: &Path, command: &str) -> Listener {
    Listener::start(home, &["--allow-http", "--tunnel-command", command])
}

fn address(listener: &Listener) -> SocketAddr {
    listener.url.trim_start_matches("http://").parse().unwrap()
}

/// Returns the next record of the tunnel.
fn tunnel_state(listener: &mut Listener) -> (String, Value) {
    let record = listener.record();
    assert_eq!(record["schema"], "whtool.tunnel/1", "{record}");
    (record["state"].as_str().unwrap().to_owned(), record["url"].clone())
}

#[test]
fn a_tunnel_is_up_when_its_url_leads_here_and_is_started_again_when_it_ends() {
    let home = tempfile::tempdir().unwrap();
    let stop = home.path().join("stop");
    let (relay, target) = relay();
    let path = stop.display();
    let command = format!(
        "rm -f '{path}'; echo docs: https://t.example/docs; echo up at http://{relay}; \
         until [ -e '{path}' ]; do sleep 0.02; done; exit 7"
    );
    let mut listener = listen(home.path(), &command);
    target.send(address(&listener)).unwrap();
    assert_eq!(tunnel_state(&mut listener), ("starting".to_owned(), Value::Null));
    let url = Value::from(format!("http://{relay}"));
    assert_eq!(tunnel_state(&mut listener), ("up".to_owned(), url.clone()));
    std::fs::write(&stop, "").unwrap();
    let lost = listener.record();
    assert_eq!(lost["state"], "lost");
    assert_eq!(lost["why"], "the tunnel ended: exit status: 7");
    assert_eq!(tunnel_state(&mut listener), ("up".to_owned(), url), "it was started again");
}

#[test]
fn a_tunnel_that_ends_before_it_is_up_ends_the_listener_with_its_last_lines() {
    let home = tempfile::tempdir().unwrap();
    let command = "for i in 1 2 3 4 5 6; do echo line $i; done; exit 3";
    let output = whtool(home.path(), &["listen", "--port", "0", "--tunnel-command", command]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let err = String::from_utf8(output.stderr).unwrap();
    let end = "error: the tunnel ended: exit status: 3\n  | line 2\n  | line 3\n  | line 4\n  | line 5\n  | line 6\n";
    assert!(err.ends_with(end), "{err}");
}

#[test]
fn a_tunnel_program_that_is_missing_is_named_with_the_way_to_install_it() {
    let home = tempfile::tempdir().unwrap();
    let mut command = whtool(home.path(), &["listen", "--port", "0", "--tunnel", "cloudflared"]);
    let output = command.env("PATH", home.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("error: cloudflared is not installed") && err.contains("try: install it: https://"), "{err}");
}

#[test]
fn a_service_that_needs_only_ssh_is_not_chosen_unless_it_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let ssh = home.path().join("ssh");
    std::fs::write(&ssh, "#!/bin/sh\necho chosen; exit 1\n").unwrap();
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let listen = |words: &[&str]| {
        let mut command = whtool(home.path(), &[&["listen", "--port", "0"], words].concat());
        String::from_utf8(
            command.env("PATH", format!("{}:/bin:/usr/bin", home.path().display())).output().unwrap().stderr,
        )
        .unwrap()
    };
    let named = listen(&["--tunnel", "serveo"]);
    assert!(named.ends_with("  | chosen\n"), "{named}");
    // Only ssh is in this PATH.
    let mut command = whtool(home.path(), &["listen", "--port", "0", "--tunnel"]);
    let output = command.env("PATH", home.path()).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("looked for cloudflared, ngrok, tailscale, zrok\n"), "{err}");
}

#[test]
fn the_tunnel_does_not_inherit_keys_and_secrets() {
    let home = tempfile::tempdir().unwrap();
    let mut command =
        whtool(home.path(), &["listen", "--port", "0", "--tunnel-command", "env | grep -c whsec_; echo end; exit 1"]);
    let output = command.env("PLEXOS_WEBHOOK_SECRET", crate::process::PLEXOS_SECRET).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.ends_with("  | 0\n  | end\n"), "{err}");
}

#[test]
fn a_program_without_a_url_or_with_one_that_leads_elsewhere_ends_the_listener_after_a_time() {
    let run = |output| {
        let world = TestWorld { process_output: Some(output), ..TestWorld::with_secrets() };
        world.run(&["listen", "--allow-http", "--tunnel-command", "tunnel"])
    };
    let silent = run("starting\nconnected\n");
    assert_eq!(silent.status, 3, "{}", silent.err);
    let end = "error: the tunnel printed no public URL within 30 s\n  | starting\n  | connected\n";
    assert!(silent.err.contains(end), "{}", silent.err);
    let elsewhere = run("up at http://127.0.0.2:9/\n");
    assert_eq!(elsewhere.status, 3, "{}", elsewhere.err);
    for expected in [
        "error: the URL of the tunnel does not lead to this listener",
        "http://127.0.0.2:9: something else answered 200",
        "try: check that the tunnel forwards to this listener's port, and --public-url",
    ] {
        assert!(elsewhere.err.contains(expected), "{expected}: {}", elsewhere.err);
    }
}

fn is_running(pid: &str) -> bool {
    std::process::Command::new("kill").args(["-0", pid]).stderr(std::process::Stdio::null()).status().unwrap().success()
}

/// Starts a listener whose tunnel is up, and returns it with the process of the tunnel.
fn listen_with_stand_in(home: &Path) -> (Listener, String) {
    let (relay, target) = relay();
    let file = home.join("pid");
    let command = format!("echo $$ > '{}'; {}", file.display(), stand_in(relay));
    let mut listener = listen(home, &command);
    target.send(address(&listener)).unwrap();
    assert_eq!(tunnel_state(&mut listener).0, "starting");
    assert_eq!(tunnel_state(&mut listener).0, "up");
    (listener, std::fs::read_to_string(file).unwrap().trim().to_owned())
}

#[test]
fn a_tunnel_program_that_is_killed_is_started_again() {
    let home = tempfile::tempdir().unwrap();
    let (mut listener, pid) = listen_with_stand_in(home.path());
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    let lost = listener.record();
    assert_eq!(lost["why"], "the tunnel ended: signal: 9 (SIGKILL)", "{lost}");
    assert_eq!(tunnel_state(&mut listener).0, "up");
}

#[test]
fn the_tunnel_program_ends_with_the_listener_however_that_ends() {
    for signal in ["INT", "TERM", "KILL"] {
        let home = tempfile::tempdir().unwrap();
        let (listener, pid) = listen_with_stand_in(home.path());
        assert!(is_running(&pid));
        listener.end(signal);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while is_running(&pid) {
            assert!(std::time::Instant::now() < deadline, "it still runs after {signal}");
            thread::yield_now();
        }
    }
}

/// Starts an sshd of the test's own: keys, port and configuration.
struct Sshd {
    child: std::process::Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sshd {
    fn start(sshd: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for name in ["host_key", "user_key"] {
            let made = std::process::Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &path(name)])
                .status();
            assert!(made.unwrap().success());
        }
        std::fs::copy(path("user_key.pub"), path("authorized_keys")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPidFile none\n",
            path("host_key"),
            path("authorized_keys")
        );
        std::fs::write(path("sshd_config"), config).unwrap();
        // Where root runs it, sshd needs this folder.
        let _ = std::fs::create_dir_all("/run/sshd");
        let child = std::process::Command::new(sshd)
            .args(["-D", "-f", &path("sshd_config")])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, folder, port };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(server.child.try_wait().unwrap().is_none(), "sshd ended");
            thread::yield_now();
        }
        server
    }

    /// Returns a command that forwards a port of the server to the listener.
    fn forward(&self, remote: u16) -> String {
        let Self { folder, port, .. } = self;
        let folder = folder.path().display();
        format!(
            "echo http://127.0.0.1:{remote}; exec ssh -F none -NT -p {port} -i {folder}/user_key -o IdentitiesOnly=yes \
             -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes \
             -R 127.0.0.1:{remote}:127.0.0.1:{{port}} 127.0.0.1"
        )
    }
}

#[test]
fn an_event_arrives_through_a_real_sshd_whose_refusals_are_reported() {
    let Some(sshd) = ["/usr/sbin/sshd", "/usr/bin/sshd"].into_iter().find(|path| Path::new(path).exists()) else {
        assert!(!available("sshd"));
        return;
    };
    let (home, server) = (tempfile::tempdir().unwrap(), Sshd::start(sshd));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = taken.local_addr().unwrap().port();
    let command = server.forward(remote);
    let words = ["listen", "--port", "0", "--allow-http", "--tunnel-command", &command];
    let output = whtool(home.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("remote port forwarding failed") && err.contains("exit status: 255"), "{err}");

    drop(taken);
    let keys = server.folder.path().join("authorized_keys");
    let allowed = std::fs::read(&keys).unwrap();
    std::fs::write(&keys, "").unwrap();
    let output = whtool(home.path(), &words).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("Permission denied (publickey") && err.contains("exit status: 255"), "{err}");

    std::fs::write(&keys, allowed).unwrap();
    let mut listener = listen(home.path(), &command);
    assert_eq!(tunnel_state(&mut listener).0, "starting");
    assert_eq!(tunnel_state(&mut listener).0, "up");
    let mut stream = TcpStream::connect(("127.0.0.1", remote)).unwrap();
    stream.write_all(b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(listener.record()["request"]["target"], "/hook");

    // A second listener gets no port there, and does not disturb the first.
    let second = whtool(home.path(), &words).output().unwrap();
    let err = String::from_utf8(second.stderr).unwrap();
    assert!(second.status.code() == Some(3) && err.contains("remote port forwarding failed"), "{err}");
    assert!(TcpStream::connect(("127.0.0.1", remote)).is_ok());
}

/// Prints the URL of the relay, and runs until it is ended.
fn stand_in(relay: SocketAddr) -> String {
    format!("echo http://{relay}; exec sleep 600")
}

fn listen_with_emulator(home: &Path, emulator: &Emulated, relay: SocketAddr) -> Listener {
    let command = stand_in(relay);
    let words =
        ["listen", "--json", "--port", "0", "--allow-http", "--tunnel-command", &command, "--register", "/hooks"];
    let mut listen = whtool(home, &words);
    listen.env("PLEXOS_API_URL", format!("http://{}/plexos", emulator.address));
    Listener::spawn(listen.env("PLEXOS_PAY_SECRET_KEY", "sk_test_emulated_by_whtool"))
}

/// Reads standard error up to the line that begins like this, and no further.
fn wait_for_message(listener: &mut Listener, start: &str) -> String {
    let stderr = listener.child.stderr.as_mut().unwrap();
    let (mut messages, mut byte) = (Vec::new(), [0]);
    loop {
        stderr.read_exact(&mut byte).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&messages)));
        messages.push(byte[0]);
        let text = String::from_utf8_lossy(&messages).into_owned();
        if text.ends_with('\n') && text.lines().next_back().is_some_and(|line| line.starts_with(start)) {
            return text;
        }
    }
}

fn endpoints(emulator: &Emulated) -> Vec<String> {
    let list = emulator.call("GET", "/plexos/v1/webhooks", &Value::Null);
    let urls = list["data"].as_array().unwrap().iter();
    urls.map(|endpoint| endpoint["url"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_registered_tunnel_receives_verified_events_and_is_deleted_at_the_provider_at_the_end() {
    let (home, emulated) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let emulator = Emulated::start(emulated.path(), &["--undocumented-webhook-calls"]);
    let (address, target) = relay();
    let mut listener = listen_with_emulator(home.path(), &emulator, address);
    target.send(self::address(&listener)).unwrap();
    assert_eq!(tunnel_state(&mut listener).0, "starting");
    assert_eq!(tunnel_state(&mut listener).0, "up");
    wait_for_message(&mut listener, "Plexos Pay: registered ");
    assert_eq!(endpoints(&emulator), [format!("http://{address}/hooks")]);
    emulator.pay();
    let event = listener.record();
    assert_eq!(
        (&event["event"]["type"], &event["verdict"]),
        (&"payment.created".into(), &"verified".into()),
        "{event}"
    );
    let (status, messages) = listener.end("INT");
    assert_eq!(status, Some(130), "{messages}");
    assert!(messages.contains("Plexos Pay: deleted we_"), "{messages}");
    assert_eq!(endpoints(&emulator), [""; 0]);
}

#[test]
fn a_url_that_is_registered_already_is_used_as_it_is_and_stays() {
    let (home, emulated) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let emulator = Emulated::start(emulated.path(), &["--undocumented-webhook-calls"]);
    let (address, target) = relay();
    let url = format!("http://{address}/hooks");
    let mut register = whtool(home.path(), &["register", "--allow-http", "--url", &url]);
    register.env("PLEXOS_API_URL", format!("http://{}/plexos", emulator.address));
    let registered = register.env("PLEXOS_PAY_SECRET_KEY", "sk_test_emulated_by_whtool").output().unwrap();
    assert!(registered.status.success(), "{}", String::from_utf8_lossy(&registered.stderr));
    let mut listener = listen_with_emulator(home.path(), &emulator, address);
    target.send(self::address(&listener)).unwrap();
    wait_for_message(&mut listener, &format!("Plexos Pay: {url} is already registered as "));
    emulator.pay();
    assert_eq!(tunnel_state(&mut listener).0, "starting");
    assert_eq!(tunnel_state(&mut listener).0, "up");
    assert_eq!(listener.record()["verdict"], "verified");
    listener.end("INT");
    assert_eq!(endpoints(&emulator), [url]);
}

#[test]
fn an_endpoint_that_a_killed_listener_left_is_deleted_by_the_next_one() {
    let (home, emulated) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let emulator = Emulated::start(emulated.path(), &["--undocumented-webhook-calls"]);
    let (first, target) = relay();
    let mut listener = listen_with_emulator(home.path(), &emulator, first);
    target.send(address(&listener)).unwrap();
    wait_for_message(&mut listener, "Plexos Pay: registered ");
    listener.child.kill().unwrap();
    drop(listener);
    let (second, target) = relay();
    let mut listener = listen_with_emulator(home.path(), &emulator, second);
    target.send(address(&listener)).unwrap();
    let messages = wait_for_message(&mut listener, "Plexos Pay: registered ");
    assert!(messages.contains("of an earlier run leads nowhere"), "{messages}");
    assert_eq!(endpoints(&emulator), [format!("http://{second}/hooks")]);
    listener.end("TERM");
    assert_eq!(endpoints(&emulator), [""; 0]);
}
