#!/usr/bin/env bash
# Measures how long `whtool verify` searches when no cause exists, so that every candidate is tried: one request, bodies of
# growing size, and a file of lines. Prints a Markdown table with the medians of ROUNDS (7) runs. Needs cargo and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -x target/release/whtool ]] || cargo build --release
exec python3 - "${ROUNDS:-7}" <<'PYTHON'
import json, os, statistics, subprocess, sys, tempfile, time

rounds = int(sys.argv[1])
environment = {"PATH": os.environ["PATH"], "PLEXOS_WEBHOOK_SECRET": "whsec_benchmark_plexos", "PLUSTIVE_WEBHOOK_SECRET": "benchmark_plustive"}
flags = {"verify": [], "verify --computed": ["--computed", "5a" * 32]}
print("| body | " + " | ".join(f"`{name}`" for name in flags) + " |\n|---|" + "---|" * len(flags))
with tempfile.TemporaryDirectory() as folder:
    environment["WHTOOL_HOME"] = folder
    for size in [200, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]:
        items, length = [], 60
        while length < size:
            items.append({"id": len(items), "name": f"item number {len(items)}", "price": 1.5, "url": "https://example.com/a"})
            length += len(json.dumps(items[-1])) + 2
        body = json.dumps({"id": "evt_1", "type": "payment.debited", "data": {"items": items}}).encode()
        head = f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\nX-Plexos-Timestamp: {int(time.time())}\r\nX-Plexos-Signature: {'5b' * 32}\r\n\r\n"
        path = os.path.join(folder, "request.http")
        with open(path, "wb") as file:
            file.write(head.encode() + body)
        cells = []
        for words in flags.values():
            times = []
            for _ in range(rounds):
                start = time.perf_counter()
                run = subprocess.run(["target/release/whtool", "verify", path, *words], env=environment, capture_output=True)
                times.append(time.perf_counter() - start)
                assert run.returncode == 1, run.stderr
            cells.append(f"{statistics.median(times) * 1000:,.0f} ms")
        print(f"| {size:,} bytes | " + " | ".join(cells) + " |")
    # A file of requests of 200 bytes, none of which anything explains.
    lines, path = 20_000, os.path.join(folder, "requests.ndjson")
    with open(path, "w") as file:
        for number in range(lines):
            payment = {"id": f"pi_{number}", "amount": "10000", "currency": "CVE", "status": "DEBITED", "operator": "CVMOVEL"}
            body = json.dumps({"id": f"evt_{number}", "type": "payment.debited", "data": payment, "createdAt": "2025-01-15T10:30:00.000Z"}, separators=(",", ":"))
            headers = [["X-Plexos-Timestamp", "1736937000"], ["X-Plexos-Signature", os.urandom(32).hex()]]
            request = {"method": "POST", "target": "/", "headers": headers, "body": body}
            file.write(json.dumps({"schema": "whtool.delivery/1", "request": request}) + "\n")
    start = time.perf_counter()
    run = subprocess.run(["target/release/whtool", "verify", path, "--any-age", "--quiet"], env=environment, capture_output=True)
    assert run.returncode == 1, run.stderr
    print(f"\n{lines:,} unexplained lines: {(time.perf_counter() - start) * 1000 / lines:.2f} ms each")
PYTHON
