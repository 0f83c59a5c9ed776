#!/usr/bin/env python3
"""Kills a listener under load, again and again, and checks that nothing that it acknowledged is missing.

    cargo build --release && python3 benches/kill.py [ROUNDS [EVENTS]]

Each round sends up to EVENTS distinct signed events over 64 connections and kills the listener (SIGKILL) at a random moment;
the last round ends normally. Afterwards every event that was answered with 200 must be in the store, byte for byte. Python
signs, and SQLite's own library reads the store: only the listener is whtool's.
"""

import hashlib
import hmac
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

SECRET = b"kill_test_secret"
CONNECTIONS = 64


def event(number):
    body = f'{{"event":"transaction.success","reference":"PLS-{number}","status":"Success","note":"…"}}'.encode()
    return body, hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def start(folder):
    environment = {**os.environ, "WHTOOL_HOME": folder, "PLUSTIVE_WEBHOOK_SECRET": SECRET.decode()}
    command = ["target/release/whtool", "listen", "--json", "--port", "0", "-q"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    port = int(json.loads(process.stdout.readline())["url"].rsplit(":", 1)[1])
    threading.Thread(target=lambda: process.stdout.read(), daemon=True).start()
    return process, port


def send(port, numbers, acknowledged):
    """Sends events on one connection until it breaks."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            answers = connection.makefile("rb")
            for number in numbers:
                body, mac = event(number)
                head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Plustive-Signature: {mac}\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)
                status = answers.readline().split()
                length = 0
                while (line := answers.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                if len(status) < 2 or len(answers.read(length)) < length:
                    return
                if status[1] == b"200":
                    acknowledged.append(number)
    except OSError:
        return


def round_of(folder, first, events, killed):
    process, port = start(folder)
    acknowledged = []
    numbers = range(first, first + events)
    senders = [
        threading.Thread(target=send, args=(port, numbers[place::CONNECTIONS], acknowledged)) for place in range(CONNECTIONS)
    ]
    for sender in senders:
        sender.start()
    if killed:
        time.sleep(random.uniform(0.05, 1.0))
        process.kill()
    for sender in senders:
        sender.join()
    if not killed:
        process.send_signal(signal.SIGINT)
    process.wait()
    return acknowledged


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    events = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        acknowledged = []
        for number in range(rounds + 1):
            acknowledged += round_of(folder, number * events, events, killed=number < rounds)
        store = sqlite3.connect(os.path.join(folder, "data", "captures.db"))
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = {}
        for reference, body in store.execute("SELECT d.event_id, c.body FROM deliveries d JOIN contents c ON c.delivery = d.id"):
            kept.setdefault(reference, []).append(body)
        missing = [number for number in acknowledged if f"PLS-{number}" not in kept]
        wrong = [number for number in acknowledged if kept.get(f"PLS-{number}") not in (None, [event(number)[0]])]
        print(f"{rounds} kills, {len(acknowledged)} acknowledged, {len(kept)} kept, {len(missing)} missing, {len(wrong)} wrong")
        return 1 if missing or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
