// The benchmark's work as a Node program does it.
//
//   peer.mjs sign FILE       the HMAC of a file, read in blocks
//   peer.mjs verify FILE     the verdicts on captured lines, counted
//
// Secrets come from the environment, as whtool's do. Files are read with readSync and split into lines by hand, which is faster
// than streams and readline.

import { createHmac, timingSafeEqual } from "node:crypto";
import { openSync, readSync } from "node:fs";

const PIECE = 1 << 20;
const TOLERANCE = 300;
const HEX = /^[0-9a-fA-F]{64}$/;
const { PLEXOS_WEBHOOK_SECRET, PLUSTIVE_WEBHOOK_SECRET } = process.env;

function* pieces(path) {
  const file = openSync(path);
  const piece = Buffer.allocUnsafe(PIECE);
  for (let length; (length = readSync(file, piece)) > 0; ) yield piece.subarray(0, length);
}

function* lines(path) {
  let rest = "";
  const decoder = new TextDecoder();
  for (const piece of pieces(path)) {
    const text = rest + decoder.decode(piece, { stream: true });
    let start = 0;
    for (let end; (end = text.indexOf("\n", start)) >= 0; start = end + 1) yield text.slice(start, end);
    rest = text.slice(start);
  }
  if (rest) yield rest;
}

function sign(path) {
  const mac = createHmac("sha256", PLUSTIVE_WEBHOOK_SECRET);
  for (const piece of pieces(path)) mac.update(piece);
  console.log(mac.digest("hex"));
}

function judge({ arrived, request: { headers, body } }) {
  const named = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  let given = named["x-plexos-signature"];
  let mac, signedAt;
  if (given !== undefined) {
    signedAt = Number(named["x-plexos-timestamp"] || NaN);
    if (!Number.isInteger(signedAt)) return "malformed";
    mac = createHmac("sha256", PLEXOS_WEBHOOK_SECRET).update(named["x-plexos-timestamp"] + ".");
  } else {
    given = named["x-plustive-signature"];
    if (given === undefined) return "unsigned";
    if (given.startsWith("sha256=")) given = given.slice(7);
    mac = createHmac("sha256", PLUSTIVE_WEBHOOK_SECRET);
  }
  if (!HEX.test(given)) return "malformed";
  if (!timingSafeEqual(mac.update(body).digest(), Buffer.from(given, "hex"))) return "mismatch";
  if (signedAt !== undefined && Date.parse(arrived) / 1000 - signedAt > TOLERANCE) return "too_old";
  return "verified";
}

function verify(path) {
  const counts = {};
  for (const line of lines(path)) {
    const record = JSON.parse(line);
    if (!record.request) continue;
    const verdict = judge(record);
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  }
  console.log(JSON.stringify(Object.fromEntries(Object.entries(counts).sort())));
}

({ sign, verify })[process.argv[2]](process.argv[3]);
