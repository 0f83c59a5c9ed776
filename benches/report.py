#!/usr/bin/env python3
"""Runs all measurements and writes their tables, and the table of goals, into docs/benchmarks.md.

    cargo build --release && benches/report.py          about twenty minutes
    benches/report.py --saved                           from the output of the last run, which is kept in target/bench

The text between the marks `<!-- goals -->` and `<!-- tables -->` and their ends is replaced; the rest of the page is not touched.
Run it on a machine that does nothing else. A measurement that fails ends the run.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "postgres"))
from server import Server

PAGE = ROOT / "docs" / "benchmarks.md"
SAVED = ROOT / "target" / "bench" / "report"

# In the order of the page, with headings for those that print none. Each prints Markdown.
COMMANDS = {
    "compare": ("", ["benches/compare.sh", "all"]),
    "unexplained": ("## Verify what nothing explains", ["benches/diagnose.sh"]),
    "postgres": ("", [sys.executable, "benches/postgres.py"]),
    "references": ("## Reconcile 1,000,000 references", ["benches/references.sh"]),
    "million": ("## 1,000,000 captures", ["benches/million.sh"]),
    "page": ("## Pages over 100,000 captures", [sys.executable, "benches/page.py"]),
}


class Tables:
    """The tables of all outputs: cells by heading, row and column."""

    def __init__(self, texts):
        self.text = "\n".join(texts)
        self.rows = []
        heading, columns = "", []
        for line in self.text.splitlines():
            if line.startswith("#"):
                heading, columns = line.lstrip("# "), []
            elif line.startswith("|"):
                cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")]
                if not columns:
                    columns = cells
                elif not set(line) <= set("|-: "):
                    self.rows.append((heading, cells[0].replace("**", "").replace("`", ""), dict(zip(columns, cells))))
            else:
                columns = []

    def cell(self, heading, row, column):
        """Returns the number in a cell. `row` is the start of the row's name."""
        for found, name, cells in self.rows:
            if heading in found and name.startswith(row):
                return float(re.sub(r"[^0-9.].*", "", cells[column].replace(",", "")))
        raise SystemExit(f"report.py: no row `{row}` under `{heading}`")

    def number(self, pattern):
        return float(re.search(pattern, self.text)[1].replace(",", ""))

    def speed(self, connections, row, column="ratio"):
        return self.cell(f"Verified receives of 300 bytes, {connections} connections", row, column)

    def versus(self, connections, row, other):
        return self.speed(connections, row) / self.speed(connections, other)


LISTEN = "whtool listen, every event synced"
BATCHED = "batched by hand"


