#!/usr/bin/env python3
"""Writes kinds.json: requests as they reach a handler, and digests that a handler computes, each damaged by a tool that
people use: Python, Node, PHP, Ruby, Go, openssl, curl, gzip, jq or a shell.

Nothing here comes from whtool. Run it in this folder after adding a case, and commit the result.
"""

import base64
import gzip
import hashlib
import hmac
import html
import json
import os
import subprocess
import tempfile
import urllib.parse
import zlib

PLEXOS = "whsec_Zm9vYmFyLWJhei1xdXV4LTEyMzQ1Njc4OTA="
PLUSTIVE = "plv_k3y+Qx/9dTz=7hL#w2"
TIME = "1772643911"  # 2026-03-04T17:05:11Z


def compact(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


DEBITED = compact({"id": "evt_7Kd93MbQ2x", "type": "payment.debited", "data": {"id": "pi_5Tz81Lqw", "amount": "12550", "currency": "CVE", "status": "DEBITED", "operator": "CVMOVEL", "operatorPhone": "+2389912345"}, "createdAt": "2026-03-04T17:05:09.000Z"})
FAILED = compact({"id": "evt_Rr0gA81kPc", "type": "payment.failed", "data": {"id": "pi_0aGh2Jk4", "externalId": None, "amount": "500000", "currency": "AOA", "status": "FAILED", "failureMessage": "Saldo não é suficiente", "description": "Almoço — João & Zé <3", "metadata": {"pedido": "A-17/2026", "extra": {}}}, "createdAt": "2026-03-04T17:05:09.480Z"})
BOUGHT = compact({"event": "transaction.completed", "reference": "PLS-7XKQR4N", "clientReference": "ord_₦500_Adéọlá", "status": "Success", "amount": 50000, "type": "Electricity", "network": "ikedc", "phone": "08030000000", "timestamp": "2026-03-04T17:05:05Z"})
PRICED = DEBITED.replace(b'"operator":', b'"fee":2.50,"operator":')


def mac(key, message, digest=hashlib.sha256):
    return hmac.new(key.encode() if isinstance(key, str) else key, message, digest)


def run(*command, stdin=b"", folder=None):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True, cwd=folder).stdout


def node(script, body):
    """Returns what a line of JavaScript prints; it sees the body as the Buffer `body` and the object `event`."""
    lines = f"const body = require('fs').readFileSync(0), event = JSON.parse(body), time = '{TIME}'; process.stdout.write({script})"
    return run("node", "-e", lines, stdin=body)


def php(script, body):
    return run("php", "-r", f"$body = stream_get_contents(STDIN); $event = json_decode($body, true); $time = '{TIME}'; echo {script};", stdin=body)


def ruby(script, body):
    lines = f"require 'json'; require 'cgi'; body = STDIN.read.force_encoding('UTF-8'); event = JSON.parse(body); time = '{TIME}'; print {script}"
    return run("ruby", "-e", lines, stdin=body)


def go(script, body, declarations=""):
    """Returns what Go's `fmt.Print` prints of an expression of `body`, the parsed `event`, and `time`."""
    source = (
        'package main\nimport ("encoding/json"; "fmt"; "io"; "net/url"; "os"; gotime "time")\n' + declarations +
        f'\nfunc main() {{ body, _ := io.ReadAll(os.Stdin); var event map[string]any; json.Unmarshal(body, &event); time := "{TIME}"\n'
        f"_, _, _, _ = event, time, url.QueryEscape, gotime.Now; fmt.Print({script}) }}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "main.go"), "w") as file:
            file.write(source)
        return run("go", "run", "main.go", stdin=body, folder=folder)


def curl(body, *flags):
    """Returns the body that curl sends, from a server that prints what it gets."""
    import http.server
    import threading

    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.handle_request).start()
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "body.json"), "wb") as file:
            file.write(body)
        run("curl", "-s", *flags, f"http://127.0.0.1:{server.server_port}/", folder=folder)
    server.server_close()
    return received[0]


def right(body):
    """Returns the documented signature of a body, in hex."""
    return mac(PLUSTIVE, body).hexdigest() if body == BOUGHT else mac(PLEXOS, stamped(body)).hexdigest()


