#!/usr/bin/env python3
"""Writes captures.json: files in the formats of many tools, after their documentation, with what `verify` should say.

Nothing here comes from whtool: Python makes the signatures and the files. Run it in this folder and commit the result.
`make_tools.py` makes files with the tools themselves.
"""

import base64
import gzip
import hashlib
import hmac
import io
import json
import pathlib
import zipfile

PLEXOS = b"whsec_test_secret_do_not_use"
PLUSTIVE = b"plustive_test_secret_do_not_use"
TIME = "1736937000"
COMPACT = pathlib.Path("../plexos.json").read_bytes().decode()
INDENTED = json.dumps(json.loads(COMPACT), indent=2) + "\n"
NAIRA = '{"event":"transaction.success","reference":"PLS-1","amount":2500.50,"text":"Évora ₦ \\"50%\\" <a/b> \'x\' $y"}'


def plexos(body):
    mac = hmac.new(PLEXOS, TIME.encode() + b"." + body.encode(), hashlib.sha256).hexdigest()
    return {"Host": "shop.example", "X-Plexos-Timestamp": TIME, "X-Plexos-Signature": mac}, body


def plustive(body):
    mac = hmac.new(PLUSTIVE, body.encode(), hashlib.sha256).hexdigest()
    return {"Host": "shop.example", "X-Plustive-Signature": "sha256=" + mac}, body


REQUESTS = [plexos(COMPACT), plustive(NAIRA), plexos(INDENTED)]
cases = []


def case(name, file, verdicts=("verified",), notes=(), **more):
    data = (
        file
        if isinstance(file, bytes)
        else (file if isinstance(file, str) else json.dumps(file, ensure_ascii=False)).encode()
    )
    try:
        stored = {"file": data.decode()}
    except UnicodeDecodeError:
        stored = {"file64": base64.b64encode(data).decode()}
    cases.append({"name": name, **stored, "verdicts": list(verdicts), "notes": list(notes), **more})


def b64(body):
    return base64.b64encode(body.encode()).decode()


def each(name, build, **more):
    """One case for each request."""
    for number, (headers, body) in enumerate(REQUESTS, 1):
        case(f"{name} {number}", build(headers, body), **more)


def lower(headers):
    return {key.lower(): value for key, value in headers.items()}


def pairs(headers, name="name", value="value"):
    return [{name: key, value: text} for key, text in headers.items()]


# AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
each(
    "AWS Lambda proxy event, version 1",
    lambda h, b: json.dumps(
        {
            "resource": "/hooks",
            "path": "/hooks",
            "httpMethod": "POST",
            "headers": h,
            "multiValueHeaders": {k: [v] for k, v in h.items()},
            "queryStringParameters": None,
            "pathParameters": None,
            "requestContext": {
                "accountId": "1",
                "stage": "prod",
                "httpMethod": "POST",
                "requestTimeEpoch": 1736937000123,
            },
            "body": b,
            "isBase64Encoded": False,
        },
        indent=2,
    ),
)
each(
    "AWS Lambda HTTP API event, version 2",
    lambda h, b: {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/hooks",
        "rawQueryString": "a=1",
        "headers": lower(h),
        "requestContext": {"http": {"method": "POST", "path": "/hooks"}, "timeEpoch": 1736937000123},
        "body": b64(b),
        "isBase64Encoded": True,
    },
)
each(
    "AWS ALB event with multi-value headers",
    lambda h, b: {
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "httpMethod": "POST",
        "path": "/hooks",
        "multiValueQueryStringParameters": {},
        "multiValueHeaders": {k: [v] for k, v in lower(h).items()},
        "body": b,
        "isBase64Encoded": False,
    },
)
each(
    "AWS Lambda@Edge event",
    lambda h, b: {
        "Records": [
            {
                "cf": {
                    "config": {"eventType": "viewer-request"},
                    "request": {
                        "method": "POST",
                        "uri": "/hooks",
                        "querystring": "",
                        "clientIp": "127.0.0.1",
                        "headers": {k.lower(): [{"key": k, "value": v}] for k, v in h.items()},
                        "body": {"action": "read-only", "data": b64(b), "encoding": "base64", "inputTruncated": False},
                    },
                }
            }
        ]
    },
)
each(
    "CloudWatch export of a Lambda that logs its event",
    lambda h, b: [
        {
            "timestamp": 1736937000123,
            "message": "2025-01-15T10:30:00.123Z\tc1b2\tINFO\t"
            + json.dumps({"httpMethod": "POST", "path": "/", "headers": h, "body": b, "isBase64Encoded": False})
            + "\n",
        }
    ],
)
each(
    "SQS message with the headers as attributes",
    lambda h, b: {
        "Records": [
            {
                "messageId": "1",
                "body": b,
                "attributes": {"SentTimestamp": "1736937000123"},
                "eventSource": "aws:sqs",
                "messageAttributes": {k: {"stringValue": v, "dataType": "String"} for k, v in h.items()},
            }
        ]
    },
)
each(
    "SQS message with an API Gateway event",
    lambda h, b: {
        "Records": [
            {
                "messageId": "1",
                "messageAttributes": {},
                "body": json.dumps({"httpMethod": "POST", "path": "/", "headers": h, "body": b}),
            }
        ]
    },
)
each(
    "SNS message with the headers as attributes",
    lambda h, b: {
        "Records": [
            {
                "EventSource": "aws:sns",
                "Sns": {
                    "Type": "Notification",
                    "Message": b,
                    "Timestamp": "2025-01-15T10:30:00.000Z",
                    "MessageAttributes": {k: {"Type": "String", "Value": v} for k, v in h.items()},
                },
            }
        ]
    },
)
each(
    "EventBridge event around a request",
    lambda h, b: {"version": "0", "detail-type": "webhook", "source": "app", "detail": {"headers": h, "rawBody": b}},
)
each(
    "Pub/Sub push with the headers as attributes",
    lambda h, b: {
        "message": {"data": b64(b), "messageId": "1", "publishTime": "2025-01-15T10:30:00Z", "attributes": h},
        "subscription": "projects/p/subscriptions/s",
    },
)

