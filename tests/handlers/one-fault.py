"""A Plexos handler with one mistake, which FAULT names; without it, a correct one. For tests of `whtool check`."""
import base64
import hashlib
import hmac
import json
import os
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULT = os.environ.get("FAULT", "none")
SECRET = os.environ.get("PLEXOS_WEBHOOK_SECRET", "").encode()


def now():
    if FAULT in ("utcnow", "utcnow-east"):
        # datetime.utcnow().timestamp() reads UTC as local time: of Cape Verde, or of Angola.
        zone = timezone(timedelta(hours=-1 if FAULT == "utcnow" else 1))
        return datetime.now(timezone.utc).replace(tzinfo=zone).timestamp()
    return time.time()


def message(stamp, body):
    if FAULT == "header-case":
        # A dict of lower-case names has no such key.
        stamp = {"x-plexos-timestamp": stamp}.get("X-Plexos-Timestamp")
    if FAULT == "only-data":
        body = json.dumps(json.loads(body)["data"], separators=(",", ":")).encode()
    if FAULT == "str-bytes":
        return f"{stamp}.{body}".encode()
    if FAULT == "str-dict":
        return f"{stamp}.{json.loads(body)}".encode()
    if FAULT == "base64-body":
        body = base64.b64encode(body)
    if FAULT == "slack":
        return b"v0:" + stamp.encode() + b":" + body
    if FAULT == "float-stamp":
        stamp = float(stamp)
    return f"{stamp}.".encode() + body


def is_authentic(headers, body):
    stamp = headers.get("X-Plexos-Timestamp", "")
    if not stamp.isdigit() or abs(now() - int(stamp)) > 300:
        return False
    key = SECRET
    if FAULT == "decoded-key":
        key = base64.b64decode(SECRET.removeprefix(b"whsec_") + b"==")
    if FAULT == "no-whsec":
        key = SECRET.removeprefix(b"whsec_")
    if FAULT == "key-none":
        key = b"None"
    mac = hmac.new(key, message(stamp, body), hashlib.sha256)
    expected = mac.hexdigest()
    if FAULT == "upper-case":
        expected = expected.upper()
    if FAULT == "base64":
        expected = base64.b64encode(mac.digest()).decode()
    if FAULT == "bytes-compare":
        # bytes are never equal to a string.
        return expected.encode() == headers.get("X-Plexos-Signature", "")
    return hmac.compare_digest(headers.get("X-Plexos-Signature", "").encode(), expected.encode())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            event = json.loads(body) if is_authentic(self.headers, body) else None
        except (ValueError, RecursionError, TypeError, KeyError):
            event = None
        self.send_response(200 if isinstance(event, dict) else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 3000))), Handler).serve_forever()
