#!/usr/bin/env python3
"""Measures the pages of `whtool ui` over a store of CAPTURES (100,000): server time of each page, and, where Chromium and npm are
installed, the time to first paint. playwright-core is installed with npm, in target/bench.

    benches/page.py [CAPTURES]

Needs `cargo build --release` before. Prints a Markdown table with medians of ROUNDS (9) runs; the first run of each page is
not counted.
"""

import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WHTOOL = str(ROOT / "target" / "release" / "whtool")
CAPTURES = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
ROUNDS = int(os.environ.get("ROUNDS", 9))
KINDS = ["payment.debited", "payment.created", "payment.failed", "transaction.success", "refund.created"]

PAINT = """
const { chromium } = require(process.argv[2] + '/node_modules/playwright-core');
(async () => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(process.argv[3]);
  const times = {};
  for (const [name, url] of JSON.parse(process.argv[4])) {
    times[name] = [];
    for (let round = 0; round <= Number(process.argv[5]); round++) {
      await page.goto(url);
      await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
      times[name].push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
    }
  }
  console.log(JSON.stringify(times));
  await browser.close();
})();
"""


def browser_peer():
    """Returns a folder with playwright-core, installed once. None: it can't be had here."""
    folder = ROOT / "target" / "bench" / "node"
    if not os.path.exists("/usr/bin/chromium"):
        return None
    if not (folder / "node_modules" / "playwright-core").exists():
        folder.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "playwright-core"]
        if subprocess.run(install).returncode != 0:
            return None
    return str(folder)


def fill(environment, url):
    """Sends events, one in a hundred forged."""
    each = CAPTURES // len(KINDS)
    run = [WHTOOL, "replay", "--to", url, "--concurrency", "16", "--quiet"]
    for kind in KINDS:
        subprocess.run([*run, kind, "--repeat", str(each - each // 100)], env=environment, check=True, capture_output=True)
        tampered = subprocess.run([*run, kind, "--tamper", "--repeat", str(each // 100)], env=environment, capture_output=True, text=True)
        assert tampered.returncode == 1, tampered.stderr


def main():
    with tempfile.TemporaryDirectory(prefix="whtool-page-") as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "WHTOOL_HOME": home,
                       "PLEXOS_WEBHOOK_SECRET": "whsec_benchmark_plexos", "PLUSTIVE_WEBHOOK_SECRET": "benchmark_plustive"}
        listener = subprocess.Popen([WHTOOL, "listen", "--port", "0", "--json", "--quiet"], env=environment, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        url = json.loads(listener.stdout.readline())["url"]
        drain = subprocess.Popen(["cat"], stdin=listener.stdout, stdout=subprocess.DEVNULL)
        fill(environment, url)
        listener.terminate()
        listener.wait(60)
        drain.wait(60)
        page = subprocess.Popen([WHTOOL, "ui", "--port", "0", "--json"], env=environment, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL)
        try:
            measure(json.loads(page.stdout.readline()), page.pid)
        finally:
            page.terminate()
            page.wait(60)


def measure(ready, pid):
    url, token = ready["url"].rstrip("/"), ready["token"]
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {token}"}

    def get(path):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:200])
        return body

    refused = json.loads(get("/api/v1/events?verdict=mismatch&limit=1"))["events"][0]["id"]
    paths = [("list", "/"), ("list, failed ones", "/?failed=1"), ("list, one type", "/?type=payment.failed"),
             ("list, text that nothing has", "/?grep=no+such+text"), ("detail of a verified one", "/events/1000"),
             ("detail of a refused one", f"/events/{refused}"), ("overview", "/overview")]
    server = {}
    for name, path in paths:
        times = []
        for _ in range(ROUNDS + 1):
            start = time.perf_counter()
            get(path)
            times.append((time.perf_counter() - start) * 1000)
        server[name] = statistics.median(times[1:])
    paint = {}
    folder = browser_peer()
    if folder:
        pages = json.dumps([(name, url + path) for name, path in paths])
        run = subprocess.run(["node", "-e", PAINT, "page", folder, ready["link"], pages, str(ROUNDS)], capture_output=True, text=True,
                             timeout=300, check=True)
        paint = {name: statistics.median(times[1:]) for name, times in json.loads(run.stdout).items()}
    print(f"{CAPTURES:,} captures, load average {os.getloadavg()[0]:.1f}\n\n| page | server | first paint |\n|---|---|---|")
    for name, _ in paths:
        print(f"| {name} | {server[name]:.1f} ms | {f'{paint[name]:.0f} ms' if name in paint else '–'} |")
    memory = pathlib.Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]
    print(f"\nPeak memory of the server: {int(memory) / 1024:.0f} MB.")


main()
