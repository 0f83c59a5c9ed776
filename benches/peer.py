"""The benchmark's work as a Python program does it.

    peer.py sign FILE       the HMAC of a file, read in blocks
    peer.py verify FILE     the verdicts on captured lines, counted

Secrets come from the environment, as whtool's do.
"""

import hashlib
import hmac
import json
import os
import sys
from datetime import datetime

BLOCK = 1 << 20
TOLERANCE = 300
HEX = frozenset("0123456789abcdefABCDEF")


def sign(path):
    mac = hmac.new(os.environb[b"PLUSTIVE_WEBHOOK_SECRET"], digestmod=hashlib.sha256)
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(BLOCK):
            mac.update(piece)
    print(mac.hexdigest())


def verdict(record, plexos, plustive):
    request = record["request"]
    headers = {name.lower(): value for name, value in request["headers"]}
    body = request["body"].encode()
    given, signed_at = headers.get("x-plexos-signature"), None
    if given is not None:
        signed_at = headers.get("x-plexos-timestamp", "")
        if not signed_at.isdecimal():
            return "malformed"
        secret, body = plexos, signed_at.encode() + b"." + body
    else:
        given = headers.get("x-plustive-signature")
        if given is None:
            return "unsigned"
        secret, given = plustive, given.removeprefix("sha256=")
    if len(given) != 64 or not HEX.issuperset(given):
        return "malformed"
    if not hmac.compare_digest(hmac.digest(secret, body, "sha256"), bytes.fromhex(given)):
        return "mismatch"
    if signed_at is not None and datetime.fromisoformat(record["arrived"]).timestamp() - int(signed_at) > TOLERANCE:
        return "too_old"
    return "verified"


def verify(path):
    plexos, plustive = os.environb[b"PLEXOS_WEBHOOK_SECRET"], os.environb[b"PLUSTIVE_WEBHOOK_SECRET"]
    counts = {}
    with open(path, "rb") as file:
        for line in file:
            record = json.loads(line)
            if "request" in record:
                found = verdict(record, plexos, plustive)
                counts[found] = counts.get(found, 0) + 1
    print(json.dumps(dict(sorted(counts.items())), separators=(",", ":")))


{"sign": sign, "verify": verify}[sys.argv[1]](sys.argv[2])
