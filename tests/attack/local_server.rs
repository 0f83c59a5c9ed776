//! The server of `emulate` under the attacks that ended it once: it must keep answering, and leave
//! neither threads nor descriptors behind.

use super::target::{Client, PATIENCE, is_long, program, statuses};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

struct Emulator {
    child: Child,
    address: SocketAddr,
    _home: tempfile::TempDir,
}

impl Emulator {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(program());
        command.args(["emulate", "--port", "0", "--json", "--quiet"]).env_clear().env("WHTOOL_HOME", home.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        output.read_line(&mut ready).unwrap();
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let address = ready["url"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
        // Reads the records, so that the process never waits for the test.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { child, address, _home: home }
    }

    fn exchange(&self, bytes: &str) -> Vec<u16> {
        let mut client = Client::of(self.address);
        let _ = client.try_send(bytes);
        client.shut_down_writing();
        statuses(&client.rest())
    }

    fn assert_answers(&self) {
        assert_eq!(self.exchange("GET /_emulator/state HTTP/1.1\r\nHost: localhost\r\n\r\n"), [200]);
    }

    #[cfg(target_os = "linux")]
    fn count(&self, folder: &str) -> usize {
        std::fs::read_dir(format!("/proc/{}/{folder}", self.child.id())).unwrap().count()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_emulator_outlives_slow_large_and_foreign_requests() {
    let emulator = Emulator::start();
    emulator.assert_answers();
    #[cfg(target_os = "linux")]
    let before = emulator.count("fd");
    let rounds = if is_long() { 20 } else { 1 };
    for _ in 0..rounds {
        let held: Vec<_> = (0..200)
            .flat_map(|_| {
                ["", "POST / HTTP/1.1\r\nHos", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab"]
            })
            .map(|start| {
                let mut client = Client::of(emulator.address);
                client.send(start);
                client
            })
            .collect();
        emulator.assert_answers();
        for _ in 0..300 {
            let large = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000000\r\n\r\nab";
            assert_eq!(emulator.exchange(large), [413]);
        }
        let control = "POST /_emulator/faults HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n";
        for headers in ["Host: evil.example", "Host: localhost\r\nOrigin: http://evil.example"] {
            for _ in 0..50 {
                assert_eq!(emulator.exchange(&format!("{control}{headers}\r\n\r\n{{}}")), [403]);
            }
        }
        emulator.assert_answers();
        #[cfg(target_os = "linux")]
        assert!(emulator.count("task") <= 16, "{} threads", emulator.count("task"));
        drop(held);
    }
    let started = Instant::now();
    #[cfg(target_os = "linux")]
    while emulator.count("fd") > before + 4 {
        assert!(started.elapsed() < PATIENCE, "{} descriptors, {before} before", emulator.count("fd"));
        emulator.assert_answers();
    }
    assert!(started.elapsed() < PATIENCE);
    emulator.assert_answers();
}
