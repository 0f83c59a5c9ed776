#!/usr/bin/env bash
# Measures whtool beside other ways to do the same, all in one run and by turns, and prints Markdown tables of ratios.
#
#   benches/compare.sh [startup|sign|verify|all]
#
# ROUNDS (5)                rounds; the medians of their times count
# SPELL (0.3)               seconds that a round gives a program which is over at once, run again and again
# SIGN_BYTES (1000000000)   size of the large payload
# VERIFY_LINES (100000)     captured lines for the comparison
# GROWTH_LINES ("10000 100000 1000000")  how many lines whtool alone is given, to see how time and memory grow
# QUICK=1                   other defaults, for a run of less than a minute
#
# Needs cargo and cc; peers that are not installed are left out. Test data are kept in target/bench, some 3 GB.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ${QUICK:-} ]]; then
    : "${ROUNDS:=3}" "${SPELL:=0.1}" "${SIGN_BYTES:=100000000}" "${VERIFY_LINES:=20000}" "${GROWTH_LINES:=2000 20000}"
fi
: "${ROUNDS:=5}" "${SPELL:=0.3}" "${SIGN_BYTES:=1000000000}" "${VERIFY_LINES:=100000}" "${GROWTH_LINES:=10000 100000 1000000}"
data=target/bench
whtool=target/release/whtool
export WHTOOL_HOME=$data/home PLEXOS_WEBHOOK_SECRET=whsec_benchmark_plexos PLUSTIVE_WEBHOOK_SECRET=benchmark_plustive

# The programs themselves: a version manager's wrapper would be measured with them.
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null || true)
node=$(node -p process.execPath 2>/dev/null || true)
openssl=$(command -v openssl || true)
curl=$(command -v curl || true)
taskset=$(command -v taskset || true)

fail() { echo "compare.sh: $*" >&2; exit 1; }

# Gathers `STATUS NAME command…` in the list that `measure` takes; says so when the program is not there.
jobs=()
add() {
    if [[ ! $3 ]]; then echo "- $2: not installed, left out"; return; fi
    [[ ${#jobs[@]} -eq 0 ]] || jobs+=(--)
    jobs+=("$@")
}

# Measures what was gathered, and prints it as a table: wall and CPU time as parts of the first one's. Where names are
# numbers, time is that of one of so many.
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

# What the output of a command must be.
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
    echo "Versions: $versions. Rounds: $ROUNDS, by turns; medians."
    echo "Load before: $(cut -d ' ' -f 1 /proc/loadavg)."
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

# The large payload: bytes that nothing can compress or guess, and that are the same each time.
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
    [[ $openssl ]] || { echo '- sign: openssl is not installed, left out'; return; }
    echo -e "\n## Sign one payload of $((SIGN_BYTES / 1000000)) MB"
    sign_with_everything "$(payload "$SIGN_BYTES")" 0
    echo -e '\n## Sign one payload of 300 bytes, whole process'
    sign_with_everything "$(payload 300)" "$SPELL"
}

# Captured lines, and beside them what must be counted.
captures() { # COUNT good|bad
    local file=$data/captures-$1-$2
    [[ -s $file.counts && $file.counts -nt benches/captures.py ]] || "$python" benches/captures.py "$1" "$2" "$file"
    echo "$file"
}

# whtool's own summary, by verdict, as the generator writes it.
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
    echo "Right counts of all three: \`$(<"$file.counts")\`."
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
    [[ $python ]] || { echo '- verify: python3 is not installed, left out'; return; }
    local count file
    echo -e "\n## Verify $VERIFY_LINES captured lines, all of them good"
    verify_with_everything good 0
    echo -e "\n## Verify $VERIFY_LINES captured lines, one in 200 bad"
    verify_with_everything bad 1
    echo -e '\n## How verifying grows: time for each good line'
    for count in $GROWTH_LINES; do
        file=$(captures "$count" good)
        check_counts "$file"
        add 0 "$count lines" $whtool verify -q --at arrived "$file"
    done
    compare 0
}

cargo build --release --quiet
mkdir -p $data/home
for program in measure floor; do
    [[ $data/$program -nt benches/$program.c ]] || cc -static -O2 -Wall -Wextra -o $data/$program benches/$program.c
done
case ${1:-all} in
    startup | sign | verify) machine; "$1" ;;
    all) machine; startup; sign; verify ;;
    *) fail "usage: benches/compare.sh [startup|sign|verify|all]" ;;
esac