def stamped(message, stamp=TIME):
    return stamp.encode() + b"." + message


def headers(body, signature=None):
    signature = signature or right(body)
    if body == BOUGHT:
        return [["X-Plustive-Signature", "sha256=" + signature]]
    return [["X-Plexos-Timestamp", TIME], ["X-Plexos-Signature", signature]]


cases = []


def case(kind, name, by, causes, sent, body, computed=None, **variables):
    """Adds a request. `causes`: each code with some of its words, as in `body_wrapped: base64`, in their order, between
    pluses. `sent`: the headers. `computed`: a digest that the user's code made of the request."""
    environment = {"PLEXOS_WEBHOOK_SECRET": PLEXOS, "PLUSTIVE_WEBHOOK_SECRET": PLUSTIVE, **variables}
    cases.append({"kind": kind, "name": name, "by": by, "headers": sent, "body": base64.b64encode(body).decode(), "computed": computed, "causes": [each.split(": ", 1) for each in causes.split(" + ")], "environment": environment})


def received(name, by, causes, body, changed, **variables):
    """Adds a request whose body reached the handler as `changed`."""
    case("body received", name, by, causes, headers(body), changed, **variables)


def hashed(name, by, causes, body, message, key=None):
    """Adds a digest: the user's code hashed `message`."""
    key = key if key is not None else PLUSTIVE if body == BOUGHT else PLEXOS
    case("digest computed", name, by, causes, headers(body), body, computed=mac(key, message).hexdigest())


def digest(name, by, causes, body, text):
    case("digest computed", name, by, causes, headers(body), body, computed=text)


def variable(name, by, causes, value, body=DEBITED):
    """Adds a request that verifies with the secret whose copy in the variable is `value`."""
    key = "PLUSTIVE_WEBHOOK_SECRET" if body == BOUGHT else "PLEXOS_WEBHOOK_SECRET"
    case("secret configured", name, by, causes, headers(body), body, **{key: value})


def sent(name, by, causes, pairs, body=DEBITED):
    case("headers received", name, by, causes, pairs, body)


