#!/usr/bin/env python3
"""Makes diagnosis.json: requests that fail to verify, each with the cause that was planted; and computed.json: digests of one
good request, each gone wrong in a known way, made by Python, Node and openssl.

An independent witness: nothing here comes from whtool. Run it in this folder when a case is added; the result is committed.
"""

import base64
import hashlib
import hmac
import json
import subprocess

PLEXOS = "whsec_test_secret_do_not_use"
PLUSTIVE = "plustive_test_secret_do_not_use"
TIME = "1736937000"
BODY = (
    b'{"id":"evt_abc123","type":"payment.debited","data":{"id":"pi_def456","amount":"10000","currency":"CVE",'
    b'"status":"DEBITED","operator":"CVMOVEL","operatorPhone":"+2389001234"},"createdAt":"2025-01-15T10:30:00.000Z"}'
)
DOCUMENT = json.loads(BODY)
UTF8 = '{"event":"transaction.success","reference":"PLS-9KQ2M7P…"}'.encode()
SLASHED = b'{"event":"transaction.success","reference":"PLS-1","url":"https://example.com/a"}'
LINES = b'{\n  "event": "transaction.success",\n  "reference": "PLS-1"\n}'


def mac(key, message, digest=hashlib.sha256):
    key = key.encode() if isinstance(key, str) else key
    return hmac.new(key, message, digest)


def plexos(signed, body=None, key=PLEXOS, stamp=TIME, prefix=None):
    """A Plexos request with `body`, whose signature is over `signed`."""
    prefix = f"{TIME}." if prefix is None else prefix
    headers = [["X-Plexos-Signature", mac(key, prefix.encode() + signed).hexdigest()]]
    if stamp is not None:
        headers.insert(0, ["X-Plexos-Timestamp", stamp])
    return headers, signed if body is None else body


def plustive(signed, body=None, key=PLUSTIVE, prefix=b""):
    headers = [["X-Plustive-Signature", "sha256=" + mac(key, prefix + signed).hexdigest()]]
    return headers, signed if body is None else body


def digest_of(request, change):
    """The request with its signature header's value changed."""
    headers, body = request
    return [headers[:-1] + [[headers[-1][0], change(headers[-1][1])]], body][0:2]


def hex_to_base64(text):
    return base64.b64encode(bytes.fromhex(text)).decode()


cases = []


def case(name, request, codes, verdict="mismatch", **variables):
    headers, body = request
    environment = {"PLEXOS_WEBHOOK_SECRET": PLEXOS, "PLUSTIVE_WEBHOOK_SECRET": PLUSTIVE, **variables}
    cases.append(
        {
            "name": name,
            "headers": headers,
            "body": base64.b64encode(body).decode(),
            "verdict": verdict,
            "codes": codes,
            "environment": environment,
        }
    )


# Headers.
case("no header at all", ([], BODY), ["signature_missing"], "unsigned")
case("another header's name", ([["X-Plexos-Timestamp", TIME], ["X-Signature", plexos(BODY)[0][1][1]]], BODY), ["signature_other_header"], "unsigned")
case("GitHub's header", ([["X-Hub-Signature-256", "sha256=" + mac(PLUSTIVE, UTF8).hexdigest()]], UTF8), ["signature_other_header"], "unsigned")
case("Plexos' event under Plustive's header, by Plustive's rule and Plexos' secret", ([["X-Plustive-Signature", mac(PLEXOS, BODY).hexdigest()]], BODY), ["secret_of_other_provider"])
case("Plustive's event signed by Plexos' rule", ([["X-Plexos-Timestamp", TIME], ["X-Plustive-Signature", mac(PLUSTIVE, TIME.encode() + b"." + UTF8).hexdigest()]], UTF8), ["other_provider_rule"])
case("an empty header", digest_of(plexos(BODY), lambda text: ""), ["signature_empty"], "malformed")
case("a digit lost", digest_of(plexos(BODY), lambda text: text[:-1]), ["signature_length"], "malformed")
case("not hex", digest_of(plexos(BODY), lambda text: "g" + text[1:]), ["signature_not_hex"], "malformed")
case("base64", digest_of(plexos(BODY), hex_to_base64), ["signature_base64"], "malformed")
case("the other provider's prefix", digest_of(plexos(BODY), lambda text: "sha256=" + text), ["signature_prefix"], "malformed")
case("SHA-1", ([["X-Plustive-Signature", mac(PLUSTIVE, UTF8, hashlib.sha1).hexdigest()]], UTF8), ["signature_length"], "malformed")
case("SHA-512", ([["X-Plustive-Signature", mac(PLUSTIVE, UTF8, hashlib.sha512).hexdigest()]], UTF8), ["signature_length"], "malformed")

