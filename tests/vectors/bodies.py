#!/usr/bin/env python3
"""Writes bodies.json: what Python, Node, PHP, Ruby, Go and Java make of an event.

Each case has a body that was received, the body that was signed, the signature of a Plexos request over the latter, and
the codes of the causes that explain it. Nothing here comes from whtool. Run it in this folder after adding a case, and commit the result. Made with Python
3.11, Node 20, PHP 8.2, Ruby 3.1, Go 1.19, Java 17.
"""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import tempfile

SECRET, TIME = b"whsec_test_secret_do_not_use", b"1736937000"
EVENT = pathlib.Path("plexos.json").read_bytes()
RICH = (
    '{"id":"evt_1","type":"payment.failed","data":{"id":"pi_1","amount":"2500","fee":12.5,"rate":2.0,"paid":false,'
    '"live":true,"failureMessage":null,"metadata":{},"items":[],"lines":[{"sku":"a/b","n":1},{"sku":"c\\"d","n":2}],'
    '"note":"₦ é <b>it\'s</b> & more","operatorPhone":"+2389001234"},"createdAt":"2025-01-15T10:30:00.120Z"}'
).encode()

PROGRAMS = {}
PROGRAMS["Python"] = (
    ["python3", "-"],
    r'''
import base64, html, json, os, pprint, urllib.parse
raw = open(os.environ["BODY"], "rb").read()
data = json.loads(raw)
out = {}
def put(name, value):
    out[name] = base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
put("str of a dict", str(data))
put("str of bytes", str(raw))
put("bytearray", str(bytearray(raw)))
put("list of bytes", str(list(raw)))
put("repr of the text", repr(raw.decode()))
put("urlencode", urllib.parse.urlencode(data))
put("base64", base64.b64encode(raw))
put("base64url", base64.urlsafe_b64encode(raw))
put("base64 with line breaks", base64.encodebytes(raw))
put("hex", raw.hex())
put("quote_plus", urllib.parse.quote_plus(raw))
put("html.escape", html.escape(raw.decode()))
put("base64 of json.dumps", base64.b64encode(json.dumps(data).encode()))
put("str of json.dumps bytes", str(json.dumps(data).encode()))
put("json.dumps twice", json.dumps(json.dumps(data)))
put("UTF-16", raw.decode().encode("utf-16-le"))
put("cp1252 with ?", raw.decode().encode("cp1252", "replace"))
put("ASCII, errors ignored", raw.decode().encode("ascii", "ignore"))
put("ASCII, errors replaced", raw.decode().encode("ascii", "replace"))
put("Latin-1, errors ignored", raw.decode().encode("latin-1", "ignore"))
put("read as cp1252", raw.decode("latin-1"))
put("data alone", json.dumps(data["data"]))
put("sorted, unicode, spaced", json.dumps(data, sort_keys=True, ensure_ascii=False))
put("sorted, unicode, indent 2", json.dumps(data, sort_keys=True, ensure_ascii=False, indent=2))
from datetime import datetime
def times(value):
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return moment
put("isoformat", json.dumps({**data, "createdAt": times(data["createdAt"]).isoformat()}))
put("str of datetime", json.dumps({**data, "createdAt": str(times(data["createdAt"]))}))
put("an id", data["data"]["id"])
put("two values", data["data"]["id"] + "|" + data["data"]["amount"])
put("str of data", str(data["data"]))
put("urlencode of data", urllib.parse.urlencode(data["data"]))
import collections
put("OrderedDict", repr(collections.OrderedDict(data)))
put("dict_items", str(data.items()))
put("a space after commas", json.dumps(data, separators=(", ", ":")))
put("a space after colons", json.dumps(data, separators=(",", ": ")))
put("indent=1", json.dumps(data, indent=1))
put("indent=0", json.dumps(data, indent=0))
put("the first 128 bytes", raw[:128])
import csv, io, quopri
out_csv = io.StringIO()
csv.writer(out_csv).writerow([raw.decode(), "x"])
put("a CSV field", out_csv.getvalue().rsplit(",", 1)[0])
put("quoted-printable", quopri.encodestring(raw))
encode = lambda part: base64.urlsafe_b64encode(part).rstrip(b"=")
put("a JWS", encode(b'{"alg":"HS256"}') + b"." + encode(raw) + b"." + encode(b"signature"))
print(json.dumps(out))
''',
)
PROGRAMS["Node"] = (
    ["node", "-"],
    r'''
const fs = require("fs"), util = require("util"), qs = require("querystring"), zlib = require("zlib");
const raw = fs.readFileSync(process.env.BODY), data = JSON.parse(raw), out = {};
const put = (name, value) => { out[name] = Buffer.from(value).toString("base64"); };
put("util.inspect", util.inspect(data));
put("JSON of a Buffer", JSON.stringify(raw));
put("inspected Buffer", util.inspect(raw));
put("text of a Uint8Array", new Uint8Array(raw).toString());
put("JSON of a Uint8Array", JSON.stringify(new Uint8Array(raw)));
put("querystring.stringify", qs.stringify(data));
put("URLSearchParams", new URLSearchParams(data).toString());
put("encodeURIComponent", encodeURIComponent(raw.toString()));
put("encodeURI", encodeURI(raw.toString()));
put("latin1", Buffer.from(raw.toString(), "latin1"));
put("ascii", Buffer.from(raw.toString("ascii")));
put("stringify twice", JSON.stringify(JSON.stringify(data)));
put("data alone", JSON.stringify(data.data));
put("data as text", String(data.data));
put("NFD", raw.toString().normalize("NFD"));
put("base64 of stringify", Buffer.from(JSON.stringify(data)).toString("base64"));
put("with a newline", JSON.stringify(data, null, 2) + "\n");
put("toISOString", JSON.stringify({ ...data, createdAt: new Date(data.createdAt) }));
put("getTime", JSON.stringify({ ...data, createdAt: new Date(data.createdAt).getTime() }));
put("body in an object", JSON.stringify({ body: raw.toString() }));
put("parsed body in an object", JSON.stringify({ headers: { a: "b" }, body: data }));
put("an array of names", JSON.stringify(data, Object.keys(data).sort()));
put("update twice", Buffer.concat([raw, raw]));
put("gzip", zlib.gzipSync(raw));
put("deflate", zlib.deflateSync(raw));
put("raw deflate", zlib.deflateRawSync(raw));
put("brotli", zlib.brotliCompressSync(raw));
put("base64 of gzip in a field", JSON.stringify({ body: zlib.gzipSync(raw).toString("base64"), isBase64Encoded: true }));
put("API Gateway", JSON.stringify({ version: "2.0", headers: { host: "x" }, body: raw.toString("base64"), isBase64Encoded: true }));
put("SNS in SQS", JSON.stringify({ Records: [{ messageId: "1", body: JSON.stringify({ Type: "Notification", Message: raw.toString() }) }] }));
put("Pub/Sub", JSON.stringify({ message: { data: raw.toString("base64"), messageId: "1" }, subscription: "projects/p/subscriptions/s" }));
put("n8n", JSON.stringify([{ headers: { a: "b" }, params: {}, query: {}, body: data }]));
put("EventBridge", JSON.stringify({ version: "0", "detail-type": "webhook", source: "x", detail: data }));
put("URLSearchParams payload", new URLSearchParams({ payload: raw.toString() }).toString());
put("JSON as a form key", new URLSearchParams({ [raw.toString()]: "" }).toString());
put("JSONP", `/**/ typeof cb === 'function' && cb(${raw});`);
put("event stream", `event: message\ndata: ${raw}\n\n`);
console.log(JSON.stringify(out));
''',
)
PROGRAMS["PHP"] = (
    ["php"],
    r'''<?php
$raw = file_get_contents(getenv("BODY")); $data = json_decode($raw, true); $object = json_decode($raw); $out = [];
$put = function ($name, $value) use (&$out) { $out[$name] = base64_encode($value); };
$put("print_r", print_r($data, true));
$put("print_r of an object", print_r($object, true));
$put("var_export", var_export($data, true));
$put("serialize", serialize($data));
$put("serialize of an object", serialize($object));
$put("http_build_query", http_build_query($data));
$put("http_build_query, RFC 3986", http_build_query($data, "", "&", PHP_QUERY_RFC3986));
ob_start(); var_dump($data); $put("var_dump", ob_get_clean());
$put("htmlspecialchars", htmlspecialchars($raw));
$put("htmlspecialchars, ENT_COMPAT", htmlspecialchars($raw, ENT_COMPAT));
$put("addslashes", addslashes($raw));
$put("strip_tags", strip_tags($raw));
$put("urlencode", urlencode($raw));
$put("rawurlencode", rawurlencode($raw));
$put("urldecode", urldecode($raw));
$put("json_encode of the text", json_encode($raw));
$put("utf8_decode", mb_convert_encoding($raw, "ISO-8859-1", "UTF-8"));
$put("utf8_encode", mb_convert_encoding($raw, "UTF-8", "ISO-8859-1"));
$put("Windows-1252 as UTF-8", mb_convert_encoding($raw, "UTF-8", "Windows-1252"));
$put("stripslashes", stripslashes($raw));
$put("implode", implode("|", [$data["id"], $data["type"]]));
$put("json_encode", json_encode($data));
$put("json_encode, pretty and slashes", json_encode($data, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES));
$put("json_encode, zero fraction", json_encode($data, JSON_PRESERVE_ZERO_FRACTION));
$put("DateTime", json_encode(["createdAt" => (new DateTime($data["createdAt"]))->format(DATE_ATOM)] + $data));
function nulls($a) { foreach ($a as $k => $v) { if (is_array($v)) $a[$k] = nulls($v); elseif ($v === null) unset($a[$k]); } return $a; }
$put("json_encode of a form", json_encode(["payload" => $raw]));
$put("without nulls", json_encode(nulls($data), JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE));
echo json_encode($out);
''',
)
PROGRAMS["Ruby"] = (
    ["ruby", "-"],
    r'''
require "json"; require "base64"; require "cgi"
raw = File.binread(ENV["BODY"]).force_encoding("UTF-8"); data = JSON.parse(raw); out = {}
put = ->(name, value) { out[name] = Base64.strict_encode64(value) }
put["inspect", data.inspect]
put["inspect of symbols", JSON.parse(raw, symbolize_names: true).inspect]
put["inspect of the text", raw.inspect]
put["CGI.escape", CGI.escape(raw)]
put["CGI.escapeHTML", CGI.escapeHTML(raw)]
put["chomp of puts", raw + "\n"]
puts out.to_json
''',
)
PROGRAMS["Go"] = (
    ["go", "run", "main.go"],
    r'''
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"time"
)

type Data struct {
	ID     string `json:"id"`
	Amount string `json:"amount"`
}
type Event struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Data      json.RawMessage `json:"data"`
	CreatedAt time.Time       `json:"createdAt"`
}

func main() {
	raw, _ := os.ReadFile(os.Getenv("BODY"))
	out := map[string]string{}
	put := func(name string, value []byte) { out[name] = base64.StdEncoding.EncodeToString(value) }
	var m map[string]interface{}
	json.Unmarshal(raw, &m)
	var e Event
	json.Unmarshal(raw, &e)
	put("%v of a map", []byte(fmt.Sprintf("%v", m)))
	put("%#v of a map", []byte(fmt.Sprintf("%#v", m)))
	put("%v of bytes", []byte(fmt.Sprintf("%v", raw)))
	put("%x of bytes", []byte(fmt.Sprintf("%x", raw)))
	put("%X of bytes", []byte(fmt.Sprintf("%X", raw)))
	put("html.EscapeString", []byte(html.EscapeString(string(raw))))
	text, _ := json.Marshal(e)
	put("Marshal of a struct with time.Time", text)
	text, _ = json.MarshalIndent(m, "", "\t")
	put("MarshalIndent with tabs", text)
	text, _ = json.Marshal(raw)
	put("Marshal of bytes", text)
	var buffer bytes.Buffer
	json.NewEncoder(&buffer).Encode(m)
	put("Encoder", buffer.Bytes())
	padded := make([]byte, len(raw)+7)
	copy(padded, raw)
	put("NULs at the end", padded)
	json.NewEncoder(os.Stdout).Encode(out)
}
''',
)
PROGRAMS["Java"] = (
    ["java", "-cp", "/usr/share/java/jackson-databind.jar:/usr/share/java/jackson-core.jar:/usr/share/java/jackson-annotations.jar", "Main.java"],
    r'''
import com.fasterxml.jackson.databind.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

class Main {
    static Map<String, String> out = new LinkedHashMap<>();

    static void put(String name, String text) {
        out.put(name, Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)));
    }

    static Object hashed(Object value) {
        if (value instanceof Map) {
            Map<Object, Object> copy = new HashMap<>();
            ((Map<?, ?>) value).forEach((key, member) -> copy.put(key, hashed(member)));
            return copy;
        }
        return value;
    }

    public static void main(String[] args) throws Exception {
        byte[] raw = Files.readAllBytes(Path.of(System.getenv("BODY")));
        ObjectMapper mapper = new ObjectMapper();
        Map<String, Object> map = mapper.readValue(raw, LinkedHashMap.class);
        put("toString of a map", map.toString());
        put("Arrays.toString", Arrays.toString(raw));
        put("sorted", new ObjectMapper().configure(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true).writeValueAsString(map));
        put("ESCAPE_NON_ASCII", mapper.writer().with(com.fasterxml.jackson.core.JsonGenerator.Feature.ESCAPE_NON_ASCII).writeValueAsString(map));
        put("HashMap", mapper.writeValueAsString(hashed(map)));
        System.out.println(mapper.writeValueAsString(out));
    }
}
''',
)