def goals(tables):
    """Yields work, goal, what was found, and true if the goal is met."""

    def at_least(work, goal, found, what):
        shown = ", ".join(f"{value:.2f} × at {at}" if at else f"{value:.2f} ×" for at, value in found.items())
        return work, f"≥ {goal:g} × {what}", shown, all(value >= goal for value in found.values())

    def at_most(work, goal, found, what=""):
        return work, f"≤ {goal:g} {what}", f"{found:,.0f} {what}" if found >= 100 else f"{found:.3g} {what}", found <= goal

    node = [name for heading, name, _ in tables.rows if "receives of 300 bytes, 16" in heading and "better-sqlite3" in name]
    single = next((name for name in node if BATCHED not in name), None)
    batched = next((name for name in node if BATCHED in name), None)
    at = lambda other: {count: tables.versus(count, LISTEN, other) for count in (16, 64)}
    receive = "durable receives"
    yield at_least(receive, 10, at(single), "Node with better-sqlite3, one insert a request")
    yield at_least(receive, 2, at(batched), "the same, batched by hand")
    floor = "a C loop that appends, syncs and answers"
    found = at(floor)
    yield (receive, "≥ 0.9 × at 16 and ≥ 0.75 × at 64 of the durable floor in C",
           f"{found[16]:.2f} × and {found[64]:.2f} ×", found[16] >= 0.9 and found[64] >= 0.75)
    yield at_most("durable receives at 64, p99", 10, tables.speed(64, LISTEN, "p99"), "ms")
    for peer, goal in [("Node http", 1), ("Fastify", 1), ("Express", 4), ("adnanh/webhook", 15)]:
        if any(name.startswith(peer) for heading, name, _ in tables.rows if "receives of 300" in heading):
            yield at_least(receive, goal, {64: tables.versus(64, LISTEN, peer)}, f"{peer}, which stores nothing")
    yield at_least("receives without the store", 0.7,
                   {count: tables.versus(count, "whtool listen --no-store", "bare hyper") for count in (16, 64)}, "bare hyper")
    yield at_most("memory of the listener", 25, tables.speed(64, LISTEN, "peak memory"), "MB")
    yield at_least("receives into PostgreSQL", 3,
                   {count: tables.cell(f"PostgreSQL, receives of 300 bytes, {count}", "whtool listen", "ratio") for count in (16, 64)},
                   "Node http with pg, one insert a request")
    quiet = "whtool verify -q (counts"
    yield at_least("verify in bulk, all good", 8, {0: 1 / tables.cell("captured lines, all good", quiet, "ratio")}, "Node")
    yield at_least("verify in bulk, one line in 200 bad", 4, {0: 1 / tables.cell("one in 200 bad", quiet, "ratio")}, "Node")
    yield at_most("verify in bulk, every line unexplained", 0.2, tables.number(r"unexplained lines: ([0-9.]+) ms"), "ms a line")
    yield at_most("sign 300 bytes, whole process", 0.5, tables.cell("Sign one payload of 300 bytes", "whtool sign", "ratio"), "× openssl")
    yield at_most("sign a large payload", 1, tables.cell("Sign one payload of", "whtool sign", "ratio"), "× openssl")
    yield at_most("10,000 bodies signed and sent", 0.3, tables.cell("distinct bodies signed", "whtool replay --conc", "ratio"), "× undici")
    lookups = tables.cell("lookups answered after 50 ms", "whtool reconcile --concurrency", "median")
    ideal = tables.number(r"the ideal is (\d+) ms") / 1000
    yield at_most("5,000 lookups at 50 ms, 50 at a time", 1.05, lookups / ideal, "× the ideal")
    yield at_most("reconcile 1,000,000 references", 60, tables.number(r"1000000 references: ([0-9.]+) s"), "s")
    yield at_most("the same, memory", 25, tables.number(r"1000000 references: .* (\d+) kB") / 1000, "MB")
    yield from captures(tables, at_most)
    yield at_most("page: list of 100,000 captures, first paint", 200, tables.cell("Pages over", "list", "first paint"), "ms")
    yield at_most("page: detail, first paint", 50, tables.cell("Pages over", "detail of a verified", "first paint"), "ms")
    yield at_most("binary with everything", 10.5, tables.number(r"Stripped binary: ([0-9.]+) MB"), "MB")


def captures(tables, at_most):
    """Yields the goals of `events` on a million captures, for each store."""

    def slowest(store, rows):
        return max(tables.cell("1,000,000 captures", row, store) for row in rows)

    lists = ["first page", "filter by a common", "filter by a rare", "filter by a type", "filter by a provider", "filter by a verdict",
             "only failed", "one day in the middle", "since a time"]
    for work, goal, rows in [
        ("list and filters", 50, lists),
        ("`--reference`", 20, ["filter by reference", "filter by a reference"]),
        ("`show`", 20, ["show one by its number", "show one by its event"]),
        ("`--grep` without a match", 1000, ["a text that no body"]),
        ("`stats`", 500, ["totals by hour"]),
        ("`export`", 8000, ["events export"]),
    ]:
        for store in ("SQLite", "PostgreSQL"):
            yield at_most(f"`events` on 1,000,000 captures in {store}: {work}", goal, slowest(store, rows), "ms")


def run(name):
    """Returns the output of a command, which is also kept."""
    SAVED.mkdir(parents=True, exist_ok=True)
    file = SAVED / f"{name}.md"
    heading, command = COMMANDS[name]
    if "--saved" not in sys.argv:
        print(f"report.py: {name}", file=sys.stderr, flush=True)
        environment = dict(os.environ)
        server = Server("shared_buffers = 256MB", "max_wal_size = 4GB") if name == "million" else None
        try:
            if server:
                environment["URL"] = server.url
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
        finally:
            if server:
                server.stop()
        if done.returncode != 0:
            raise SystemExit(f"report.py: {name} failed")
        file.write_text(f"{heading}\n\n{done.stdout}".strip())
    return file.read_text()


def replace(page, mark, text):
    start, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    before, _, rest = page.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{text.strip()}\n{end}{after}"


def main():
    outputs = [run(name) for name in COMMANDS]
    tables = Tables(outputs)
    lines = ["| work | goal | found | |", "|---|---|---|---|"]
    for work, goal, found, is_met in goals(tables):
        lines.append(f"| {work} | {goal} | {found} | {'met' if is_met else '**missed**'} |")
    page = replace(PAGE.read_text(), "goals", "\n".join(lines))
    PAGE.write_text(replace(page, "tables", "\n\n".join(output.strip() for output in outputs)))


if __name__ == "__main__":
    main()
