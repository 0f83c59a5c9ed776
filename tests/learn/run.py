#!/usr/bin/env python3
"""Receives events of `whtool emulate` in both of Plustive's variants and with each fault, and checks what `whtool learn` says
about them: the facts are those that were set, and the generated types compile and accept every capture. So do the types
of events that no document has: arrays, nulls, mixed types, unknown fields and events.

Needs node, npm (typescript, zod), go and a Python with pip (pydantic). The argument is the binary (default: debug build).
"""

import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WHTOOL = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target" / "debug" / "whtool")
DEADLINE = 60
SECRET = "whsec_of_the_emulated_provider"

# Faults of deliveries change what arrives. Faults of calls change nothing about webhooks.
FAULTS = ["duplicate", "reorder", "delay", "drop,match=payment.debited", "late,match=payment.debited", "429,count=3",
          "429-bare,count=3", "500,count=3", "slow,seconds=1,count=1", "cut,match=/v1/payments,count=1", "contradict"]

# What no document has. Each event is sent by both providers.
ODD = [
    {"list": [], "nested": {"deep": {"er": [1, 2.5]}}, "nothing": None},
    {"list": [{"a": 1}, {"a": "x", "b": None}], "nested": {"deep": {"er": []}}, "nothing": {"now": True}},
    {"list": [["a"], [], None, 1, False], "nested": None, "nothing": 7, "amount": "12.50"},
    {"amount": 12.5, "class": 1, "my-key": 2, "2nd": 3, "$ref": "x", "ação": 5, "": 6, "with space": [None]},
    {"amount": None, "big": 12345678901234567890123, "negative": -1, "exponent": 1e300, "type_": "a", "type-": "b"},
    {"a-b": {"x": 1}, "a_b": {"y": "one"}, "a.b": [{"z": True}], "largest": 18446744073709551615, "unsafe": 9007199254740993, "Union": 1, "str": {"int": 2}},
    {"empty": {}, "list": "text", 'quote"d': 1, "back\\slash": 2, "new\nline": 3, "it's": 7, "*/": 4, "`${x}`": 5},
]


def main():
    with tempfile.TemporaryDirectory(prefix="whtool-learn-") as folder:
        folder = pathlib.Path(folder)
        for variant in ("reference", "guide"):
            home = folder / variant
            home.mkdir()
            receive(home, variant)
            check_facts(home, variant)
            check_types(home)
            print(f"{variant}: facts and types are right")
        for fault in FAULTS:
            home = folder / re.sub("[^a-z0-9]", "-", fault)
            home.mkdir()
            check_fault(home, fault)
            print(f"{fault}: the facts are right")
        home = folder / "odd"
        home.mkdir()
        receive_odd(home)
        check_types(home, at_least=len(ODD))
        print("odd events: the types are right")


