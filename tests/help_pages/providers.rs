//! Help of `register`, `endpoints`, `reconcile` and `watch`.

/// Command and its page.
pub const PAGES: [(&str, &str); 9] = [
    (
        "register",
        r"
Create a webhook endpoint at the provider and store its signing secret

Examples:
  whtool register --url https://shop.example.com/webhooks/plexos
  whtool register --url https://shop.example.com/hooks --events 'payment.*'
  whtool register --url https://shop.example.com/hooks --env-file .env
  whtool register --url http://127.0.0.1:4848/ --allow-http  # at the emulator

The provider shows the secret only once. It is stored before anything is printed; listen, verify,
sign and replay use it from then on.

Usage: whtool register [OPTIONS] --url <URL>

Options:
      --url <URL>            URL that the provider sends events to
      --events <LIST>        Events to receive: names, globs such as payment.*, or all; separated by
                             commas [default: all]
      --description <TEXT>   Label shown in the dashboard
      --provider <PROVIDER>  Provider to register with [default: plexos] [possible values: plexos,
                             plustive]
      --again                Register even if this URL is already in the registry
      --allow-http           Accept http URLs and private addresses, for tests
      --yes                  Skip the confirmation before using a live key
      --print-secret         Also print the secret
      --env-file <FILE>      Write the secret to this .env file as PLEXOS_WEBHOOK_SECRET=…; other
                             lines stay unchanged
      --json                 Print one JSON record
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help

API:
      --api-url <URL>               Base URL of the API, such as that of the emulator [env:
                                    PLEXOS_API_URL, PLUSTIVE_API_URL]
      --key-file <FILE>             File that contains the API key; `-` reads standard input
      --key-env <NAME>              Environment variable that contains the API key (default:
                                    PLEXOS_PAY_SECRET_KEY or PLUSTIVE_API_KEY)
      --request-timeout <DURATION>  Timeout of one request to the API [default: 30s]
",
    ),
    (
        "endpoints",
        r"
Manage webhook endpoints that were registered on this machine

Examples:
  whtool endpoints
  whtool endpoints list --json
  whtool endpoints show we_abc123
  whtool endpoints --remote            # ask the provider
  whtool endpoints update we_abc123 --events 'payment.*'
  whtool endpoints delete we_abc123
  whtool endpoints forget we_abc123    # remove it from the registry only

An endpoint counts as proved once a delivery has arrived that was verified with its secret. Plexos
Pay documents only the call that creates endpoints; whtool tries the others, and refers you to the
dashboard if they do not exist.

Usage: whtool endpoints [OPTIONS]
       whtool endpoints <COMMAND>

Commands:
  list    List the endpoints that were registered on this machine
  show    Show one endpoint
  update  Change an endpoint at the provider, if its API supports that
  delete  Delete an endpoint at the provider, if its API supports that; its stored secret is retired
  forget  Remove an endpoint from the registry; the provider and the stored secret are not changed

Options:
      --remote               Ask the provider instead of the registry
      --provider <PROVIDER>  Provider to query [default: plexos] [possible values: plexos, plustive]
      --json                 Print one JSON record per line
      --store <FILE|URL>     Use this store instead of the default one: a file, postgres://…, or
                             $VARIABLE with such a URL
      --inbox <NAME>         Inbox of a PostgreSQL store [default: default]
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help

API:
      --api-url <URL>               Base URL of the API, such as that of the emulator [env:
                                    PLEXOS_API_URL, PLUSTIVE_API_URL]
      --key-file <FILE>             File that contains the API key; `-` reads standard input
      --key-env <NAME>              Environment variable that contains the API key (default:
                                    PLEXOS_PAY_SECRET_KEY or PLUSTIVE_API_KEY)
      --request-timeout <DURATION>  Timeout of one request to the API [default: 30s]
",
    ),
    (
        "reconcile",
        r"
Compare orders and captured webhooks with the provider's records

Looks up every reference: pi_…, re_… and cs_… at Plexos Pay, PLS-… and anything else at Plustive.
Each record is compared with the webhooks that `whtool listen` captured, and with the orders in a
list. Nothing is changed at the provider.

Examples:
  whtool reconcile PLS-7XKQR4N
  whtool reconcile pi_def456 --wait 2m
  whtool reconcile --from orders.csv --column reference=payment_id --decimal
  whtool reconcile --since 24h --only differences --csv > differences.csv
  whtool reconcile --open --resume run.journal
  whtool reconcile --from orders.csv --replay-list missed
  whtool reconcile --all --day yesterday --from orders.csv

Exit status:
  0  everything matches
  1  there are differences, or payments still open after --wait
  3  a lookup failed, so the list of differences is incomplete

Usage: whtool reconcile [OPTIONS] [REFERENCE]...

Arguments:
  [REFERENCE]...  Payments, refunds, checkout sessions or transactions to look up, or your own
                  references at Plustive

Options:
      --from <FILE>            Read orders from a file: CSV, JSON, a workbook, the output of a
                               database's client, or one reference per line; `-` reads standard
                               input. With --query, an SQLite database or postgres://…; `env:NAME`
                               reads the URL from a variable
      --column <COLUMN=NAME>   Name of a column in the list: reference=NAME, status=NAME,
                               amount=NAME, currency=NAME, id=NAME (the order's own) or
                               created=NAME. May be repeated
      --decimal                Read amounts in the list as decimals such as 100.00 instead of minor
                               units
      --amounts <NOTATION>     Notation of amounts in the list: minor (10000), decimal (100.00),
                               point (1,000.00) or comma (1.000,00); by default it is decided for
                               the whole column
      --sheet <NAME>           Sheet of a workbook to read (default: the first one with rows)
      --expect-rows <N>        Number of rows that the list must have: N, or '>=N' for at least N
      --status <WORD=MEANING>  Meaning of a status word in the list: open, paid, failed, expired,
                               canceled, refunded, partly_refunded or ignore. May be repeated
      --all                    Read the provider's own list since --since or --day, and find
                               payments that no order knows. Orders match by the provider's id or by
                               their own number (externalId). Plexos Pay only
      --open                   Look up only open payments and purchases, from the list or from
                               captures
      --provider <PROVIDER>    Provider to query (default: detected from each reference) [possible
                               values: plexos, plustive]
      --wait <DURATION>        Poll open payments until they end or this time has passed
      --stale <DURATION>       Report payments that are still open after this time
      --concurrency <N>        Maximum number of concurrent requests [default: 16]
      --rate <N>               Maximum number of requests per second
      --retry <N>              Retry a lookup up to N times after a 5xx or without a response
                               [default: 4]
      --resume <FILE>          Save responses to this journal; if it exists, resume that run
      --replay-list <FILE>     Write the events that the app missed to this file, for `whtool replay
                               --from`
      --only <CLASS>           Show only rows of this class, `differences` or `accepted`; totals
                               still include every row. May be repeated [possible values:
                               settled_agreed, still_open, stale, app_did_not_take,
                               delivered_refused, never_delivered, order_behind, currency_differs,
                               amount_differs, status_differs, two_bodies, duplicate_order,
                               not_in_orders, unknown_to_provider, could_not_tell, differences,
                               accepted]
      --json                   Print one JSON record per line; the last one has the totals
      --csv [<FILE>]           Print CSV for spreadsheets, or write the complete table to a file
      --color <WHEN>           When to use colors [possible values: auto, always, never] [default:
                               auto]
  -q, --quiet                  Print only the result and errors
      --reveal                 Show tokens, PINs and keys instead of masking them
  -v, --verbose                Print more details
  -h, --help                   Print help

Commands and databases:
      --from-command <COMMAND>      Read orders from the output of a command, such as a database
                                    client. The run ends without any result if the command fails
      --query <SQL>                 Read orders from the database in --from with this SELECT;
                                    `@FILE` reads it from a file
      --command-timeout <DURATION>  Maximum run time of --from-command or --query [default: 10m]

Period:
      --day <DAY>     Count only what was created on this day: today, yesterday or a date. Without
                      references or a list, look up what was captured since then
      --since <TIME>  Count only what was created since this time: 2h (ago), today, a date, RFC
                      3339. Without references or a list, look up everything captured since then
      --until <TIME>  Count only what was created, or captured, before this time
      --tz <ZONE>     Time zone of days, dates and reports, such as Africa/Lagos (default: that of
                      this machine)

Accepted differences:
      --known <FILE>
          Do not count the differences in this file: CLASS REFERENCE per line, with a note after #
      --accept <CLASS:REFERENCE[=NOTE]>
          Add a difference of this run to the file, with its facts:
          amount_differs:pi_def456=rounding. May be repeated

Reports:
      --html <FILE>       Write a page for people who check the books
      --junit <FILE>      Write a JUnit report for CI: differences are failures, inconclusive
                          references are errors
      --summary           Print five lines for a chat or a mail instead of the rows
      --fail-on <CLASS>   Exit with status 1 only for these classes (default: every difference). May
                          be repeated [possible values: still_open, stale, app_did_not_take,
                          delivered_refused, never_delivered, order_behind, currency_differs,
                          amount_differs, status_differs, two_bodies, duplicate_order,
                          not_in_orders, unknown_to_provider]
      --store <FILE|URL>  Use this store instead of the default one: a file, postgres://…, or
                          $VARIABLE with such a URL
      --inbox <NAME>      Inbox of a PostgreSQL store [default: default]

API:
      --api-url <URL>               Base URL of the API, such as that of the emulator [env:
                                    PLEXOS_API_URL, PLUSTIVE_API_URL]
      --key-file <FILE>             File that contains the API key; `-` reads standard input
      --key-env <NAME>              Environment variable that contains the API key (default:
                                    PLEXOS_PAY_SECRET_KEY or PLUSTIVE_API_KEY)
      --request-timeout <DURATION>  Timeout of one request to the API [default: 30s]
",
    ),
    (
        "watch",
        r"
Reconcile continuously: find missed events, deliver them, and report changes

Reads the orders and looks them up again and again. A difference is reported once, and once more
when the orders agree again. With --deliver, an event that the app has missed is rebuilt, signed and
sent to it, once per payment and status; only orders that agree afterwards are repaired.
docs/watch.md describes how to run it on a server.

Examples:
  whtool watch --from orders.csv --once
  whtool watch --from orders.csv --alert 'mail -s whtool ops@example.com'
  whtool watch --from-command 'psql --csv --file orders.sql shop'
  whtool watch --from shop.db --query 'SELECT * FROM recent_orders' --every 5m
  whtool watch --from orders.csv --deliver --to http://localhost:3000/webhooks
  whtool watch --from orders.csv --metrics 127.0.0.1:9464

Exit status:
  0  stopped by SIGTERM; with --once: no open differences
  1  with --once: open differences
  3  the store is unusable; with --once: nothing could be concluded
  4  the first round had no valid API key

Usage: whtool watch [OPTIONS]

Options:
      --from <FILE>               Read orders from a file, anew in each round: CSV, JSON, a
                                  workbook, or one reference per line. With --query, an SQLite
                                  database or postgres://…; `env:NAME` reads the URL from a variable
      --column <COLUMN=NAME>      Name of a column in the list: reference=NAME, status=NAME,
                                  amount=NAME, currency=NAME, id=NAME (the order's own) or
                                  created=NAME. May be repeated
      --decimal                   Read amounts in the list as decimals such as 100.00 instead of
                                  minor units
      --amounts <NOTATION>        Notation of amounts in the list: minor (10000), decimal (100.00),
                                  point (1,000.00) or comma (1.000,00); by default it is decided for
                                  the whole column
      --sheet <NAME>              Sheet of a workbook to read (default: the first one with rows)
      --expect-rows <N>           Number of rows that the list must have: N, or '>=N' for at least N
      --status <WORD=MEANING>     Meaning of a status word in the list: open, paid, failed, expired,
                                  canceled, refunded, partly_refunded or ignore. May be repeated
      --every <DURATION>          Time from the start of one round to the start of the next
                                  [default: 15m]
      --once                      Run one round and exit, for cron and systemd timers
      --older-than <DURATION>     Leave orders and records alone that are younger: their webhook may
                                  be under way [default: 15m]
      --give-up-after <DURATION>  Deliver nothing more for a difference that is this old [default:
                                  24h]
      --known <FILE>              Do not report the differences in this file, which `reconcile
                                  --accept` writes; it is read anew in each round
      --stale <DURATION>          Report payments that are still open after this time
      --provider <PROVIDER>       Provider to query (default: detected from each reference)
                                  [possible values: plexos, plustive]
      --concurrency <N>           Maximum number of concurrent lookups [default: 16]
      --rate <N>                  Maximum number of lookups per second
      --retry <N>                 Retry a lookup up to N times after a 5xx or without a response
                                  [default: 4]
      --json                      Print one JSON record per line: changes, deliveries and rounds
      --color <WHEN>              When to use colors [possible values: auto, always, never]
                                  [default: auto]
  -q, --quiet                     Print only the result and errors
      --reveal                    Show tokens, PINs and keys instead of masking them
  -v, --verbose                   Print more details
  -h, --help                      Print help

Commands and databases:
      --from-command <COMMAND>      Read orders from the output of a command, such as a database
                                    client. The run ends without any result if the command fails
      --query <SQL>                 Read orders from the database in --from with this SELECT;
                                    `@FILE` reads it from a file
      --command-timeout <DURATION>  Maximum run time of --from-command or --query [default: 10m]

Delivery:
      --deliver           Send the events that the app has missed to --to, once per payment and
                          status
      --to <URL>          URL of the app's webhook handler
      --most <N>          Maximum number of deliveries per round [default: 50]
      --redeliver <WHAT>  Send again in later rounds: `refused`, what the app did not answer with
                          2xx; `unsure`, what it may have got. Safe if the app ignores an event id
                          that it knows. May be repeated [possible values: refused, unsure]
      --bare              Write Plustive's signature without the `sha256=` prefix, as in its guide
      --insecure          Do not verify the TLS certificate of --to
      --yes               Skip the confirmation before sending to another machine

Reports:
      --alert <COMMAND|URL>  Report changes to this command, as JSON on standard input, without API
                             keys and signing secrets in its environment; or POST them to this URL
      --metrics <ADDRESS>    Serve metrics for Prometheus at /metrics, and /healthz, on this
                             address; without a port, 9464
      --allow-host <NAME>    Accept requests for metrics under this host name, besides localhost and
                             its own address. May be repeated
      --store <FILE|URL>     Use this store instead of the default one: a file, postgres://…, or
                             $VARIABLE with such a URL
      --inbox <NAME>         Inbox of a PostgreSQL store [default: default]

API:
      --api-url <URL>               Base URL of the API, such as that of the emulator [env:
                                    PLEXOS_API_URL, PLUSTIVE_API_URL]
      --key-file <FILE>             File that contains the API key; `-` reads standard input
      --key-env <NAME>              Environment variable that contains the API key (default:
                                    PLEXOS_PAY_SECRET_KEY or PLUSTIVE_API_KEY)
      --request-timeout <DURATION>  Timeout of one request to the API [default: 30s]

Secrets:
      --secret-file <FILE>  File that contains the signing secret; `-` reads standard input
      --secret-env <NAME>   Environment variable that contains the signing secret
      --secret <SECRET>     Signing secret (visible in the process list: prefer a file or the
                            environment)
",
    ),
    (
        "endpoints list",
        r"
List the endpoints that were registered on this machine

Examples:
  whtool endpoints list --json

Usage: whtool endpoints list [OPTIONS]

Options:
      --remote               Ask the provider instead of the registry
      --provider <PROVIDER>  Provider to query [default: plexos] [possible values: plexos, plustive]
      --json                 Print one JSON record per line
      --store <FILE|URL>     Use this store instead of the default one: a file, postgres://…, or
                             $VARIABLE with such a URL
      --inbox <NAME>         Inbox of a PostgreSQL store [default: default]
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help

API:
      --api-url <URL>               Base URL of the API, such as that of the emulator [env:
                                    PLEXOS_API_URL, PLUSTIVE_API_URL]
      --key-file <FILE>             File that contains the API key; `-` reads standard input
      --key-env <NAME>              Environment variable that contains the API key (default:
                                    PLEXOS_PAY_SECRET_KEY or PLUSTIVE_API_KEY)
      --request-timeout <DURATION>  Timeout of one request to the API [default: 30s]
",
    ),
    (
        "endpoints show",
        r"
Show one endpoint

Examples:
  whtool endpoints show we_abc123

Usage: whtool endpoints show [OPTIONS] <ENDPOINT>

Arguments:
  <ENDPOINT>  Id of the endpoint, such as we_abc123

Options:
      --remote               Ask the provider instead of the registry
      --provider <PROVIDER>  Provider to query [default: plexos] [possible values: plexos, plustive]
      --json                 Print one JSON record per line
      --store <FILE|URL>     Use this store instead of the default one: a file, postgres://…, or
                             $VARIABLE with such a URL
      --inbox <NAME>         Inbox of a PostgreSQL store [default: default]
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help

API:
      --api-url <URL>               Base URL of the API, such as that of the emulator [env:
                                    PLEXOS_API_URL, PLUSTIVE_API_URL]
      --key-file <FILE>             File that contains the API key; `-` reads standard input
      --key-env <NAME>              Environment variable that contains the API key (default:
                                    PLEXOS_PAY_SECRET_KEY or PLUSTIVE_API_KEY)
      --request-timeout <DURATION>  Timeout of one request to the API [default: 30s]
",
    ),
    (
        "endpoints update",
        r"
Change an endpoint at the provider, if its API supports that

Examples:
  whtool endpoints update we_abc123 --events 'payment.*'

Usage: whtool endpoints update [OPTIONS] <--url <URL>|--events <LIST>|--description <TEXT>|--enable|--disable> <ENDPOINT>

Arguments:
  <ENDPOINT>  Id of the endpoint, such as we_abc123

Options:
      --url <URL>            New URL
      --events <LIST>        New events: names, globs such as payment.*, or all
      --description <TEXT>   New label shown in the dashboard
      --enable               Enable the endpoint
      --disable              Disable the endpoint
      --allow-http           Accept http URLs and private addresses, for tests
      --yes                  Skip the confirmation before using a live key
      --provider <PROVIDER>  Provider to query [default: plexos] [possible values: plexos, plustive]
      --json                 Print one JSON record per line
      --store <FILE|URL>     Use this store instead of the default one: a file, postgres://…, or
                             $VARIABLE with such a URL
      --inbox <NAME>         Inbox of a PostgreSQL store [default: default]
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help

API:
      --api-url <URL>               Base URL of the API, such as that of the emulator [env:
                                    PLEXOS_API_URL, PLUSTIVE_API_URL]
      --key-file <FILE>             File that contains the API key; `-` reads standard input
      --key-env <NAME>              Environment variable that contains the API key (default:
                                    PLEXOS_PAY_SECRET_KEY or PLUSTIVE_API_KEY)
      --request-timeout <DURATION>  Timeout of one request to the API [default: 30s]
",
    ),
    (
        "endpoints delete",
        r"
Delete an endpoint at the provider, if its API supports that; its stored secret is retired

Examples:
  whtool endpoints delete we_abc123

Usage: whtool endpoints delete [OPTIONS] <ENDPOINT>

Arguments:
  <ENDPOINT>  Id of the endpoint, such as we_abc123

Options:
      --yes                  Skip the confirmation before using a live key
      --provider <PROVIDER>  Provider to query [default: plexos] [possible values: plexos, plustive]
      --json                 Print one JSON record per line
      --store <FILE|URL>     Use this store instead of the default one: a file, postgres://…, or
                             $VARIABLE with such a URL
      --inbox <NAME>         Inbox of a PostgreSQL store [default: default]
      --color <WHEN>         When to use colors [possible values: auto, always, never] [default:
                             auto]
  -q, --quiet                Print only the result and errors
      --reveal               Show tokens, PINs and keys instead of masking them
  -v, --verbose              Print more details
  -h, --help                 Print help

API:
      --api-url <URL>               Base URL of the API, such as that of the emulator [env:
                                    PLEXOS_API_URL, PLUSTIVE_API_URL]
      --key-file <FILE>             File that contains the API key; `-` reads standard input
      --key-env <NAME>              Environment variable that contains the API key (default:
                                    PLEXOS_PAY_SECRET_KEY or PLUSTIVE_API_KEY)
      --request-timeout <DURATION>  Timeout of one request to the API [default: 30s]
",
    ),
    (
        "endpoints forget",
        r"
Remove an endpoint from the registry; the provider and the stored secret are not changed

Examples:
  whtool endpoints forget we_abc123    # remove it from the registry only

Usage: whtool endpoints forget [OPTIONS] <ENDPOINT>

Arguments:
  <ENDPOINT>  Id of the endpoint, such as we_abc123, or the URL of a registration whose result is
              unknown

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
];