# Inboxes and tunnels.
each(
    "webhook.site API",
    lambda h, b: json.dumps(
        {
            "data": [
                {
                    "uuid": "u",
                    "type": "web",
                    "token_id": "t",
                    "ip": "127.0.0.1",
                    "hostname": "webhook.site",
                    "method": "POST",
                    "user_agent": "test",
                    "content": b,
                    "query": None,
                    "headers": {k.lower(): [v] for k, v in h.items()},
                    "url": "https://webhook.site/t?a=1",
                    "created_at": "2025-01-15 10:30:00",
                }
            ],
            "total": 1,
        },
        indent=4,
    ),
)
each(
    "webhook.site CSV",
    lambda h, b: "uuid,method,url,headers,content\n"
    + ",".join(
        '"' + text.replace('"', '""') + '"'
        for text in ["u", "POST", "https://webhook.site/t", json.dumps({k.lower(): [v] for k, v in h.items()}), b]
    )
    + "\n",
)
each(
    "Pipedream event",
    lambda h, b: {
        "event": {
            "method": "POST",
            "path": "/",
            "query": {},
            "client_ip": "127.0.0.1",
            "url": "https://x.m.pipedream.net/",
            "headers": lower(h),
            "bodyRaw": b,
            "body": json.loads(b),
        }
    },
)
each(
    "RequestBin",
    lambda h, b: [
        {
            "id": "1",
            "method": "POST",
            "path": "/r",
            "headers": h,
            "raw": b,
            "form_data": [],
            "content_length": len(b.encode()),
        }
    ],
)
each(
    "ngrok inspector API",
    lambda h, b: {
        "uri": "/api/requests/http",
        "requests": [
            {
                "uri": "/api/requests/http/1",
                "id": "1",
                "start": "2025-01-15T10:30:00Z",
                "request": {
                    "method": "POST",
                    "proto": "HTTP/1.1",
                    "headers": {k: [v] for k, v in h.items()},
                    "uri": "/hooks",
                    "raw": b64(
                        "POST /hooks HTTP/1.1\r\n"
                        + "".join(f"{k}: {v}\r\n" for k, v in h.items())
                        + f"Content-Length: {len(b.encode())}\r\n\r\n"
                        + b
                    ),
                },
                "response": {
                    "status": "200 OK",
                    "status_code": 200,
                    "headers": {},
                    "raw": b64("HTTP/1.1 200 OK\r\n\r\n"),
                },
            }
        ],
    },
)
each(
    "Hookdeck request", lambda h, b: {"id": "req_1", "data": {"headers": lower(h), "path": "/", "query": "", "body": b}}
)
each(
    "Svix Play",
    lambda h, b: {
        "iterator": "i",
        "data": [
            {
                "id": "1",
                "createdAt": "2025-01-15T10:30:00Z",
                "method": "POST",
                "url": "/in/1",
                "headers": h,
                "body": b64(b),
                "bodyEncoding": "base64",
            }
        ],
    },
)
each(
    "Beeceptor",
    lambda h, b: [
        {
            "time": "2025-01-15T10:30:00Z",
            "req": {"method": "POST", "path": "/x", "headers": lower(h), "body": b},
            "resp": {"status": 200, "headers": {}, "body": "ok"},
        }
    ],
)
each(
    "smee.io",
    lambda h, b: {
        **lower(h),
        "content-type": "application/json",
        "x-request-id": "1",
        "query": {},
        "timestamp": 1736937000123,
        "body": json.loads(b),
    },
    notes=["body_parsed"],
)
cases[-2]["verdicts"], cases[-1]["verdicts"] = ["mismatch"], ["mismatch"]  # 2500.50 and the indent are lost.
each(
    "n8n webhook node",
    lambda h, b: json.dumps(
        [
            {
                "headers": lower(h),
                "params": {},
                "query": {},
                "body": json.loads(b),
                "webhookUrl": "https://n8n.example/webhook/1",
                "executionMode": "production",
            }
        ],
        ensure_ascii=False,
        indent=2,
    ),
    notes=["body_parsed"],
)
cases[-2]["verdicts"], cases[-1]["verdicts"] = ["mismatch"], ["mismatch"]
each(
    "Sentry event",
    lambda h, b: {
        "event_id": "1",
        "platform": "python",
        "request": {
            "method": "POST",
            "url": "https://shop.example/hooks",
            "data": b,
            "headers": [[k, v] for k, v in h.items()],
            "env": {},
        },
    },
)

