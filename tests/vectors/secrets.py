#!/usr/bin/env python3
"""Writes secrets.json: requests whose secret is configured or used wrongly, each with the code of its cause and part of its
sentence.

The keys and signatures are from Python's hmac and hashlib. Nothing here comes from whtool. Run it in this folder after
adding a case, and commit the result.
"""

import base64
import hashlib
import hmac
import html
import json
import urllib.parse

TIME = "1736937000"
BODY = open("plexos.json", "rb").read()
# Of the form that the provider shows, with characters that shells, env files and encodings change.
S = "whsec_Kq3Zb7Tn9Xw2Lm5Rv8Yc1Df4Gh6Jp0Sa"
DOLLAR = "whsec_Kq3Zb7$Tn9Xw2Lm-5Rv8Yc1Df"
BASE64 = "whsec_" + base64.b64encode(b"\x8fq\x02\xfe\x90\x11\xac\x7f\x33\xfb\xe0\x01\xff\xd1\x08\x42\x17\x9b").decode()
PADDED = "whsec_" + base64.b64encode(b"\xfb\xef\xbe\x01\x90\x11\xac\x7f\x33\xfb\xe0\x3f\xff\xd1\x08\x42").decode()

cases = []


def sign(key):
    key = key.encode() if isinstance(key, str) else key
    return hmac.new(key, TIME.encode() + b"." + BODY, hashlib.sha256).hexdigest()


def case(name, ours, key, code, words):
    """Adds a request signed with `key` while `ours` is in PLEXOS_WEBHOOK_SECRET."""
    cases.append({"name": name, "ours": ours, "signature": sign(key), "code": code, "words": words})