# Bodies that reached the handler in another form, as a proxy, a queue, a log or a framework leaves them.
text, failed, bought = DEBITED.decode(), FAILED.decode(), BOUGHT.decode()
nginx_log = DEBITED.replace(b'"', b"\\x22")
received("base64(1), 76 columns", "base64", "body_wrapped: base64", DEBITED, run("base64", stdin=DEBITED))
received("an API Gateway event, isBase64Encoded", "Python", "body_wrapped: `body`, then base64", FAILED, json.dumps({"version": "2.0", "rawPath": "/", "body": base64.b64encode(FAILED).decode(), "isBase64Encoded": True}).encode())
received("Node's toString('base64url')", "Node", "body_wrapped: base64", FAILED, node("body.toString('base64url')", FAILED))
received("PHP's bin2hex", "PHP", "body_wrapped: hex", DEBITED, php("bin2hex($body)", DEBITED))
received("gzip(1)", "gzip", "body_wrapped: gzip", DEBITED, run("gzip", "-c", "-n", stdin=DEBITED))
received("zlib.compress", "Python", "body_wrapped: zlib", BOUGHT, zlib.compress(BOUGHT))
received("gzip, then base64", "Python", "body_wrapped: base64, then compressed with gzip", DEBITED, base64.b64encode(gzip.compress(DEBITED, mtime=0)))
received("the form field payload, by urlencode", "Python", "body_wrapped: the form field `payload`", FAILED, urllib.parse.urlencode({"payload": failed}).encode())
received("the form field payload, by curl --data-urlencode", "curl", "body_wrapped: the form field `payload`", DEBITED, curl(DEBITED, "--data-urlencode", "payload@body.json"))
received("multipart, by curl -F", "curl", "body_wrapped: multipart", DEBITED, curl(DEBITED, "-F", "payload=<body.json"))
received("a whole file, by curl -F", "curl", "body_wrapped: multipart", BOUGHT, curl(BOUGHT, "-F", "file=@body.json;type=application/json"))
received("encodeURIComponent", "Node", "body_wrapped: encoding", DEBITED, node("encodeURIComponent(body)", DEBITED))
received("htmlspecialchars", "PHP", "body_wrapped: HTML entities", FAILED, php("htmlspecialchars($body)", FAILED))
received("html.escape", "Python", "body_wrapped: HTML entities", BOUGHT, html.escape(bought).encode())
received("addslashes", "PHP", "body_wrapped: backslash escapes", DEBITED, php("addslashes($body)", DEBITED))
received("nginx's log, where quotes are \\x22", "text", "body_wrapped: nginx", DEBITED, nginx_log)
received("JSON.stringify of the text", "Node", "body_double_encoded: inside the string", FAILED, node("JSON.stringify(body.toString())", FAILED))
received("JSON.stringify of the Buffer", "Node", "body_wrapped: byte values", DEBITED, node("JSON.stringify(body)", DEBITED))
received("JSON.stringify of the bytes as numbers", "Node", "body_wrapped: byte values", DEBITED, node("JSON.stringify([...body])", DEBITED))
received("str of the bytes", "Python", "body_wrapped: b'…'", FAILED, str(FAILED).encode())
received("chunk framing", "text", "body_wrapped: chunked", DEBITED, b"%x\r\n%s\r\n0\r\n\r\n" % (len(DEBITED), DEBITED))
received("an event stream", "text", "body_wrapped: event stream", DEBITED, b"event: message\ndata: %s\n\n" % DEBITED)
received("JSONP", "text", "body_wrapped: JSONP", BOUGHT, b"callback(%s);" % BOUGHT)
received("after the prefix of a log", "text", "body_wrapped: INFO webhook body=", FAILED, b"2026-03-04T17:05:11.532Z INFO webhook body=" + FAILED)
received("in a line of Laravel's log", "text", "body_wrapped: local.DEBUG", DEBITED, b"[2026-03-04 17:05:11] local.DEBUG: " + DEBITED + b" []")
received("jq -s, a list of one", "jq", "body_wrapped: JSON", DEBITED, run("jq", "-c", "-s", ".", stdin=DEBITED).strip())
received('the object in {"body": …}', "Node", "body_wrapped: `body`", DEBITED, node("JSON.stringify({headers: {}, body: event})", DEBITED))
received('the text in {"body": "…"}', "Node", "body_wrapped: `body`", FAILED, node("JSON.stringify({body: body.toString()})", FAILED))
received("Pub/Sub's message.data", "Python", "body_wrapped: `message.data`, then base64", DEBITED, json.dumps({"message": {"data": base64.b64encode(DEBITED).decode(), "messageId": "1"}, "subscription": "projects/p/subscriptions/s"}).encode())
received("SQS records of a Lambda", "Python", "body_wrapped: body", FAILED, json.dumps({"Records": [{"messageId": "1", "body": failed, "eventSource": "aws:sqs"}]}).encode())
received("jq .", "jq", "body_reserialized: jq", FAILED, run("jq", ".", stdin=FAILED))
received("json.dumps with sorted keys, not ASCII only", "Python", "body_model: order", BOUGHT, json.dumps(json.loads(BOUGHT), sort_keys=True, ensure_ascii=False).encode())
received("Go's json.Marshal of a map", "Go", "body_model: order", DEBITED, go("string(func() []byte { b, _ := json.Marshal(event); return b }())", DEBITED))
received("Go's time.Time in a struct", "Go", "body_model: .000Z", DEBITED, go("string(func() []byte { var e Event; json.Unmarshal(body, &e); b, _ := json.Marshal(e); return b }())", DEBITED, 'type Event struct { ID string `json:"id"`; Type string `json:"type"`; Data json.RawMessage `json:"data"`; CreatedAt gotime.Time `json:"createdAt"` }'))
received("an empty object that PHP made a list", "PHP", "body_model: {}", FAILED, FAILED.replace(b'"extra":{}', b'"extra":[]'))
received("a plus sign that form decoding made a blank", "Python", "body_form_decoded: `+`", DEBITED, urllib.parse.unquote_plus(text).encode())
received("a NUL at the end", "text", "body_nul_added: NUL", DEBITED, DEBITED + b"\0")
received("a price that lost a zero", "Node", "body_number: `0`", PRICED, node("JSON.stringify(event)", PRICED))
received("utf8_encode", "PHP", "body_encoding: Latin-1", FAILED, php("mb_convert_encoding($body, 'UTF-8', 'ISO-8859-1')", FAILED))
received("UTF-16 with a byte order mark", "Python", "body_wrapped: UTF-16", BOUGHT, bought.encode("utf-16"))
received("NFD", "Node", "body_encoding: NFC", FAILED, node("body.toString().normalize('NFD')", FAILED))
received("base64, with quotes around the secret", "Python", "secret_quoted: quotes + body_wrapped: base64", DEBITED, base64.b64encode(DEBITED), PLEXOS_WEBHOOK_SECRET=f'"{PLEXOS}"')
received('{"body": "…"}, with the secret in JSON', "Python", "secret_in_json: `secret` + body_wrapped: `body`", DEBITED, json.dumps({"body": text}).encode(), PLEXOS_WEBHOOK_SECRET=json.dumps({"secret": PLEXOS}))
received("a variable of a GraphQL mutation", "Node", "body_wrapped: `variables.p`", FAILED, node("JSON.stringify({query: 'mutation($p:String!){hook(p:$p)}', variables: {p: body.toString()}})", FAILED))
received("journald's MESSAGE, a list of bytes", "Python", "body_wrapped: `MESSAGE`", DEBITED, json.dumps({"PRIORITY": "6", "MESSAGE": list(DEBITED)}).encode())
received("a SOAP string", "Python", "body_wrapped: HTML entities", FAILED, f"<soap:Body><Payload>{html.escape(failed)}</Payload></soap:Body>".encode())
received("addslashes, twice", "PHP", "body_wrapped: backslash escapes", DEBITED, php("addslashes(addslashes($body))", DEBITED))
received("raw deflate", "Python", "body_wrapped: deflate", DEBITED, zlib.compress(DEBITED)[2:-4])
received("fold -w 80", "coreutils", "body_spaces: newlines", DEBITED, run("fold", "-b", "-w", "80", stdin=DEBITED))
received("another event after it", "text", "body_wrapped: after it", DEBITED, DEBITED + b"\n" + FAILED)