# Clients and proxies.
each(
    "Postman collection",
    lambda h, b: {
        "info": {"name": "c", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": [
            {
                "name": "folder",
                "item": [
                    {
                        "name": "hook",
                        "request": {
                            "method": "POST",
                            "header": pairs(h, "key"),
                            "body": {"mode": "raw", "raw": b, "options": {"raw": {"language": "json"}}},
                            "url": {
                                "raw": "https://shop.example/hooks",
                                "protocol": "https",
                                "host": ["shop", "example"],
                                "path": ["hooks"],
                            },
                        },
                        "response": [],
                    }
                ],
            }
        ],
    },
)
each(
    "Insomnia export",
    lambda h, b: {
        "_type": "export",
        "__export_format": 4,
        "resources": [
            {
                "_id": "req_1",
                "_type": "request",
                "url": "https://shop.example/hooks",
                "method": "POST",
                "headers": pairs(h),
                "body": {"mimeType": "application/json", "text": b},
            },
            {"_id": "wrk_1", "_type": "workspace"},
        ],
    },
)
each(
    "Charles session",
    lambda h, b: [
        {
            "status": "COMPLETE",
            "method": "POST",
            "protocolVersion": "HTTP/1.1",
            "scheme": "https",
            "host": "shop.example",
            "path": "/hooks",
            "query": "a=1",
            "request": {
                "sizes": {"headers": 1, "body": len(b.encode())},
                "mimeType": "application/json",
                "header": {"firstLine": "POST /hooks?a=1 HTTP/1.1", "headers": pairs(h)},
                "body": {"text": b, "charset": "utf-8"},
            },
            "response": {"status": 200, "header": {"headers": []}, "body": {"text": "ok"}},
        }
    ],
)
each(
    "HAR of a browser",
    lambda h, b: {
        "log": {
            "version": "1.2",
            "entries": [
                {
                    "startedDateTime": "2025-01-15T10:30:00Z",
                    "request": {
                        "method": "GET",
                        "url": f"https://shop.example/{page}",
                        "headers": pairs({"Accept": "*/*", "Cookie": "s=" + "0" * 64}),
                        "bodySize": 0,
                    },
                    "response": {"status": 200},
                }
                for page in range(27)
            ]
            + [
                {
                    "startedDateTime": "2025-01-15T10:30:01Z",
                    "request": {
                        "method": "POST",
                        "url": "https://shop.example/hooks",
                        "headers": pairs(h),
                        "bodySize": len(b.encode()),
                        "postData": {"mimeType": "application/json", "text": b},
                    },
                    "response": {"status": 200},
                }
            ],
        }
    },
    skipped=27,
)
each(
    "HAR with bytes that are not UTF-8, as Python writes them",
    lambda h, b: json.dumps(
        {
            "log": {
                "entries": [
                    {
                        "request": {
                            "method": "POST",
                            "url": "https://shop.example/",
                            "headers": pairs(h),
                            "postData": {"mimeType": "x", "text": b.encode().decode("ascii", "surrogateescape")},
                        }
                    }
                ]
            }
        }
    ),
)
each(
    "Burp Suite",
    lambda h, b: '<?xml version="1.0"?>\n<!DOCTYPE items [\n<!ELEMENT items (item*)>\n]>\n'
    '<items burpVersion="2024.1" exportTime="Wed Jan 15 10:30:00 CVT 2025">\n  <item>\n    <time>x</time>\n'
    "    <url><![CDATA[https://shop.example/hooks]]></url>\n    <method><![CDATA[POST]]></method>\n"
    '    <request base64="true"><![CDATA['
    + b64(
        "POST /hooks HTTP/1.1\r\n"
        + "".join(f"{k}: {v}\r\n" for k, v in h.items())
        + f"Content-Length: {len(b.encode())}\r\n\r\n"
        + b
    )
    + ']]></request>\n    <response base64="true"><![CDATA[eA==]]>'
    "</response>\n  </item>\n</items>\n",
)


def wire(headers, body, extra=""):
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    return f"POST /hooks HTTP/1.1\r\n{lines}{extra}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()