# Containers: the provider signed with S, and our variable holds more than S.
manager = json.dumps({"PLEXOS_API": "sk", "PLEXOS_WEBHOOK_SECRET": S})
created = json.dumps({"id": "we_abc123", "url": "https://a.example/", "events": ["payment.debited"], "secret": S})
env_file = f"# settings\nPORT=3000\nDATABASE_URL=postgres://u:p@h/d\nPLEXOS_WEBHOOK_SECRET='{S}'\nDEBUG=1\n"
yaml = f"apiVersion: v1\nkind: Secret\ndata:\n  webhook-secret: {base64.b64encode(S.encode()).decode()}\n"
for name, ours, code, words in [
    ("the JSON of a secrets manager", manager, "secret_in_json", "the value of `PLEXOS_WEBHOOK_SECRET`"),
    ("the answer that created the webhook", created, "secret_in_json", "the value of `secret`"),
    ("the same, indented", json.dumps(json.loads(created), indent=2), "secret_in_json", "the value of `secret`"),
    ("a JSON string", json.dumps(S), "secret_quoted", "quotes around it"),
    ("a JSON list", json.dumps([S, "whsec_other_secret_of_the_past"]), "secret_in_json", "one of its values"),
    ("JSON in a JSON string", json.dumps(manager), "secret_in_json", "the value of `PLEXOS_WEBHOOK_SECRET`"),
    ("a Python dictionary", str({"secret": S}), "secret_quoted", "(then the value of `secret`, without the quotes"),
    ("a line of YAML", f"secret: {S}", "secret_line", "the value of `secret`"),
    ("a quoted line of YAML", f'  webhookSecret: "{S}"', "secret_line", "without the quotes"),
    ("export with single quotes", f"export PLEXOS_WEBHOOK_SECRET='{S}'", "secret_line", "without the quotes"),
    ("a line of an env file", f"PLEXOS_WEBHOOK_SECRET={S}", "secret_line", "the value of `PLEXOS_WEBHOOK_SECRET`"),
    ("set of cmd.exe", f"set PLEXOS_WEBHOOK_SECRET={S}", "secret_line", "the value of"),
    ("set of cmd.exe in quotes", f'set "PLEXOS_WEBHOOK_SECRET={S}"', "secret_line", "without a `\"` at the end"),
    ("PowerShell's $env", f'$env:PLEXOS_WEBHOOK_SECRET = "{S}"', "secret_line", "without the quotes"),
    ("ENV of a Dockerfile", f"ENV PLEXOS_WEBHOOK_SECRET {S}", "secret_label", "`PLEXOS_WEBHOOK_SECRET`"),
    ("a whole env file", env_file, "secret_in_file", "in line 4"),
    ("a Secret of Kubernetes", yaml, "secret_in_file", "decoded from base64"),
    ("the text around two lines", f"secret of production\n{S}\n", "secret_in_file", "in line 2"),
    ("a secret on two lines", S[:20] + "\n" + S[20:], "secret_in_file", "in all lines together"),
    ("Python's b'…'", f"b'{S}'", "secret_printed", "Python's b'…'"),
    ("JSON of a Buffer", json.dumps({"type": "Buffer", "data": list(S.encode())}), "secret_in_json", "the value of `data`"),
    ("PEM-like armour", f"-----BEGIN SECRET-----\n{S}\n-----END SECRET-----\n", "secret_armour", "lines of dashes"),
    ("two secrets and a blank", f"{S} whsec_other_secret_of_the_past", "secret_list", "value 1 of 2, separated by blanks"),
    ("two secrets and a semicolon", f"whsec_other_secret_of_the_past;{S}", "secret_list", "value 2 of 2, separated by semicolons"),
    ("two secrets on two lines", f"whsec_other_secret_of_the_past\n{S}", "secret_in_file", "in line 2"),
    ("two secrets, a comma and a blank", f"whsec_other_secret_of_the_past, {S}", "secret_whitespace_added", "PLEXOS_WEBHOOK_SECRET #2"),
    ("Bearer", f"Bearer {S}", "secret_label", "`Bearer` in front"),
    ("a label", f"Signing secret: {S}", "secret_line", "the signing key is"),
    ("a header", f"X-Webhook-Secret: {S}", "secret_line", "the value of `X-Webhook-Secret`"),
    ("an XML element", f"<secret>{S}</secret>", "secret_in_text", "a text between tags"),
    ("the prefix twice", "whsec_" + S, "secret_prefix_twice", "starts with `whsec_` twice"),
    ("pasted twice", S + S, "secret_twice", "holds the secret twice"),
    ("a comment after the secret", f"{S} # production", "secret_comment", "a comment at the end"),
    ("a comment after a quoted secret", f'"{S}" # production', "secret_comment", "without the quotes"),
    ("percent-encoding in JSON", json.dumps({"secret": S.replace("_", "%5F")}), "secret_in_json", "decoded from percent-encoding"),
    ("an assignment in JavaScript", f"const secret = '{S}';", "secret_line", "without the quotes"),
    ("a hex dump", " ".join(f"{byte:02x}" for byte in S.encode()), "secret_printed", "a hex dump"),
    ("a printed Buffer of Node", "<Buffer " + S.encode().hex(" ") + ">", "secret_printed", "a hex dump"),
    ("hex after 0x", "0x" + S.encode().hex(), "secret_printed", "hex"),
    ("Go's print of a byte slice", "[" + " ".join(str(byte) for byte in S.encode()) + "]", "secret_printed", "a list of byte values"),
    ("the prefix in capitals", S.replace("whsec_", "WHSEC_"), "secret_prefix_damaged", "exactly `whsec_`"),
    ("the prefix with a hyphen", S.replace("_", "-"), "secret_prefix_damaged", "exactly `whsec_`"),
    ("the prefix without its first letter", S[1:], "secret_prefix_damaged", "exactly `whsec_`"),
    ("angle brackets", f"<{S}>", "secret_quoted", "brackets around it"),
    ("bold in Markdown", f"**{S}**", "secret_quoted", "quotes around it"),
    ("a bullet", f"- {S}", "secret_stray_character", "a `-` at the start"),
    ("a comment after a tab", f"{S}\t// production", "secret_comment", "a comment"),
    ("a URL with a password", f"https://user:{S}@a.example/", "secret_in_text", "its bytes 14 to 51"),
    ("a section of an INI file", f"[plexos]\nsecret = {S}\n", "secret_in_file", "the value of `secret`"),
    ("a call of PHP", f"define('PLEXOS_WEBHOOK_SECRET', '{S}');", "secret_in_text", "a text in quotes"),
    ("a URL with the secret", f"https://a.example/hook?secret={S}&v=1", "secret_line", "the value of `secret`"),
]:
    case(name, ours, S, code, words)

