#!/usr/bin/env python3
"""Compares `whtool listen` with PostgreSQL and a Node program that inserts each event by itself.

    cargo build --release && python3 benches/postgres.py [ROUNDS [SECONDS]]

All write to one server, which syncs every commit, and run alternately in the same rounds (default: 5 of 5 seconds each), after
one warm-up round, at 16 and 64 connections. Any answer other than 200 ends the measurement. Afterwards, the events in the
database must be as many as were answered. Needs wrk, node, npm and PostgreSQL; `pg` is installed with npm, in target/bench.
Receivers run on the first core and their load on the second.
"""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "postgres"))
from server import Server

DATA = pathlib.Path("target/bench")
WHTOOL = os.environ.get("WHTOOL", "target/release/whtool")
# Each peer with the arguments of postgres.mjs after the URL. The first one is what the ratios refer to.
PEERS = {"": [], ", tuned: prepared, pool of 32": ["32"]}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start(command, environment):
    words = ["taskset", "-c", "0", *command]
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(port, process):
    while process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
    raise SystemExit("a receiver did not start")


def load(port, connections, seconds):
    """Returns events per second, the 99th percentile in milliseconds, and the number of events."""
    script = str(DATA / "event.lua")
    words = ["taskset", "-c", "1", "wrk", "-t", "1", "-c", str(connections), "-d", str(seconds), "-s", script]
    said = subprocess.run([*words, f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True).stdout
    result = next(line for line in said.splitlines() if line.startswith("result")).split("\t")
    assert int(result[3]) == 0, "not every event was answered 200"
    requests = next(line for line in said.splitlines() if " requests in " in line).split()[0]
    return int(result[1]), int(result[2]) / 1000, int(requests)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    DATA.mkdir(parents=True, exist_ok=True)
    peers = DATA.resolve() / "node"
    if not (peers / "node_modules" / "pg").exists():
        peers.mkdir(exist_ok=True)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(peers), "pg"]
        subprocess.run(install, check=True)
    version = json.loads((peers / "node_modules" / "pg" / "package.json").read_text())["version"]
    environment = {
        **os.environ,
        "WHTOOL_HOME": str(DATA / "home"),
        "PLUSTIVE_WEBHOOK_SECRET": "benchmark_plustive",
        "NODE_PEERS": str(peers),
    }
    subprocess.run([sys.executable, "benches/peers/event.py", str(DATA)], check=True, env=environment)
    server = Server("shared_buffers = 256MB", "max_wal_size = 4GB")
    processes = []
    try:
        subprocess.run([WHTOOL, "store", "init", server.url], check=True, env=environment, stdout=subprocess.DEVNULL)
        ports = [free_port() for _ in range(len(PEERS) + 1)]
        names = [f"Node http, pg {version}{how}" for how in PEERS] + ["**whtool listen**"]
        node = ["node", "benches/peers/postgres.mjs"]
        commands = [[*node, str(port), server.url, *words] for port, words in zip(ports, PEERS.values())]
        commands.append([WHTOOL, "listen", "-q", "--json", "--port", str(ports[-1]), "--store", server.url])
        for port, command in zip(ports, commands):
            processes.append(start(command, environment))
            wait_for(port, processes[-1])
        answered = 0
        for connections in [16, 64]:
            found = [[] for _ in names]
            for number in range(rounds + 1):
                for place, port in enumerate(ports):
                    speed, tail, events = load(port, connections, seconds if number else 1)
                    answered += events if place == len(ports) - 1 else 0
                    if number:
                        found[place].append((speed, tail))
            medians = [statistics.median(speed for speed, _ in runs) for runs in found]
            print(f"\n## PostgreSQL, receives of 300 bytes, {connections} connections\n")
            print("| | ratio | events/s | spread | p99 |\n|---|---|---|---|---|")
            for name, runs, median in zip(names, found, medians):
                speeds = [speed for speed, _ in runs]
                spread = (max(speeds) - min(speeds)) / median * 50
                tail = statistics.median(tail for _, tail in runs)
                ratio = median / medians[0]
                print(f"| {name} | **{ratio:.2f}** | {median:.0f} | ±{spread:.0f} % | {tail:.1f} ms |", flush=True)
        stored = int(next(server.psql("SELECT count(*) FROM whtool.deliveries"))[0])
        assert stored >= answered, f"{stored} stored, {answered} answered"
    finally:
        for process in processes:
            process.kill()
            process.wait()
        server.stop()


if __name__ == "__main__":
    main()
