"""A receiver of Plustive's webhooks as a Python program has it: FastAPI, and sqlite3 from the standard library.

    fastapi_server.py PORT FILE

Keeps the promise of `whtool listen`: an event that was answered 200 is in the database and synced (WAL, synchronous=FULL). Each
request is a transaction of its own.
"""

import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time

import uvicorn
from fastapi import FastAPI, Request, Response

SECRET = os.environ["PLUSTIVE_WEBHOOK_SECRET"].encode()

database = sqlite3.connect(sys.argv[2], isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute(
    "CREATE TABLE events (id INTEGER PRIMARY KEY, arrived INTEGER NOT NULL, kind TEXT, reference TEXT, status TEXT,"
    " target TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL) STRICT"
)
database.execute("CREATE INDEX events_reference ON events (reference)")
app = FastAPI()


@app.post("/")
async def receive(request: Request) -> Response:
    body = await request.body()
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(request.headers.get("x-plustive-signature", ""), expected):
        return Response("Invalid signature", 401)
    event = json.loads(body)
    headers = json.dumps([(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw])
    database.execute(
        "INSERT INTO events (arrived, kind, reference, status, target, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (time.time_ns() // 1000, event["event"], event["reference"], event["status"], request.url.path, headers, body),
    )
    return Response("ok")


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