# Characters that nobody sees, or that another program put in the place of a plain one.
for name, ours, code, words in [
    ("a byte order mark", "\ufeff" + S, "secret_odd_character", "a byte order mark at the start"),
    ("a byte order mark read as Latin-1", "ï»¿" + S, "secret_odd_character", "a byte order mark at the start"),
    ("a no-break space at the end", S + "\u00a0", "secret_odd_character", f"U+00A0 (no-break space) at position {len(S) + 1}"),
    ("a zero-width space", S[:8] + "\u200b" + S[8:], "secret_odd_character", "U+200B (zero-width space) at position 9"),
    ("a soft hyphen", S[:12] + "\u00ad" + S[12:], "secret_odd_character", "U+00AD (soft hyphen) at position 13"),
    ("a word joiner at the start", "\u2060" + S, "secret_odd_character", "U+2060 (word joiner) at position 1"),
    ("curly quotes", f"“{S}”", "secret_typographic", "U+201C (left double quotation mark) at position 1"),
    ("curly single quotes", f"‘{S}’", "secret_typographic", "U+2018 (left single quotation mark) at position 1"),
    ("terminal colors", f"\x1b[32m{S}\x1b[0m", "secret_odd_character", "U+001B (escape) at position 1"),
    ("a full-width underscore", S.replace("_", "＿"), "secret_typographic", "U+FF3F (full-width character) at position 6"),
    ("guillemets", f"«{S}»", "secret_typographic", "U+00AB (left guillemet) at position 1"),
    ("a carriage return", S + "\r", "secret_whitespace_added", "whitespace around it"),
    ("a blank and a newline", f" {S}\n", "secret_whitespace_added", "whitespace around it"),
]:
    case(name, ours, S, code, words)
case("an en dash", DOLLAR.replace("-", "–"), DOLLAR, "secret_typographic", "U+2013 (en dash)")

# Our variable holds the secret in another form.
for name, ours, code, words in [
    ("base64 of the secret", base64.b64encode(S.encode()).decode(), "secret_decoded", "holds the base64 of the signing key"),
    ("base64 of the secret and a newline", base64.b64encode((S + "\n").encode()).decode(), "secret_decoded", "without the whitespace"),
    ("hex of the secret", S.encode().hex(), "secret_decoded", "holds the hex of the signing key"),
    ("a stray quote at the end", S + '"', "secret_stray_character", "a `\"` at the end"),
    ("a stray quote at the start", "'" + S, "secret_stray_character", "a `'` at the start"),
    ("another character at the end", S + "x", "secret_cut_short", "without the last character"),
    ("the prefix lost", S[6:], "secret_prefix_lost", "does not start with `whsec_`"),
]:
    case(name, ours, S, code, words)
AMP = "whsec_Kq3Zb7&Tn9Xw2Lm+5Rv8=Yc1/Df"
case("percent-encoding", urllib.parse.quote(AMP, safe=""), AMP, "secret_encoded", "is in percent-encoding")
case("HTML entities", html.escape(AMP), AMP, "secret_encoded", "HTML entities")
case("JSON escapes", AMP.replace("&", "\\u0026").replace("/", "\\/"), AMP, "secret_encoded", "backslash escapes")
case("a plus that became a blank", urllib.parse.unquote_plus(AMP), AMP, "secret_form_decoded", "a blank where the signing key has `+`")
case("the dollar of docker compose", DOLLAR.replace("$", "$$"), DOLLAR, "secret_dollar_doubled", "`$$` where the signing key has `$`")
case("padding lost", PADDED.rstrip("="), PADDED, "secret_padding_lost", "lacks the `==`")

