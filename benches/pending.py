#!/usr/bin/env python3
"""Measures the time to acknowledge an event while others wait for an app that is down.

    cargo build --release && python3 benches/pending.py [COUNT…]

For each COUNT (default: 1000, 10000, 100000, 1000000) a store is filled with this many deliveries that wait for an app, a
listener that forwards to that app is started on the store, and one client sends 300 events in sequence.
"""

import hashlib
import hmac
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

SECRET = b"pending_test_secret"
WHTOOL = os.environ.get("WHTOOL", "target/release/whtool")
FILL = """
WITH RECURSIVE place(id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM place WHERE id <= ?1)
INSERT INTO {} SELECT {} FROM place
"""


def start(folder, url):
    environment = {**os.environ, "WHTOOL_HOME": folder, "PLUSTIVE_WEBHOOK_SECRET": SECRET.decode()}
    command = [WHTOOL, "listen", "--json", "--port", "0", "-q", "--forward-to", url]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return process, int(json.loads(process.stdout.readline())["url"].rsplit(":", 1)[1])


def send(connection, answers, number):
    body = f'{{"event":"transaction.success","reference":"PLS-{number}","status":"Success"}}'.encode()
    mac = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Plustive-Signature: {mac}\r\nContent-Length: {len(body)}\r\n\r\n"
    started = time.perf_counter()
    connection.sendall(head.encode() + body)
    assert b" 200 " in answers.readline()
    while answers.readline() != b"\r\n":
        pass
    answers.read(3)
    return time.perf_counter() - started


def fill(folder, url, count):
    store = sqlite3.connect(os.path.join(folder, "data", "captures.db"))
    for table, values in [("deliveries", "id, 0, NULL, 'plustive', 'verified', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 200, NULL, 2"),
                          ("contents", "id, 'POST', '/', x'', x'7b7d'")]:
        store.execute(FILL.format(table, values), [count])
    queue = "forwards (delivery, url, object, due)"
    store.execute(FILL.format(queue, f"id, '{url}', 'PLS-' || id, 0"), [count])
    store.commit()
    store.close()


def measure(count):
    with socket.socket() as nobody, tempfile.TemporaryDirectory() as folder:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        process, _ = start(folder, url)
        process.terminate()
        process.wait()
        fill(folder, url, count)
        process, port = start(folder, url)
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                answers = connection.makefile("rb")
                first = send(connection, answers, 0)
                times = sorted(send(connection, answers, number) for number in range(1, 301))
        finally:
            process.kill()
            process.communicate()
        print(f"| {count} | {first * 1e3:.1f} ms | {statistics.median(times) * 1e3:.2f} ms | {times[-3] * 1e3:.1f} ms |", flush=True)


print("| waiting | first | p50 | p99 |\n|---|---|---|---|")
for count in [int(word) for word in sys.argv[1:]] or [1_000, 10_000, 100_000, 1_000_000]:
    measure(count)