# Timestamps.
case("no timestamp, and it was not signed", plexos(BODY, stamp=None, prefix=""), ["timestamp_missing", "timestamp_not_signed"], "malformed")
case("a timestamp lost on the way", plexos(BODY, stamp=None), ["timestamp_missing", "timestamp_other"], "malformed")
case("not a number", plexos(BODY, stamp="2025-01-15T10:30:00Z", prefix="2025-01-15T10:30:00Z."), ["timestamp_not_a_number"], "malformed")
case("milliseconds sent and signed", plexos(BODY, stamp=TIME + "000", prefix=TIME + "000."), ["timestamp_milliseconds"], "malformed")
case("milliseconds sent, seconds signed", plexos(BODY, stamp=TIME + "000"), ["timestamp_milliseconds", "timestamp_signed_in_seconds"], "malformed")
case("seconds sent, milliseconds signed", plexos(BODY, prefix=TIME + "000."), ["timestamp_signed_in_milliseconds"])
case("six minutes old", plexos(BODY, stamp="1736936640", prefix="1736936640."), ["timestamp_too_old"], "too_old")
case("six minutes ahead", plexos(BODY, stamp="1736937360", prefix="1736937360."), ["timestamp_in_future"], "in_future")
case("the timestamp was not signed", plexos(BODY, prefix=""), ["timestamp_not_signed"])
case("a colon for the full stop", plexos(BODY, prefix=TIME + ":"), ["timestamp_separator"])

# Secrets.
case("a newline in the variable", plexos(BODY), ["secret_whitespace_added"], PLEXOS_WEBHOOK_SECRET=PLEXOS + "\n")
case("a blank before the variable's text", plexos(BODY), ["secret_whitespace_added"], PLEXOS_WEBHOOK_SECRET=" " + PLEXOS)
case("signed with a newline after the secret", plexos(BODY, key=PLEXOS + "\n"), ["secret_whitespace_lost"])
case("quotes in the variable", plexos(BODY), ["secret_quoted"], PLEXOS_WEBHOOK_SECRET=f'"{PLEXOS}"')
case("signed with quotes around the secret", plexos(BODY, key=f"'{PLEXOS}'"), ["secret_used_with_quotes"])
case("signed without whsec_", plexos(BODY, key="test_secret_do_not_use"), ["secret_prefix_dropped"])
case("whsec_ lost in the variable", plexos(BODY), ["secret_prefix_lost"], PLEXOS_WEBHOOK_SECRET="test_secret_do_not_use")
case("base64-decoded", plexos(BODY, key=base64.b64decode("c2VjcmV0LWtleS1ieXRlcw==")), ["secret_decoded"], PLEXOS_WEBHOOK_SECRET="whsec_c2VjcmV0LWtleS1ieXRlcw==")
case("cut off at a #", plexos(BODY, key="whsec_abc"), ["secret_cut_at_hash"], PLEXOS_WEBHOOK_SECRET="whsec_abc#def")
case("an unset variable in JavaScript", plexos(BODY, key="undefined"), ["secret_unset"])
case("an API key", plexos(BODY, key="sk_test_abcdef"), ["api_key_as_secret"], PLEXOS_PAY_SECRET_KEY="sk_test_abcdef")
case("the other provider's secret", plexos(BODY, key=PLUSTIVE), ["secret_of_other_provider"])
case("a plain hash", ([["X-Plustive-Signature", hashlib.sha256(UTF8).hexdigest()]], UTF8), ["not_hmac"])
case("a wrong secret that nothing explains", plexos(BODY, key="whsec_somebody_elses"), ["unexplained"])

