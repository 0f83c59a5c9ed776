#!/usr/bin/env python3
"""Receives events of `whtool emulate` in both of Plustive's variants, and checks what `whtool learn` says about them: the
facts are those that were set, and the generated types compile and accept every capture.

Needs node, npm (typescript, zod), go and a Python with pip (pydantic). The argument is the binary (default: debug build).
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WHTOOL = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target" / "debug" / "whtool")
DEADLINE = 60


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
    secret = "whsec_of_the_emulated_provider"
    listener = start(["listen", "--port", "0", "--json", "--answer", "503,503,200"], home,
                     PLUSTIVE_WEBHOOK_SECRET=secret)
    url = json.loads(listener.stdout.readline())["url"]
    emulator = start(["emulate", "--port", "0", "--speed", "3600", "--seed", "7", "--variant", variant,
                      "--plustive-url", url + "/plustive"], home, PLUSTIVE_WEBHOOK_SECRET=secret)
    try:
        names = {}
        while "PLUSTIVE_API_KEY" not in names:
            name, value = emulator.stdout.readline().removeprefix("export ").strip().split("=", 1)
            names[name] = value
        register = ["register", "--provider", "plexos", "--url", url + "/plexos", "--allow-http", "--yes",
                    "--api-url", names["PLEXOS_API_URL"], "--key-env", "KEY"]
        subprocess.run([WHTOOL, *register], env=environment(home, KEY=names["PLEXOS_PAY_SECRET_KEY"]), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for amount in range(10_000, 10_020):
            call(names["PLEXOS_API_URL"] + "/v1/payments", names["PLEXOS_PAY_SECRET_KEY"],
                 {"amount": amount, "operator": "CVMOVEL", "operatorPhone": "+2389001234", "currency": "CVE"})
        for number in range(10):
            call(names["PLUSTIVE_API_URL"] + "/api/v1/airtime", names["PLUSTIVE_API_KEY"],
                 {"networkId": "00000000-0000-4000-8000-000000000001", "phone": "08030000000", "amount": 100,
                  "clientReference": f"order-{number}"})
        wait_for_events(home)
    finally:
        for process in (emulator, listener):
            process.terminate()
            process.communicate(timeout=30)


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


def check_types(home):
    captures = [json.loads(line) for line in run(["events", "export"], home).splitlines()]
    bodies = [json.loads(capture["request"]["body"]) for capture in captures if capture["verdict"] == "verified"]
    assert len(bodies) >= 50, len(bodies)
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
        'package webhooks\nimport ("encoding/json"; "os"; "testing")\n'
        "func TestDecode(t *testing.T) {\n"
        '\tbytes, err := os.ReadFile("../bodies.json")\n\tif err != nil { t.Fatal(err) }\n'
        "\tvar bodies []json.RawMessage\n\tif err := json.Unmarshal(bytes, &bodies); err != nil { t.Fatal(err) }\n"
        "\tseen := 0\n\tfor _, body := range bodies {\n"
        '\t\tvar head struct{ Type string `json:"type"` }\n\t\t_ = json.Unmarshal(body, &head)\n'
        '\t\tif head.Type != "payment.debited" { continue }\n'
        "\t\tvar event PaymentDebited\n\t\tif err := json.Unmarshal(body, &event); err != nil { t.Fatal(err) }\n"
        '\t\tif event.Data.Amount == "" || event.Type != "payment.debited" { t.Fatalf("%+v", event) }\n\t\tseen++\n\t}\n'
        '\tif seen == 0 { t.Fatal("no payment.debited") }\n}\n')
    quiet = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": str(home / "gocache")}
    subprocess.run(["go", "vet", "./..."], cwd=folder, env=quiet, check=True)
    subprocess.run(["go", "test", "./..."], cwd=folder, env=quiet, check=True, stdout=subprocess.DEVNULL)


main()
