"""Sends events signed with an empty key to an app whose secrets are empty. It must accept none.

usage: forge.py URL
"""
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request


def send(url, headers, body):
    """Return the status, once the app accepts connections."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    deadline = time.monotonic() + 30
    while True:
        try:
            return urllib.request.urlopen(request, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def sign(message):
    return hmac.new(b"", message, hashlib.sha256).hexdigest()


url = sys.argv[1]
body = json.dumps({"id": "evt_1", "type": "payment.debited", "event": "transaction.success"}).encode()
now = str(int(time.time()))
plexos = {"X-Plexos-Timestamp": now, "X-Plexos-Signature": sign(now.encode() + b"." + body)}
statuses = [
    send(f"{url}/plexos", plexos, body),
    send(f"{url}/plustive", {"X-Plustive-Signature": "sha256=" + sign(body)}, body),
]
sys.exit(f"accepted with an empty secret: {statuses}" if any(status < 400 for status in statuses) else 0)
