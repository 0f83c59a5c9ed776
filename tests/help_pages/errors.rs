//! Whole messages of the most common errors.

use crate::common::TestWorld;

/// Payload of Plexos Pay.
const PAYLOAD: &str = r#"{"id":"evt_1","type":"payment.debited","data":{}}"#;

/// Standard error and exit status of a command on a machine without secrets and captures.
fn run(words: &[&str]) -> (String, u8) {
    let world = TestWorld::default().file("orders.csv", "reference,amount\npi_1,10000\n").file("empty.json", "");
    let world = world.file("p.json", PAYLOAD).file("other.json", "{\"hello\":1}").file("notes.txt", "hello\n");
    let run = world.run(words);
    (world.hide_home(&run.err), run.status)
}

/// Command, exit status and standard error.
const ERRORS: [(&str, u8, &str); 49] = [
    (
        "nosuch",
        2,
        r"
error: unrecognized subcommand 'nosuch'

Usage: whtool [OPTIONS] <COMMAND>

For more information, try '--help'.
",
    ),
    (
        "lisen",
        2,
        r"
error: unrecognized subcommand 'lisen'

  tip: a similar subcommand exists: 'listen'

Usage: whtool [OPTIONS] <COMMAND>

For more information, try '--help'.
",
    ),
    (
        "listen --potr 1",
        2,
        r"
error: unexpected argument '--potr' found

  tip: a similar argument exists: '--port'

Usage: whtool listen --port <PORT>

For more information, try '--help'.
",
    ),
    (
        "listen --port 99999",
        2,
        r"
error: invalid value '99999' for '--port <PORT>': expected a port from 0 to 65535

For more information, try '--help'.
",
    ),
    (
        "listen --port 1",
        3,
        r"
created local test secrets in HOME/data/local-test-seed
error: can't listen on port 1
",
    ),
    (
        "listen --tolerance 5x",
        2,
        r"
error: invalid value '5x' for '--tolerance <DURATION>': expected a duration such as 90s, 5m, 1h 30m or 30d

For more information, try '--help'.
",
    ),
    (
        "listen --count many",
        2,
        r"
error: invalid value 'many' for '--count <N>': invalid digit found in string

For more information, try '--help'.
",
    ),
    (
        "listen --forward-to payment.debited",
        2,
        r"
error: invalid value 'payment.debited' for '--forward-to <URL>': expected a URL such as http://localhost:3000/webhooks, found an event type

For more information, try '--help'.
",
    ),
    (
        "verify nosuch.http",
        3,
        r"
error: can't read nosuch.http
  why: entity not found
",
    ),
    (
        "verify notes.txt",
        3,
        r"
error: no request in notes.txt
  why: it is text, but no request was found in it
  try: `whtool help formats` lists what can be read; to verify a bare payload: whtool verify --body notes.txt --header 'Name: value'
",
    ),
    (
        "verify p.json --framework nosuch",
        2,
        r"
error: invalid value 'nosuch' for '--framework <FRAMEWORK>'
  [possible values: express, fastify, next, nest, flask, fastapi, django, rails, php, laravel, spring, gin, aspnet, axum]

For more information, try '--help'.
",
    ),
    (
        "verify empty.json",
        3,
        r"
error: no request in empty.json
  why: the file is empty
  try: check the command that writes it
",
    ),
    (
        "sign nosuch.json",
        3,
        r"
error: can't read nosuch.json
  why: entity not found
",
    ),
    (
        "sign p.json",
        0,
        r"
created local test secrets in HOME/data/local-test-seed
",
    ),
    (
        "sign other.json",
        2,
        r"
error: can't detect the provider of other.json
  why: it has neither `type` and `data` (Plexos Pay) nor `event` and `reference` (Plustive)
  try: add --provider plexos or --provider plustive
",
    ),
    (
        "sign empty.json",
        2,
        r"
error: can't detect the provider of empty.json
  why: it is empty
  try: check the command that produces it, or add --provider plexos or --provider plustive
",
    ),
    (
        "sign empty.json --provider plexos",
        0,
        r"
warning: the body is empty: empty.json has no content
created local test secrets in HOME/data/local-test-seed
",
    ),
    (
        "sign p.json --provider stripe",
        2,
        r"
error: invalid value 'stripe' for '--provider <PROVIDER>'
  [possible values: plexos, plustive]

  tip: a similar value exists: 'plustive'

For more information, try '--help'.
",
    ),
    (
        "sign p.json --secret-env UNSET_VARIABLE",
        4,
        r"
error: the environment variable UNSET_VARIABLE is not set
",
    ),
    (
        "samples show payment.debitd",
        2,
        r"
error: there is no sample `payment.debitd`
  try: did you mean `payment.debited`? `whtool samples` lists all samples
",
    ),
    (
        "samples show nosuch",
        2,
        r"
error: there is no sample `nosuch`
  try: `whtool samples` lists all samples
",
    ),
    (
        "samples show payment.debited --set no.such=1",
        2,
        r"
error: the payload has no `no` (found: id, type, data, createdAt)
",
    ),
    (
        "replay nosuch",
        3,
        r"
created local test secrets in HOME/data/local-test-seed
error: `nosuch` is not a sample, file or capture
  try: `whtool samples` lists all samples, `whtool events` all captures
",
    ),
    (
        "replay payment.debitd",
        3,
        r"
created local test secrets in HOME/data/local-test-seed
error: `payment.debitd` is not a sample, file or capture
  try: did you mean `payment.debited`? `whtool samples` lists all samples, `whtool events` all captures
",
    ),
    (
        "replay payment.debited --to ftp://localhost",
        2,
        r"
error: invalid value 'ftp://localhost' for '--to <URL>': `ftp` is not http or https

For more information, try '--help'.
",
    ),
    (
        "replay payment.debited --to https://shop.example.com/hooks",
        2,
        r"
created local test secrets in HOME/data/local-test-seed
error: shop.example.com is not this machine; it will receive requests with valid signatures
  try: add --yes to skip this confirmation
",
    ),
    (
        "replay payment.debited --rate 0",
        2,
        r"
error: invalid value '0' for '--rate <N>': must be from 0.001 to 1000000

For more information, try '--help'.
",
    ),
    (
        "replay --from nosuch.http",
        3,
        r"
created local test secrets in HOME/data/local-test-seed
error: can't read nosuch.http
  why: entity not found
",
    ),
    (
        "events show last",
        3,
        r"
error: no store at HOME/data/captures.db
  try: `whtool listen` stores what it receives
",
    ),
    (
        "events show 7",
        3,
        r"
error: no store at HOME/data/captures.db
  try: `whtool listen` stores what it receives
",
    ),
    (
        "events --since 30",
        2,
        r"
error: invalid value '30' for '--since <TIME>': a bare number has no unit: write 2h, 30m, 45s or 7d, or a time

For more information, try '--help'.
",
    ),
    (
        "events --since soon",
        2,
        r"
error: invalid value 'soon' for '--since <TIME>': expected a duration such as 90s, 5m, 1h 30m or 30d, or a time such as today, yesterday, 2026-11-28 or 2026-11-28T09:30:00Z

For more information, try '--help'.
",
    ),
    (
        "events --verdict good",
        2,
        r"
error: invalid value 'good' for '--verdict <VERDICT>'
  [possible values: verified, unsigned, malformed, mismatch, too_old, in_future, no_secret]

For more information, try '--help'.
",
    ),
    (
        "register --url http://localhost:3000",
        2,
        r"
error: can't register `http://localhost:3000`
  why: not https: events could be read in transit
  try: use https, or --allow-http for a test
",
    ),
    (
        "register --url https://shop.example.com/hooks",
        4,
        r"
error: no API key for Plexos Pay
  why: PLEXOS_PAY_SECRET_KEY is not set
  try: export PLEXOS_PAY_SECRET_KEY=…, or use --key-file; create a key in dashboard.plexospay.com
",
    ),
    (
        "register --url https://shop.example.com/hooks --events payment.debitd",
        2,
        r"
error: Plexos Pay has no event `payment.debitd`
  try: did you mean `payment.debited`?
",
    ),
    (
        "endpoints show nosuch",
        3,
        r"
error: no endpoint `nosuch` was registered on this machine
  try: list them with `whtool endpoints`, or ask the provider with --remote
",
    ),
    (
        "secret show nosuch",
        3,
        r"
error: no secret named `nosuch`
  try: list the stored secrets with `whtool secret list`
",
    ),
    (
        "secret remove nosuch --yes",
        3,
        r"
error: no secret named `nosuch`
  try: list the stored secrets with `whtool secret list`
",
    ),
    (
        "secret add nosuch",
        2,
        r"
error: invalid value 'nosuch' for '<PROVIDER>'
  [possible values: plexos, plustive]

For more information, try '--help'.
",
    ),
    (
        "reconcile pi_1",
        4,
        r"
error: no API key for Plexos Pay
  why: PLEXOS_PAY_SECRET_KEY is not set
  try: export PLEXOS_PAY_SECRET_KEY=…, or use --key-file; create a key in dashboard.plexospay.com
",
    ),
    (
        "reconcile --from orders.csv --column reference=nosuch",
        2,
        r"
error: can't read the list orders.csv
  why: there is no column `nosuch`; the header is reference, amount
  try: name the column of the reference: --column reference=NAME
",
    ),
    (
        "check --list --only nosuch",
        2,
        r"
error: no probe matches `nosuch`
  try: whtool check --list, which lists all probes
",
    ),
    (
        "check http://localhost:3000",
        2,
        r"
created local test secrets in HOME/data/local-test-seed
error: can't detect the provider of this handler
  try: add --provider plexos or --provider plustive
",
    ),
    (
        "emulate --port 1",
        3,
        r"
created local test secrets in HOME/data/local-test-seed
error: can't listen on port 1
",
    ),
    (
        "config set",
        2,
        r"
error: unrecognized subcommand 'set'

Usage: whtool config [OPTIONS] <COMMAND>

For more information, try '--help'.
",
    ),
    (
        "help nosuch",
        2,
        r"
error: no command or topic is named `nosuch`
  try: whtool help, which lists all commands
",
    ),
    (
        "completions nosuch",
        2,
        r"
error: invalid value 'nosuch' for '<SHELL>'
  [possible values: bash, elvish, fish, powershell, zsh]

For more information, try '--help'.
",
    ),
    (
        "man nosuch",
        2,
        r"
error: no manual page is named whtool-nosuch
  try: whtool help, which lists all commands
",
    ),
];

#[test]
fn the_most_common_errors_say_what_failed_why_and_what_to_do() {
    for (command, status, expected) in ERRORS {
        let (message, found) = run(&command.split(' ').collect::<Vec<_>>());
        let expected = expected.strip_prefix('\n').unwrap();
        assert!(message == expected, "`whtool {command}` now prints:\n{message}\nand not:\n{expected}");
        assert_eq!(found, status, "whtool {command}");
    }
}
