#!/usr/bin/env bash
# Time and memory of `whtool reconcile` for 1,000,000 orders, against a stand-in of the API on the same cores (Go). Prints
# one line. Needs go, awk and GNU time; WHTOOL names the binary (default: target/release/whtool).
set -euo pipefail
cd "$(dirname "$0")/.."
whtool=$(realpath "${WHTOOL:-target/release/whtool}")
count=${COUNT:-1000000}
folder=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$folder"' EXIT

GO111MODULE=off go build -o "$folder/server" benches/references/main.go
awk -v count="$count" 'BEGIN {
    print "order_id,payment_id,status,amount,currency"
    for (n = 0; n < count; n++) printf "%d,pi_%012d,paid,100.00,CVE\n", n, n
}' >"$folder/orders.csv"
cd "$folder"
./server &
server=$!
until [[ -s port ]]; do sleep 0.1; done

export PLEXOS_API_URL=http://127.0.0.1:$(<port) PLEXOS_PAY_SECRET_KEY=sk_test_bench WHTOOL_HOME=$folder/home
/usr/bin/time --format '%e s, %U s user, %S s system, %M kB' --output time \
    "$whtool" reconcile --from orders.csv --only differences -q >out
grep -q "^$count references: $count matched$" out
echo "$count references: $(<time)"
