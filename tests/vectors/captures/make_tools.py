#!/usr/bin/env python3
"""Sends three signed requests over the loopback interface, and saves what curl, HTTPie, mitmproxy and tcpdump
make of them.

Run it in this folder, as a user who may capture packets, with curl, tcpdump, mitmdump and http in the path.
Python makes the signatures. Each file has the three requests of `REQUESTS`, unless its name ends in -1 to -3.
"""

import hashlib
import hmac
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

PLEXOS = b"whsec_test_secret_do_not_use"
PLUSTIVE = b"plustive_test_secret_do_not_use"
TIME = "1736937000"
COMPACT = pathlib.Path("../plexos.json").read_bytes()
INDENTED = json.dumps(json.loads(COMPACT), indent=2).encode() + b"\n"
NAIRA = '{"event":"transaction.success","reference":"PLS-1","amount":2500.50,"text":"Évora ₦ 😀"}'.encode()


def plexos(body):
    mac = hmac.new(PLEXOS, TIME.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Plexos-Timestamp": TIME, "X-Plexos-Signature": mac}, body


def plustive(body):
    return {"X-Plustive-Signature": "sha256=" + hmac.new(PLUSTIVE, body, hashlib.sha256).hexdigest()}, body


REQUESTS = [plexos(COMPACT), plustive(NAIRA), plexos(INDENTED)]
FOLDER = pathlib.Path(".").resolve()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"<html")

    def log_message(self, *args):
        pass


def curl(url, *options, get=False):
    """Sends the requests, with one command each."""
    outputs = []
    for headers, body in REQUESTS:
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            command = ["curl", "-sS", *options, "-H", "Content-Type: application/json", "-H", "User-Agent: test"]
            for name, value in headers.items():
                command += ["-H", f"{name}: {value}"]
            if get:
                subprocess.run(["curl", "-sS", url + "/page"], check=True, capture_output=True)
            done = subprocess.run(
                [*command, "--data-binary", f"@{file.name}", url + "/hooks?a=1"], capture_output=True, check=True
            )
            outputs.append(done.stdout + done.stderr)
    return outputs


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for number, text in enumerate(curl(url, "-v"), 1):
        pathlib.Path(f"curl-v-{number}.txt").write_bytes(text)
    for option in ["--trace", "--trace-ascii"]:
        pathlib.Path(f"curl{option[1:]}.txt").write_bytes(b"".join(curl(url, option, "-", "-o", "/dev/null")))
    pathlib.Path("curl-trace-time.txt").write_bytes(
        b"".join(curl(url, "--trace-time", "--trace", "-", "-o", "/dev/null"))
    )

    for pretty in ["none", "all"]:
        text = b""
        for headers, body in REQUESTS:
            command = [
                "http",
                "-v",
                f"--pretty={pretty}",
                "--ignore-stdin",
                "POST",
                url + "/hooks",
                "Content-Type:application/json",
            ]
            command += [f"{name}:{value}" for name, value in headers.items()]
            command.remove("--ignore-stdin")
            command[3:3] = ["--format-options", "json.sort_keys:false"] if pretty == "all" else []
            if pretty == "all":
                command[command.index("--pretty=all")] = "--pretty=format"
            text += subprocess.run(command, input=body, capture_output=True, check=True).stdout + b"\n"
        pathlib.Path(f"httpie-{'raw' if pretty == 'none' else 'formatted'}.txt").write_bytes(text)

    for name, options in {
        "mitmproxy.flow": ["-w", "mitmproxy.flow"],
        "mitmproxy.har": ["--set", "hardump=mitmproxy.har"],
    }.items():
        proxy = subprocess.Popen(
            [
                "mitmdump",
                "-q",
                "--mode",
                f"reverse:{url}",
                "--listen-host",
                "127.0.0.1",
                "-p",
                "18080",
                *options,
                "--set",
                "keep_host_header=true",
            ]
        )
        time.sleep(6)
        curl("http://127.0.0.1:18080", get=True)
        time.sleep(1)
        proxy.send_signal(signal.SIGINT)
        proxy.wait(20)

    port = str(server.server_port)
    capture = subprocess.Popen(
        ["tcpdump", "-i", "lo", "-s", "0", "-U", "-w", "tcpdump.pcap", "port", port], stderr=subprocess.DEVNULL
    )
    time.sleep(2)
    curl(url, get=True)
    time.sleep(2)
    capture.send_signal(signal.SIGINT)
    capture.wait(20)
    for name, options in {"tcpdump-X.txt": ["-X"], "tcpdump-XX.txt": ["-XX"], "tcpdump-A.txt": ["-A"]}.items():
        text = subprocess.run(["tcpdump", "-n", "-r", "tcpdump.pcap", *options], capture_output=True, check=True).stdout
        pathlib.Path(name).write_bytes(text)


main()
