# WRONG: Flask parses the body, and json.dumps re-serializes it before it is hashed.
import hashlib
import hmac
import json
import os
import re
import time

from flask import Flask, request

SECRET = os.environ["PLEXOS_WEBHOOK_SECRET"].encode()
app = Flask(__name__)


def is_authentic(body):
    timestamp = request.headers.get("X-Plexos-Timestamp", "")
    if not re.fullmatch("[0-9]{1,11}", timestamp) or abs(time.time() - int(timestamp)) > 300:
        return False
    expected = hmac.new(SECRET, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    given = request.headers.get("X-Plexos-Signature", "").lower()
    return hmac.compare_digest(given.encode(), expected.encode())


@app.post("/webhooks/plexos")
def webhook():
    body = json.dumps(request.get_json(force=True)).encode()
    if not is_authentic(body):
        return "", 400
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return "", 400
    return "", 200 if isinstance(event, dict) else 400


app.run("127.0.0.1", int(os.environ.get("PORT", 3000)))