# The code that signs has changed the secret; ours is whole.
for name, ours, key, code, words in [
    ("a name expanded away", DOLLAR, "whsec_Kq3Zb7-5Rv8Yc1Df", "secret_expanded", "without each `$` and the name after it"),
    ("the dollar lost", DOLLAR, DOLLAR.replace("$", ""), "secret_characters_lost", "without each `$`"),
    ("cut at an ampersand", AMP, AMP.split("&")[0], "secret_cut_at", "before the first `&`"),
    ("cut at an equals sign", AMP, AMP.split("=")[0], "secret_cut_at", "before the first `=`"),
    ("cut at 32 bytes", S, S[:32], "secret_truncated", "the first 32 bytes"),
    ("cut at 16 bytes", S, S[:16], "secret_truncated", "the first 16 bytes"),
    ("form-decoded", AMP, AMP.replace("+", " "), "secret_changed", "a blank in place of each `+`"),
    ("HTML-escaped", AMP, html.escape(AMP), "secret_changed", "HTML entities"),
    ("percent-encoded", AMP, urllib.parse.quote(AMP, safe=""), "secret_changed", "percent-encoding"),
    ("lower case", S, S.lower(), "secret_case", "lower case"),
    ("upper case", S, S.upper(), "secret_case", "upper case"),
    ("base64 of it", S, base64.b64encode(S.encode()), "secret_used_encoded", "base64"),
    ("base64url of it", AMP, base64.urlsafe_b64encode(AMP.encode()).rstrip(b"="), "secret_used_encoded", "base64"),
    ("hex of it", S, S.encode().hex(), "secret_used_encoded", "hex"),
    ("hex of it without the prefix", S, S[6:].encode().hex(), "secret_used_encoded", "hex, without its prefix"),
    ("SHA-256 in hex", S, hashlib.sha256(S.encode()).hexdigest(), "secret_hashed", "SHA-256 in hex"),
    ("SHA-256", S, hashlib.sha256(S.encode()).digest(), "secret_hashed", "SHA-256"),
    ("SHA-256 without the prefix", S, hashlib.sha256(S[6:].encode()).digest(), "secret_hashed", "without its prefix"),
    ("MD5 in hex", S, hashlib.md5(S.encode()).hexdigest(), "secret_hashed", "MD5 in hex"),
    ("UTF-16", S, S.encode("utf-16-le"), "secret_used_in_utf16", "little-endian"),
    ("UTF-16 with a mark", S, S.encode("utf-16"), "secret_used_in_utf16", "byte order mark"),
    ("padded with blanks", S, S.ljust(64), "secret_padded", "blanks up to 64 bytes"),
    ("padded with blanks to 40", S, S.ljust(40), "secret_padded", "blanks up to 40 bytes"),
    ("SHA-384 in hex", S, hashlib.sha384(S.encode()).hexdigest(), "secret_hashed", "SHA-384 in hex"),
    ("a quote at the end", S, S + '"', "secret_wrapped", "a quote at the end"),
    ("a semicolon at the end", S, S + ";", "secret_wrapped", "a semicolon at the end"),
    ("brackets", S, f"[{S}]", "secret_wrapped", "brackets around it"),
    ("Swift's Optional", S, f'Optional("{S}")', "secret_wrapped", "Optional"),
    ("a newline and without the prefix", S, S[6:] + "\n", "secret_wrapped", "without its prefix"),
    ("a line with export", S, f"export PLEXOS_WEBHOOK_SECRET={S}", "secret_used_in_container", "a whole line"),
    ("the placeholder of the documentation", S, "whsec_your_secret", "secret_unset", "`whsec_your_secret`"),
    ("code that reads a variable", S, "os.environ['PLEXOS_WEBHOOK_SECRET']", "secret_unset", "os.environ"),
    ("a whole line", S, f"PLEXOS_WEBHOOK_SECRET={S}", "secret_used_in_container", "a whole line of an env file"),
    ("b'…'", S, str(S.encode()), "secret_wrapped", "Python's b'…' around it"),
    ("the base64-decoded secret", BASE64, base64.b64decode(BASE64[6:]), "secret_decoded", "decoded from base64"),
    ("NaN", S, "NaN", "secret_unset", "`NaN`"),
    ("<nil>", S, "<nil>", "secret_unset", "`<nil>`"),
    ("the name of the variable", S, "PLEXOS_WEBHOOK_SECRET", "secret_unset", "`PLEXOS_WEBHOOK_SECRET`"),
    ("a variable that nothing replaced", S, "${PLEXOS_WEBHOOK_SECRET}", "secret_unset", "`${PLEXOS_WEBHOOK_SECRET}`"),
    ("the prefix alone", S, "whsec_", "secret_unset", "`whsec_`"),
    ("a byte order mark before it", S, "\ufeff" + S, "secret_wrapped", "a byte order mark at the start"),
]:
    case("signed with: " + name, ours, key, code, words)