def run(words, home, status=0):
    done = subprocess.run([WHTOOL, *words], env=environment(home), capture_output=True, encoding="utf-8")
    if done.returncode != status:
        sys.exit(f"whtool {' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def environment(home, **more):
    return {"PATH": os.environ["PATH"], "HOME": str(home), "WHTOOL_HOME": str(home / "whtool"), **more}


def start(words, home, **more):
    pipe = subprocess.PIPE
    return subprocess.Popen([WHTOOL, *words], env=environment(home, **more), stdout=pipe, stderr=subprocess.DEVNULL, encoding="utf-8")


def call(url, key, body):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": os.urandom(8).hex()}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=10))


def receive(home, variant):
    """Captures events of payments and purchases. The first two are refused, so that they are repeated."""
    with emulated(home, "--variant", variant) as names:
        buy(names, payments=20, purchases=10)
        wait_for_events(home)


@contextlib.contextmanager
def emulated(home, *words):
    """Starts a listener, which refuses the first two events, and an emulator that sends to it. Yields its variables."""
    listener = start(["listen", "--port", "0", "--json", "--answer", "503,503,200"], home, PLUSTIVE_WEBHOOK_SECRET=SECRET)
    url = json.loads(listener.stdout.readline())["url"]
    emulator = start(["emulate", "--port", "0", "--speed", "3600", "--seed", "7", "--plustive-url", url + "/plustive", *words],
                     home, PLUSTIVE_WEBHOOK_SECRET=SECRET)
    try:
        names = {}
        while "PLUSTIVE_API_KEY" not in names:
            name, value = emulator.stdout.readline().removeprefix("export ").strip().split("=", 1)
            names[name] = value
        register = ["register", "--provider", "plexos", "--url", url + "/plexos", "--allow-http", "--yes",
                    "--api-url", names["PLEXOS_API_URL"], "--key-env", "KEY"]
        subprocess.run([WHTOOL, *register], env=environment(home, KEY=names["PLEXOS_PAY_SECRET_KEY"]), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield names
    finally:
        for process in (emulator, listener):
            process.terminate()
            process.communicate(timeout=30)


def buy(names, payments, purchases):
    """Calls both APIs. A call that a fault hits is an error, and not repeated."""
    calls = [(names["PLEXOS_API_URL"] + "/v1/payments", names["PLEXOS_PAY_SECRET_KEY"],
              {"amount": amount, "operator": "CVMOVEL", "operatorPhone": "+2389001234", "currency": "CVE"})
             for amount in range(10_000, 10_000 + payments)]
    calls += [(names["PLUSTIVE_API_URL"] + "/api/v1/airtime", names["PLUSTIVE_API_KEY"],
               {"networkId": "00000000-0000-4000-8000-000000000001", "phone": "08030000000", "amount": 100,
                "clientReference": f"order-{number}"}) for number in range(purchases)]
    failed = 0
    for each in calls:
        try:
            call(*each)
        except OSError:
            failed += 1
    return failed


def check_fault(home, fault):
    """Compares the facts with the emulator's own record of what it has sent."""
    kind = re.split("[,=]", fault)[0]
    # Registering is a call, too, and must not be hit.
    with emulated(home) as names:
        emulator = names["PLEXOS_API_URL"].removesuffix("/plexos") + "/_emulator"
        fields = dict(part.split("=", 1) for part in fault.split(",")[1:])
        fields = {name: int(value) if value.isdigit() else value for name, value in fields.items()}
        post(emulator + "/faults", json.dumps({"kind": kind, **fields}).encode(), {"Content-Type": "application/json"})
        failed = buy(names, payments=12, purchases=6)
        sent = wait_until_sent(emulator)
        facts = run(["learn", "--report"], home)
        text = run(["learn"], home)
    assert failed == {"429": 3, "429-bare": 3, "500": 3, "cut": 1}.get(kind, 0), failed
    report = json.loads(facts)
    seen = {event: fact["seen"]["count"] for facts in report["providers"].values() for event, fact in facts["events"].items()}
    attempts, accepted = {}, 0
    for delivery in sent:
        tries = 0 if kind == "late" and delivery["event"] == "payment.debited" else len(delivery["attempts"])
        attempts[delivery["event"]] = attempts.get(delivery["event"], 0) + tries
        accepted += kind == "duplicate" and delivery["fate"] == "delivered"
    assert seen == {event: count for event, count in attempts.items() if count}, (fault, seen, attempts)
    assert sum(seen.values()) >= 12, seen
    retries = report["retries"].values()
    # The two events that were refused were repeated once, and duplicates are no repeats.
    assert sum(pause["count"] for each in retries for pause in each["pauses"]) == 2, report["retries"]
    assert not any(each["abandoned"] for each in retries), report["retries"]
    duplicates = sum(each["duplicates"] for each in retries)
    bodies = {(delivery["event"], delivery["body"]) for delivery in sent}
    assert duplicates == (len(sent) - len(bodies) if kind == "duplicate" else 0), (fault, duplicates, len(sent), len(bodies))
    assert (duplicates > 0) == (kind == "duplicate")
    is_missing = "payment.debited" in re.search("no verified capture: (.*)", text)[1]
    assert is_missing == (kind in ("drop", "late")), text


def wait_until_sent(emulator):
    """Returns all deliveries once nothing more is due, with their attempts."""
    end, before = time.monotonic() + DEADLINE, None
    while time.monotonic() < end:
        deliveries = json.load(urllib.request.urlopen(emulator + "/deliveries", timeout=10))["data"]
        is_over = all(delivery["fate"] not in ("waiting", "under_way") for delivery in deliveries)
        if is_over and deliveries and deliveries == before:
            return deliveries
        before = deliveries
        # Events follow each other within minutes of the emulator's clock.
        time.sleep(0.5)
    sys.exit(f"the emulator has not sent everything within {DEADLINE} s")


def post(url, body, headers):
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10).read()


def receive_odd(home):
    """Captures events that no document has, signed as each provider does."""
    listener = start(["listen", "--port", "0", "--json"], home, PLUSTIVE_WEBHOOK_SECRET=SECRET, PLEXOS_WEBHOOK_SECRET=SECRET)
    url = json.loads(listener.stdout.readline())["url"]
    sign = lambda text: hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
    try:
        for number, fields in enumerate(ODD):
            for kind in ("transaction.success", "wallet.exploded", "wallet_exploded", "plustive.event"):
                body = json.dumps({"event": kind, "reference": f"PLS-{number}", **fields}, ensure_ascii=False).encode()
                post(url + "/plustive", body, {"X-Plustive-Signature": "sha256=" + sign(body), "Content-Type": "application/json"})
            for kind in ("payment.debited", "payment.exploded"):
                body = json.dumps({"id": f"evt_{number}{kind}", "type": kind, "data": {"id": f"pi_{number}", **fields}},
                                  ensure_ascii=False).encode()
                at = str(int(time.time()))
                post(url + "/plexos", body, {"X-Plexos-Timestamp": at, "X-Plexos-Signature": sign(at.encode() + b"." + body),
                                             "Content-Type": "application/json"})
    finally:
        listener.terminate()
        listener.communicate(timeout=30)


def wait_for_events(home):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        facts = subprocess.run([WHTOOL, "learn", "--report"], env=environment(home), capture_output=True, encoding="utf-8")
        if facts.returncode == 0:
            providers = json.loads(facts.stdout)["providers"]
            counts = {name: provider["deliveries"]["count"] for name, provider in providers.items()}
            if counts.get("plexos", 0) >= 40 and counts.get("plustive", 0) >= 10:
                return
        time.sleep(0.2)
    sys.exit(f"too few events within {DEADLINE} s: {facts.stdout}{facts.stderr}")


def check_facts(home, variant):
    report = json.loads(run(["learn", "--report"], home))
    answers = report["providers"]["plustive"]["answers"]
    forms = {"reference": ("sha256=HEX", "service", "completedAt"), "guide": ("bare hex", "type", "timestamp")}[variant]
    found = tuple(list(answers[code]) for code in ("signature_form", "product_field", "time_field"))
    assert found == tuple([form] for form in forms), found
    assert list(report["providers"]["plexos"]["answers"]["amount_type"]) == ["string"]
    assert sum(pause["count"] for retries in report["retries"].values() for pause in retries["pauses"]) >= 2, report["retries"]
    text = json.dumps(report)
    assert "08030000000" not in text and "order-1" not in text and "10007" not in text
    run(["learn", "--save", str(home / "facts.json")], home)
    run(["learn", "--against", str(home / "facts.json")], home)


def check_types(home, at_least=50):
    captures = [json.loads(line) for line in run(["events", "export"], home).splitlines()]
    bodies = [json.loads(capture["request"]["body"]) for capture in captures if capture["verdict"] == "verified"]
    assert len(bodies) >= at_least, len(bodies)
    (home / "bodies.json").write_text(json.dumps(bodies))
    for language, name in [("ts", "types.ts"), ("zod", "zod.ts"), ("pydantic", "models.py"), ("go", "types.go"),
                           ("json-schema", "schema.json")]:
        (home / name).write_text(run(["learn", "--types", language], home))
    check_typescript(home)
    check_python(home)
    check_go(home)


def check_typescript(home):
    (home / "package.json").write_text('{"private": true, "type": "module"}')
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "typescript@5", "zod@4"], cwd=home, check=True)
    (home / "typed.ts").write_text(
        'import type { PlexosEvent, PlustiveEvent } from "./types.js";\n'
        "export function name(event: PlexosEvent | PlustiveEvent): string {\n"
        '  return "type" in event && "data" in event ? event.type : String((event as PlustiveEvent).event);\n}\n')
    (home / "parse.ts").write_text(
        'import { PlexosEvent, PlustiveEvent } from "./zod.js";\n'
        'declare function require(name: string): any;\n'
        "export function parse(body: any): string {\n"
        '  return "data" in body ? PlexosEvent.parse(body).type : PlustiveEvent.parse(body).event;\n}\n')
    compiler = [str(home / "node_modules" / ".bin" / "tsc"), "--strict", "--module", "nodenext", "--target", "es2022", "--outDir", "out"]
    subprocess.run([*compiler, "types.ts", "typed.ts", "zod.ts", "parse.ts"], cwd=home, check=True)
    script = ('import { parse } from "./out/parse.js"; import { readFileSync } from "node:fs";'
              'for (const body of JSON.parse(readFileSync("bodies.json"))) parse(body);'
              'for (const wrong of [{data: {}}, {event: "transaction.success"}]) {'
              '  try { parse(wrong); } catch { continue } throw new Error("accepted " + JSON.stringify(wrong)); }')
    subprocess.run(["node", "--input-type=module", "-e", script], cwd=home, check=True)


