#!/usr/bin/env bash
# Compares whtool with other programs that do the same work, in one run and alternately, and prints Markdown tables of
# ratios.
#
#   benches/compare.sh [startup|sign|verify|receive|send|lookups|all]
#
# ROUNDS (3)                rounds; the tables show their medians
# SPELL (0.2)               seconds for which a round repeats a short command
# SIGN_BYTES (300000000)    size of the large payload
# VERIFY_LINES (50000)      captured lines for the comparison
# GROWTH_LINES ("10000 100000 1000000")  lines verified by whtool alone, to see how time and memory grow
# RECEIVE_SECONDS (2)       seconds of load on each receiver in each round
# SEND_COUNT (10000)        bodies to send
# LOOKUP_COUNT (5000)       references to look up, 50 at a time, each answered after 50 ms
#
# With these defaults, everything takes about ten minutes.
#
# Needs cargo and cc. Programs that are not installed are skipped; Express, Fastify, undici and better-sqlite3 are installed
# with npm, aiohttp and FastAPI with pip. A receiver that fails its own check is left out, with a line. Test data, about 3 GB,
# stays in target/bench. Receivers run on the first core and their load on the second.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${ROUNDS:=3}" "${SPELL:=0.2}" "${SIGN_BYTES:=300000000}" "${VERIFY_LINES:=50000}" "${GROWTH_LINES:=10000 100000 1000000}"
: "${RECEIVE_SECONDS:=2}" "${SEND_COUNT:=10000}" "${LOOKUP_COUNT:=5000}"
data=target/bench
whtool=target/release/whtool
export WHTOOL_HOME=$data/home PLEXOS_WEBHOOK_SECRET=whsec_benchmark_plexos PLUSTIVE_WEBHOOK_SECRET=benchmark_plustive

# The programs themselves, without the wrapper of a version manager, which would be measured, too.
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null || true)
node=$(node -p process.execPath 2>/dev/null || true)
openssl=$(command -v openssl || true)
curl=$(command -v curl || true)
taskset=$(command -v taskset || true)
wrk=$(command -v wrk || true)
webhook=$(command -v webhook || true)
export NODE_PEERS=$PWD/$data/node

fail() { echo "compare.sh: $*" >&2; exit 1; }

