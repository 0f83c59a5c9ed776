#!/usr/bin/env python3
"""Measures the time to acknowledge an event, alone and while others send requests that are refused.

    cargo build --release && python3 benches/flood.py [SECONDS]

A listener with an empty store gets events from one client, in sequence, for SECONDS (default: 10): first alone, then while
four clients send bodies of 1 MB with a wrong signature as fast as they can.
"""

import hashlib
import hmac
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SECRET = b"flood_test_secret"
WHTOOL = os.environ.get("WHTOOL", "target/release/whtool")
FLOODERS = 4


def start(folder):
    environment = {**os.environ, "WHTOOL_HOME": folder, "PLUSTIVE_WEBHOOK_SECRET": SECRET.decode()}
    command = [WHTOOL, "listen", "--json", "--port", "0", "-q"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    port = int(json.loads(process.stdout.readline())["url"].rsplit(":", 1)[1])
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return process, port


def send(connection, answers, body, mac):
    head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Plustive-Signature: {mac}\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    status = int(answers.readline().split()[1])
    length = 0
    while (line := answers.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    answers.read(length)
    return status


def measure(port, seconds):
    connection = socket.create_connection(("127.0.0.1", port))
    answers, times, end = connection.makefile("rb"), [], time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        body = f'{{"event":"transaction.success","reference":"PLS-{started}","status":"Success"}}'.encode()
        assert send(connection, answers, body, hmac.new(SECRET, body, hashlib.sha256).hexdigest()) == 200
        times.append(time.perf_counter() - started)
    connection.close()
    return times


def flood(port, end, sent):
    body = b'{"event":"transaction.success","text":"' + b"x" * 1_000_000 + b'"}'
    connection = socket.create_connection(("127.0.0.1", port))
    answers = connection.makefile("rb")
    while time.perf_counter() < end:
        assert send(connection, answers, body, "0" * 64) == 401
        sent.append(len(body))


def report(name, times, seconds, more=""):
    times.sort()
    milliseconds = [1000 * statistics.median(times), 1000 * times[len(times) * 99 // 100]]
    print(f"{name:8} {len(times) / seconds:8.0f}/s  median {milliseconds[0]:.1f} ms  p99 {milliseconds[1]:.1f} ms{more}")


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        process, port = start(folder)
        report("quiet", measure(port, seconds), seconds)
        sent, end = [], time.perf_counter() + seconds + 1
        flooders = [threading.Thread(target=flood, args=(port, end, sent)) for _ in range(FLOODERS)]
        for flooder in flooders:
            flooder.start()
        time.sleep(1)
        times = measure(port, seconds)
        for flooder in flooders:
            flooder.join()
        report("flooded", times, seconds, f"  ({sum(sent) / (seconds + 1) / 1e6:.0f} MB/s refused)")
        process.terminate()
        process.wait()


main()