# Bodies.
case("spaced as Python writes", plexos(BODY, json.dumps(DOCUMENT).encode()), ["body_reserialized"])
case("pretty", plexos(BODY, json.dumps(DOCUMENT, indent=2).encode()), ["body_reserialized"])
case("signed pretty, sent compact", plexos(json.dumps(DOCUMENT, indent=4).encode(), BODY), ["body_reserialized"])
case("sorted keys were signed", plexos(json.dumps(DOCUMENT, sort_keys=True, separators=(",", ":")).encode(), BODY), ["body_reserialized"])
case("escaped non-ASCII was signed", plustive(json.dumps(json.loads(UTF8), separators=(",", ":")).encode(), UTF8), ["body_reserialized"])
case("escaped slashes were signed", plustive(SLASHED.replace(b"/", b"\\/"), SLASHED), ["body_reserialized"])
case("a newline added", plexos(BODY, BODY + b"\n"), ["body_newline_added"])
case("a newline lost", plexos(BODY + b"\n", BODY), ["body_newline_lost"])
case("CRLF became LF", plustive(LINES.replace(b"\n", b"\r\n"), LINES), ["body_line_ends"])
case("LF became CRLF", plustive(LINES, LINES.replace(b"\n", b"\r\n")), ["body_line_ends"])
case("a BOM added", plexos(BODY, b"\xef\xbb\xbf" + BODY), ["body_bom"])
case("a BOM lost", plexos(b"\xef\xbb\xbf" + BODY, BODY), ["body_bom"])
case("nothing was signed", plexos(b"", BODY), ["body_empty_signed"])
case("an object's name was signed", plexos(b"[object Object]", BODY), ["body_not_the_payload"])
case("Latin-1 read as text", plustive(b'{"event":"x","reference":"caf\xe9"}', '{"event":"x","reference":"café"}'.encode()), ["body_encoding"])
case("a digit changed", plexos(BODY, BODY.replace(b'"10000"', b'"90000"')), ["body_byte_changed"])
case("a bit flipped", plustive(UTF8, UTF8[:20] + bytes([UTF8[20] ^ 4]) + UTF8[21:]), ["body_byte_changed"])
case("a byte lost", plustive(UTF8, UTF8[:30] + UTF8[31:]), ["body_byte_lost"])
case("a byte added", plustive(UTF8, UTF8[:30] + b"x" + UTF8[30:]), ["body_byte_added"])

# Two at once.
case("without whsec_ and re-serialized", plexos(BODY, json.dumps(DOCUMENT).encode(), key="test_secret_do_not_use"), ["secret_prefix_dropped", "body_reserialized"])
case("a newline added and milliseconds signed", plexos(BODY, BODY + b"\n", prefix=TIME + "000."), ["timestamp_signed_in_milliseconds", "body_newline_added"])
case("quotes and no timestamp", plexos(BODY, prefix=""), ["secret_quoted", "timestamp_not_signed"], PLEXOS_WEBHOOK_SECRET=f'"{PLEXOS}"')
case("base64 and a lost newline", digest_of(plexos(BODY + b"\n", BODY), hex_to_base64), ["signature_base64", "body_newline_lost"], "malformed")

