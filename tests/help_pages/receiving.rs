//! Help of `whtool`, `listen`, `events` and `verify`.

/// Command and its page.
pub const PAGES: [(&str, &str); 11] = [
    (
        "",
        r"
The webhook workbench for Plexos Pay and Plustive: receive, verify, explain, sign and replay

First steps:
  whtool listen --demo             # show valid and invalid deliveries
  whtool listen                    # receive on http://127.0.0.1:4848
  whtool replay payment.debited    # send a signed sample to the listener

Usage: whtool [OPTIONS] <COMMAND>

Commands:
  listen       Receive webhooks on this machine: verify, store, acknowledge and show every delivery
  events       List, follow, show, compare, export and prune captures
  verify       Verify captured requests and name the cause of every failure
  learn        Show what the providers really send, from verified captures
  sign         Sign a payload and print headers, a curl command, a raw HTTP request or JSON
  replay       Send samples, payload files or captures to a URL, re-signed or unchanged
  samples      List and print sample payloads for every event of both providers
  register     Create a webhook endpoint at the provider and store its signing secret
  endpoints    Manage webhook endpoints that were registered on this machine
  reconcile    Compare orders and captured webhooks with the provider's records
  watch        Reconcile continuously: find missed events, deliver them, and report changes
  secret       Manage signing secrets: list, add, show, rotate and remove them
  store        Set up a store that a team shares, describe a store, and copy captures between stores
  emulate      Emulate both providers on this machine: API, state, signed webhooks and retries
  check        Test a webhook handler with signed, forged, stale and malformed events
  ui           Browse deliveries in a web browser: search, see causes, compare, replay
  mcp          Serve the Model Context Protocol to coding agents, over standard input and output
  config       Show the effective settings and where they come from
  doctor       Check settings, secrets, files, the store, the clock and endpoints
  completions  Print a script that completes commands, flags and values in a shell
  man          Print a manual page, or write all of them to a directory
  help         Show help for a command or a topic (exit-codes, environment, formats, providers)

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
  -V, --version       Print version

Exit status: 0 success, 1 negative result, 2 usage, 3 failed, 4 credentials, 130 interrupted.
More help: whtool help exit-codes | environment | formats | providers
",
    ),
    (
        "listen",
        r"
Receive webhooks on this machine: verify, store, acknowledge and show every delivery

Listens on any path. Verified deliveries are answered with 200 once they are stored; everything else
gets 401 without an explanation. The reason is shown here.

Examples:
  whtool listen --demo
  whtool listen --port 3000 --type 'payment.*'
  whtool listen --json --count 1 --timeout 30s > delivery.json
  whtool listen --expect 'payment.debited,data.amount=10000' --timeout 1m
  whtool listen --forward-to http://localhost:3000/webhooks
  whtool listen --ui --forward-to 3000
  PLEXOS_WEBHOOK_SECRET=whsec_… whtool listen --compact

Usage: whtool listen [OPTIONS]

Options:
  -p, --port <PORT>           Port to listen on; 0 picks a free one [default: 4848]
      --bind <ADDRESS>        Address to bind to, such as 0.0.0.0 or `[::]:3000`; localhost is
                              127.0.0.1 and, if possible, ::1 [default: localhost]
      --max-body <SIZE>       Maximum size of a body, such as 500kB or 20MiB [default: 1MiB]
      --refused-limit <SIZE>  Maximum space in the store for requests that were not verified; the
                              oldest go first [default: 64MiB]
      --tolerance <DURATION>  Maximum age of a signed timestamp, past or future [default: 5m]
      --observe               Answer 200 to every request, but still report verification results
      --answer <STATUS,…>     Answer verified events with these statuses, in order; the last one
                              repeats. Events that are refused are stored, but not forwarded
      --demo                  Send valid and invalid sample deliveries to this listener
      --compact               Print one line per event, without the payload
  -t, --type <GLOB>           Show and count only events of these types, such as
                              'payment.*,refund.failed'. May be repeated
      --json                  Print one JSON record per line; the first reports the URL once the
                              listener is ready
  -n, --count <N>             Exit after N different verified events: with status 0, or 1 if the app
                              has not accepted them
      --expect <EVENT>        Exit, as with --count, after an event TYPE or TYPE,PATH=VALUE,…. May
                              be repeated: the events must come in this order; others may come in
                              between
      --timeout <DURATION>    Exit with status 1 after this time
      --store <FILE|URL>      Use this store instead of the default one: a file, postgres://…, or
                              $VARIABLE with such a URL
      --inbox <NAME>          Inbox of a PostgreSQL store [default: default]
      --no-store              Do not store deliveries, only show them
      --ui[=<PORT>]           Serve the page of `whtool ui` on this port of its own [default: 4849]
      --color <WHEN>          When to use colors [possible values: auto, always, never] [default:
                              auto]
  -q, --quiet                 Print only the result and errors
      --reveal                Show tokens, PINs and keys instead of masking them
  -v, --verbose               Print more details
  -h, --help                  Print help

Forwarding:
  -f, --forward-to <URL>            Forward verified deliveries to your app;
                                    'payment.*,refund.failed=URL' forwards only matching types. A
                                    URL without a path gets the path of the request. May be repeated
      --passthrough                 Return the app's response to the provider instead of 200
      --ordered                     Forward deliveries about the same payment one at a time
      --resign                      Re-sign deliveries with the local test secret
      --retry <N>                   Retry up to N times while the app is down or answers 5xx
                                    [default: 10]
      --retry-pause <DURATION>      Pause before the first retry; doubles with each retry [default:
                                    1s]
      --give-up-after <DURATION>    Age of a delivery after which it is not forwarded any more
                                    [default: 3d]
      --forward-timeout <DURATION>  Timeout of one request to the app [default: 30s]
      --header <NAME: VALUE>        Set a header, replacing any with the same name. May be repeated
      --insecure                    Do not verify TLS certificates
      --group <NAME>                Forwarding group of a PostgreSQL store: its members share the
                                    work, and each group gets all deliveries (default: user@host)
      --in-flight <N>               Maximum number of deliveries forwarded at once [default: 16]
      --yes                         Skip the confirmation before forwarding to another machine, and
                                    before --register or --answer with a live key

Command:
      --exec <COMMAND>           Run this shell command for each verified event, with its JSON
                                 record on standard input; not for duplicates, nor with API keys or
                                 signing secrets in its environment
      --exec-timeout <DURATION>  Time limit of one command [default: 30s]

Tunnel:
      --tunnel [<PROGRAM>]        Give the listener a public URL with this program: cloudflared,
                                  ngrok, tailscale, zrok, localhost.run, pinggy, serveo, or ssh:HOST
                                  with --public-url. Without a value, with the first one that is
                                  installed
      --tunnel-command <COMMAND>  Run this shell command as the tunnel; {port} is replaced by the
                                  listener's port
      --tunnel-url <REGEX>        Regular expression that finds the URL in the output of
                                  --tunnel-command
      --public-url <URL>          Public URL of the tunnel, if it is known before
      --register [<PATH>]         Register the URL with Plexos Pay while the tunnel is up, with this
                                  path, and delete the endpoint at the end
      --allow-http                Accept http URLs and private addresses as the public URL, for
                                  tests

Secrets:
      --secret-file <FILE>  File that contains the signing secret; `-` reads standard input
      --secret-env <NAME>   Environment variable that contains the signing secret
      --secret <SECRET>     Signing secret (visible in the process list: prefer a file or the
                            environment)
",
    ),
    (
        "events",
        r"
List, follow, show, compare, export and prune captures

`whtool listen` stores every delivery that it receives, accepted or refused. Name a capture by its
number (42), as last or last~2, by its event id (evt_…), or by its payment or reference (pi_…,
PLS-…). 40..45 names a range.

Examples:
  whtool events --type 'payment.*' --since 2h
  whtool events --failed --json
  whtool events --follow --limit 10 --compact
  whtool events list --limit 100
  whtool events show last
  whtool events show last --body > payload.json
  whtool events show last --bundle for-support.json
  whtool events diff last~1 last
  whtool events export 40..45 > deliveries.ndjson
  whtool events export --since 1d --as har > deliveries.har
  whtool events stats --provider plexos
  whtool events prune --older-than 30d --yes

Usage: whtool events [OPTIONS]
       whtool events <COMMAND>

Commands:
  list    List captures, newest last: a table on a terminal; -v shows everything about each
  show    Show a capture: request, payload, verdict with its causes, and what the app answered
  diff    Compare two captures: first different byte, JSON paths, and headers
  export  Export captures as JSON lines or as an HTTP archive
  stats   Count captures by provider, type, verdict and hour, and sum the amounts of verified events
  prune   Remove old captures; without --yes, only show what would be removed

Options:
      --json              Print one JSON record per line
      --store <FILE|URL>  Use this store instead of the default one: a file, postgres://…, or
                          $VARIABLE with such a URL
      --inbox <NAME>      Inbox of a PostgreSQL store [default: default]
      --color <WHEN>      When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet             Print only the result and errors
      --reveal            Show tokens, PINs and keys instead of masking them
  -v, --verbose           Print more details
  -h, --help              Print help

Filters:
      --provider <PROVIDER>    Only deliveries of this provider [possible values: plexos, plustive]
  -t, --type <GLOB>            Only events of these types, such as 'payment.*,refund.failed'. May be
                               repeated
      --verdict <VERDICT>      Only deliveries with this verdict [possible values: verified,
                               unsigned, malformed, mismatch, too_old, in_future, no_secret]
      --since <TIME>           Only deliveries since this time: 2h (ago), today, a date, RFC 3339
      --until <TIME>           Only deliveries before this time
      --reference <REFERENCE>  Only deliveries with this event id, payment, reference or
                               clientReference
      --failed                 Only deliveries that were refused, or that the app did not answer
                               with 2xx
      --grep <TEXT>            Only deliveries whose body contains this text
  -n, --limit <N>              Only the newest N deliveries; 0 means all
      --all                    List all captures instead of the newest 50

Following:
  -f, --follow              Go on showing deliveries as any listener stores them
      --compact             Print one line per event, without the payload
      --count <N>           Exit with status 0 after N different verified events that are new
      --timeout <DURATION>  Exit with status 1 after this time
",
    ),
    (
        "verify",
        r"
Verify captured requests and name the cause of every failure

Reads raw HTTP, JSON of any tool (HAR, AWS Lambda, ngrok, Postman), curl commands, packet captures,
proxies' files and logs; the format is detected. `whtool help formats` lists them.

Examples:
  whtool verify request.http
  whtool verify deliveries.ndjson --at arrived
  whtool verify capture.pcap --at arrived
  whtool verify --body payload.json -H 'X-Plustive-Signature: sha256=…'
  whtool verify handler-saw.http --against last
  whtool verify 40..45
  whtool verify request.http --computed \
    5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843
  whtool verify request.http --framework express
  curl -s https://example.com/archive.har | whtool verify --any-age

Usage: whtool verify [OPTIONS] [FILE]

Arguments:
  [FILE]  File with captured requests, or a stored capture: 42, last, 40..45, evt_…; without it, or
          with `-`, standard input

Options:
      --body <FILE>           File with the body of one request; pass its headers with --header
  -H, --header <NAME: VALUE>  Header of the request with that body, or with the payload in FILE. May
                              be repeated
      --at <TIME>             Check timestamps as of this time instead of now: Unix seconds, RFC
                              3339, or `arrived` (the time in each record)
      --any-age               Accept signed timestamps of any age
      --tolerance <DURATION>  Maximum age of a signed timestamp, past or future [default: 5m]
      --json                  Print one JSON record per line
      --store <FILE|URL>      Use this store instead of the default one: a file, postgres://…, or
                              $VARIABLE with such a URL
      --inbox <NAME>          Inbox of a PostgreSQL store [default: default]
      --color <WHEN>          When to use colors [possible values: auto, always, never] [default:
                              auto]
  -q, --quiet                 Print only the result and errors
      --reveal                Show tokens, PINs and keys instead of masking them
  -v, --verbose               Print more details
  -h, --help                  Print help

Diagnosis:
      --against <CAPTURE>      Compare with a capture of the same request: number, last, event id or
                               reference
      --computed <DIGEST>      Explain a digest that your own code computed, in hex or base64
      --framework <FRAMEWORK>  Print handler code for this framework that verifies the raw body
                               [possible values: express, fastify, next, nest, flask, fastapi,
                               django, rails, php, laravel, spring, gin, aspnet, axum]

Secrets:
      --secret-file <FILE>  File that contains the signing secret; `-` reads standard input
      --secret-env <NAME>   Environment variable that contains the signing secret
      --secret <SECRET>     Signing secret (visible in the process list: prefer a file or the
                            environment)
",
    ),
    (
        "events list",
        r"
List captures, newest last: a table on a terminal; -v shows everything about each

Examples:
  whtool events list --limit 100

Usage: whtool events list [OPTIONS]

Options:
      --json              Print one JSON record per line
      --store <FILE|URL>  Use this store instead of the default one: a file, postgres://…, or
                          $VARIABLE with such a URL
      --inbox <NAME>      Inbox of a PostgreSQL store [default: default]
      --color <WHEN>      When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet             Print only the result and errors
      --reveal            Show tokens, PINs and keys instead of masking them
  -v, --verbose           Print more details
  -h, --help              Print help

Filters:
      --provider <PROVIDER>    Only deliveries of this provider [possible values: plexos, plustive]
  -t, --type <GLOB>            Only events of these types, such as 'payment.*,refund.failed'. May be
                               repeated
      --verdict <VERDICT>      Only deliveries with this verdict [possible values: verified,
                               unsigned, malformed, mismatch, too_old, in_future, no_secret]
      --since <TIME>           Only deliveries since this time: 2h (ago), today, a date, RFC 3339
      --until <TIME>           Only deliveries before this time
      --reference <REFERENCE>  Only deliveries with this event id, payment, reference or
                               clientReference
      --failed                 Only deliveries that were refused, or that the app did not answer
                               with 2xx
      --grep <TEXT>            Only deliveries whose body contains this text
  -n, --limit <N>              Only the newest N deliveries; 0 means all
      --all                    List all captures instead of the newest 50

Following:
  -f, --follow              Go on showing deliveries as any listener stores them
      --compact             Print one line per event, without the payload
      --count <N>           Exit with status 0 after N different verified events that are new
      --timeout <DURATION>  Exit with status 1 after this time
",
    ),
    (
        "events show",
        r"
Show a capture: request, payload, verdict with its causes, and what the app answered

Examples:
  whtool events show last
  whtool events show last --body > payload.json
  whtool events show last --bundle for-support.json

Usage: whtool events show [OPTIONS] [CAPTURE]

Arguments:
  [CAPTURE]  Capture: number, last, last~2, range (40..45), event id or reference [default: last]

Options:
      --raw               Print the request as raw HTTP: headers and body byte for byte, chunks
                          decoded
      --body              Print only the body, byte for byte
      --as <FORMAT>       Print the capture in this format [possible values: curl, http, har, json]
      --bundle <FILE>     Write a file for the provider's support, without secrets, tokens, phone
                          numbers, e-mail addresses and names
      --yes               Skip the confirmation before writing the bundle
      --to <URL>          Target URL of the curl command; without a path, the capture's path and
                          query are added [default: http://127.0.0.1:4848/]
      --store <FILE|URL>  Use this store instead of the default one: a file, postgres://…, or
                          $VARIABLE with such a URL
      --inbox <NAME>      Inbox of a PostgreSQL store [default: default]
      --color <WHEN>      When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet             Print only the result and errors
      --reveal            Show tokens, PINs and keys instead of masking them
  -v, --verbose           Print more details
  -h, --help              Print help

Secrets:
      --secret-file <FILE>  File that contains the signing secret; `-` reads standard input
      --secret-env <NAME>   Environment variable that contains the signing secret
      --secret <SECRET>     Signing secret (visible in the process list: prefer a file or the
                            environment)
",
    ),
    (
        "events diff",
        r"
Compare two captures: first different byte, JSON paths, and headers

Exits with status 0 if the bodies are identical, and 1 if not. Headers do not affect the status,
because a retried delivery has another signature.

Examples:
  whtool events diff last~1 last

Usage: whtool events diff [OPTIONS] <CAPTURE> <CAPTURE>

Arguments:
  <CAPTURE>  First capture: number, last, last~2, event id or reference
  <CAPTURE>  Second capture

Options:
      --json              Print one JSON record
      --store <FILE|URL>  Use this store instead of the default one: a file, postgres://…, or
                          $VARIABLE with such a URL
      --inbox <NAME>      Inbox of a PostgreSQL store [default: default]
      --color <WHEN>      When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet             Print only the result and errors
      --reveal            Show tokens, PINs and keys instead of masking them
  -v, --verbose           Print more details
  -h, --help              Print help
",
    ),
    (
        "events export",
        r"
Export captures as JSON lines or as an HTTP archive

`whtool verify` reads both formats. Bodies and headers are written unmasked.

Examples:
  whtool events export 40..45 > deliveries.ndjson
  whtool events export --since 1d --as har > deliveries.har

Usage: whtool events export [OPTIONS] [CAPTURE]...

Arguments:
  [CAPTURE]...  Captures to export, instead of filters: numbers, last, ranges (40..45), event ids or
                references

Options:
      --as <FORMAT>       Output format [possible values: ndjson, har] [default: ndjson]
      --store <FILE|URL>  Use this store instead of the default one: a file, postgres://…, or
                          $VARIABLE with such a URL
      --inbox <NAME>      Inbox of a PostgreSQL store [default: default]
      --color <WHEN>      When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet             Print only the result and errors
      --reveal            Show tokens, PINs and keys instead of masking them
  -v, --verbose           Print more details
  -h, --help              Print help

Filters:
      --provider <PROVIDER>    Only deliveries of this provider [possible values: plexos, plustive]
  -t, --type <GLOB>            Only events of these types, such as 'payment.*,refund.failed'. May be
                               repeated
      --verdict <VERDICT>      Only deliveries with this verdict [possible values: verified,
                               unsigned, malformed, mismatch, too_old, in_future, no_secret]
      --since <TIME>           Only deliveries since this time: 2h (ago), today, a date, RFC 3339
      --until <TIME>           Only deliveries before this time
      --reference <REFERENCE>  Only deliveries with this event id, payment, reference or
                               clientReference
      --failed                 Only deliveries that were refused, or that the app did not answer
                               with 2xx
      --grep <TEXT>            Only deliveries whose body contains this text
  -n, --limit <N>              Only the newest N deliveries; 0 means all
",
    ),
    (
        "learn",
        r"
Show what the providers really send, from verified captures

The providers' documents contradict each other and leave much open. For each such point, this shows
what arrived, how often, and when first and last. Samples and everything else that is signed with
the local test secret are left out.

Examples:
  whtool learn
  whtool learn --types zod > webhooks.ts
  whtool learn --save facts.json
  whtool learn --against facts.json --since 1d
  whtool learn --report > report.json

Exit status:
  0  done; with --against: nothing is different
  1  with --against: there are differences
  3  nothing was captured, or a file could not be read

Usage: whtool learn [OPTIONS]

Options:
      --provider <PROVIDER>  Only this provider [possible values: plexos, plustive]
      --since <TIME>         Only deliveries since this time: 2h (ago), today, a date, RFC 3339
      --until <TIME>         Only deliveries before this time
      --types <LANGUAGE>     Print types of the payloads, from captures and documents together
                             [possible values: ts, zod, pydantic, go, json-schema]
      --save <FILE>          Write the facts to this file, for --against
      --against <FILE>       Compare with the facts in this file: new or missing fields, other
                             types, unknown events, statuses and forms
      --json                 Print JSON: the facts as one record, without ids, amounts, names or
                             phone numbers; with --against, one record per difference [alias:
                             --report]
      --store <FILE|URL>     Use this store instead of the default one: a file, postgres://…, or
                             $VARIABLE with such a URL
      --inbox <NAME>         Inbox of a PostgreSQL store [default: default]
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help
",
    ),
    (
        "events stats",
        r"
Count captures by provider, type, verdict and hour, and sum the amounts of verified events

Duplicates of an event count once in the totals. A payment can have several events (created,
debited), each with its amount, so the totals by type are more useful than the total of all.

Examples:
  whtool events stats --provider plexos

Usage: whtool events stats [OPTIONS]

Options:
      --json              Print one JSON record
      --store <FILE|URL>  Use this store instead of the default one: a file, postgres://…, or
                          $VARIABLE with such a URL
      --inbox <NAME>      Inbox of a PostgreSQL store [default: default]
      --color <WHEN>      When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet             Print only the result and errors
      --reveal            Show tokens, PINs and keys instead of masking them
  -v, --verbose           Print more details
  -h, --help              Print help

Filters:
      --provider <PROVIDER>    Only deliveries of this provider [possible values: plexos, plustive]
  -t, --type <GLOB>            Only events of these types, such as 'payment.*,refund.failed'. May be
                               repeated
      --verdict <VERDICT>      Only deliveries with this verdict [possible values: verified,
                               unsigned, malformed, mismatch, too_old, in_future, no_secret]
      --since <TIME>           Only deliveries since this time: 2h (ago), today, a date, RFC 3339
      --until <TIME>           Only deliveries before this time
      --reference <REFERENCE>  Only deliveries with this event id, payment, reference or
                               clientReference
      --failed                 Only deliveries that were refused, or that the app did not answer
                               with 2xx
      --grep <TEXT>            Only deliveries whose body contains this text
  -n, --limit <N>              Only the newest N deliveries; 0 means all
",
    ),
    (
        "events prune",
        r"
Remove old captures; without --yes, only show what would be removed

Examples:
  whtool events prune --older-than 30d --yes

Usage: whtool events prune [OPTIONS] --older-than <TIME>

Options:
      --older-than <TIME>  Remove captures from before this time: 30d (ago), today, a date, RFC 3339
      --yes                Remove the captures instead of only counting them
      --even-undelivered   Also remove deliveries that have not been forwarded yet
      --json               Print one JSON record
      --store <FILE|URL>   Use this store instead of the default one: a file, postgres://…, or
                           $VARIABLE with such a URL
      --inbox <NAME>       Inbox of a PostgreSQL store [default: default]
      --color <WHEN>       When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet              Print only the result and errors
      --reveal             Show tokens, PINs and keys instead of masking them
  -v, --verbose            Print more details
  -h, --help               Print help
",
    ),
];