def archive(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2025, 1, 15, 10, 30, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return data.getvalue()


each(
    "Fiddler session",
    lambda h, b: archive(
        {
            "[Content_Types].xml": "<x/>",
            "raw/1_c.txt": wire(h, b),
            "raw/1_m.xml": "<Session/>",
            "raw/1_s.txt": "HTTP/1.1 200 OK\r\n\r\nok",
            "_index.htm": "<html></html>",
        }
    ),
)
each(
    "zipped HAR",
    lambda h, b: archive(
        {
            "har.har": json.dumps(
                {
                    "log": {
                        "entries": [
                            {
                                "request": {
                                    "method": "POST",
                                    "url": "https://shop.example/",
                                    "headers": pairs(h),
                                    "postData": {"text": b},
                                }
                            }
                        ]
                    }
                }
            )
        }
    ),
)
each("gzip of a raw request", lambda h, b: gzip.compress(wire(h, b), mtime=0))
each(
    "gzip of JSON lines",
    lambda h, b: gzip.compress(
        (
            json.dumps(
                {
                    "schema": "whtool.delivery/1",
                    "request": {
                        "method": "POST",
                        "target": "/",
                        "headers": [list(pair) for pair in h.items()],
                        "body": b,
                    },
                }
            )
            + "\n"
        ).encode()
        * 2,
        mtime=0,
    ),
    verdicts=["verified"] * 2,
)
each(
    "UTF-16 file of JSON",
    lambda h, b: json.dumps({"headers": h, "body": b}, ensure_ascii=False).encode("utf-16"),
    notes=["utf16"],
)
each("UTF-16 file without a byte order mark", lambda h, b: wire(h, b).decode().encode("utf-16-le"), notes=["utf16"])
each(
    "UTF-8 file with a byte order mark and CRLF",
    lambda h, b: b"\xef\xbb\xbf"
    + json.dumps({"method": "POST", "url": "/x", "headers": h, "body": b}, indent=1).replace("\n", "\r\n").encode(),
)

# Requests as frameworks print them.
each(
    "Express request",
    lambda h, b: json.dumps(
        {
            "method": "POST",
            "url": "/hooks",
            "headers": lower(h),
            "rawHeaders": [text for pair in h.items() for text in pair],
            "body": json.loads(b),
            "rawBody": {"type": "Buffer", "data": list(b.encode())},
        },
        indent=2,
    ),
)
each(
    "typed array", lambda h, b: {"request": {"headers": h, "body": {str(i): byte for i, byte in enumerate(b.encode())}}}
)
each("list of bytes", lambda h, b: {"req": {"headers": pairs(h, "key"), "body": list(b.encode())}})
each("headers as text", lambda h, b: {"headers": "\r\n".join(f"{k}: {v}" for k, v in h.items()), "rawBody": b})
each("headers as JSON in a string", lambda h, b: {"headers": json.dumps(h), "payload": b})
each("headers as lines", lambda h, b: {"headers": [f"{k}: {v}" for k, v in h.items()], "body": b})
each(
    "top level with method, target, headers and body",
    lambda h, b: {"method": "POST", "target": "/", "headers": [list(pair) for pair in h.items()], "body": b},
)
each(
    "several indented objects one after the other",
    lambda h, b: "\n".join(
        json.dumps({"method": "POST", "path": "/", "headers": h, "body": b}, indent=2) for _ in range(2)
    ),
    verdicts=["verified"] * 2,
)
each(
    "JSON lines of another program",
    lambda h, b: "\n".join(
        json.dumps(line)
        for line in [
            {"level": "info", "msg": "started"},
            {"level": "info", "msg": "hook", "req": {"method": "POST", "url": "/", "headers": h, "body": b}},
            {"level": "info", "msg": "done"},
        ]
    )
    + "\n",
    skipped=2,
)

# Commands.
q = lambda text: "'" + text.replace("'", "'\\''") + "'"
each(
    "curl for bash",
    lambda h, b: "curl 'https://shop.example/hooks?a=1' \\\n"
    + "".join(f"  -H {q(f'{k}: {v}')} \\\n" for k, v in h.items())
    + f"  --compressed --data-raw {q(b)}\n",
)
options = lambda h: " ".join("-H " + q(f"{k}: {v}") for k, v in h.items())
ansi = (
    lambda text: "$'"
    + "".join(
        (
            c
            if c.isalnum() or c in '{}": ,.'
            else {"\n": "\\n", "'": "\\'", "\\": "\\\\"}.get(c)
            or (f"\\u{ord(c):04x}" if ord(c) > 127 else f"\\x{ord(c):02x}")
        )
        for c in text
    )
    + "'"
)
each(
    "curl with ANSI quotes",
    lambda h, b: f"$ curl -sS -X POST https://shop.example/hooks {options(h)} --data-binary {ansi(b)}",
)
double = lambda text: '"' + "".join("\\" + c if c in '"\\$`' else c for c in text) + '"'
each(
    "curl with double quotes and attached options",
    lambda h, b: "curl -XPOST "
    + " ".join("-H" + double(f"{k}: {v}") for k, v in h.items())
    + f" -d{double(b)} shop.example/hooks\n",
)
each(
    "curl --json",
    lambda h, b: f"# send it\ncurl --json {q(b)} {options(h)} localhost:3000/x",
)
each(
    "echo to curl",
    lambda h, b: f"printf '%s' {q(b)} | curl {options(h)} --data-binary @- http://localhost/",
)


def cmd(text):
    """Chrome's "Copy as cURL (cmd)"."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '^"'
        + "".join(
            c if c.isalnum() or c in " -_./,:=+@" or ord(c) > 127 else "^\n\n" if c == "\n" else "^" + c
            for c in escaped
        )
        + '^"'
    )


each(
    "curl for cmd",
    lambda h, b: f"curl {cmd('https://shop.example/hooks')} ^\r\n"
    + "".join(f"  -H {cmd(f'{k}: {v}')} ^\r\n" for k, v in h.items())
    + f"  --data-raw {cmd(b)}\r\n",
)


def power(text):
    """Chrome's "Copy as PowerShell"."""
    body = "".join("`" + c if c in '"$`' else f"$([char]{ord(c)})" if not 32 <= ord(c) < 127 else c for c in text)
    return '"' + body + '"'


each(
    "PowerShell",
    lambda h, b: "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n"
    '$session.UserAgent = "test"\n'
    'Invoke-WebRequest -UseBasicParsing -Uri "https://shop.example/hooks" `\n-Method "POST" `\n'
    "-WebSession $session `\n-Headers @{\n"
    + "\n".join(f"  {power(k)}={power(v)}" for k, v in h.items())
    + '\n} `\n-ContentType "application/json" `\n-Body '
    + (power(b) if b.isascii() else f"([System.Text.Encoding]::UTF8.GetBytes({power(b)}))")
    + "\n",
)
each(
    "fetch",
    lambda h, b: 'fetch("https://shop.example/hooks", '
    + json.dumps({"headers": lower(h), "body": b, "method": "POST", "mode": "cors"}, indent=2)
    + ");\n",
)

# Text.
lines = lambda h: "".join(f"{k}: {v}\n" for k, v in h.items())
each("header lines and body", lambda h, b: lines(h) + "\n" + b, notes=["no_length"])
each("header lines with a length", lambda h, b: f"{lines(h)}Content-Length: {len(b.encode())}\r\n\r\n{b}")
REQUESTS, ALL = REQUESTS[:2], REQUESTS
each(
    "editor file",
    lambda h, b: f"@host = https://shop.example\n\n### a page\nGET {{{{host}}}}/page\n\n### the webhook\n# @name hook\n"
    f"POST {{{{host}}}}/hooks HTTP/1.1\n{lines(h)}\n{b}\n\n> {{% client.log(1) %}}\n",
    skipped=0,
    verdicts=["unsigned", "verified"],
)
each("editor file with a comment", lambda h, b: f"// sent by hand\nPOST https://shop.example/hooks\n{lines(h)}\n{b}\n")
each(
    "request and answer",
    lambda h, b: wire(h, b)
    + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    + wire(h, b)
    + b"HTTP/1.1 200 OK\r\n\r\nok",
    verdicts=["verified"] * 2,
)
each("raw request after other lines", lambda h, b: b"2025-01-15 10:30:00 received\n" + wire(h, b))

# Logs.
each(
    "nginx with $request_body",
    lambda h, b: '127.0.0.1 - - [15/Jan/2025:10:30:00 +0000] "POST /hooks HTTP/1.1" 401 2 "'
    + "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\x{byte:02X}" for byte in b.encode())
    + '" '
    + " ".join(f'http_{k.lower().replace("-", "_")}="{v}"' for k, v in h.items())
    + "\n",
    notes=["loose_headers"],
)
each(
    "docker json-file log",
    lambda h, b: "".join(
        json.dumps({"log": text + "\n", "stream": "stdout", "time": "2025-01-15T10:30:00Z"}) + "\n"
        for text in ["listening", "INFO " + json.dumps({"headers": h, "body": b})]
    ),
    skipped=1,
)
each(
    "journald JSON",
    lambda h, b: "".join(
        json.dumps({"__REALTIME_TIMESTAMP": "1736937000123456", "PRIORITY": "6", "MESSAGE": text}) + "\n"
        for text in ["listening", list(("got " + json.dumps({"headers": h, "body": b})).encode())]
    ),
    skipped=1,
)
each(
    "Vercel log",
    lambda h, b: json.dumps(
        [
            {
                "id": "1",
                "message": "POST /api/hook " + json.dumps({"headers": h, "rawBody": b}),
                "timestamp": 1736937000123,
                "source": "lambda",
                "proxy": {"method": "POST", "path": "/api/hook", "statusCode": 401},
            }
        ]
    ),
)
each(
    "Laravel log",
    lambda h, b: "[2025-01-15 10:30:00] local.INFO: webhook "
    + json.dumps({"headers": {k.lower(): [v] for k, v in h.items()}, "body": b})
    + " \n",
)
each(
    "headers and body on different lines",
    lambda h, b: "INFO headers: " + ", ".join(f"{k}={v}" for k, v in h.items()) + f"\nINFO body: {b}\n",
    notes=["loose_headers"],
)
each("Python log of bytes", lambda h, b: f"DEBUG headers={h!r}\nDEBUG body={b.encode()!r}\n", notes=["loose_headers"])
each(
    "Node.js inspection",
    lambda h, b: "request {\n  method: 'POST',\n  url: '/hooks',\n  headers: {\n"
    + ",\n".join(f"    {k.lower()!r}: {v!r}" for k, v in h.items())
    + "\n  },\n  body: <Buffer "
    + " ".join(f"{byte:02x}" for byte in b.encode())
    + ">\n}\n",
)
case(
    "log of several webhooks",
    "".join(f"INFO headers={h!r}\nINFO body={b.encode()!r}\nINFO done\n" for h, b in ALL),
    verdicts=["verified"] * 3,
    notes=["loose_headers"],
)
each(
    "Rails log with parsed parameters",
    lambda h, b: "Processing by HooksController#create as JSON\n  Parameters: "
    + json.dumps(json.loads(b), ensure_ascii=False).replace('": ', '"=>')
    + "\n"
    + "".join(f"  HTTP_{k.upper().replace('-', '_')}: {v}\n" for k, v in h.items()),
    notes=["loose_headers", "body_parsed"],
)
cases[-1]["verdicts"] = ["mismatch"]
each("base64 of a raw request", lambda h, b: base64.encodebytes(wire(h, b)))


