"""Writes captured deliveries in the format of `whtool listen --json`, and the counts that `whtool verify --at arrived` must
find.

    captures.py COUNT good|bad FILE      writes the lines to FILE, the counts as JSON to FILE.counts

Both providers, signed with Python's hmac. With `bad`, one line in 200 is bad in one of eight ways. The same arguments always
give the same file.
"""

import hashlib
import hmac
import json
import random
import sys

PLEXOS_SECRET = b"whsec_benchmark_plexos"
PLUSTIVE_SECRET = b"benchmark_plustive"
FIRST_SECOND = 1_767_225_600  # 2026-01-01T00:00:00Z
A_DAY = 86_400


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def sign(secret, prefix, body):
    return hmac.new(secret, prefix + body.encode(), hashlib.sha256).hexdigest()


def plexos_body(number, chance):
    return compact({
        "id": f"evt_{number:012d}", "type": "payment.debited",
        "data": {
            "id": f"pi_{chance.randrange(16**10):010x}", "externalId": f"order-{number}", "amount": str(chance.randrange(100, 10**7)),
            "currency": "CVE", "feeAmount": "200", "operator": "CVMOVEL", "operatorPhone": "+2389001234",
            "operatorTxId": f"CV{chance.randrange(10**9):09d}", "status": "DEBITED", "failureCode": None,
        },
    })


def plustive_body(number, chance):
    return compact({
        "event": "transaction.success", "reference": f"PLS-{number:010d}", "clientReference": f"order-{number}",
        "status": "Success", "service": "Data", "amount": chance.randrange(5_000, 10**7), "mobileNumber": "08030000000",
        "providerReference": f"{chance.randrange(10**9):09d}", "completedAt": "2026-01-01T10:14:05Z",
        "description": "1.5 GB, 30 days, delivered",
    })


def broken(way, secret, prefix, body, signature):
    """Body, signature (or none) and verdict of a delivery that went wrong in this way."""
    match way:
        case 0: return body, sign(secret + b"x", prefix, body), "mismatch"
        case 1: return body.replace("order-", "0rder-", 1), signature, "mismatch"
        case 2: return json.dumps(json.loads(body)), signature, "mismatch"
        case 3: return json.dumps(json.loads(body), indent=2), signature, "mismatch"
        case 4: return body, None, "unsigned"
        case 5: return body, signature[:-1], "malformed"
        case _: return body, "v1=" + signature, "malformed"


def arrival(second):
    """A second of that day or one of the next as RFC 3339."""
    day, rest = divmod(second - FIRST_SECOND, A_DAY)
    return f"2026-01-{day + 1:02d}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}.125Z"


def delivery(number, chance, some_bad):
    """The record of one delivery, and its verdict."""
    arrived = FIRST_SECOND + number % A_DAY
    way = chance.randrange(8) if some_bad and chance.randrange(200) == 0 else None
    is_plexos = number % 2 == 0
    body = (plexos_body if is_plexos else plustive_body)(number, chance)
    signed_at = arrived - (400 if way == 7 and is_plexos else 1)
    secret, prefix = (PLEXOS_SECRET, f"{signed_at}.".encode()) if is_plexos else (PLUSTIVE_SECRET, b"")
    signature, verdict = sign(secret, prefix, body), "verified"
    if way == 7 and is_plexos:
        verdict = "too_old"
    elif way is not None:
        body, signature, verdict = broken(way, secret, prefix, body, signature)
    headers = [
        ["Host", "127.0.0.1:4848"], ["User-Agent", "Provider-Webhooks/1.0"], ["Accept", "*/*"],
        ["Content-Type", "application/json"], ["Content-Length", str(len(body))],
    ]
    if is_plexos:
        headers.append(["X-Plexos-Timestamp", str(signed_at)])
        headers += [["X-Plexos-Signature", signature]] if signature else []
    elif signature:
        headers.append(["X-Plustive-Signature", signature if signature.startswith("v1=") else "sha256=" + signature])
    event = json.loads(body)
    record = {
        "schema": "whtool.delivery/1", "number": number, "arrived": arrival(arrived), "peer": "127.0.0.1:50123",
        "provider": "plexos" if is_plexos else "plustive", "verdict": verdict, "secret": None, "causes": [],
        "event": {
            "type": event.get("type") or event.get("event"), "id": event.get("id") or event.get("reference"),
            "subject": None, "status": None, "money": None,
        },
        "warnings": [], "duplicateOf": None, "answered": 200 if verdict == "verified" else 401,
        "request": {"method": "POST", "target": "/", "headers": headers, "body": body},
    }
    return record, verdict


def main():
    count, some_bad, path = int(sys.argv[1]), sys.argv[2] == "bad", sys.argv[3]
    chance, counts = random.Random(count), {}
    with open(path, "w", encoding="utf-8") as out:
        out.write(compact({"schema": "whtool.ready/1", "url": "http://127.0.0.1:4848/"}) + "\n")
        for number in range(1, count + 1):
            record, verdict = delivery(number, chance, some_bad)
            counts[verdict] = counts.get(verdict, 0) + 1
            out.write(compact(record) + "\n")
    with open(path + ".counts", "w", encoding="utf-8") as out:
        out.write(compact(dict(sorted(counts.items()))) + "\n")


main()
