"""Python without packages, in two variants: HANDLER=raw is correct; HANDLER=json re-serializes the body before hashing it."""
import hashlib
import hmac
import json
import os
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VARIANT = os.environ.get("HANDLER", "raw")
SECRET = os.environ.get("PLEXOS_WEBHOOK_SECRET", "").encode()


def is_authentic(headers, body):
    timestamp = headers.get("X-Plexos-Timestamp", "")
    if not re.fullmatch("[0-9]{1,11}", timestamp) or abs(time.time() - int(timestamp)) > 300:
        return False
    if VARIANT == "json":
        body = json.dumps(json.loads(body)).encode()
    expected = hmac.new(SECRET, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    given = headers.get("X-Plexos-Signature", "").lower()
    return hmac.compare_digest(given.encode(), expected.encode())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            event = json.loads(body) if is_authentic(self.headers, body) else None
        except (ValueError, RecursionError):
            event = None
        self.send_response(200 if isinstance(event, dict) else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 3000))), Handler).serve_forever()
