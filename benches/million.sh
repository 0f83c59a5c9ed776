#!/usr/bin/env bash
# Times the work of commands on 1,000,000 captures, with both stores on the same machine. Prints a table in Markdown.
# Needs psql, python3 and an empty database in URL (a password in PGPASSWORD); WHTOOL names the binary (default:
# target/release/whtool), COUNT the captures, ROUNDS the repetitions, of which the median counts.
set -euo pipefail
cd "$(dirname "$0")/.."
whtool=$(realpath "${WHTOOL:-target/release/whtool}")
count=${COUNT:-1000000} rounds=${ROUNDS:-5}
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
        status, minor, currency, key, answered, size)
    SELECT '0', n, timestamptz '2026-11-28 12:00Z' - ($count - n) * interval '1 s' * (8640000.0 / $count), 'default', '127.0.0.1:1', 'plexos',
        CASE n % 200 WHEN 0 THEN 'mismatch' ELSE 'verified' END, 'production',
        CASE WHEN n % ($count / 10) = 17 THEN 'payment.disputed' WHEN n % 3 = 0 THEN 'payment.failed' ELSE 'payment.debited' END,
        'evt_' || md5(n::text), 'pi_' || md5((n / 2)::text), 'DEBITED', 10000, 'CVE', 'evt_' || md5(n::text),
        CASE n % 200 WHEN 0 THEN 401 ELSE 200 END, 400 FROM generate_series(1, $count) AS n"
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
    d.subject, d.status, d.minor, d.currency, d.key, d.answered, d.size, c.method, c.target, encode(c.headers, 'hex'), encode(c.body, 'hex')
    FROM whtool.deliveries d JOIN whtool.contents c USING (inbox, seq, arrived) ORDER BY d.seq) TO STDOUT (FORMAT csv)" |
    python3 -c '
import csv, sqlite3, sys
store = sqlite3.connect(sys.argv[1])
for row in csv.reader(sys.stdin):
    store.execute("INSERT INTO deliveries (id, arrived, peer, provider, verdict, secret, kind, event_id, subject, status, minor,"
        " currency, key, answered, size) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", row[:15])
    store.execute("INSERT INTO contents VALUES (?,?,?,?,?)", [row[0], *row[15:17], *map(bytes.fromhex, row[17:])])
store.commit()
' "$files"

# Prints the median time of a command in milliseconds.
measure() {
    for _ in $(seq "$rounds"); do
        local started=$(date +%s%N)
        "$whtool" "$@" >"$folder/out" 2>/dev/null || [[ $? == 1 ]]
        echo $(( ($(date +%s%N) - started) / 1000 ))
    done | sort -n | awk '{ times[NR] = $1 } END { printf "%.0f", times[int((NR + 1) / 2)] / 1000 }'
}

# Prints a row, after a check that both stores give the same answer.
row() {
    local name=$1; shift
    "$whtool" "$@" --store "$files" >"$folder/sqlite" 2>/dev/null || [[ $? == 1 ]]
    "$whtool" "$@" --store "$url" >"$folder/postgres" 2>/dev/null || [[ $? == 1 ]]
    cmp -s "$folder/sqlite" "$folder/postgres" || { echo "the stores differ: $*" >&2; exit 1; }
    echo "| $name | $(measure "$@" --store "$files") ms | $(measure "$@" --store "$url") ms | $(wc -l <"$folder/sqlite") |"
}

middle=$((count / 2))
event=evt_$(printf %d "$middle" | md5sum | cut -d' ' -f1)
echo "| $count captures | SQLite | PostgreSQL | lines |"
echo "|---|---|---|---|"
row "first page (\`events list\`)" events list
row "filter by reference" events list --reference "$event"
row "filter by a common type" events list --type 'payment.debited'
row "filter by a rare type" events list --type 'payment.disputed'
row "only failed" events list --failed
row "one day in the middle (\`--since\`, \`--until\`)" events list --since 2026-10-01 --until 2026-10-02
row "all with a text in the body (\`--grep\`)" events list --grep "$event" --limit 0
row "show one (\`events show\`)" events show "$middle"
row "totals by hour, type and currency (\`events stats\`)" events stats
row "plan to prune 40 days" events prune --older-than 2026-09-30T12:00:00Z
for store in "$files" "$url"; do
    started=$(date +%s%N)
    "$whtool" events prune --older-than 2026-10-15T00:00:00Z --yes --store "$store" >"$folder/out" 2>/dev/null
    echo $(( ($(date +%s%N) - started) / 1000000 ))
done | { read -r sqlite; read -r postgres; echo "| prune all before 15 October | $sqlite ms | $postgres ms | 1 |"; }
echo
echo "Sizes after pruning: $(du -k "$files" | cut -f1) kB; $(sql "SELECT
    sum(pg_total_relation_size(c.oid)) / 1024 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE nspname = 'whtool' AND relkind = 'r'") kB."