spaced = json.dumps(DOCUMENT).encode()
case("a cut secret and a newline added", plexos(BODY, BODY + b"\n", key=PLEXOS[:-1]), ["secret_cut_short", "body_newline_added"])
case("a newline after the secret, and re-serialized", plexos(BODY, spaced, key=PLEXOS + "\n"), ["secret_whitespace_lost", "body_reserialized"])
case("quotes in the variable, and a BOM added", plexos(BODY, b"\xef\xbb\xbf" + BODY), ["secret_quoted", "body_bom"], PLEXOS_WEBHOOK_SECRET=f"'{PLEXOS}'")
case("the other provider's secret, and no timestamp", plexos(BODY, prefix="", key=PLUSTIVE), ["signature_of_other_provider"])
case("an API key, and re-serialized", plexos(BODY, spaced, key="sk_test_abcdef"), ["api_key_as_secret", "body_reserialized"], PLEXOS_PAY_SECRET_KEY="sk_test_abcdef")
case("an unset variable, and milliseconds", plexos(BODY, key="undefined", prefix=TIME + "000."), ["secret_unset", "timestamp_signed_in_milliseconds"])
case("no timestamp, and re-serialized", plexos(BODY, spaced, prefix=""), ["timestamp_not_signed", "body_reserialized"])
case("a colon for the full stop, and a newline lost", plexos(BODY + b"\n", BODY, prefix=TIME + ":"), ["timestamp_separator", "body_newline_lost"])
case("without whsec_, and in Latin-1", plexos('{"id":"caf\u00e9"}'.encode("latin-1"), '{"id":"caf\u00e9"}'.encode(), key=PLEXOS[6:]), ["secret_prefix_dropped", "body_encoding"])
case("base64-decoded, and LF became CRLF", plustive(LINES, LINES.replace(b"\n", b"\r\n"), key=base64.b64decode("c2VjcmV0LWtleS1ieXRlcw==")), ["secret_decoded", "body_line_ends"], PLUSTIVE_WEBHOOK_SECRET="c2VjcmV0LWtleS1ieXRlcw==")
case("another header's name, and re-serialized", ([["X-Signature", mac(PLUSTIVE, SLASHED).hexdigest()]], json.dumps(json.loads(SLASHED)).encode()), ["signature_other_header", "body_reserialized"], "unsigned")
case("the other provider's prefix, and no timestamp", digest_of(plexos(BODY, prefix=""), lambda text: "sha256=" + text), ["signature_prefix", "timestamp_not_signed"], "malformed")
case("base64, and without whsec_", digest_of(plexos(BODY, key=PLEXOS[6:]), hex_to_base64), ["signature_base64", "secret_prefix_dropped"], "malformed")
case("milliseconds sent, seconds signed, and re-serialized", plexos(BODY, spaced, stamp=TIME + "000"), ["timestamp_milliseconds", "timestamp_signed_in_seconds", "body_reserialized"], "malformed")
case("a print of the bytes, in Python", plexos(repr(BODY).encode(), BODY), ["body_printed"])
case("UTF-16 was signed, with quotes around the secret", plustive(SLASHED.decode().encode("utf-16-le"), SLASHED, key=f'"{PLUSTIVE}"'), ["secret_used_with_quotes", "body_encoding"])

with open("diagnosis.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(each) for each in cases) + "\n]\n")
print(len(cases), "cases")

# What somebody's own code computed for one good request. Those of Node and openssl are made by them.


def by_node(script, body=BODY):
    """What a line of JavaScript prints; `body` is a Buffer in it, `time` and `key` are text."""
    lines = (
        "const { createHmac, createHash } = require('crypto'); const body = require('fs').readFileSync(0);"
        f"const time = '{TIME}', key = '{PLEXOS}'; process.stdout.write(String({script}))"
    )
    return subprocess.run(["node", "-e", lines], input=body, stdout=subprocess.PIPE, check=True).stdout.decode()


def by_openssl(message, *flags):
    output = subprocess.run(["openssl", "dgst", *flags], input=message, stdout=subprocess.PIPE, check=True).stdout
    return output.decode().split()[-1]


def by_python(message, key=PLEXOS, digest=hashlib.sha256):
    return mac(key, message, digest).hexdigest()


STAMP = TIME.encode() + b"."
computed = []


def digest(name, text, codes, by, **variables):
    computed.append({"name": name, "computed": text, "codes": codes, "by": by, "environment": variables})


