#!/usr/bin/env python3
"""An emulated week of lost webhooks: do orders, app and records agree at the end, although the watch is killed at random?

    cargo build --release && python3 benches/watch.py [BINARY [SECONDS [SEED]]]

An emulator (one hour is a second) loses 30 % of all webhooks. tests/shop.py keeps orders in SQLite and books money.
Customers pay, fail to pay, give up or cancel. `whtool watch --deliver` runs all the time and is killed (SIGKILL) every few
seconds. Afterwards every order must agree with the provider's record, each paid one must be booked exactly once, no rebuilt
event may have been sent twice, and alerts must be about changes only.
"""

import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target/release/whtool")
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 168
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
KEY = "sk_test_emulated_by_whtool"
OUTCOMES = {"DEBITED": "paid", "SETTLED": "paid", "FAILED": "failed", "EXPIRED": "expired", "CANCELLED": "cancelled"}


def call(base, method, path, body=None):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method), timeout=20) as answer:
        return json.load(answer)


def start_watch(folder, base, url, environment):
    words = ["watch", "--json", "-q", "--from", f"{folder}/orders.csv", "--every", "1s", "--older-than", "2s", "--deliver"]
    words += ["--to", url, "--redeliver", "unsure", "--most", "20", "--alert", f"cat >> {folder}/alerts"]
    with open(f"{folder}/records", "ab") as records:
        environment = {**environment, "PLEXOS_API_URL": base, "PLEXOS_PAY_SECRET_KEY": KEY}
        return subprocess.Popen([BINARY, *words], env=environment, stdout=records)


def main():
    random.seed(SEED)
    folder = tempfile.mkdtemp(prefix="whtool-watch-")
    environment = {**os.environ, "WHTOOL_HOME": f"{folder}/home"}
    shop = subprocess.Popen(
        [sys.executable, f"{ROOT}/tests/shop.py", folder], stdout=subprocess.PIPE, text=True
    )
    url = shop.stdout.readline().strip()
    emulate = ["emulate", "--port", "0", "--json", "-q", "--speed", "3600", "--fault", "drop=0.3", "--seed", str(SEED)]
    emulator = subprocess.Popen([BINARY, *emulate], env=environment, stdout=subprocess.PIPE, text=True)
    base = json.loads(emulator.stdout.readline())["url"] + "/plexos"
    # The rest of its records would fill the pipe.
    subprocess.Popen(["cat"], stdin=emulator.stdout, stdout=subprocess.DEVNULL)
    events = ["payment.debited", "payment.settled", "payment.failed", "payment.expired", "payment.cancelled"]
    secret = call(base, "POST", "/v1/webhooks", {"url": url, "events": events, "description": ""})["secret"]
    with open(f"{folder}/secret", "w") as file:
        file.write(secret)
    environment["PLEXOS_WEBHOOK_SECRET"] = secret
    watch, kills, payments = start_watch(folder, base, url, environment), 0, []
    end, next_kill = time.time() + SECONDS, time.time() + 3
    while time.time() < end:
        phone = "+2389001" + random.choice(["234", "555", "404", "408"])
        payment = call(base, "POST", "/v1/payments", {"amount": 10000, "operator": "MOCK", "operatorPhone": phone})["id"]
        request = urllib.request.Request(url + "/orders", json.dumps({"payment": payment, "amount": 10000}).encode())
        urllib.request.urlopen(request, timeout=20).close()
        payments.append(payment)
        step = random.random()
        if step < 0.7:
            call(base, "POST", f"/v1/payments/{payment}/confirm")
        elif step < 0.8:
            call(base, "POST", f"/v1/payments/{payment}/cancel")
        time.sleep(random.uniform(0.05, 0.6))
        if time.time() > next_kill:
            watch.kill()
            watch.wait()
            kills, next_kill = kills + 1, time.time() + random.uniform(0.2, 6)
            watch = start_watch(folder, base, url, environment)
    print(f"{len(payments)} payments, {kills} kills; waiting for the orders to agree", flush=True)

    def wrong():
        records = {payment: call(base, "GET", f"/v1/payments/{payment}")["status"] for payment in payments}
        with open(f"{folder}/orders.csv") as file:
            orders = {row["payment id"]: row["status"] for row in csv.DictReader(file)}
        return [(p, records[p], orders[p]) for p in payments if orders[p] != OUTCOMES.get(records[p], "pending")]

    deadline = time.time() + 120
    while (left := wrong()) and time.time() < deadline:
        time.sleep(1)
    time.sleep(3)
    watch.send_signal(signal.SIGTERM)
    status = watch.wait(60)
    emulator.terminate()
    shop.kill()
    database = sqlite3.connect(f"{folder}/shop.db")
    booked_twice = database.execute("SELECT payment FROM bookings GROUP BY payment HAVING count(*) > 1").fetchall()
    booked = {payment for (payment,) in database.execute("SELECT payment FROM bookings")}
    paid = {payment for (payment,) in database.execute("SELECT payment FROM orders WHERE status = 'paid'")}
    rebuilt, events = database.execute("SELECT count(*), count(DISTINCT event) FROM received WHERE rebuilt").fetchone()
    own = database.execute("SELECT count(*) FROM received WHERE NOT rebuilt").fetchone()[0]
    changes = {}
    with open(f"{folder}/alerts") as file:
        for line in file:
            changes.update((change["number"], change) for change in json.loads(line)["changes"])
    open_references, wrong_alerts = set(), []
    for number in sorted(changes):
        change, reference = changes[number]["change"], changes[number].get("reference")
        if change == "new_difference" and reference in open_references:
            wrong_alerts.append(changes[number])
        if change in ("repaired", "vanished") and reference not in open_references:
            wrong_alerts.append(changes[number])
        if change == "new_difference":
            open_references.add(reference)
        if change in ("repaired", "vanished"):
            open_references.discard(reference)
    kinds = {}
    for change in changes.values():
        kinds[change["change"]] = kinds.get(change["change"], 0) + 1
    print(f"webhooks that arrived: {own}; rebuilt events: {rebuilt}, distinct: {events}; alerts: {kinds}; status {status}")
    failures = {
        "orders that do not agree": left,
        "booked twice": booked_twice,
        "paid and not booked, or the reverse": sorted(booked ^ paid),
        "alerts that are no change": wrong_alerts,
        "still open according to the alerts": sorted(open_references),
        "exit status": [status] if status else [],
    }
    for name, found in failures.items():
        print(f"{'FAIL' if found else 'ok  '} {name}: {len(found)} {found[:3] if found else ''}")
    print(folder)
    return 1 if any(failures.values()) else 0


sys.exit(main())