def dump(data, style, indent=""):
    """`xxd`, `hexdump -C` or Wireshark's stream."""
    out = ""
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        pair = [f"{byte:02x}" for byte in row]
        if style == "xxd":
            words = " ".join("".join(pair[i : i + 2]) for i in range(0, len(pair), 2))
            out += f"{at:08x}: {words:<40} {text}\n"
        else:
            words = " ".join(pair[:8]) + "  " + " ".join(pair[8:])
            out += (
                f"{indent}{at:08x}  {words:<48}  |{text}|\n"
                if style == "hexdump"
                else f"{indent}{at:08X}  {words:<48}   {text}\n"
            )
    return out


each("xxd", lambda h, b: dump(wire(h, b), "xxd"))
each("hexdump -C", lambda h, b: dump(wire(h, b), "hexdump"))
each(
    "stream of Wireshark",
    lambda h, b: dump(wire(h, b), "wireshark")
    + dump(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "wireshark", "    "),
)


def packets(request, link, header, order="<", nanoseconds=False, pcapng=False, shuffle=False, ip=4):
    """A capture of one connection: two segments after a SYN, the second one sent twice."""
    import struct

    def segment(sequence, flags, data):
        tcp = struct.pack(">HHIIBBHHH", 40000, 3000, sequence % 2**32, 0, 0x50, flags, 512, 0, 0) + data
        if ip == 4:
            return (
                header
                + struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
                + tcp
                + b"\0" * 3
            )
        return (
            header + struct.pack(">IHBB16s16s", 6 << 28, len(tcp), 6, 64, b"\0" * 15 + b"\1", b"\0" * 15 + b"\1") + tcp
        )

    start, half = 2**32 - 40, len(request) // 2
    all_packets = [
        segment(start, 2, b""),
        segment(start + 1, 24, request[:half]),
        segment(start + 1 + half, 24, request[half:]),
        segment(start + 1 + half - 10, 24, request[half - 10 :]),
    ]
    if shuffle:
        all_packets = [all_packets[i] for i in (0, 3, 2, 1)]
    if pcapng:
        block = (
            lambda kind, body: struct.pack(order + "II", kind, len(body) + 12)
            + body
            + struct.pack(order + "I", len(body) + 12)
        )
        pad = lambda data: data + b"\0" * (-len(data) % 4)
        out = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
        out += block(1, struct.pack(order + "HHI", link, 0, 0) + struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0))
        for data in all_packets:
            stamp = 1736937000 * 10**9
            out += block(
                6, struct.pack(order + "IIIII", 0, stamp >> 32, stamp % 2**32, len(data), len(data)) + pad(data)
            )
        return out
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    for data in all_packets:
        out += struct.pack(order + "IIII", 1736937000, 5, len(data), len(data)) + data
    return out


