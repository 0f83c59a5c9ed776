//! Help of `secret`, `store`, `config`, `doctor`, `completions`, `man` and `help`.

/// Command and its page.
pub const PAGES: [(&str, &str); 20] = [
    (
        "secret",
        r"
Manage signing secrets: list, add, show, rotate and remove them

Examples:
  whtool secret add plustive   # prompts for it without echo
  pass plustive/webhook | whtool secret add plustive
  whtool secret add plexos --name production --file secret.txt
  whtool secret add plustive --command 'secret-tool lookup service plustive'
  whtool secret list
  whtool secret show plexos --reveal
  export PLEXOS_WEBHOOK_SECRET=$(whtool secret show plexos-test)
  whtool secret rotate plexos  # a new one signs, the old one still verifies
  whtool secret remove plexos-2

A provider can have several secrets, so that an old and a new one both verify. They are stored in
one file with mode 0600 and printed only by `secret show --reveal`. The local test secrets, with
which whtool signs while nothing else is configured, are valid on this machine only and need no
--reveal. To leave a secret in a keyring or password manager, store a command that prints it:
secret-tool, security, pass, op.

Usage: whtool secret [OPTIONS] [COMMAND]

Commands:
  list    List the stored secrets by name, and the local test secrets
  add     Store a secret
  show    Show a secret, masked unless --reveal is given. Local test secrets are not masked
  rotate  Store a new secret for signing; the old ones still verify until they are removed
  remove  Remove a secret permanently

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "store",
        r"
Set up a store that a team shares, describe a store, and copy captures between stores

By default, captures are in a file of this machine, which needs no set-up. In a PostgreSQL database,
several listeners and users share them.

Examples:
  whtool store init postgres://admin@db.example/webhooks
  whtool store init --print > whtool.sql   # for a database administrator
  whtool listen --store postgres://ana@db.example/webhooks
  whtool store status --store postgres://ana@db.example/webhooks
  whtool store migrate postgres://admin@db.example/webhooks
  whtool store copy captures.db postgres://admin@db.example/webhooks

Put the URL into WHTOOL_STORE_URL, and every command uses it. A password belongs into PGPASSWORD or
a PGPASSFILE.

Usage: whtool store [OPTIONS] <COMMAND>

Commands:
  init     Create the tables of a store
  status   Show size, version, partitions and users of a store, and what is wrong with it
  migrate  Upgrade the tables of an older version of whtool, and add missing partitions
  copy     Copy all captures, with their numbers, bytes, times and attempts, and the state of
           `whtool watch`

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "store init",
        r"
Create the tables of a store

Needs the privilege to create a schema. With that to create roles, it also creates the roles
whtool_read and whtool_write, which give other users access: GRANT whtool_write TO ana.

Examples:
  whtool store init postgres://admin@db.example/webhooks
  whtool store init --print > whtool.sql   # for a database administrator

Usage: whtool store init [OPTIONS] [URL]

Arguments:
  [URL]  Store to create: postgres://…, $VARIABLE with such a URL, or a file [default: the store
         that is set]

Options:
      --print         Print the SQL statements instead of running them
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "store status",
        r"
Show size, version, partitions and users of a store, and what is wrong with it

Exits with status 1 if something is wrong.

Examples:
  whtool store status --store postgres://ana@db.example/webhooks

Usage: whtool store status [OPTIONS]

Options:
      --store <FILE|URL>  Use this store instead of the default one: a file, postgres://…, or
                          $VARIABLE with such a URL
      --inbox <NAME>      Inbox of a PostgreSQL store [default: default]
      --json              Print one JSON record
      --color <WHEN>      When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet             Print only the result and errors
      --reveal            Show tokens, PINs and keys instead of masking them
  -v, --verbose           Print more details
  -h, --help              Print help
",
    ),
    (
        "store migrate",
        r"
Upgrade the tables of an older version of whtool, and add missing partitions

Examples:
  whtool store migrate postgres://admin@db.example/webhooks

Usage: whtool store migrate [OPTIONS] [URL]

Arguments:
  [URL]  Store to upgrade [default: the store that is set]

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "store copy",
        r"
Copy all captures, with their numbers, bytes, times and attempts, and the state of `whtool watch`

The target must be empty, or hold only captures of an earlier copy from the same store, which are
left as they are: after an error, run it again. The queue of deliveries that are still to be
forwarded is not copied.

Examples:
  whtool store copy captures.db postgres://admin@db.example/webhooks

Usage: whtool store copy [OPTIONS] <FROM> <TO>

Arguments:
  <FROM>  Store to read: a file, postgres://…, or $VARIABLE with such a URL
  <TO>    Store to write; a file is created, a database must have a store

Options:
      --from-inbox <NAME>  Inbox to read, if FROM is a PostgreSQL store [default: default]
      --to-inbox <NAME>    Inbox to write, if TO is a PostgreSQL store [default: default]
      --color <WHEN>       When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet              Print only the result and errors
      --reveal             Show tokens, PINs and keys instead of masking them
  -v, --verbose            Print more details
  -h, --help               Print help
",
    ),
    (
        "config",
        r"
Show the effective settings and where they come from

Flags take precedence over environment variables, then the project's whtool.toml, your own
config.toml and the defaults. The project file is searched for from the working directory up to the
root of its repository.

Examples:
  whtool config show --origin
  whtool config path
  whtool config show > whtool.toml

Usage: whtool config [OPTIONS] <COMMAND>

Commands:
  show  Show every setting in the format of a settings file
  path  Show the paths of the settings files

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "doctor",
        r"
Check settings, secrets, files, the store, the clock and endpoints

Nothing is changed, and no secret is printed. For each API key that is set, one read-only request
checks the key and compares the clocks. Exits with status 1 if there is a problem.

Examples:
  whtool doctor
  whtool doctor --offline
  whtool doctor --json

Usage: whtool doctor [OPTIONS]

Options:
      --offline           Send nothing to the providers
      --json              Print one JSON record per line
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
        "completions",
        r"
Print a script that completes commands, flags and values in a shell

Examples:
  source <(whtool completions bash)  # in this shell, or in ~/.bashrc
  mkdir -p ~/.local/share/bash-completion/completions
  whtool completions bash > ~/.local/share/bash-completion/completions/whtool
  mkdir -p ~/.zfunc && whtool completions zsh > ~/.zfunc/_whtool
  echo 'fpath+=(~/.zfunc); autoload -Uz compinit; compinit' >> ~/.zshrc
  mkdir -p ~/.config/fish/completions
  whtool completions fish > ~/.config/fish/completions/whtool.fish

For bash, use either the line in ~/.bashrc or, if the package bash-completion is installed, the
file. fish loads its file automatically. zsh needs the folder in its fpath before compinit runs.

Usage: whtool completions [OPTIONS] <SHELL>

Arguments:
  <SHELL>  Shell to print the script for [possible values: bash, elvish, fish, powershell, zsh]

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "ui",
        "
Browse deliveries in a web browser: search, see causes, compare, replay

Prints a link that can be opened once. The page is for this machine alone; bodies and headers are
shown as text, with secrets masked unless --reveal is given. The records of `events --json` are at
/api/v1: docs/api.md describes it.

Examples:
  whtool ui
  whtool ui --open --to http://localhost:3000/webhooks
  whtool ui --json --port 0 > ui.json

Usage: whtool ui [OPTIONS]

Options:
  -p, --port <PORT>       Port to listen on; 0 picks a free one [default: 4849]
      --open              Open the page in a browser
      --to <URL>          URL of an app that the page may send events to. May be repeated
      --yes               Skip the confirmation before events may be sent to another machine
      --json              Print one JSON record with the URL, the link and the token of the API
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
        "mcp",
        r"
Serve the Model Context Protocol to coding agents, over standard input and output

Agents can list and explain received webhooks, test a handler, sign payloads and reconcile payments.
Secrets are never in an answer, and signed events go to this machine only. docs/mcp.md has the
configuration of Claude Code, Codex, Cursor and VS Code.

Examples:
  whtool mcp
  whtool mcp --allow send

Usage: whtool mcp [OPTIONS]

Options:
      --allow <WHAT>      Also offer tools that send events to apps on this machine: send_event and
                          replay [possible values: send]
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
        "man",
        r"
Print a manual page, or write all of them to a directory

Examples:
  whtool man listen | man -l -
  whtool man --dir ~/.local/share/man

Usage: whtool man [OPTIONS] [SUBJECT]...

Arguments:
  [SUBJECT]...  Command or topic (default: whtool itself)

Options:
      --dir <DIR>     Write all pages to this directory, into man1 and man7
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "help",
        r"
Show help for a command or a topic (exit-codes, environment, formats, providers)

Examples:
  whtool help listen
  whtool help events show
  whtool help exit-codes
  whtool help environment

Usage: whtool help [OPTIONS] [SUBJECT]...

Arguments:
  [SUBJECT]...  Command or topic (default: whtool itself)

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "secret list",
        r"
List the stored secrets by name, and the local test secrets

Examples:
  whtool secret list

Usage: whtool secret list [OPTIONS]

Options:
      --json          Print one JSON record per line
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "secret add",
        r"
Store a secret

Examples:
  whtool secret add plustive   # prompts for it without echo
  pass plustive/webhook | whtool secret add plustive
  whtool secret add plexos --name production --file secret.txt
  whtool secret add plustive --command 'secret-tool lookup service plustive'

Usage: whtool secret add [OPTIONS] <PROVIDER>

Arguments:
  <PROVIDER>  Provider that signs with the secret [possible values: plexos, plustive]

Options:
      --name <NAME>        Name of the secret (default: the provider's name)
      --file <FILE>        File that contains the secret (default: prompt, or read standard input)
      --exact              Store the secret unchanged, even if it looks like something else
      --command <COMMAND>  Store a command that prints the secret, such as that of a password
                           manager
      --color <WHEN>       When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet              Print only the result and errors
      --reveal             Show tokens, PINs and keys instead of masking them
  -v, --verbose            Print more details
  -h, --help               Print help
",
    ),
    (
        "secret show",
        r"
Show a secret, masked unless --reveal is given. Local test secrets are not masked

Examples:
  whtool secret show plexos --reveal

Usage: whtool secret show [OPTIONS] [SECRET_NAME]

Arguments:
  [SECRET_NAME]  Name of the secret; optional if only one is stored. The local test secrets are
                 plexos-test and plustive-test

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "secret rotate",
        r"
Store a new secret for signing; the old ones still verify until they are removed

Examples:
  whtool secret rotate plexos  # a new one signs, the old one still verifies

Usage: whtool secret rotate [OPTIONS] <PROVIDER>

Arguments:
  <PROVIDER>  Provider that signs with the secret [possible values: plexos, plustive]

Options:
      --name <NAME>        Name of the secret (default: the provider's name)
      --file <FILE>        File that contains the secret (default: prompt, or read standard input)
      --exact              Store the secret unchanged, even if it looks like something else
      --command <COMMAND>  Store a command that prints the secret, such as that of a password
                           manager
      --color <WHEN>       When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet              Print only the result and errors
      --reveal             Show tokens, PINs and keys instead of masking them
  -v, --verbose            Print more details
  -h, --help               Print help
",
    ),
    (
        "secret remove",
        r"
Remove a secret permanently

Examples:
  whtool secret remove plexos-2

Usage: whtool secret remove [OPTIONS] <SECRET_NAME>

Arguments:
  <SECRET_NAME>  Name of the secret

Options:
      --yes           Skip the confirmation
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "config show",
        r"
Show every setting in the format of a settings file

If a file or a variable is invalid, the error is reported, the exit status is 3, and the valid
settings are still shown.

Examples:
  whtool config show --origin
  whtool config show > whtool.toml

Usage: whtool config show [OPTIONS]

Options:
      --origin        Show where each value comes from
      --json          Print one JSON record per line
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
    (
        "config path",
        r"
Show the paths of the settings files

Examples:
  whtool config path

Usage: whtool config path [OPTIONS]

Options:
      --color <WHEN>  When to use colors [possible values: auto, always, never] [default: auto]
  -q, --quiet         Print only the result and errors
      --reveal        Show tokens, PINs and keys instead of masking them
  -v, --verbose       Print more details
  -h, --help          Print help
",
    ),
];