digest("no timestamp", by_node("createHmac('sha256', key).update(body).digest('hex')"), ["timestamp_not_signed"], "Node")
digest("JSON.stringify of the parsed body, spaced by two", by_node("createHmac('sha256', key).update(`${time}.` + JSON.stringify(JSON.parse(body), null, 2)).digest('hex')"), ["body_reserialized"], "Node")
digest("an object in a template", by_node("createHmac('sha256', key).update(`${time}.${JSON.parse(body)}`).digest('hex')"), ["body_not_the_payload"], "Node")
digest("an undefined body", by_node("createHmac('sha256', key).update(`${time}.${undefined}`).digest('hex')"), ["body_not_the_payload"], "Node")
digest("JSON.stringify of the Buffer", by_node("createHmac('sha256', key).update(`${time}.${JSON.stringify(body)}`).digest('hex')"), ["body_printed"], "Node")
digest("a key decoded from base64", by_node("createHmac('sha256', Buffer.from(key.slice(6), 'base64')).update(`${time}.`).update(body).digest('hex')"), ["secret_decoded"], "Node")
digest("an undefined key", by_node("createHmac('sha256', String(undefined)).update(`${time}.`).update(body).digest('hex')"), ["secret_unset"], "Node")
digest("base64", by_node("createHmac('sha256', key).update(`${time}.`).update(body).digest('base64')"), ["signature_base64"], "Node")
digest("hex twice", by_node("Buffer.from(createHmac('sha256', key).update(`${time}.`).update(body).digest('hex')).toString('hex')"), ["digest_encoded_twice"], "Node")
digest("milliseconds", by_node("createHmac('sha256', key).update(`${time}000.`).update(body).digest('hex')"), ["timestamp_signed_in_milliseconds"], "Node")
digest("SHA-512 and no timestamp, base64url", by_node("createHmac('sha512', key).update(body).digest('base64url')"), ["digest_algorithm", "timestamp_not_signed", "signature_base64"], "Node")
digest("SHA-1", by_openssl(STAMP + BODY, "-sha1", "-hmac", PLEXOS), ["digest_algorithm"], "openssl")
digest("SHA-512", by_openssl(STAMP + BODY, "-sha512", "-hmac", PLEXOS), ["digest_algorithm"], "openssl")
digest("MD5", by_openssl(STAMP + BODY, "-md5", "-hmac", PLEXOS), ["digest_algorithm"], "openssl")
digest("a plain SHA-256 of the body", by_openssl(BODY, "-sha256"), ["not_hmac"], "openssl")
digest("a plain SHA-256 of secret and body", by_openssl(PLEXOS.encode() + BODY, "-sha256"), ["not_hmac"], "openssl")
digest("a plain MD5 of the body", by_openssl(BODY, "-md5"), ["digest_algorithm", "not_hmac"], "openssl")
digest("echo for printf", by_openssl(STAMP + BODY + b"\n", "-sha256", "-hmac", PLEXOS), ["body_newline_lost"], "openssl")
digest("without whsec_", by_openssl(STAMP + BODY, "-sha256", "-hmac", PLEXOS[6:]), ["secret_prefix_dropped"], "openssl")
digest("the other provider's secret", by_openssl(STAMP + BODY, "-sha256", "-hmac", PLUSTIVE), ["secret_of_other_provider"], "openssl")
digest("an empty body", by_openssl(STAMP, "-sha256", "-hmac", PLEXOS), ["body_empty_signed"], "openssl")
digest("the timestamp alone", by_openssl(TIME.encode(), "-sha256", "-hmac", PLEXOS), ["message_other"], "openssl")
digest("the file's name", by_openssl(b"request.http", "-sha256", "-hmac", PLEXOS), ["message_other"], "openssl")
digest("key and message exchanged", by_python(PLEXOS.encode(), key=STAMP + BODY), ["key_and_message_swapped"], "Python")
digest("json.dumps of the parsed body", by_python(STAMP + json.dumps(DOCUMENT).encode()), ["body_reserialized"], "Python")
digest("a print of the bytes", by_python(f"{TIME}.{BODY}".encode()), ["body_printed"], "Python")
digest("None for the key", by_python(STAMP + BODY, key=str(None)), ["secret_unset"], "Python")
digest("UTF-16", by_python(STAMP + BODY.decode().encode("utf-16-le")), ["body_encoding"], "Python")
digest("a key decoded from hex", by_python(STAMP + BODY, key=bytes.fromhex("00112233445566778899aabbccddeeff")), ["secret_decoded"], "Python", PLEXOS_WEBHOOK_SECRET="00112233445566778899aabbccddeeff")
digest("json.dumps, and without whsec_", by_python(STAMP + json.dumps(DOCUMENT).encode(), key=PLEXOS[6:]), ["secret_prefix_dropped", "body_reserialized"], "Python")
digest("json.dumps, and no timestamp", "sha256=" + by_python(json.dumps(DOCUMENT).encode()).upper(), ["timestamp_not_signed", "body_reserialized"], "Python")
digest("milliseconds, and a newline after the secret", by_python(TIME.encode() + b"000." + BODY, key=PLEXOS + "\n"), ["secret_whitespace_lost", "timestamp_signed_in_milliseconds"], "Python")

with open("computed.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(each) for each in computed) + "\n]\n")
print(len(computed), "digests")