ETHERNET = b"\0" * 12 + b"\x08\0"
for name, options in {
    "pcap of Ethernet, out of order": dict(link=1, header=ETHERNET, shuffle=True),
    "pcap of Ethernet with a VLAN tag, big-endian": dict(link=1, header=b"\0" * 12 + b"\x81\0\0\1\x08\0", order=">"),
    "pcap of raw IP with nanoseconds": dict(link=101, header=b"", nanoseconds=True),
    "pcap of loopback on BSD and IPv6": dict(link=0, header=b"\x1e\0\0\0", ip=6),
    "pcap of any interface": dict(link=113, header=b"\0" * 14 + b"\x08\0"),
    "pcap of any interface, version 2": dict(link=276, header=b"\x08\0" + b"\0" * 18),
    "pcapng": dict(link=1, header=ETHERNET, pcapng=True),
    "pcapng, big-endian": dict(link=1, header=ETHERNET, pcapng=True, order=">"),
}.items():
    each(name, lambda h, b: packets(wire(h, b), **options))
case(
    "pcap of an encrypted connection",
    packets(b"\x16\x03\x01\x02\x00\x01\x00" + b"x" * 50, 1, ETHERNET),
    verdicts=[],
    error="its packets are encrypted (TLS)",
)
each(
    "WireMock journal",
    lambda h, b: {
        "requests": [
            {
                "id": "1",
                "request": {
                    "url": "/hooks",
                    "absoluteUrl": "http://localhost/hooks",
                    "method": "POST",
                    "headers": h,
                    "body": b.encode().decode("ascii", "replace"),
                    "bodyAsBase64": b64(b),
                },
                "responseDefinition": {"status": 200, "headers": {}},
            }
        ],
        "meta": {"total": 1},
    },
)
each(
    "MockServer log",
    lambda h, b: [
        {
            "method": "POST",
            "path": "/hooks",
            "headers": {k: [v] for k, v in h.items()},
            "body": {"type": "STRING", "string": b, "rawBytes": b64(b), "contentType": "application/json"},
        }
    ],
)
each(
    "Hoppscotch collection",
    lambda h, b: {
        "v": 1,
        "requests": [
            {
                "name": "hook",
                "method": "POST",
                "endpoint": "https://a.example/x",
                "headers": [{**pair, "active": True} for pair in pairs(h, "key")],
                "body": {"contentType": "application/json", "body": b},
            }
        ],
    },
)
each(
    "Thunder Client collection",
    lambda h, b: {
        "client": "Thunder Client",
        "requests": [
            {
                "url": "https://a.example/x",
                "method": "POST",
                "headers": pairs(h),
                "body": {"type": "json", "raw": b, "form": []},
            }
        ],
    },
)
each(
    "request basket",
    lambda h, b: {
        "requests": [
            {
                "date": 1736937000123,
                "header": {k: [v] for k, v in h.items()},
                "content_length": len(b.encode()),
                "body": b,
                "method": "POST",
                "path": "/x",
                "query": "",
            }
        ],
        "count": 1,
    },
)
each(
    "httpbin",
    lambda h, b: {
        "args": {},
        "data": b,
        "files": {},
        "form": {},
        "headers": h,
        "json": json.loads(b),
        "origin": "127.0.0.1",
        "url": "https://httpbin.org/post",
    },
)
each(
    "Envoy tap",
    lambda h, b: {
        "http_buffered_trace": {
            "request": {
                "headers": pairs({":method": "POST", ":path": "/hooks", **lower(h)}, "key"),
                "body": {"truncated": False, "as_bytes": b64(b)},
            },
            "response": {"headers": [], "body": {}},
        }
    },
)
each(
    "Cloud Logging",
    lambda h, b: [
        {
            "httpRequest": {"requestMethod": "POST", "requestUrl": "https://a.example/", "status": 401},
            "jsonPayload": {"message": "hook", "headers": lower(h), "rawBody": b},
            "timestamp": "2025-01-15T10:30:00Z",
        }
    ],
)
each(
    "Azure function",
    lambda h, b: {
        "req": {
            "method": "POST",
            "originalUrl": "https://a.example/api/x",
            "headers": lower(h),
            "query": {},
            "params": {},
            "body": json.loads(b),
            "rawBody": b,
        }
    },
)
each(
    "http.client debug output",
    lambda h, b: f"send: {wire(h, b)[:-len(b.encode())]!r}\nsend: {b.encode()!r}\nreply: 'HTTP/1.1 200 OK\\r\\n'\n",
)
each(
    "quoted request in a log",
    lambda h, b: "2025/01/15 10:30:00 got " + json.dumps(wire(h, b).decode(), ensure_ascii=False) + "\n",
)
each("request after a prefix in a log", lambda h, b: b"2025/01/15 10:30:00 " + wire(h, b))
each(
    "Spring request log",
    lambda h, b: "POST /hooks, client=127.0.0.1, headers=["
    + ", ".join(f'{k.lower()}:"{v}"' for k, v in h.items())
    + f"], payload={b}]\n",
    notes=["loose_headers"],
)
each(
    "ASP.NET request log",
    lambda h, b: "Method: POST\nPath: /hooks\n" + lines(h) + f"RequestBody: {b}\n",
    notes=["loose_headers"],
)
each(
    "PHP print_r",
    lambda h, b: "Array\n(\n" + "".join(f"    [{k}] => {v}\n" for k, v in h.items()) + f")\n{b}\n",
    notes=["loose_headers"],
)
each(
    "wget",
    lambda h, b: f"wget --quiet \\\n  --method POST \\\n"
    + "".join(f"  --header {q(f'{k}: {v}')} \\\n" for k, v in h.items())
    + f"  --body-data {q(b)} \\\n  --output-document - http://localhost/x\n",
)
each(
    "wget with equals signs",
    lambda h, b: "wget "
    + " ".join(f"--header={q(f'{k}: {v}')}" for k, v in h.items())
    + f" --post-data={q(b)} -O - http://localhost/x\n",
)
each(
    "ngrep by line",
    lambda h, b: "interface: lo\n####\nT 127.0.0.1:40000 -> 127.0.0.1:3000 [AP] #4\n"
    + wire(h, b).decode().replace("\r\n", ".\n").replace(b.replace("\r\n", ".\n"), b)
    + "\n####\n",
    notes=["bytes_beyond_length"],
)
each("pcap in gzip", lambda h, b: gzip.compress(packets(wire(h, b), 1, ETHERNET), mtime=0))
case(
    "wrangler tail",
    {
        "outcome": "ok",
        "event": {
            "request": {
                "url": "https://a.example/",
                "method": "POST",
                "headers": {**lower(ALL[0][0]), "content-length": "213"},
                "cf": {},
            },
            "response": {"status": 401},
        },
        "logs": [],
    },
    verdicts=[],
    error="request 1: the file does not contain the body",
)
each(
    "payload alone in a log",
    lambda h, b: f"2025-01-15 INFO received {b}\n",
    verdicts=[],
    error="it has a payload, but no headers",
)

