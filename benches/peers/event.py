"""One signed Plustive event of 300 bytes: as a script for wrk, and as configurations for curl, one of them with a bad signature.

    event.py FOLDER      writes event.lua, event.curl and forged.curl

The secret comes from the environment, as whtool's does.
"""

import hashlib
import hmac
import json
import os
import pathlib
import sys

BYTES = 300

# What wrk says at the end: events a second, the 99th percentile in microseconds, how many were not answered 2xx.
DONE = """
function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    local speed = summary.requests / summary.duration * 1e6
    io.write(string.format("result\\t%.0f\\t%.0f\\t%d\\n", speed, latency:percentile(99), failed))
end
"""

event = {
    "event": "transaction.success", "reference": "PLS-0000000001", "clientReference": "order-1", "status": "Success",
    "service": "Data", "amount": 250000, "mobileNumber": "08030000000", "providerReference": "123456789",
    "completedAt": "2026-01-01T10:14:05Z", "description": "",
}
short = BYTES - len(json.dumps(event, separators=(",", ":")))
event["description"] = ("1.5 GB, 30 days, delivered; " * 10)[:short]
body = json.dumps(event, separators=(",", ":"))
assert len(body) == BYTES
mac = hmac.new(os.environ["PLUSTIVE_WEBHOOK_SECRET"].encode(), body.encode(), hashlib.sha256).hexdigest()
headers = {"Content-Type": "application/json", "X-Plustive-Signature": mac}
folder = pathlib.Path(sys.argv[1])

script = 'wrk.method = "POST"\n' + f"wrk.body = '{body}'\n" + DONE
for name, value in headers.items():
    script += f'wrk.headers["{name}"] = "{value}"\n'
(folder / "event.lua").write_text(script)

curl = "".join(f'header = "{name}: {value}"\n' for name, value in headers.items()) + f"data-binary = {json.dumps(body)}\n"
(folder / "event.curl").write_text(curl)
(folder / "forged.curl").write_text(curl.replace(mac, mac[::-1]))