# Adds `STATUS NAME command…` to the list for `measure`, unless the program is missing.
jobs=()
add() {
    if [[ ! $3 ]]; then echo "- $2: not installed, skipped"; return; fi
    [[ ${#jobs[@]} -eq 0 ]] || jobs+=(--)
    jobs+=("$@")
}

# Measures the list and prints a table, with wall and CPU time relative to the first row. Where names are numbers, time is
# divided by them.
compare() { # SECONDS-A-ROUND
    echo
    echo '| | ratio | median | spread | CPU ratio | peak memory |'
    echo '|---|---|---|---|---|---|'
    "$data/measure" "$ROUNDS" "$1" "${jobs[@]}" | awk -F '\t' '
        function span(seconds) {
            if (seconds < 0.01) return sprintf("%.2f ms", seconds * 1000)
            if (seconds < 1) return sprintf("%.0f ms", seconds * 1000)
            return sprintf("%.2f s", seconds)
        }
        { parts = $1 ~ /^[0-9]+ / ? $1 + 0 : 1 }
        NR == 1 { unit = $2 / parts; processor = $5 / parts }
        { printf "| %s | **%.2f** | %s | ±%.0f %% | %.2f | %.1f MB |\n",
            $1, $2 / parts / unit, span($2), ($4 - $3) / $2 * 50, $5 / parts / processor, $6 / 1024 }'
    jobs=()
}

# Checks the output of a command.
expect() { # TEXT NAME command…
    local expected=$1 name=$2 found
    shift 2
    [[ $1 ]] || return 0
    found=$("$@" || true)
    [[ $found == *"$expected"* ]] || fail "$name found '$found' instead of '$expected'"
}

machine() {
    echo "Machine: $(nproc) cores ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)), $(uname -sr)."
    local versions
    versions="whtool $($whtool --version | cut -d ' ' -f 2), $(rustc --version | cut -d ' ' -f 1-2)"
    [[ ! $openssl ]] || versions+=", $($openssl version | cut -d ' ' -f 1-2)"
    [[ ! $python ]] || versions+=", $($python --version)"
    [[ ! $node ]] || versions+=", Node $($node --version)"
    [[ ! $curl ]] || versions+=", $($curl --version | head -1 | cut -d ' ' -f 1-2)"
    echo "Versions: $versions. Rounds: $ROUNDS, alternating; medians." | fold -s -w 100
    echo "Load average before: $(cut -d ' ' -f 1 /proc/loadavg)."
}

startup() {
    echo -e '\n## Start-up'
    add 0 'static C program (the floor)' "$data/floor"
    add 0 '**whtool --version**' $whtool --version
    add 0 'openssl version' "$openssl" version
    add 0 'curl --version' "$curl" --version
    add 0 'python3 -c 0' "$python" -c 0
    add 0 'node -e 0' "$node" -e 0
    compare "$SPELL"
    echo
    echo "Stripped binary: $(stat -c %s $whtool | awk '{ printf "%.2f MB", $1 / 1e6 }')."
}

# The large payload: incompressible bytes, the same in each run.
payload() { # BYTES
    local file=$data/payload-$1
    [[ -s $file ]] || head -c "$1" /dev/zero | openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 2>/dev/null >"$file"
    echo "$file"
}

sign_with_everything() { # FILE SECONDS-A-ROUND
    local file=$1 mac
    mac=$($whtool sign "$file" --provider plustive --as digest)
    expect "$mac" openssl "$openssl" dgst -sha256 -hmac "$PLUSTIVE_WEBHOOK_SECRET" "$file"
    expect "$mac" python "$python" benches/peer.py sign "$file"
    expect "$mac" node "$node" benches/peer.mjs sign "$file"
    add 0 'openssl dgst -sha256 -hmac' "$openssl" dgst -sha256 -hmac "$PLUSTIVE_WEBHOOK_SECRET" "$file"
    add 0 '**whtool sign --as digest**' $whtool sign "$file" --provider plustive --as digest
    add 0 'Python, hmac' "$python" benches/peer.py sign "$file"
    add 0 'Node, createHmac' "$node" benches/peer.mjs sign "$file"
    add 0 'reading alone (cat)' cat "$file"
    compare "$2"
}

sign() {
    [[ $openssl ]] || { echo '- sign: openssl is not installed, skipped'; return; }
    echo -e "\n## Sign one payload of $((SIGN_BYTES / 1000000)) MB"
    sign_with_everything "$(payload "$SIGN_BYTES")" 0
    echo -e '\n## Sign one payload of 300 bytes, whole process'
    sign_with_everything "$(payload 300)" "$SPELL"
}

# Captured lines, and a file with the expected counts.
captures() { # COUNT good|bad
    local file=$data/captures-$1-$2
    [[ -s $file.counts && $file.counts -nt benches/captures.py ]] || "$python" benches/captures.py "$1" "$2" "$file"
    echo "$file"
}

# whtool's summary by verdict, in the format of the generator.
check_counts() { # FILE
    local expected
    expected=$(<"$1.counts")
    expect "\"verdicts\":$expected" whtool sh -c "$whtool verify --json --at arrived '$1' | tail -n 1"
}

verify_with_everything() { # good|bad STATUS
    local file
    file=$(captures "$VERIFY_LINES" "$1")
    check_counts "$file"
    expect "$(<"$file.counts")" python "$python" benches/peer.py verify "$file"
    expect "$(<"$file.counts")" node "$node" benches/peer.mjs verify "$file"
    echo -e "\n$(du -m "$file" | cut -f 1) MB."
    echo "Counts of all three: \`$(<"$file.counts")\`."
    add 0 'Node: JSON.parse, createHmac' "$node" benches/peer.mjs verify "$file"
    add 0 'Python: json, hmac' "$python" benches/peer.py verify "$file"
    add "$2" '**whtool verify -q** (counts, as the peers)' $whtool verify -q --at arrived "$file"
    add "$2" 'whtool verify (a line each)' $whtool verify --at arrived "$file"
    add "$2" 'whtool verify --json (a record each)' $whtool verify --json --at arrived "$file"
    add "$2" 'whtool verify -q on one core' "$taskset" -c 0 $whtool verify -q --at arrived "$file"
    add 0 'reading alone (cat)' cat "$file"
    compare 0
}

verify() {
    [[ $python ]] || { echo '- verify: python3 is not installed, skipped'; return; }
    local count file
    echo -e "\n## Verify $VERIFY_LINES captured lines, all good"
    verify_with_everything good 0
    echo -e "\n## Verify $VERIFY_LINES captured lines, one in 200 bad"
    verify_with_everything bad 1
    echo -e '\n## How verifying grows: time per good line'
    for count in $GROWTH_LINES; do
        file=$(captures "$count" good)
        check_counts "$file"
        add 0 "$count lines" $whtool verify -q --at arrived "$file"
    done
    compare 0
}

# Installs the npm packages once, each by itself: better-sqlite3 needs a compiler and the headers of Node.
node_peers() {
    [[ $node ]] || return 0
    local name headers
    headers=$(dirname "$(dirname "$node")")
    for name in express fastify undici better-sqlite3; do
        has_peer $name || npm_config_nodedir=$headers npm install --silent --no-audit --no-fund --prefix "$NODE_PEERS" $name \
            >/dev/null 2>&1 || echo "- $name: npm could not install it, skipped"
    done
}

has_peer() { [[ -d $NODE_PEERS/node_modules/$1 ]]; }

peer_version() { "$node" -p "require('$NODE_PEERS/node_modules/$1/package.json').version"; }

# Processes that end with this script.
started=()
end_servers() {
    local pid
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
    started=()
    rm -f "$data"/receive.db*
}
trap end_servers EXIT

free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Starts a server on the first core, and waits until it accepts connections. Fails if it does not.
serve() { # PORT command…
    local port=$1 attempt
    shift
    "$taskset" -c 0 "$@" >/dev/null 2>&1 &
    started+=($!)
    for attempt in {1..100}; do
        if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
        sleep 0.1
    done
    return 1
}

# Registers a receiver. It must accept the event and refuse a forged one, unless it verifies nothing.
receivers=() ports=() paths=()
receiver() { # NAME PATH STATUS-OF-A-REFUSAL PORT command…
    local name=$1 path=$2 refusal=$3 port=$4 status
    shift 4
    serve "$port" "$@" || { leave_out "$name" "it does not listen"; return; }
    status=$(post "$port$path" event)
    [[ $status == 200 ]] || { leave_out "$name" "it answered $status to a good event"; return; }
    status=$(post "$port$path" forged)
    [[ $status == "$refusal" ]] || { leave_out "$name" "it answered $status to a forged event"; return; }
    receivers+=("$name") ports+=("$port") paths+=("$path")
}

# Prints the status of the answer, 000 without one.
post() { # PORT-AND-PATH event|forged
    "$curl" -s -o /dev/null -w '%{http_code}' --max-time 10 -K "$data/$2.curl" "http://127.0.0.1:$1" || true
}

# Ends the server that was started last. whtool itself must not be left out.
leave_out() { # NAME REASON
    [[ $1 != *whtool* ]] || fail "$1: $2"
    echo "- $1: $2, left out"
    kill "${started[-1]}" 2>/dev/null || true
    wait "${started[-1]}" 2>/dev/null || true
    unset 'started[-1]'
}

all_receivers() {
    local port
    if [[ $node ]]; then
        port=$(free_port)
        receiver 'Node http' / 401 "$port" "$node" benches/peers/servers.mjs http "$port"
        for name in express fastify; do
            has_peer $name || continue
            port=$(free_port)
            receiver "${name^} $(peer_version $name)" / 401 "$port" "$node" benches/peers/servers.mjs $name "$port"
        done
        if has_peer better-sqlite3; then
            local version
            version="Node http, better-sqlite3 $(peer_version better-sqlite3)"
            port=$(free_port)
            receiver "$version, every event synced" / 401 "$port" \
                "$node" benches/peers/servers.mjs sqlite "$port" $data/receive.db-node
            port=$(free_port)
            receiver "$version, every event synced, batched by hand" / 401 "$port" \
                "$node" benches/peers/servers.mjs sqlite-batched "$port" $data/receive.db-batched
        fi
    fi
    if has_module fastapi; then
        port=$(free_port)
        receiver 'FastAPI, sqlite3, every event synced' / 401 "$port" \
            $data/python/bin/python benches/peers/fastapi_server.py "$port" $data/receive.db-fastapi
    fi
    if [[ $webhook ]]; then
        port=$(free_port)
        printf '%s' '[{"id": "plustive", "execute-command": "/bin/true",' \
            '"trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": "'"$PLUSTIVE_WEBHOOK_SECRET"'",' \
            '"parameter": {"source": "header", "name": "X-Plustive-Signature"}}}}]' >$data/hooks.json
        receiver "adnanh/webhook $("$webhook" -version | cut -d ' ' -f 3)" /hooks/plustive 500 "$port" \
            "$webhook" -hooks $data/hooks.json -ip 127.0.0.1 -port "$port"
    else
        echo '- adnanh/webhook: not installed, skipped'
    fi
    port=$(free_port)
    receiver '**whtool listen**, every event synced' / 401 "$port" \
        $whtool listen --port "$port" -q --json --store $data/receive.db
    port=$(free_port)
    receiver '**whtool listen --no-store**' / 401 "$port" $whtool listen --port "$port" -q --json --no-store
    port=$(free_port)
    receiver 'bare hyper, which only answers' / 200 "$port" target/release/examples/hyper "$port"
    port=$(free_port)
    receiver 'a C loop that only answers (the floor)' / 200 "$port" "$data/server" "$port"
    port=$(free_port)
    receiver 'a C loop that appends, syncs and answers (the durable floor)' / 200 "$port" \
        "$data/server" "$port" $data/receive.db-floor
}

# CPU time of a receiver, in hundredths of a second.
ticks() { awk '{ print $14 + $15 }' "/proc/${started[$1]}/stat"; }

# One interval of load on one receiver. Fails if an event was not answered 200. Prints its number, events per second, 99th
# percentile in microseconds, number of answers other than 2xx, and CPU time per event in microseconds.
load() { # NUMBER CONNECTIONS SECONDS
    local line before
    before=$(ticks "$1")
    line=$("$taskset" -c 1 "$wrk" -t 1 -c "$2" -d "$3" -s $data/event.lua "http://127.0.0.1:${ports[$1]}${paths[$1]}" | grep ^result)
    [[ $line == *$'\t0' ]] || return 1
    printf '%s\t%s\t%s\n' "$1" "$line" "$(awk -v ticks="$(($(ticks "$1") - before))" -v seconds="$3" \
        '{ print ticks * 10000 / ($2 * seconds) }' <<<"$line")"
}

receive() {
    if [[ ! $wrk || ! $python || ! $curl || ! $taskset ]]; then
        echo '- receive: needs wrk, taskset, curl and python3, skipped'
        return
    fi
    node_peers
    python_peers
    "$python" benches/peers/event.py $data
    rm -f $data/receive.db*
    all_receivers
    local connections round number
    for connections in 16 64; do
        echo -e "\n## Verified receives of 300 bytes, $connections connections\n"
        for round in $(seq 0 "$ROUNDS"); do
            for number in "${!receivers[@]}"; do
                # The first round is a warm-up.
                local seconds=$RECEIVE_SECONDS found
                [[ $round != 0 ]] || seconds=1
                if ! found=$(load "$number" "$connections" "$seconds"); then
                    [[ ${receivers[$number]} != *whtool* ]] || fail "${receivers[$number]}: not every event was answered 200"
                    echo "- ${receivers[$number]}: not every event was answered 200, left out" >&2
                    unset "receivers[$number]"
                elif [[ $round != 0 ]]; then
                    echo "$found"
                fi
            done
        done >$data/loads
        echo '| | ratio | events/s | spread | CPU per event | p99 | peak memory |'
        echo '|---|---|---|---|---|---|---|'
        for number in "${!receivers[@]}"; do
            printf '%s\t%s\t%s\n' "$number" "${receivers[$number]}" \
                "$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/${started[$number]}/status")"
        done | cat - $data/loads | awk -F '\t' '
            function sort(list, count,    at, to, value) {
                for (at = 2; at <= count; at++) {
                    value = list[at]
                    for (to = at - 1; to > 0 && list[to] > value; to--) list[to + 1] = list[to]
                    list[to + 1] = value
                }
            }
            $2 != "result" { name[$1] = $2; memory[$1] = $3; receivers = $1 + 1; next }
            { runs[$1]++; speed[$1, runs[$1]] = $3 + 0; tail[$1, runs[$1]] = $4 + 0
                cost[$1, runs[$1]] = $6 + 0 }
            END {
                for (number = 0; number < receivers; number++) {
                    if (!(number in name)) continue
                    count = runs[number]
                    for (run = 1; run <= count; run++) {
                        speeds[run] = speed[number, run]; tails[run] = tail[number, run]; costs[run] = cost[number, run]
                    }
                    sort(speeds, count); sort(tails, count); sort(costs, count)
                    median = speeds[int((count + 1) / 2)]
                    if (!unit) unit = median
                    middle = int((count + 1) / 2)
                    printf "| %s | **%.2f** | %d | ±%.0f %% | %.1f µs | %.1f ms | %.1f MB |\n", name[number], median / unit,
                        median, (speeds[count] - speeds[1]) / median * 50, costs[middle], tails[middle] / 1000,
                        memory[number] / 1024
                }
            }'
    done
    end_servers
}

send() {
    if [[ ! $python || ! $taskset ]]; then echo '- send: needs taskset and python3, skipped'; return; fi
    node_peers
    local port
    port=$(free_port)
    serve "$port" "$data/server" "$port" || fail 'the C server does not listen'
    echo -e "\n## $SEND_COUNT distinct bodies signed and sent over 16 connections"
    if has_peer undici; then
        add 0 "Node, undici $(peer_version undici)" "$node" benches/peers/send.mjs "$SEND_COUNT" 16 "http://127.0.0.1:$port"
    fi
    add 0 '**whtool replay --concurrency 16**' $whtool replay payment.debited --to "http://127.0.0.1:$port/" \
        --repeat "$SEND_COUNT" --concurrency 16
    add 0 'whtool replay, one connection' $whtool replay payment.debited --to "http://127.0.0.1:$port/" --repeat "$SEND_COUNT"
    compare 0 2>$data/reports || { cat $data/reports; fail 'not everything was sent'; }
    end_servers
}

# A Python environment with aiohttp and FastAPI, installed once.
python_peers() {
    [[ $python ]] || return 0
    [[ -x $data/python/bin/python ]] || "$python" -m venv $data/python >/dev/null 2>&1 || true
    local name
    for name in aiohttp fastapi; do
        has_module $name || "$data/python/bin/pip" install --quiet $name 'uvicorn[standard]' >/dev/null 2>&1 \
            || echo "- $name: pip could not install it, skipped"
    done
}

has_module() { "$data/python/bin/python" -c "import $1" 2>/dev/null; }

lookups() {
    if [[ ! $curl || ! $python || ! $taskset ]]; then echo '- lookups: needs curl, taskset and python3, skipped'; return; fi
    node_peers
    python_peers
    local port url file=$data/references ideal
    port=$(free_port) url=http://127.0.0.1:$port
    export PLEXOS_API_URL=$url PLEXOS_PAY_SECRET_KEY=sk_test_benchmark
    serve "$port" "$data/slow" "$port" 50 || fail 'the slow server does not listen'
    seq -f 'pi_%.0f' "$LOOKUP_COUNT" >$file
    sed "s|.*|url = \"$url/v1/payments/&\"\noutput = \"/dev/null\"|" $file >$file.curl
    ideal=$((LOOKUP_COUNT / 50 * 50))
    expect "$LOOKUP_COUNT matched" whtool $whtool reconcile --from $file --concurrency 50
    echo -e "\n## $LOOKUP_COUNT lookups answered after 50 ms, 50 at a time; the ideal is $ideal ms"
    add 0 'curl --parallel' "$curl" --silent --parallel --parallel-max 50 -H 'Authorization: Bearer x' -K $file.curl
    add 0 '**whtool reconcile --concurrency 50**' $whtool reconcile --from $file --concurrency 50
    add 0 'whtool reconcile --json, all records' $whtool reconcile --from $file --concurrency 50 --json
    if has_peer undici; then
        add 0 "Node, undici $(peer_version undici)" "$node" benches/peers/lookups.mjs $file 50 "$url"
    fi
    ! has_module aiohttp || add 0 'Python, aiohttp' $data/python/bin/python benches/peers/lookups.py $file 50 "$url"
    compare 0 2>/dev/null
    end_servers
}

cargo build --release --quiet --bin whtool --example hyper
mkdir -p $data/home
for program in measure floor peers/server peers/slow; do
    binary=$data/${program##*/}
    [[ $binary -nt benches/$program.c ]] || cc -static -O2 -Wall -Wextra -o "$binary" benches/$program.c
done
case ${1:-all} in
    startup | sign | verify | receive | send | lookups) machine; "$1" ;;
    all) machine; startup; sign; verify; receive; send; lookups ;;
    *) fail "usage: benches/compare.sh [startup|sign|verify|receive|send|lookups|all]" ;;
esac