# Files without a request.
for name, file, error in [
    ("a PNG image", b"\x89PNG\r\n\x1a\n\0\0", "it is a PNG image"),
    ("a PDF document", b"%PDF-1.7\n%\xe2\xe3", "it is a PDF document"),
    ("an HTML page", "<!DOCTYPE html>\n<html><body>{}</body></html>", "it is an HTML page"),
    ("an empty file", "", "the file is empty"),
    ("whitespace", " \n\n", "the file holds only whitespace"),
    ("TLS records", b"\x16\x03\x01\x02\x00\x01\x00", "it is encrypted (TLS)"),
    ("JSON without a request", '{\n  "a": [1, 2]\n}\n', "it is JSON, but not a request: it has no headers"),
    ("a payload", COMPACT, "it is JSON, but not a request: it has no headers"),
    ("JSON that is cut off", '{\n  "method": "POST",\n  "headers": {', "it is JSON that is cut off in line 3"),
    ("something like JSON", '{\n  "method": oops\n}', "it starts like JSON, but line 2 is not JSON"),
    ("an answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "it is an answer, not a request"),
    ("headers without a body", lines(ALL[0][0]), "it has headers, but no body"),
    (
        "a capture of Wi-Fi",
        b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x69\0\0\0" + b"\0" * 8 + b"\x02\0\0\0\x02\0\0\0ab",
        "it is a packet capture of link type 105 (Wi-Fi in monitor mode), which is not read",
    ),
    ("a ZIP archive of pictures", archive({"a.png": b"\x89PNG"}), "it is a ZIP archive without requests"),
    ("prose", "hello", "it is text, but no request was found in it"),
    (
        "a HAR without webhooks",
        {
            "log": {
                "entries": [
                    {"request": {"method": "GET", "url": "https://a.example/", "headers": []}} for _ in range(3)
                ]
            }
        },
        "none of the 3 requests or lines in it has a signature or a payload of a known provider",
    ),
    (
        "curl without its file",
        "curl -H 'X-Plexos-Signature: 1' -d @body.json http://localhost/",
        "request 1: the body is in `body.json`, which can't be read from here",
    ),
    (
        "a masked bundle",
        json.dumps(
            {
                "schema": "whtool.bundle/1",
                "request": {
                    "method": "POST",
                    "target": "/",
                    "headers": [["X-Plexos-Signature", "1"]],
                    "bodyBytes": 9,
                    "bodySha256": "0" * 64,
                    "bodyMasked": '{"a":"***"}',
                },
            },
            indent=2,
        ),
        "request 1: parts of the body are masked in it",
    ),
    (
        "curl -v",
        "> POST / HTTP/1.1\r\n> X-Plexos-Signature: 1\r\n> Content-Length: 9\r\n> \r\n< HTTP/1.1 200 OK\r\n",
        "request 1: `curl -v` does not show the body",
    ),
]:
    case(name, file, verdicts=[], error=error)

pathlib.Path("captures.json").write_text(json.dumps(cases, ensure_ascii=True, indent=1) + "\n")