# Nothing proves these, but the variable is visibly no secret.
likely = []
for name, ours, code, words in [
    ("undefined", "undefined", "secret_looks_unset", "`undefined`"),
    ("None", "None", "secret_looks_unset", "`None`"),
    ("null after the prefix", "whsec_null", "secret_looks_unset", "`whsec_null`"),
    ("[object Object]", "[object Object]", "secret_looks_unset", "`[object Object]`"),
    ("the prefix alone", "whsec_", "secret_looks_unset", "only the prefix `whsec_`"),
    ("a shell variable", "$PLEXOS_WEBHOOK_SECRET", "secret_looks_unresolved", "the name of a variable"),
    ("a variable in braces", "${WEBHOOK_SECRET:-}", "secret_looks_unresolved", "a template (`${…}`)"),
    ("a variable of cmd.exe", "%WEBHOOK_SECRET%", "secret_looks_unresolved", "the name of a variable"),
    ("a template of Helm", '{{ .Values.plexos.secret | quote }}', "secret_looks_unresolved", "a template (`{{…}}`)"),
    ("code of Node", "process.env.PLEXOS_WEBHOOK_SECRET", "secret_looks_unresolved", "`process.env…`"),
    ("code of Ruby", "ENV['PLEXOS_WEBHOOK_SECRET']", "secret_looks_unresolved", "`ENV[…`"),
    ("a secret of GitHub Actions", "${{ secrets.PLEXOS }}", "secret_looks_unresolved", "a template"),
    ("1Password", "op://prod/plexos/secret", "secret_looks_unresolved", "`op://…`"),
    ("the ARN of a secret", "arn:aws:secretsmanager:eu-west-1:1:secret:plexos", "secret_looks_unresolved", "`arn:aws:…`"),
    ("the path of a file", "/run/secrets/plexos", "secret_looks_unresolved", "the path of a file"),
    ("a URL", "https://shop.example.com/hooks", "secret_looks_unresolved", "a URL"),
    ("the endpoint's id", "we_1A2b3C4d5E6f7G8h", "secret_looks_like_id", "`we_`"),
    ("an API key", "sk_test_1A2b3C4d5E6f7G8h", "secret_looks_like_api_key", "sk_test_"),
    ("stars", "whsec_***************", "secret_looks_like_placeholder", "placeholder"),
    ("an ellipsis", "whsec_1A2b3C4d5E6f…", "secret_looks_like_placeholder", "truncated"),
    ("a placeholder", "your-webhook-secret-here", "secret_looks_like_placeholder", "placeholder"),
    ("an old secret in JSON", json.dumps({"secret": "whsec_0000old0000secret0000"}), "secret_looks_like_container", "JSON"),
    ("an old secret on a line", "PLEXOS_WEBHOOK_SECRET=whsec_0000old0000secret0000", "secret_looks_like_container", "a line of an env file"),
    ("an old secret with a comment", "whsec_0000old0000secret0000 # old", "secret_looks_like_container", "a comment"),
    ("an old secret in base64", base64.b64encode(b"whsec_0000old0000secret0000").decode(), "secret_looks_like_container", "a secret in base64"),
    ("an old secret with the prefix twice", "whsec_whsec_0000old0000secret0000", "secret_looks_like_container", "`whsec_` twice"),
    ("an old secret with an invisible character", "whsec_00\u200b00old0000secret0000", "secret_has_odd_character", "U+200B (zero-width space) at position 9"),
    ("an old secret in quotes", '"whsec_0000old0000secret0000"', "secret_looks_wrapped", "quotes"),
    ("a secret cut at a dollar", "whsec_Kq3Zb7", "secret_looks_truncated", "12 bytes"),
]:
    likely.append({"name": name, "ours": ours, "signature": sign(S), "code": code, "words": words})

with open("secrets.json", "w") as file:
    json.dump({"body": BODY.decode(), "time": TIME, "proved": cases, "likely": likely}, file, indent=1)
    file.write("\n")
