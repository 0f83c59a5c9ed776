#!/usr/bin/env bash
# Measures `events` on a large store: the whole process, as a user experiences it.
#
#   benches/events.sh [DELIVERIES]      default: 100000
#
# A listener receives this many signed samples of both providers, some of them tampered with. Then each command runs ten
# times; the median is printed. With EVENTS_STORE=FILE that store is used instead of a new one.
set -euo pipefail
cd "$(dirname "$0")/.."
deliveries=${1:-100000}
cargo build --release --locked --quiet
whtool=$PWD/target/release/whtool
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export WHTOOL_HOME=$home
store=${EVENTS_STORE:-$home/bench.db}

if [ -z "${EVENTS_STORE:-}" ]; then
    "$whtool" listen --json --port 0 --store "$store" 2>/dev/null >"$home/records" &
    listener=$!
    until [ -s "$home/records" ]; do read -rt 0.05 <> <(:) || true; done
    url=$(head -n 1 "$home/records" | sed 's/.*"url":"//; s/".*//')
    send() { "$whtool" replay "${@:2}" --repeat "$1" --concurrency 64 --to "$url" >/dev/null 2>&1 || true; }
    each=$((deliveries / 20))
    send "$((each * 3))" payment.created payment.debited payment.failed plustive:transaction.failed transaction.completed.electricity
    send "$each" --tamper payment.debited plustive:transaction.failed transaction.completed.electricity
    send "$each" refund.succeeded transaction.completed.electricity
    kill -INT "$listener"
    wait "$listener" || true
fi

ask() {
    local times=()
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        local start=${EPOCHREALTIME/./}
        "$whtool" events "$@" --store "$store" >/dev/null 2>&1 || true
        times+=($((${EPOCHREALTIME/./} - start)))
    done
    local median
    median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n 5p)
    printf '%7d.%d ms  events %s\n' $((median / 1000)) $((median % 1000 / 100)) "$*"
}

total=$("$whtool" events stats --json --store "$store" | sed 's/.*"total":\([0-9]*\).*/\1/')
id=$("$whtool" events -q --json --limit 1 --store "$store" | sed 's/^{"schema":"whtool.event\/1","id":"\([^"]*\)".*/\1/')
oldest=$("$whtool" events --all --json --store "$store" | sed -n '1s/.*"subject":"\([^"]*\)".*/\1/p')
printf '%s deliveries, %s bytes\n' "$total" "$(stat -c %s "$store")"
ask list
ask list --provider plexos --type 'payment.*' --verdict verified
ask list --type 'refund.*'
ask list --failed
ask list --since 2h
ask list --since 1s
ask list --until 30d
ask list --reference "$oldest"
ask list --reference nobody
ask list --grep '"amount"'
ask list --grep 'no body has this'
ask list --all --json
ask show "${id:0:4}"
ask show last --raw
ask stats
ask prune --older-than 30d
ask export
