#!/usr/bin/env bash
# Times `events` on 1,000,000 captures, with both stores on the same machine, as whole processes. Prints tables in
# Markdown: medians, and the most memory that a command took. Needs psql, python3, GNU time and an empty database in
# URL (a password in PGPASSWORD); WHTOOL names the binary (default: target/release/whtool), COUNT the captures, ROUNDS the
# repetitions. COUNT=1000 and COUNT=1000000 show what grows with the number of captures.
set -euo pipefail
cd "$(dirname "$0")/.."
whtool=$(realpath "${WHTOOL:-target/release/whtool}")
count=${COUNT:-1000000} rounds=${ROUNDS:-5} started=$(date +%s)
url=${URL:?name an empty database: URL=postgres://user@localhost/bench}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export WHTOOL_HOME=$folder/home
export TZ=UTC
files=$folder/million.db
sql() { psql -qAtX -v ON_ERROR_STOP=1 "$url" -c "$1"; }

# Captures over 100 days: two of each payment, one in 200 refused, ten of a rare type, bodies of about 400 bytes.
"$whtool" store init "$url" -q
sql "SELECT whtool.add_month('2026-11-28Z'::timestamptz - months * interval '1 month') FROM generate_series(0, 4) AS months" >/dev/null
sql "INSERT INTO whtool.deliveries (txid, seq, arrived, inbox, peer, provider, verdict, secret, kind, event_id, subject,
        status, minor, currency, key, answered, size, head_bytes, body_bytes)
    SELECT '0', n, timestamptz '2026-11-28 12:00Z' - ($count - n) * interval '1 s' * (8640000.0 / $count), 'default', '127.0.0.1:1', 'plexos',
        CASE n % 200 WHEN 0 THEN 'mismatch' ELSE 'verified' END, 'production',
        CASE WHEN n % ($count / 10) = 17 THEN 'payment.disputed' WHEN n % 3 = 0 THEN 'payment.failed' ELSE 'payment.debited' END,
        'evt_' || md5(n::text), 'pi_' || md5((n / 2)::text), 'DEBITED', 10000, 'CVE', 'evt_' || md5(n::text),
        CASE n % 200 WHEN 0 THEN 401 ELSE 200 END, 400,
        CASE n % 200 WHEN 0 THEN 590 ELSE 0 END, CASE n % 200 WHEN 0 THEN 400 ELSE 0 END FROM generate_series(1, $count) AS n"
sql "INSERT INTO whtool.contents (inbox, seq, arrived, method, target, headers, body)
    SELECT inbox, seq, arrived, 'POST', '/webhooks', convert_to(E'Host: shop.example\\r\\nContent-Type: application/json\\r\\n', 'UTF8'),
        convert_to(format('{\"id\":\"%s\",\"type\":\"%s\",\"data\":{\"id\":\"%s\",\"padding\":\"%s\"}}', event_id, kind, subject,
        repeat(md5(seq::text), 8)), 'UTF8') FROM whtool.deliveries"
sql "INSERT INTO whtool.names SELECT inbox, event_id, seq, arrived FROM whtool.deliveries
    UNION ALL SELECT inbox, subject, seq, arrived FROM whtool.deliveries"
sql "SELECT setval('whtool.capture_seq', $count)" >/dev/null
sql "VACUUM ANALYZE"
# The same captures in SQLite.
"$whtool" store init "$files" -q
sql "COPY (SELECT d.seq, (extract(epoch FROM d.arrived) * 1000000)::bigint, d.peer, d.provider, d.verdict, d.secret, d.kind, d.event_id,
    d.subject, d.status, d.minor, d.currency, d.key, d.answered, d.size, d.head_bytes, d.body_bytes, c.method, c.target, encode(c.headers, 'hex'), encode(c.body, 'hex')
    FROM whtool.deliveries d JOIN whtool.contents c USING (inbox, seq, arrived) ORDER BY d.seq) TO STDOUT (FORMAT csv)" |
    python3 -c '