def run(language, body):
    """Returns the outputs of a language's program for a body, by name."""
    command, program = PROGRAMS[language]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "body.json")
        path.write_bytes(body)
        environment = {**os.environ, "BODY": str(path), "GO111MODULE": "off"}
        if language in ("Go", "Java"):
            pathlib.Path(folder, command[-1]).write_text(program)
        done = subprocess.run(
            command, input=program, cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
    return {name: base64.b64decode(text) for name, text in json.loads(done.stdout).items()}


OUTPUTS = {(language, which): run(language, body) for language in PROGRAMS for which, body in (("event", EVENT), ("rich", RICH))}
cases = []


def case(name, received, signed, codes):
    cases.append(
        {
            "name": name,
            "received": base64.b64encode(received).decode(),
            "signed": base64.b64encode(signed).decode(),
            "mac": hmac.new(SECRET, TIME + b"." + signed, hashlib.sha256).hexdigest(),
            "codes": codes,
        }
    )


BODIES = {"event": EVENT, "rich": RICH}


def signed(language, name, codes, bodies=("event", "rich")):
    """The code of a language signed its output for the body that was received."""
    for which in bodies:
        made = OUTPUTS[language, which][name]
        if made != BODIES[which]:
            case(f"{language}: {name} ({which})", BODIES[which], made, codes)


def received(language, name, codes, bodies=("event", "rich")):
    """The event was signed; the request holds what a language made of it."""
    for which in bodies:
        case(f"received {language}: {name} ({which})", OUTPUTS[language, which][name], BODIES[which], codes)


PRINTED, SERIALIZED, ENCODING, WRAPPED = ["body_printed"], ["body_reserialized"], ["body_encoding"], ["body_wrapped"]
TRANSFORMED, PART, MODEL = ["body_transformed"], ["body_part"], ["body_model"]

for name in ("str of a dict", "str of bytes", "bytearray", "list of bytes", "repr of the text", "urlencode"):
    signed("Python", name, PRINTED)
for name in ("util.inspect", "JSON of a Buffer", "inspected Buffer", "text of a Uint8Array", "JSON of a Uint8Array", "querystring.stringify", "URLSearchParams"):
    signed("Node", name, PRINTED)
for name in ("print_r", "print_r of an object", "var_export", "serialize", "serialize of an object", "http_build_query", "http_build_query, RFC 3986", "var_dump"):
    signed("PHP", name, PRINTED)
for name in ("inspect", "inspect of symbols"):
    signed("Ruby", name, PRINTED)
signed("Ruby", "inspect of the text", ["body_double_encoded"])
for name in ("%v of a map", "%#v of a map", "%v of bytes"):
    signed("Go", name, PRINTED)
for name in ("toString of a map", "Arrays.toString"):
    signed("Java", name, PRINTED)

for name in ("base64", "base64url", "base64 with line breaks", "hex", "quote_plus", "html.escape"):
    signed("Python", name, TRANSFORMED)
for name in ("encodeURIComponent", "encodeURI"):
    signed("Node", name, TRANSFORMED)
for name in ("htmlspecialchars", "htmlspecialchars, ENT_COMPAT", "addslashes", "urlencode", "rawurlencode", "urldecode"):
    signed("PHP", name, TRANSFORMED)
signed("PHP", "strip_tags", TRANSFORMED, ["rich"])
signed("PHP", "stripslashes", TRANSFORMED, ["rich"])
signed("PHP", "json_encode of the text", ["body_double_encoded"])
for name in ("CGI.escape", "CGI.escapeHTML"):
    signed("Ruby", name, TRANSFORMED)
for name in ("%x of bytes", "%X of bytes", "html.EscapeString", "Marshal of bytes"):
    signed("Go", name, TRANSFORMED)

signed("Python", "base64 of json.dumps", SERIALIZED + TRANSFORMED)
signed("Python", "str of json.dumps bytes", SERIALIZED + PRINTED)
signed("Python", "json.dumps twice", SERIALIZED + ["body_double_encoded"])
signed("Node", "with a newline", SERIALIZED)
signed("Go", "Encoder", SERIALIZED)
signed("Python", "sorted, unicode, spaced", SERIALIZED)
signed("Python", "sorted, unicode, indent 2", SERIALIZED)
signed("PHP", "json_encode, pretty and slashes", SERIALIZED)
signed("PHP", "json_encode, zero fraction", SERIALIZED, ["rich"])
signed("Go", "MarshalIndent with tabs", SERIALIZED)
signed("Java", "sorted", SERIALIZED)
signed("Java", "ESCAPE_NON_ASCII", SERIALIZED, ["rich"])

signed("Java", "HashMap", SERIALIZED)
for name in ("a space after commas", "a space after colons", "indent=1", "indent=0"):
    signed("Python", name, SERIALIZED, ["event"])
signed("Python", "the first 128 bytes", ["body_buffer"])
signed("Node", "an array of names", MODEL, ["event"])
signed("Node", "update twice", TRANSFORMED)
signed("PHP", "json_encode of a form", TRANSFORMED, ["event"])

for name in ("cp1252 with ?", "ASCII, errors ignored", "ASCII, errors replaced", "Latin-1, errors ignored", "read as cp1252"):
    signed("Python", name, ENCODING, ["rich"])
signed("Python", "UTF-16", ENCODING)
for name in ("latin1", "ascii", "NFD"):
    signed("Node", name, ENCODING, ["rich"])
for name in ("utf8_decode", "utf8_encode", "Windows-1252 as UTF-8"):
    signed("PHP", name, ENCODING, ["rich"])

signed("Python", "data alone", PART + SERIALIZED)
signed("Node", "data alone", PART, ["event"])
signed("Python", "an id", PART)
signed("Python", "two values", PART)
signed("Python", "str of data", PART + PRINTED)
signed("Python", "urlencode of data", PART + PRINTED)
signed("Python", "OrderedDict", PRINTED)
signed("Python", "dict_items", PRINTED)
signed("Node", "data as text", ["body_not_the_payload"])
signed("Python", "isoformat", MODEL + SERIALIZED)
signed("Python", "str of datetime", MODEL + SERIALIZED)
signed("Node", "getTime", MODEL, ["event"])
signed("PHP", "without nulls", MODEL, [])
signed("Go", "Marshal of a struct with time.Time", MODEL, ["event"])

for name in ("base64", "base64url", "base64 with line breaks", "hex", "str of bytes", "bytearray", "list of bytes", "quote_plus", "html.escape"):
    received("Python", name, WRAPPED)
for name in ("UTF-16", "a CSV field", "quoted-printable", "a JWS"):
    received("Python", name, WRAPPED)
for name in ("JSON of a Buffer", "text of a Uint8Array", "JSON of a Uint8Array", "encodeURIComponent", "body in an object", "parsed body in an object", "gzip", "deflate", "raw deflate", "brotli", "base64 of gzip in a field", "API Gateway", "SNS in SQS", "Pub/Sub", "URLSearchParams payload", "JSON as a form key", "JSONP", "event stream"):
    received("Node", name, WRAPPED, ["event"] if "parsed" in name else ("event", "rich"))
for name in ("n8n", "EventBridge"):
    received("Node", name, WRAPPED, ["event"])
received("PHP", "addslashes", WRAPPED)
received("PHP", "htmlspecialchars", WRAPPED)
received("Go", "%v of bytes", WRAPPED)
received("Go", "NULs at the end", ["body_nul_added"])
received("Java", "Arrays.toString", WRAPPED)
received("Python", "isoformat", MODEL + SERIALIZED, [])
received("Go", "Marshal of a struct with time.Time", MODEL, ["event"])
received("Node", "stringify twice", ["body_double_encoded"], ["event"])

# The request that curl and others frame or log.
case("nginx's log line", b'1.2.3.4 - - "POST / HTTP/1.1" 200 "' + EVENT.replace(b'"', rb"\x22") + b'"', EVENT, WRAPPED)
case("Laravel's log line", b"[2025-01-15 10:30:00] local.INFO: " + EVENT + b"  \n", EVENT, WRAPPED)
case("chunks that were not joined", b"64\r\n" + EVENT[:100] + b"\r\n" + b"%x\r\n" % (len(EVENT) - 100) + EVENT[100:] + b"\r\n0\r\n\r\n", EVENT, WRAPPED)
case("a multipart form", b'--xYz12345\r\nContent-Disposition: form-data; name="payload"\r\nContent-Type: application/json\r\n\r\n' + EVENT + b"\r\n--xYz12345--\r\n", EVENT, WRAPPED)
case("an array around it", b"[" + EVENT + b"]", EVENT, WRAPPED)
case("curl -d @file", json.dumps(json.loads(EVENT), indent=2).replace("\n", "").encode(), (json.dumps(json.loads(EVENT), indent=2) + "\n").encode(), ["body_newlines_lost"])
case("a terminal's colors", EVENT.replace(b'"id"', b'\x1b[34;1m"id"\x1b[0m'), EVENT, ["body_terminal_codes"])
case("quotes from a chat", EVENT.decode().replace('"id"', "\u201cid\u201d").encode(), EVENT, ["body_typography"])
case("text that was appended", EVENT + b"\n-- \nsent by x", EVENT, WRAPPED)
case("Content-Length in characters", RICH[:-2], RICH, ["body_cut"])

with open("bodies.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]\n")
print(len(cases), "cases")
