//! Help of `sign`, `replay`, `samples`, `emulate` and `check`.

/// Command and its page.
pub const PAGES: [(&str, &str); 7] = [
    (
        "sign",
        r#"
Sign a payload and print headers, a curl command, a raw HTTP request or JSON

Examples:
  whtool sign payload.json
  whtool sign payload.json | \
    curl -H @- --data-binary @payload.json localhost:4848
  whtool sign payload.json --as curl --to http://localhost:3000/webhooks
  printf '%s' "$BODY" | whtool sign - --provider plexos --as digest

Usage: whtool sign [OPTIONS] <FILE>

Arguments:
  <FILE>  File with the payload, signed byte for byte; `-` reads standard input

Options:
      --provider <PROVIDER>  Provider to sign for (default: detected from the payload) [possible
                             values: plexos, plustive]
      --timestamp <TIME>     Signing time, as Unix seconds or RFC 3339 (default: now)
      --as <FORMAT>          Output format [possible values: headers, curl, http, json, digest]
                             [default: headers]
      --bare                 Write Plustive's signature without the `sha256=` prefix, as in its
                             guide
      --to <URL>             Target URL of the `curl`, `http` and `json` formats [default:
                             http://127.0.0.1:4848/]
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help

Secrets:
      --secret-file <FILE>  File that contains the signing secret; `-` reads standard input
      --secret-env <NAME>   Environment variable that contains the signing secret
      --secret <SECRET>     Signing secret (visible in the process list: prefer a file or the
                            environment)
"#,
    ),
    (
        "replay",
        r#"
Send samples, payload files or captures to a URL, re-signed or unchanged

Examples:
  whtool replay payment.debited
  whtool replay plustive:transaction.failed --to http://localhost:3000/hooks
  whtool replay payload.json --tamper
  whtool replay payment.debited --set data.amount=5000 --dry-run
  whtool replay payment.debited --repeat 5000 --concurrency 16
  whtool replay last --exact --to http://localhost:3000
  whtool replay --failed --since 2h --to http://localhost:3000
  whtool replay --from missed --to http://localhost:3000

Usage: whtool replay [OPTIONS] [SOURCE]...

Arguments:
  [SOURCE]...  Samples, captures, or files with a payload or captured requests (`-` reads standard
               input); sent in this order

Options:
      --to <URL>                    Target URL [default: http://127.0.0.1:4848/]
      --provider <PROVIDER>         Provider of payload files (default: detected from the payload)
                                    [possible values: plexos, plustive]
      --set <PATH=VALUE>            Set a field: data.amount=5000 keeps its type,
                                    `lines[0].paid:=true` sets JSON. No other byte changes. May be
                                    repeated
      --fixed                       Keep the published ids and times instead of generating new ones
      --timestamp <TIME>            Signing time, as Unix seconds or RFC 3339 (default: now)
      --bare                        Write Plustive's signature without the `sha256=` prefix, as in
                                    its guide
      --tamper                      Flip one bit of the body after signing
      --repeat <N>                  Send everything N times; samples get new ids each time [default:
                                    1]
      --concurrency <N>             Maximum number of concurrent requests [default: 1]
      --rate <N>                    Maximum number of requests per second
      --request-timeout <DURATION>  Timeout of one request [default: 30s]
      --insecure                    Do not verify TLS certificates
      --exact                       Send captures unchanged: same headers, body and signature
      --sign-unverified             Sign captures that no configured secret verifies: anyone may
                                    have written them
      --edit                        Open each body in an editor before signing
      --shuffle                     Send in random order
      --from <FILE>                 Read capture names, records of `events --json`, exported
                                    captures or the output of `reconcile --replay-list` from a file,
                                    one per line; `-` reads standard input
      --dry-run                     Print the requests instead of sending them
      --yes                         Skip the confirmation before sending to another machine
      --json                        Print one JSON record per line
      --store <FILE|URL>            Use this store instead of the default one: a file, postgres://…,
                                    or $VARIABLE with such a URL
      --inbox <NAME>                Inbox of a PostgreSQL store [default: default]
      --group <NAME>                Forwarding group of a PostgreSQL store: its members share the
                                    work, and each group gets all deliveries (default: user@host)
      --color <WHEN>                When to use colors [possible values: auto, always, never]
                                    [default: auto]
  -q, --quiet                       Print only the result and errors
      --reveal                      Show tokens, PINs and keys instead of masking them
  -v, --verbose                     Print more details
  -h, --help                        Print help

Filters:
      --from-provider <PROVIDER>  Only deliveries of this provider [possible values: plexos,
                                  plustive]
  -t, --type <GLOB>               Only events of these types, such as 'payment.*,refund.failed'. May
                                  be repeated
      --verdict <VERDICT>         Only deliveries with this verdict [possible values: verified,
                                  unsigned, malformed, mismatch, too_old, in_future, no_secret]
      --since <TIME>              Only deliveries since this time: 2h (ago), today, a date, RFC 3339
      --until <TIME>              Only deliveries before this time
      --reference <REFERENCE>     Only deliveries with this event id, payment, reference or
                                  clientReference
      --failed                    Only deliveries that were refused, or that the app did not answer
                                  with 2xx
      --grep <TEXT>               Only deliveries whose body contains this text
  -n, --limit <N>                 Only the newest N deliveries; 0 means all

Secrets:
      --secret-file <FILE>  File that contains the signing secret; `-` reads standard input
      --secret-env <NAME>   Environment variable that contains the signing secret
      --secret <SECRET>     Signing secret (visible in the process list: prefer a file or the
                            environment)
"#,
    ),
    (
        "samples",
        r"
List and print sample payloads for every event of both providers

Examples:
  whtool samples
  whtool samples list --provider plustive
  whtool samples show payment.debited
  whtool samples show payment.debited --set data.amount=5000 > payload.json
  whtool samples show transaction.completed.electricity --reveal

Usage: whtool samples [OPTIONS]
       whtool samples <COMMAND>

Commands:
  list  List all samples with their meaning
  show  Print a payload: compact and without a newline, as it is sent; pretty-printed on a terminal

Options:
      --provider <PROVIDER>  Only samples of this provider [possible values: plexos, plustive]
      --json                 Print one JSON record per line
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help
",
    ),
    (
        "emulate",
        r#"
Emulate both providers on this machine: API, state, signed webhooks and retries

Prints `export` lines with the URLs and keys that an app needs; everything else goes to stderr.
docs/emulator.md lists the routes, the faults and the control endpoint.

Examples:
  whtool emulate
  whtool emulate --plustive-url http://127.0.0.1:4848/ --speed 60
  whtool emulate --port 0 --seed 7 --speed 3600 --state emulator.json
  whtool emulate --fault duplicate=0.1 --fault 'drop=0.2,match=payment.*'
  whtool emulate --fault cut,provider=plexos,count=1
  whtool emulate --json -q > emulated.jsonl

Call an API in another terminal, after setting the printed variables:
  curl -H "Authorization: Bearer $PLEXOS_PAY_SECRET_KEY" \
    $PLEXOS_API_URL/v1/payments

Usage: whtool emulate [OPTIONS]

Options:
  -p, --port <PORT>                 Port to listen on; 0 picks a free one [default: 4850]
      --bind <ADDRESS>              Address to bind to, such as 0.0.0.0 or `[::]:3000`; localhost is
                                    127.0.0.1 and, if possible, ::1 [default: localhost]
      --allow-host <NAME>           Accept calls under this host name, besides localhost and its own
                                    address. May be repeated
      --seed <N>                    Random seed for ids, tokens and faults (default: random)
      --state <FILE>                Save the state to this file, and restore it at the next start
      --speed <FACTOR>              Speed of the emulator's clock; 3600 turns an hour into a second
                                    [default: 1]
      --plustive-url <URL>          Send Plustive webhooks to this URL; Plexos webhooks go to
                                    registered endpoints
      --variant <VARIANT>           Variant of the Plustive API and its webhooks [possible values:
                                    reference, guide] [default: reference]
      --fault <FAULT>               Make calls or deliveries fail: KIND[=PROBABILITY], then any of
                                    match=GLOB, provider=NAME, method=METHOD, count=N and seconds=N,
                                    separated by commas. KIND is duplicate, reorder, delay, drop,
                                    late, 429, 429-bare, 500, slow, cut or contradict. May be
                                    repeated
      --payment-life <DURATION>     Time until an unconfirmed Plexos payment expires, on the
                                    emulator's clock [default: 1h]
      --request-timeout <DURATION>  Timeout of one webhook request [default: 5s]
      --undocumented-webhook-calls  Support the undocumented calls that list, show, change and
                                    delete Plexos webhook endpoints
      --yes                         Send webhooks to other machines without confirmation
      --json                        Print one JSON record per line, for each call and delivery,
                                    instead of export lines
      --color <WHEN>                When to use colors [possible values: auto, always, never]
                                    [default: auto]
  -q, --quiet                       Print only the result and errors
      --reveal                      Show tokens, PINs and keys instead of masking them
  -v, --verbose                     Print more details
  -h, --help                        Print help
"#,
    ),
    (
        "check",
        r"
Test a webhook handler with signed, forged, stale and malformed events

Examples:
  whtool check http://localhost:3000/webhooks --provider plustive
  whtool check localhost:3000/webhooks/plexos --start 'node server.js'
  whtool check localhost:3000/plexos --only refuse --skip '*.timestamp.*'
  whtool check localhost:3000/plexos --html report.html --junit report.xml
  whtool check localhost:3000/plexos --effects ./count-orders.sh
  whtool check --list

The handler must use the same secret as whtool: PLEXOS_WEBHOOK_SECRET or PLUSTIVE_WEBHOOK_SECRET, or
one of the flags below. A handler that --start runs gets the secret in that variable, and the port
of the URL in PORT. It does not get your API keys: set the variable in COMMAND if it needs one.

Usage: whtool check [OPTIONS] [URL]

Arguments:
  [URL]  URL of the handler

Options:
      --provider <PROVIDER>    Provider whose events are sent (default: detected from the URL or
                               from the only configured secret) [possible values: plexos, plustive]
      --list                   List the probes without running them
      --only <PROBE>           Run only probes with these ids, prefixes (`refuse`) or globs
                               (`*.timestamp.*`). May be repeated
      --skip <PROBE>           Skip probes with these ids, prefixes or globs. May be repeated
      --budget <DURATION>      Maximum response time [default: 3s]
      --start <COMMAND>        Start the handler with this shell command, and stop it afterwards
      --effects <COMMAND|URL>  Count processed events with this shell command or URL, which must
                               return a number
      --curl                   Print a curl command that reproduces each failure
      --json                   Print one JSON record per line
      --junit <FILE>           Write a JUnit report to this file
      --html <FILE>            Write an HTML report to this file
      --insecure               Do not verify TLS certificates
      --yes                    Skip the confirmation before checking a handler on another machine
      --color <WHEN>           When to use colors [possible values: auto, always, never] [default:
                               auto]
  -q, --quiet                  Print only the result and errors
      --reveal                 Show tokens, PINs and keys instead of masking them
  -v, --verbose                Print more details
  -h, --help                   Print help

Secrets:
      --secret-file <FILE>  File that contains the signing secret; `-` reads standard input
      --secret-env <NAME>   Environment variable that contains the signing secret
      --secret <SECRET>     Signing secret (visible in the process list: prefer a file or the
                            environment)
",
    ),
    (
        "samples list",
        r"
List all samples with their meaning

Examples:
  whtool samples list --provider plustive

Usage: whtool samples list [OPTIONS]

Options:
      --provider <PROVIDER>  Only samples of this provider [possible values: plexos, plustive]
      --json                 Print one JSON record per line
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help
",
    ),
    (
        "samples show",
        r#"
Print a payload: compact and without a newline, as it is sent; pretty-printed on a terminal

Examples:
  whtool samples show payment.debited
  whtool samples show payment.debited --set data.amount=5000 > payload.json
  whtool samples show transaction.completed.electricity --reveal

Usage: whtool samples show [OPTIONS] <SAMPLE>

Arguments:
  <SAMPLE>  Name of the sample, such as payment.debited or plustive:transaction.failed

Options:
      --set <PATH=VALUE>  Set a field: data.amount=5000 keeps its type, `lines[0].paid:=true` sets
                          JSON. No other byte changes. May be repeated
      --fixed             Keep the published ids and times instead of generating new ones
      --color <WHEN>      When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet             Print only the result and errors
      --reveal            Show tokens, PINs and keys instead of masking them
  -v, --verbose           Print more details
  -h, --help              Print help
"#,
    ),
];