import csv, sqlite3, sys
store = sqlite3.connect(sys.argv[1])
for row in csv.reader(sys.stdin):
    store.execute("INSERT INTO deliveries (id, arrived, peer, provider, verdict, secret, kind, event_id, subject, status, minor,"
        " currency, key, answered, size, head_bytes, body_bytes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", row[:17])
    store.execute("INSERT INTO contents VALUES (?,?,?,?,?)", [row[0], *row[17:19], *map(bytes.fromhex, row[19:])])
store.commit()
' "$files"
# Summarizes them, as a listener does while it is idle.
"$whtool" store migrate "$files" -q
echo "$count captures, written in $(($(date +%s) - started)) s: $(du -k "$files" | cut -f1) kB in SQLite, $(sql "SELECT
    round(sum(pg_total_relation_size(c.oid)) / 1024) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE nspname = 'whtool' AND relkind = 'r'") kB in PostgreSQL."
echo

python3 - "$whtool" "$files" "$url" "$count" "$rounds" <<'END'
import hashlib, statistics, subprocess, sys, time

whtool, files, url = sys.argv[1:4]
memory = files + ".memory"
count, rounds = map(int, sys.argv[4:])
middle = count // 2
event = "evt_" + hashlib.md5(str(middle).encode()).hexdigest()


def run(store, words):
    """Runs a command. Returns milliseconds, MiB, lines and a hash of its output."""
    started = time.perf_counter()
    command = ["time", "-qf", "%M", "-o", memory, whtool, "events", *words, "--store", store]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    digest, lines = hashlib.md5(), 0
    while block := process.stdout.read(1 << 20):
        digest.update(block)
        lines += block.count(b"\n")
    assert process.wait() in (0, 1), command
    taken = (time.perf_counter() - started) * 1000
    with open(memory) as file:
        return taken, int(file.read()) / 1024, lines, digest.hexdigest()


def row(name, *words, rounds=rounds):
    """Prints a row, if both stores print the same."""
    runs = {store: [run(store, words) for _ in range(rounds)] for store in (files, url)}
    outputs = {one[2:] for store in runs.values() for one in store}
    if len(outputs) != 1:
        raise SystemExit(f"the stores differ: {words}")
    cells = [f"{statistics.median(one[0] for one in store):.0f} ms" for store in runs.values()]
    cells += [f"{max(one[1] for one in store):.0f} MB" for store in runs.values()]
    print("|", " | ".join([name, *cells, str(runs[files][0][2])]), "|", flush=True)


print(f"| {count} captures | SQLite | PostgreSQL | memory, SQLite | memory, PostgreSQL | lines |\n|---|---|---|---|---|---|")
row("first page (`events list`)", "list")
row("filter by a common type", "list", "--type", "payment.debited")
row("filter by a rare type", "list", "--type", "payment.disputed")
row("filter by a type that is missing", "list", "--type", "refund.failed")
row("filter by a provider that is missing", "list", "--provider", "plustive")
row("filter by a verdict that is missing", "list", "--verdict", "too_old")
row("only failed", "list", "--failed")
row("one day in the middle (`--since`, `--until`)", "list", "--since", "2026-10-01", "--until", "2026-10-02")
row("since a time after the newest", "list", "--since", "2026-11-29")
row("filter by reference", "list", "--reference", event)
row("filter by a reference that is missing", "list", "--reference", "evt_none")
row("all with a text in the body (`--grep`)", "list", "--grep", event, "--limit", "0")
row("a text that no body has", "list", "--grep", "no body has this")
row("show one by its number (`events show`)", "show", str(middle))
row("show one by its event id", "show", event)
row("start of `events --follow`", "--follow", "--json", "--limit", "1", "--timeout", "1ms")
row("totals by hour, type and currency (`events stats`)", "stats")
row("totals of a day", "stats", "--since", "2026-10-01", "--until", "2026-10-02")
few = min(rounds, 3)
row("list all (`--all --json`)", "list", "--all", "--json", rounds=few)
row("`events export`", "export", rounds=few)
row("plan to prune 40 days", "prune", "--older-than", "2026-09-30T12:00:00Z")
row("prune all before 15 October", "prune", "--older-than", "2026-10-15T00:00:00Z", "--yes", rounds=1)
END