# Digests that the handler computed.
hashed("util.inspect of the event", "Node", "body_printed: util.inspect", DEBITED, stamped(node("require('util').inspect(event)", DEBITED)))
hashed("str of the dict", "Python", "body_printed: Python's str()", FAILED, stamped(str(json.loads(FAILED)).encode()))
hashed("inspect of the hash", "Ruby", "body_printed: Ruby's inspect", FAILED, stamped(ruby("event.inspect", FAILED)))
hashed("%v of the map", "Go", "body_printed: Go's %v", DEBITED, stamped(go("fmt.Sprintf(\"%v\", event)", DEBITED)))
hashed("print_r", "PHP", "body_printed: print_r", DEBITED, stamped(php("print_r($event, true)", DEBITED)))
hashed("var_export", "PHP", "body_printed: var_export", FAILED, stamped(php("var_export($event, true)", FAILED)))
hashed("serialize", "PHP", "body_printed: PHP's serialize", FAILED, stamped(php("serialize($event)", FAILED)))
hashed("http_build_query", "PHP", "body_printed: http_build_query", DEBITED, stamped(php("http_build_query($event)", DEBITED)))
hashed("json_encode($_POST)", "PHP", "body_not_the_payload: `[]`", DEBITED, stamped(php("json_encode($_POST)", DEBITED)))
hashed("data alone, by json.dumps", "Python", "body_part: `data` + body_reserialized: json.dumps", DEBITED, stamped(json.dumps(json.loads(DEBITED)["data"]).encode()))
hashed("data alone, by JSON.stringify", "Node", "body_part: `data`", DEBITED, stamped(node("JSON.stringify(event.data)", DEBITED)))
hashed("the id alone", "Ruby", "body_part: `id`", DEBITED, stamped(ruby("event['id']", DEBITED)))
hashed("base64 of the body", "Node", "body_transformed: base64", FAILED, stamped(node("body.toString('base64')", FAILED)))
hashed("hex of the body", "Go", "body_transformed: hex", DEBITED, stamped(go('fmt.Sprintf("%x", body)', DEBITED)))
hashed("the body in a list", "Node", "body_transformed: JSON array", DEBITED, stamped(node("JSON.stringify([event])", DEBITED)))
hashed("ASCII, other characters dropped", "Python", "body_encoding: ASCII", FAILED, stamped(failed.encode("ascii", "ignore")))
hashed("Node's ascii", "Node", "body_encoding: ascii", FAILED, stamped(node("body.toString('ascii')", FAILED)))
hashed("windows-1252", "Python", "body_encoding: 1252", FAILED, stamped(failed.encode("cp1252")))
hashed("the secret in base64 as the key", "Python", "secret_used_encoded: base64", DEBITED, stamped(DEBITED), key=base64.b64encode(PLEXOS.encode()))
hashed("the secret's SHA-256 as the key", "Python", "secret_hashed: SHA-256", DEBITED, stamped(DEBITED), key=hashlib.sha256(PLEXOS.encode()).digest())
hashed("process.env.NAME as text", "Node", "secret_unset: `PLEXOS_WEBHOOK_SECRET`", DEBITED, stamped(DEBITED), key="PLEXOS_WEBHOOK_SECRET")
for name, stamp, by in [("undefined", "undefined", "Node"), ("null", "null", "Node"), ("None", "None", "Python"), ("NaN", "NaN", "Node"), ("nothing", "", "Go")]:
    words = f"`{stamp}`" if stamp else "an empty text"
    hashed(f"{name} in place of the timestamp", by, f"timestamp_unset: {words}", FAILED, stamped(FAILED, stamp))
