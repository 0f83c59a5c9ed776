#!/usr/bin/env python3
"""Writes diagnosis.json (requests that fail verification, each with the planted cause) and computed.json (digests of one
good request, each computed with a known mistake by Python, Node or openssl).

Nothing here comes from whtool. Run it in this folder after adding a case, and commit the result.
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
    """Returns the headers and `body` of a Plexos request whose signature is over `signed`."""
    prefix = f"{TIME}." if prefix is None else prefix
    headers = [["X-Plexos-Signature", mac(key, prefix.encode() + signed).hexdigest()]]
    if stamp is not None:
        headers.insert(0, ["X-Plexos-Timestamp", stamp])
    return headers, signed if body is None else body


def plustive(signed, body=None, key=PLUSTIVE, prefix=b""):
    headers = [["X-Plustive-Signature", "sha256=" + mac(key, prefix + signed).hexdigest()]]
    return headers, signed if body is None else body


def digest_of(request, change):
    """Returns the request with the value of its signature header changed."""
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
            # Without a signature nothing can be proved.
            "proof": {"signature_missing": "visible", "signature_empty": "visible", "signature_not_hex": "visible", "unexplained": "likely"}.get(codes[0], "proved"),
            "environment": environment,
        }
    )


# Headers.
case("no signature header", ([], BODY), ["signature_missing"], "unsigned")
case("a header with another name", ([["X-Plexos-Timestamp", TIME], ["X-Signature", plexos(BODY)[0][1][1]]], BODY), ["signature_other_header"], "unsigned")
case("GitHub's header", ([["X-Hub-Signature-256", "sha256=" + mac(PLUSTIVE, UTF8).hexdigest()]], UTF8), ["signature_other_header"], "unsigned")
case("a Plexos event in Plustive's header, by Plustive's rules with the Plexos secret", ([["X-Plustive-Signature", mac(PLEXOS, BODY).hexdigest()]], BODY), ["secret_of_other_provider"])
case("a Plustive event signed by Plexos' rules", ([["X-Plexos-Timestamp", TIME], ["X-Plustive-Signature", mac(PLUSTIVE, TIME.encode() + b"." + UTF8).hexdigest()]], UTF8), ["other_provider_rule"])
case("an empty header", digest_of(plexos(BODY), lambda text: ""), ["signature_empty"], "malformed")
case("a missing digit", digest_of(plexos(BODY), lambda text: text[:-1]), ["signature_cut"], "malformed")
case("a letter that is no hex digit", digest_of(plexos(BODY), lambda text: "g" + text[1:]), ["signature_digits_changed"], "malformed")
case("not hex", digest_of(plexos(BODY), lambda text: "signature-of-the-body"), ["signature_not_hex"], "malformed")
case("base64 instead of hex", digest_of(plexos(BODY), hex_to_base64), ["signature_base64"], "malformed")
case("the other provider's prefix", digest_of(plexos(BODY), lambda text: "sha256=" + text), ["signature_prefix"], "malformed")
case("SHA-1", ([["X-Plustive-Signature", mac(PLUSTIVE, UTF8, hashlib.sha1).hexdigest()]], UTF8), ["digest_algorithm"], "malformed")
case("SHA-512", ([["X-Plustive-Signature", mac(PLUSTIVE, UTF8, hashlib.sha512).hexdigest()]], UTF8), ["digest_algorithm"], "malformed")

# Timestamps.
case("no timestamp sent or signed", plexos(BODY, stamp=None, prefix=""), ["timestamp_missing", "timestamp_not_signed"], "malformed")
case("a timestamp header that was dropped", plexos(BODY, stamp=None), ["timestamp_missing", "timestamp_other"], "malformed")
case("a timestamp that is not a number", plexos(BODY, stamp="2025-01-15T10:30:00Z", prefix="2025-01-15T10:30:00Z."), ["timestamp_not_a_number"], "malformed")
case("milliseconds sent and signed", plexos(BODY, stamp=TIME + "000", prefix=TIME + "000."), ["timestamp_milliseconds"], "malformed")
case("milliseconds sent, seconds signed", plexos(BODY, stamp=TIME + "000"), ["timestamp_milliseconds", "timestamp_signed_in_seconds"], "malformed")
case("seconds sent, milliseconds signed", plexos(BODY, prefix=TIME + "000."), ["timestamp_signed_in_milliseconds"])
case("six minutes old", plexos(BODY, stamp="1736936640", prefix="1736936640."), ["timestamp_too_old"], "too_old")
case("six minutes in the future", plexos(BODY, stamp="1736937360", prefix="1736937360."), ["timestamp_in_future"], "in_future")
case("timestamp sent, but not signed", plexos(BODY, prefix=""), ["timestamp_not_signed"])
case("a colon instead of the dot", plexos(BODY, prefix=TIME + ":"), ["timestamp_separator"])

# Secrets.
case("a newline at the end of the variable", plexos(BODY), ["secret_whitespace_added"], PLEXOS_WEBHOOK_SECRET=PLEXOS + "\n")
case("a space at the start of the variable", plexos(BODY), ["secret_whitespace_added"], PLEXOS_WEBHOOK_SECRET=" " + PLEXOS)
case("signed with a newline after the secret", plexos(BODY, key=PLEXOS + "\n"), ["secret_whitespace_lost"])
case("quotes around the variable's value", plexos(BODY), ["secret_quoted"], PLEXOS_WEBHOOK_SECRET=f'"{PLEXOS}"')
case("signed with quotes around the secret", plexos(BODY, key=f"'{PLEXOS}'"), ["secret_used_with_quotes"])
case("signed without whsec_", plexos(BODY, key="test_secret_do_not_use"), ["secret_prefix_dropped"])
case("whsec_ missing in the variable", plexos(BODY), ["secret_prefix_lost"], PLEXOS_WEBHOOK_SECRET="test_secret_do_not_use")
case("signed with the base64-decoded secret", plexos(BODY, key=base64.b64decode("c2VjcmV0LWtleS1ieXRlcw==")), ["secret_decoded"], PLEXOS_WEBHOOK_SECRET="whsec_c2VjcmV0LWtleS1ieXRlcw==")
case("signed with the secret up to its #", plexos(BODY, key="whsec_abc"), ["secret_cut_at_hash"], PLEXOS_WEBHOOK_SECRET="whsec_abc#def")
case("signed with `undefined`", plexos(BODY, key="undefined"), ["secret_unset"])
case("signed with an API key", plexos(BODY, key="sk_test_abcdef"), ["api_key_as_secret"], PLEXOS_PAY_SECRET_KEY="sk_test_abcdef")
case("signed with the other provider's secret", plexos(BODY, key=PLUSTIVE), ["secret_of_other_provider"])
case("a plain hash instead of an HMAC", ([["X-Plustive-Signature", hashlib.sha256(UTF8).hexdigest()]], UTF8), ["not_hmac"])
case("signed with an unknown secret", plexos(BODY, key="whsec_somebody_elses"), ["unexplained"])

# Bodies.
case("re-serialized by Python's json.dumps", plexos(BODY, json.dumps(DOCUMENT).encode()), ["body_reserialized"])
case("re-serialized with an indent", plexos(BODY, json.dumps(DOCUMENT, indent=2).encode()), ["body_reserialized"])
case("signed pretty, sent compact", plexos(json.dumps(DOCUMENT, indent=4).encode(), BODY), ["body_reserialized"])
case("signed with sorted keys", plexos(json.dumps(DOCUMENT, sort_keys=True, separators=(",", ":")).encode(), BODY), ["body_reserialized"])
case("signed with escaped non-ASCII characters", plustive(json.dumps(json.loads(UTF8), separators=(",", ":")).encode(), UTF8), ["body_reserialized"])
case("signed with escaped slashes", plustive(SLASHED.replace(b"/", b"\\/"), SLASHED), ["body_reserialized"])
case("a newline added at the end", plexos(BODY, BODY + b"\n"), ["body_newline_added"])
case("a newline removed from the end", plexos(BODY + b"\n", BODY), ["body_newline_lost"])
case("CRLF changed to LF", plustive(LINES.replace(b"\n", b"\r\n"), LINES), ["body_line_ends"])
case("LF changed to CRLF", plustive(LINES, LINES.replace(b"\n", b"\r\n")), ["body_line_ends"])
case("a byte order mark added", plexos(BODY, b"\xef\xbb\xbf" + BODY), ["body_bom"])
case("a byte order mark removed", plexos(b"\xef\xbb\xbf" + BODY, BODY), ["body_bom"])
case("an empty body signed", plexos(b"", BODY), ["body_empty_signed"])
case("`[object Object]` signed", plexos(b"[object Object]", BODY), ["body_not_the_payload"])
case("signed in Latin-1, sent in UTF-8", plustive(b'{"event":"x","reference":"caf\xe9"}', '{"event":"x","reference":"café"}'.encode()), ["body_encoding"])
case("one digit changed", plexos(BODY, BODY.replace(b'"10000"', b'"90000"')), ["body_byte_changed"])
case("one bit flipped", plustive(UTF8, UTF8[:20] + bytes([UTF8[20] ^ 4]) + UTF8[21:]), ["body_byte_changed"])
case("one byte removed", plustive(UTF8, UTF8[:30] + UTF8[31:]), ["body_byte_lost"])
case("one byte added", plustive(UTF8, UTF8[:30] + b"x" + UTF8[30:]), ["body_byte_added"])

# Two at once.
case("signed without whsec_, and re-serialized", plexos(BODY, json.dumps(DOCUMENT).encode(), key="test_secret_do_not_use"), ["secret_prefix_dropped", "body_reserialized"])
case("a newline added, and milliseconds signed", plexos(BODY, BODY + b"\n", prefix=TIME + "000."), ["timestamp_signed_in_milliseconds", "body_newline_added"])
case("quotes around the variable's value, and no timestamp signed", plexos(BODY, prefix=""), ["secret_quoted", "timestamp_not_signed"], PLEXOS_WEBHOOK_SECRET=f'"{PLEXOS}"')
case("base64 instead of hex, and a newline removed", digest_of(plexos(BODY + b"\n", BODY), hex_to_base64), ["signature_base64", "body_newline_lost"], "malformed")

spaced = json.dumps(DOCUMENT).encode()
case("signed without the secret's last character, and a newline added", plexos(BODY, BODY + b"\n", key=PLEXOS[:-1]), ["secret_cut_short", "body_newline_added"])
case("signed with a newline after the secret, and re-serialized", plexos(BODY, spaced, key=PLEXOS + "\n"), ["secret_whitespace_lost", "body_reserialized"])
case("quotes around the variable's value, and a byte order mark added", plexos(BODY, b"\xef\xbb\xbf" + BODY), ["secret_quoted", "body_bom"], PLEXOS_WEBHOOK_SECRET=f"'{PLEXOS}'")
case("signed with the other provider's secret, without the timestamp", plexos(BODY, prefix="", key=PLUSTIVE), ["signature_of_other_provider"])
case("signed with an API key, and re-serialized", plexos(BODY, spaced, key="sk_test_abcdef"), ["api_key_as_secret", "body_reserialized"], PLEXOS_PAY_SECRET_KEY="sk_test_abcdef")
case("signed with `undefined`, in milliseconds", plexos(BODY, key="undefined", prefix=TIME + "000."), ["secret_unset", "timestamp_signed_in_milliseconds"])
case("no timestamp signed, and re-serialized", plexos(BODY, spaced, prefix=""), ["timestamp_not_signed", "body_reserialized"])
case("a colon instead of the dot, and a newline removed", plexos(BODY + b"\n", BODY, prefix=TIME + ":"), ["timestamp_separator", "body_newline_lost"])
case("signed without whsec_, in Latin-1", plexos('{"id":"caf\u00e9"}'.encode("latin-1"), '{"id":"caf\u00e9"}'.encode(), key=PLEXOS[6:]), ["secret_prefix_dropped", "body_encoding"])
case("signed with the base64-decoded secret, and LF changed to CRLF", plustive(LINES, LINES.replace(b"\n", b"\r\n"), key=base64.b64decode("c2VjcmV0LWtleS1ieXRlcw==")), ["secret_decoded", "body_line_ends"], PLUSTIVE_WEBHOOK_SECRET="c2VjcmV0LWtleS1ieXRlcw==")
case("a header with another name, and re-serialized", ([["X-Signature", mac(PLUSTIVE, SLASHED).hexdigest()]], json.dumps(json.loads(SLASHED)).encode()), ["signature_other_header", "body_reserialized"], "unsigned")
case("the other provider's prefix, and no timestamp signed", digest_of(plexos(BODY, prefix=""), lambda text: "sha256=" + text), ["signature_prefix", "timestamp_not_signed"], "malformed")
case("base64 instead of hex, and signed without whsec_", digest_of(plexos(BODY, key=PLEXOS[6:]), hex_to_base64), ["signature_base64", "secret_prefix_dropped"], "malformed")
case("milliseconds sent, seconds signed, and re-serialized", plexos(BODY, spaced, stamp=TIME + "000"), ["timestamp_milliseconds", "timestamp_signed_in_seconds", "body_reserialized"], "malformed")
case("Python's b'…' signed", plexos(repr(BODY).encode(), BODY), ["body_printed"])
case("signed in UTF-16, with quotes around the secret", plustive(SLASHED.decode().encode("utf-16-le"), SLASHED, key=f'"{PLUSTIVE}"'), ["secret_used_with_quotes", "body_encoding"])

with open("diagnosis.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(each) for each in cases) + "\n]\n")
print(len(cases), "cases")

# Digests that a user's code may compute for one good request, made by Python, Node and openssl themselves.


def by_node(script, body=BODY):
    """Returns what a line of JavaScript prints; it sees `body` as a Buffer, `time` and `key` as text."""
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
digest("JSON.stringify of the parsed body, indented by two spaces", by_node("createHmac('sha256', key).update(`${time}.` + JSON.stringify(JSON.parse(body), null, 2)).digest('hex')"), ["body_reserialized"], "Node")
digest("an object in a template string", by_node("createHmac('sha256', key).update(`${time}.${JSON.parse(body)}`).digest('hex')"), ["body_not_the_payload"], "Node")
digest("`undefined` as the body", by_node("createHmac('sha256', key).update(`${time}.${undefined}`).digest('hex')"), ["body_not_the_payload"], "Node")
digest("JSON.stringify of the Buffer", by_node("createHmac('sha256', key).update(`${time}.${JSON.stringify(body)}`).digest('hex')"), ["body_printed"], "Node")
digest("the base64-decoded secret", by_node("createHmac('sha256', Buffer.from(key.slice(6), 'base64')).update(`${time}.`).update(body).digest('hex')"), ["secret_decoded"], "Node")
digest("`undefined` as the key", by_node("createHmac('sha256', String(undefined)).update(`${time}.`).update(body).digest('hex')"), ["secret_unset"], "Node")
digest("base64 instead of hex", by_node("createHmac('sha256', key).update(`${time}.`).update(body).digest('base64')"), ["signature_base64"], "Node")
digest("hex of the hex text", by_node("Buffer.from(createHmac('sha256', key).update(`${time}.`).update(body).digest('hex')).toString('hex')"), ["digest_encoded_twice"], "Node")
digest("milliseconds", by_node("createHmac('sha256', key).update(`${time}000.`).update(body).digest('hex')"), ["timestamp_signed_in_milliseconds"], "Node")
digest("SHA-512 and no timestamp, base64url", by_node("createHmac('sha512', key).update(body).digest('base64url')"), ["digest_algorithm", "timestamp_not_signed", "signature_base64"], "Node")
digest("SHA-1", by_openssl(STAMP + BODY, "-sha1", "-hmac", PLEXOS), ["digest_algorithm"], "openssl")
digest("SHA-512", by_openssl(STAMP + BODY, "-sha512", "-hmac", PLEXOS), ["digest_algorithm"], "openssl")
digest("MD5", by_openssl(STAMP + BODY, "-md5", "-hmac", PLEXOS), ["digest_algorithm"], "openssl")
digest("a plain SHA-256 of the body", by_openssl(BODY, "-sha256"), ["not_hmac"], "openssl")
digest("a plain SHA-256 of the secret followed by the body", by_openssl(PLEXOS.encode() + BODY, "-sha256"), ["not_hmac"], "openssl")
digest("a plain MD5 of the body", by_openssl(BODY, "-md5"), ["digest_algorithm", "not_hmac"], "openssl")
digest("echo instead of printf", by_openssl(STAMP + BODY + b"\n", "-sha256", "-hmac", PLEXOS), ["body_newline_lost"], "openssl")
digest("without whsec_", by_openssl(STAMP + BODY, "-sha256", "-hmac", PLEXOS[6:]), ["secret_prefix_dropped"], "openssl")
digest("the other provider's secret", by_openssl(STAMP + BODY, "-sha256", "-hmac", PLUSTIVE), ["secret_of_other_provider"], "openssl")
digest("an empty body", by_openssl(STAMP, "-sha256", "-hmac", PLEXOS), ["body_empty_signed"], "openssl")
digest("the timestamp alone", by_openssl(TIME.encode(), "-sha256", "-hmac", PLEXOS), ["message_other"], "openssl")
digest("SHA-256 of the body in hex, after the timestamp", by_openssl(STAMP + hashlib.sha256(BODY).hexdigest().encode(), "-sha256", "-hmac", PLEXOS), ["message_other"], "openssl")
digest("the file's name", by_openssl(b"request.http", "-sha256", "-hmac", PLEXOS), ["message_other"], "openssl")
digest("key and message swapped", by_python(PLEXOS.encode(), key=STAMP + BODY), ["key_and_message_swapped"], "Python")
digest("json.dumps of the parsed body", by_python(STAMP + json.dumps(DOCUMENT).encode()), ["body_reserialized"], "Python")
digest("Python's b'…' instead of the bytes", by_python(f"{TIME}.{BODY}".encode()), ["body_printed"], "Python")
digest("`None` as the key", by_python(STAMP + BODY, key=str(None)), ["secret_unset"], "Python")
digest("UTF-16", by_python(STAMP + BODY.decode().encode("utf-16-le")), ["body_encoding"], "Python")
digest("the hex-decoded secret", by_python(STAMP + BODY, key=bytes.fromhex("00112233445566778899aabbccddeeff")), ["secret_decoded"], "Python", PLEXOS_WEBHOOK_SECRET="00112233445566778899aabbccddeeff")
digest("json.dumps of the parsed body, without whsec_", by_python(STAMP + json.dumps(DOCUMENT).encode(), key=PLEXOS[6:]), ["secret_prefix_dropped", "body_reserialized"], "Python")
digest("json.dumps of the parsed body, no timestamp", "sha256=" + by_python(json.dumps(DOCUMENT).encode()).upper(), ["timestamp_not_signed", "body_reserialized"], "Python")
digest("milliseconds, and a newline after the secret", by_python(TIME.encode() + b"000." + BODY, key=PLEXOS + "\n"), ["secret_whitespace_lost", "timestamp_signed_in_milliseconds"], "Python")

with open("computed.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(each) for each in computed) + "\n]\n")
print(len(computed), "digests")
