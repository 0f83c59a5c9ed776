# Flask: call request.get_data() before request.json or request.form.
import hashlib
import hmac
import json
import os
import time

from flask import Flask, abort, request

app = Flask(__name__)


def is_signed(secret: str, signature: str, message: bytes) -> bool:
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


@app.post("/webhooks/plexos")
def plexos():
    body = request.get_data()
    stamp = request.headers.get("X-Plexos-Timestamp", "")
    is_fresh = stamp.isascii() and stamp.isdigit() and abs(time.time() - int(stamp)) <= 300
    signature = request.headers.get("X-Plexos-Signature", "")
    if not is_fresh or not is_signed(os.environ["PLEXOS_WEBHOOK_SECRET"], signature, stamp.encode() + b"." + body):
        abort(401)
    event = json.loads(body)  # then process it, once per event["id"]
    return "", 200


@app.post("/webhooks/plustive")
def plustive():
    body = request.get_data()
    signature = request.headers.get("X-Plustive-Signature", "")
    signature = signature[7:] if signature.lower().startswith("sha256=") else signature
    if not is_signed(os.environ["PLUSTIVE_WEBHOOK_SECRET"], signature, body):
        abort(401)
    event = json.loads(body)  # then process it, once per event["reference"] and status
    return "", 200