hashed("body.timestamp", "Node", "message_layout: `<body>.<timestamp>`", DEBITED, node("`${body}.${time}`", DEBITED))
hashed("the body and the timestamp", "PHP", "message_layout: `<body><timestamp>`", DEBITED, php("$body . $time", DEBITED))
hashed("v0:timestamp:body", "Python", "message_layout: `v0:<timestamp>:<body>`", DEBITED, f"v0:{TIME}:{text}".encode())
hashed("id.timestamp.body", "Node", "message_layout: `<id>.<timestamp>.<body>`", DEBITED, node("`${event.id}.${time}.${body}`", DEBITED))
hashed("timestamp, newline, body", "Go", "timestamp_separator: newline", DEBITED, go('time + "\\n" + string(body)', DEBITED))
hashed("`${timestamp}.${body}` in single quotes", "Node", "template_not_filled: `${timestamp}.${body}`", DEBITED, node("'${timestamp}.${body}'", DEBITED))
hashed("a float as the timestamp", "Python", "timestamp_signed_as: `1772643911.0`", DEBITED, stamped(DEBITED, str(float(TIME))))
hashed("an ISO timestamp", "Node", "timestamp_signed_as: `2026-03-04T17:05:11.000Z`", DEBITED, stamped(DEBITED, node("new Date(time * 1000).toISOString()", DEBITED).decode()))
hashed("the handler's own clock, two seconds later", "Python", "timestamp_own_clock: 2 s later", DEBITED, stamped(DEBITED, str(int(TIME) + 2)))
hashed("an hour off", "Python", "timestamp_time_zone: 60 min earlier", DEBITED, stamped(DEBITED, str(int(TIME) - 3600)))
digest("the HMAC of the HMAC", "Python", "message_other: signature header", DEBITED, mac(PLEXOS, right(DEBITED).encode()).hexdigest())
digest("the first 40 digits of the right digest", "MySQL", "signature_cut: 40 of 64", DEBITED, right(DEBITED)[:40])
hashed("jq --tab", "jq", "body_reserialized: tabs", DEBITED, stamped(run("jq", "--tab", ".", stdin=DEBITED)))
hashed("CGI.escape", "Ruby", "body_transformed: form", FAILED, stamped(ruby("CGI.escape(body)", FAILED)))
hashed("the event's createdAt as the timestamp", "Ruby", "timestamp_other: `2026-03-04T17:05:09.000Z`", DEBITED, stamped(DEBITED, ruby("event['createdAt']", DEBITED).decode()))
hashed("nanoseconds", "Go", "timestamp_signed_as: nanoseconds", DEBITED, stamped(DEBITED, go("gotime.Unix(1772643911, 0).UnixNano()", DEBITED).decode()))

