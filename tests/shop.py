#!/usr/bin/env python3
"""A shop that takes webhooks of Plexos Pay, keeps orders in SQLite and books money: shop.py FOLDER.

Prints its URL. FOLDER/secret is the signing secret. FOLDER/orders.csv is rewritten after each change. Each line of FOLDER/plan
is what happens to the next rebuilt event: take, lose (answer 200, book nothing), refuse (500), hang (book, never answer),
kill-before or kill-after (SIGKILL for the process in FOLDER/pid, before or after booking). Without a line: take.

POST /orders {"payment", "amount"} adds an order. An order that has ended is not changed again, and an event id that is known
is ignored, as in a careful app.
"""

import csv
import hashlib
import hmac
import http.server
import json
import os
import signal
import sqlite3
import sys
import threading
import time

FOLDER = sys.argv[1]
ENDS = {"DEBITED": "paid", "SETTLED": "paid", "FAILED": "failed", "EXPIRED": "expired", "CANCELLED": "cancelled"}
LOCK = threading.Lock()
DATABASE = sqlite3.connect(os.path.join(FOLDER, "shop.db"), check_same_thread=False)
DATABASE.executescript("""
    PRAGMA journal_mode = WAL;
    CREATE TABLE orders (id INTEGER PRIMARY KEY, payment TEXT UNIQUE, status TEXT, amount INTEGER);
    CREATE TABLE events (id TEXT PRIMARY KEY);
    CREATE TABLE bookings (payment TEXT, amount INTEGER);
    CREATE TABLE received (event TEXT, payment TEXT, status TEXT, rebuilt INTEGER);
""")


def write_orders():
    path = os.path.join(FOLDER, "orders.csv")
    with open(path + ".new", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["payment id", "status", "amount", "order number"])
        rows = DATABASE.execute("SELECT payment, status, amount, 1000 + id FROM orders ORDER BY id")
        writer.writerows(rows)
    os.replace(path + ".new", path)


def next_step():
    path = os.path.join(FOLDER, "plan")
    lines = open(path).read().split() if os.path.exists(path) else []
    if not lines:
        return "take"
    with open(path, "w") as file:
        file.write("\n".join(lines[1:]))
    return lines[0]


def kill():
    os.kill(int(open(os.path.join(FOLDER, "pid")).read()), signal.SIGKILL)


def take(event):
    status, payment = ENDS.get(event["data"]["status"]), event["data"]["id"]
    with DATABASE:
        is_new = DATABASE.execute("INSERT OR IGNORE INTO events VALUES (?)", (event["id"],)).rowcount
        order = DATABASE.execute("SELECT status FROM orders WHERE payment = ?", (payment,)).fetchone()
        if is_new and status and order == ("pending",):
            DATABASE.execute("UPDATE orders SET status = ? WHERE payment = ?", (status, payment))
            if status == "paid":
                DATABASE.execute("INSERT INTO bookings VALUES (?, ?)", (payment, event["data"]["amount"]))
    write_orders()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with LOCK:
            if self.path == "/orders":
                order = json.loads(body)
                with DATABASE:
                    DATABASE.execute(
                        "INSERT INTO orders (payment, status, amount) VALUES (?, 'pending', ?)",
                        (order["payment"], order["amount"]),
                    )
                write_orders()
                return self.answer(200)
            secret = open(os.path.join(FOLDER, "secret"), "rb").read().strip()
            signed = self.headers["X-Plexos-Timestamp"].encode() + b"." + body
            mac = hmac.new(secret, signed, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(mac, self.headers["X-Plexos-Signature"]):
                return self.answer(401)
            event = json.loads(body)
            is_rebuilt = self.headers["X-Whtool-Rebuilt"] is not None
            with DATABASE:
                row = (event["id"], event["data"]["id"], event["data"]["status"], is_rebuilt)
                DATABASE.execute("INSERT INTO received VALUES (?, ?, ?, ?)", row)
            step = next_step() if is_rebuilt else "take"
            if step == "kill-before":
                kill()
                return
            if step in ("take", "hang", "kill-after"):
                take(event)
            if step == "kill-after":
                kill()
                return
        if step == "hang":
            time.sleep(3600)
        self.answer(500 if step == "refuse" else 200)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


write_orders()
server = Server(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
