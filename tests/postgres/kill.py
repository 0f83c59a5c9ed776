#!/usr/bin/env python3
"""Kills listeners and their PostgreSQL server under load, and checks that nothing that was acknowledged is missing.

    cargo build && python3 tests/postgres/kill.py [ROUNDS]

Two listeners write to one inbox, and 16 senders send distinct signed events to either of them, one after the other;
what is not answered with 200 is sent again, as providers do. In each of ROUNDS (default: 20), after a moment, one of
three things happens at random: a listener is killed (SIGKILL) and started again, or `pg_ctl restart -m immediate`.
Afterwards every event must be in the database as often as it was answered with 200, and at most as often as it was
sent, byte for byte. Python signs and compares, and psql reads.
"""

import hashlib
import hmac
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

from server import Server

SECRET = b"kill_test_secret"
SENDERS = 16
WHTOOL = os.environ.get("WHTOOL", "target/debug/whtool")
# A part of each body: characters that a text of PostgreSQL can't hold, and bytes that are no text.
PARTS = [b"", "…é\U0001f600".encode(), rb"\u0000\u0001", bytes(range(1, 32)), b"\xff\xfe\x80", b"x" * 20_000]


def event(number):
    reference = f"PLS-{number}" + (r"\u0000" if number % 7 == 0 else "")
    head = f'{{"event":"transaction.success","reference":"{reference}","status":"Success"}}\n'
    return head.encode() + PARTS[number % len(PARTS)] if number % 3 == 0 else head.encode()


class Listener:
    """A listener that is started again after it was killed, on the same port."""

    def __init__(self, folder, url):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {**os.environ, "WHTOOL_HOME": folder, "PLUSTIVE_WEBHOOK_SECRET": SECRET.decode()}
        self.command = [WHTOOL, "listen", "--json", "--port", str(self.port), "--store", url]
        self.start()

    def start(self):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(self.command, env=self.environment, **pipes)
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        ready = self.process.stdout.readline()
        if ready:
            threading.Thread(target=self.process.stdout.read, daemon=True).start()
        return bool(ready)

    def kill(self):
        self.process.kill()
        self.process.wait()
        # The server may be away at the moment.
        while not self.start():
            time.sleep(0.1)

    def end(self):
        self.process.terminate()
        assert self.process.wait(timeout=60) in (0, 1), "a listener did not end by itself"


class Counts:
    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.stored, self.refused = {}, {}, 0
        self.next = 0

    def take(self):
        with self.lock:
            self.next += 1
            return self.next

    def add(self, counter, number):
        with self.lock:
            counter[number] = counter.get(number, 0) + 1


def post(port, number):
    """Returns the status of the answer."""
    body = event(number)
    mac = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    head = f"POST /{number} HTTP/1.1\r\nHost: x\r\nX-Plustive-Signature: {mac}\r\n"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        answer = connection.makefile("rb").read()
    return int(answer.split()[1]) if answer else 0


def send(listeners, counts, is_over):
    while not is_over.is_set():
        number, status = counts.take(), 0
        while status != 200:
            counts.add(counts.sent, number)
            try:
                status = post(random.choice(listeners).port, number)
            except OSError:
                status = 0
            if status == 200:
                counts.add(counts.stored, number)
            else:
                counts.refused += 1
                time.sleep(0.02)


def check(server, counts):
    found = {}
    wrong = 0
    sql = (
        "SELECT substr(target, 2), encode(body, 'hex'), encode(headers, 'hex') FROM whtool.deliveries "
        "JOIN whtool.contents USING (inbox, seq, arrived)"
    )
    for target, body, headers in server.psql(sql):
        number, body = int(target), bytes.fromhex(body)
        mac = hmac.new(SECRET, event(number), hashlib.sha256).hexdigest()
        wrong += body != event(number) or mac.encode() not in bytes.fromhex(headers)
        found[number] = found.get(number, 0) + 1
    missing = [number for number, count in counts.stored.items() if found.get(number, 0) < count]
    extra = [number for number, count in found.items() if count > counts.sent.get(number, 0)]
    acknowledged = sum(counts.stored.values())
    print(
        f"{acknowledged} acknowledged, {counts.refused} not, {sum(found.values())} stored, "
        f"{len(missing)} missing, {len(extra)} too often, {wrong} wrong"
    )
    assert acknowledged > 0
    return not (missing or extra or wrong)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    server = Server()
    folder = tempfile.TemporaryDirectory()
    listeners = []
    try:
        subprocess.run([WHTOOL, "store", "init", server.url], check=True, stdout=subprocess.DEVNULL)
        listeners = [Listener(folder.name, server.url) for _ in range(2)]
        counts, is_over = Counts(), threading.Event()
        senders = [threading.Thread(target=send, args=(listeners, counts, is_over)) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        actions = {
            "listener 1": listeners[0].kill,
            "listener 2": listeners[1].kill,
            "server": lambda: server.restart("immediate"),
        }
        done = []
        for _ in range(rounds):
            time.sleep(random.uniform(0.3, 1.5))
            name = random.choice(list(actions))
            done.append(name)
            actions[name]()
        # Everything that is under way must end with 200: the listeners have come back by themselves.
        is_over.set()
        for sender in senders:
            sender.join(timeout=60)
            assert not sender.is_alive(), "an event is not accepted any more"
        print(", ".join(f"{done.count(name)} × {name}" for name in actions) + " killed")
        for listener in listeners:
            listener.end()
        return 0 if check(server, counts) else 1
    finally:
        for listener in listeners:
            listener.process.kill()
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