# Digests as people paste them: all of the body without its timestamp.
pasted = mac(PLEXOS, DEBITED).digest()
digest("openssl's output", "openssl", "timestamp_not_signed: missing", DEBITED, run("openssl", "dgst", "-sha256", "-hmac", PLEXOS, stdin=DEBITED).decode().strip())
digest("console.log of a Buffer", "Node", "timestamp_not_signed: missing", DEBITED, run("node", "-e", f"console.log(Buffer.from('{pasted.hex()}', 'hex'))").decode().strip())
digest("print of the bytes", "Python", "timestamp_not_signed: missing", DEBITED, str(pasted))
digest("fmt.Println of the bytes", "Go", "timestamp_not_signed: missing", DEBITED, f"[{' '.join(map(str, pasted))}]")
digest("Arrays.toString of signed bytes", "Java", "timestamp_not_signed: missing", DEBITED, str([byte - 256 if byte > 127 else byte for byte in pasted]))
digest("BitConverter.ToString", "C#", "timestamp_not_signed: missing", DEBITED, "-".join(f"{byte:02X}" for byte in pasted))
digest("0x and hex", "text", "timestamp_not_signed: missing", DEBITED, "0x" + pasted.hex())
digest("var_dump", "PHP", "timestamp_not_signed: missing", DEBITED, php(f"var_export(hash_hmac('sha256', $body, '{PLEXOS}'), true)", DEBITED).decode())
digest("hexdump -C", "hexdump", "timestamp_not_signed: missing", DEBITED, "\n".join(f"{at:08x}  {pasted[at : at + 16].hex(' ')}" for at in (0, 16)))
digest("two lines", "text", "timestamp_not_signed: missing", DEBITED, pasted.hex()[:32] + "\n" + pasted.hex()[32:])
digest("a line of a log with both digests", "text", "timestamp_not_signed: missing", DEBITED, f"DEBUG computed={pasted.hex()} expected={right(DEBITED)}")

# Headers that a server renamed or reformatted, and timestamps that were lost.
signature = right(DEBITED)
sent("names of CGI and WSGI", "text", "header_renamed: `HTTP_X_PLEXOS_SIGNATURE` + header_renamed: `HTTP_X_PLEXOS_TIMESTAMP`", [["HTTP_X_PLEXOS_TIMESTAMP", TIME], ["HTTP_X_PLEXOS_SIGNATURE", signature]])
sent("names of Amazon API Gateway", "text", "header_renamed: `x-amzn-remapped-x-plexos-signature` + header_renamed: `x-amzn-remapped-x-plexos-timestamp`", [["x-amzn-remapped-x-plexos-timestamp", TIME], ["x-amzn-remapped-x-plexos-signature", signature]])
sent("names that a proxy chose", "nginx", "signature_other_header: `X-Sig` + timestamp_other_header: `X-Ts`", [["X-Ts", TIME], ["X-Sig", signature]])
sent("no timestamp header", "nginx", "timestamp_missing: X-Plexos-Timestamp + timestamp_other: 1772643911", [["X-Plexos-Signature", signature]])
sent("a quoted signature", "text", "signature_text_around: more in it", [["X-Plexos-Timestamp", TIME], ["X-Plexos-Signature", f'"{signature}"']])
sent("a signature in a list", "Python", "signature_text_around: more in it", [["X-Plexos-Timestamp", TIME], ["X-Plexos-Signature", str([signature])]])
sent("base64 without padding", "Node", "signature_base64: base64", [["X-Plexos-Timestamp", TIME], ["X-Plexos-Signature", base64.b64encode(bytes.fromhex(signature)).decode().rstrip("=")]])
sent("both values in one header", "text", "signature_prefix: `t=1772643911,v1=` + timestamp_other_header: `X-Plexos-Signature`", [["X-Plexos-Signature", f"t={TIME},v1={signature}"]])
sent("a timestamp as RFC 3339", "text", "timestamp_not_a_number: `2026-03-04T17:05:11Z` + timestamp_signed_in_seconds: seconds", [["X-Plexos-Timestamp", "2026-03-04T17:05:11Z"], ["X-Plexos-Signature", signature]])

with open("kinds.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(each) for each in cases) + "\n]\n")
print(len(cases), "cases")