def check_python(home):
    venv.create(home / "venv", with_pip=True)
    python = str(home / "venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "pydantic>=2,<3"], check=True)
    script = ("import json\nfrom pydantic import TypeAdapter, ValidationError\nimport models\n"
              "plexos, plustive = TypeAdapter(models.PlexosEvent), TypeAdapter(models.PlustiveEvent)\n"
              "for body in json.load(open('bodies.json')):\n"
              "    event = (plexos if 'data' in body else plustive).validate_python(body)\n"
              "    assert json.loads(event.model_dump_json(by_alias=True, exclude_unset=True)) == body\n"
              "try:\n    plexos.validate_python({'data': {}})\n    raise SystemExit('accepted a wrong event')\n"
              "except ValidationError:\n    pass\n")
    subprocess.run([python, "-c", script], cwd=home, check=True)


def check_go(home):
    folder = home / "webhooks"
    folder.mkdir()
    (folder / "go.mod").write_text("module webhooks\n\ngo 1.19\n")
    (folder / "types.go").write_text((home / "types.go").read_text())
    (folder / "types_test.go").write_text(
        'package webhooks\nimport ("encoding/json"; "fmt"; "os"; "testing")\n'
        "func TestDecode(t *testing.T) {\n"
        '\tbytes, err := os.ReadFile("../bodies.json")\n\tif err != nil { t.Fatal(err) }\n'
        "\tvar bodies []json.RawMessage\n\tif err := json.Unmarshal(bytes, &bodies); err != nil { t.Fatal(err) }\n"
        "\tseen := 0\n\tfor _, body := range bodies {\n"
        '\t\tvar head struct{ Type string `json:"type"` }\n\t\t_ = json.Unmarshal(body, &head)\n'
        '\t\tif head.Type != "payment.debited" { continue }\n'
        "\t\tvar event PaymentDebited\n\t\tif err := json.Unmarshal(body, &event); err != nil { t.Fatal(err) }\n"
        '\t\tif event.Data.Id == "" || fmt.Sprint(event.Data.Amount) == "" || event.Type != "payment.debited" { t.Fatalf("%+v", event) }\n\t\tseen++\n\t}\n'
        '\tif seen == 0 { t.Fatal("no payment.debited") }\n}\n')
    quiet = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": str(home / "gocache")}
    subprocess.run(["go", "vet", "./..."], cwd=folder, env=quiet, check=True)
    subprocess.run(["go", "test", "./..."], cwd=folder, env=quiet, check=True, stdout=subprocess.DEVNULL)


main()
