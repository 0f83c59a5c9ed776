#!/usr/bin/env python3
"""Checks the description of `whtool ui`'s API: it is valid OpenAPI, every operation in it exists and answers as described, and
records fit the schemas in it.

Needs a Python with pip (openapi-spec-validator, jsonschema). The argument is the binary (default: debug build).
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WHTOOL = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target" / "debug" / "whtool")
DEADLINE = 60


def main():
    with tempfile.TemporaryDirectory(prefix="whtool-api-") as folder:
        folder = pathlib.Path(folder)
        python = install(folder / "venv")
        environment = {**os.environ, "WHTOOL_HOME": str(folder / "home")}
        receive(environment)
        page = subprocess.Popen([WHTOOL, "ui", "--port", "0", "--json"], stdout=subprocess.PIPE, text=True, env=environment)
        try:
            ready = json.loads(page.stdout.readline())
            api = Api(ready["url"].rstrip("/"), ready["token"])
            description = api.json("/api/v1/openapi.json")
            (folder / "openapi.json").write_text(json.dumps(description))
            run([python, "-c", "import sys, json; from openapi_spec_validator import validate; validate(json.load(open(sys.argv[1])))",
                 folder / "openapi.json"])
            operations = check_operations(api, description)
            check_records(api, description, python, folder)
        finally:
            page.terminate()
            page.wait(DEADLINE)
    print(f"the description is valid OpenAPI, and {operations} operations answer as it says")


def install(folder):
    venv.create(folder, with_pip=True)
    run([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "openapi-spec-validator", "jsonschema"])
    return folder / "bin" / "python"


def receive(environment):
    """Stores two events, one of each provider, and one that is refused."""
    listener = subprocess.Popen([WHTOOL, "listen", "--port", "0", "--json"], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        url = json.loads(listener.stdout.readline())["url"]
        run([WHTOOL, "replay", "payment.debited", "transaction.success", "--to", url], env=environment, stdout=subprocess.DEVNULL)
        tampered = [WHTOOL, "replay", "payment.debited", "--tamper", "--to", url]
        subprocess.run(tampered, env=environment, timeout=DEADLINE, capture_output=True)
    finally:
        listener.terminate()
        listener.communicate(timeout=DEADLINE)


class Api:
    def __init__(self, url, token):
        self.url, self.token = url, token

    def get(self, path):
        """Returns status, media type and the first bytes of the body: a stream does not end."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        try:
            answer = urllib.request.urlopen(request, timeout=DEADLINE)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            media = answer.headers.get_content_type()
            return answer.status, media, answer.read(6) if media == "text/event-stream" else answer.read()

    def json(self, path):
        status, media, body = self.get(path)
        assert (status, media) == (200, "application/json"), (path, status, media, body[:200])
        return json.loads(body)


def resolve(description, value):
    while isinstance(value, dict) and "$ref" in value:
        target = description
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        value = target
    return value


def check_operations(api, description):
    """Calls every operation, without parameters and with each that has an example or a list of values."""
    count = 0
    for path, methods in description["paths"].items():
        item = resolve(description, methods)
        for method, operation in item.items():
            if method != "get":
                continue
            count += 1
            place = re.sub(r"\{[^}]*\}", "1", path)
            responses = operation["responses"]
            check_answer(api, description, place, responses)
            for parameter in operation.get("parameters", []):
                parameter = resolve(description, parameter)
                if parameter["in"] != "query":
                    continue
                schema = resolve(description, parameter.get("schema", {}))
                for value in schema.get("enum", []) + [schema[key] for key in ("example", "default") if key in schema]:
                    value = json.dumps(value) if isinstance(value, (bool, int)) else str(value)
                    check_answer(api, description, f"{place}?{urllib.parse.urlencode({parameter['name']: value})}", responses)
            missing = place.replace("/1", "/999999")
            if missing != place:
                status, media, _ = api.get(missing)
                assert (status, media) == (404, "application/json"), (missing, status, media)
    assert count >= 4, f"only {count} operations are described"
    return count


def check_answer(api, description, target, responses):
    status, media, body = api.get(target)
    assert status == 200, f"{target} answered {status}: {body[:200]}"
    described = resolve(description, responses["200"])["content"]
    assert media in described or "*/*" in described, f"{target} answered with {media}, not {list(described)}"


def check_records(api, description, python, folder):
    """Holds the list and one record to the schemas of the description."""
    for number, (target, path) in enumerate([("/api/v1/events", "/api/v1/events"), ("/api/v1/events/1", "/api/v1/events/{capture}")]):
        operation = description["paths"][path]["get"]
        content = resolve(description, operation["responses"]["200"])["content"]["application/json"]
        document = {**content["schema"], "components": description.get("components", {})}
        (folder / f"{number}.schema.json").write_text(json.dumps(document))
        record = api.json(target)
        if path == "/api/v1/events":
            assert len(record["events"]) == 3, record
        (folder / f"{number}.json").write_text(json.dumps(record))
        code = "import sys, json, jsonschema; jsonschema.validate(*[json.load(open(name)) for name in sys.argv[1:]])"
        run([python, "-c", code, folder / f"{number}.json", folder / f"{number}.schema.json"])


def run(command, **options):
    subprocess.run([str(word) for word in command], check=True, timeout=300, **options)


main()
