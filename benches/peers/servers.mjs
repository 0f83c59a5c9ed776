// Receivers of Plustive's webhooks as a Node program has them: each verifies the HMAC over the raw body and answers.
//
//   servers.mjs http|express|fastify PORT
//   servers.mjs sqlite|sqlite-batched PORT FILE
//
// The first three store nothing. The others keep the promise of `whtool listen`: an event that was answered 200 is in the
// database and synced (better-sqlite3, WAL, synchronous=FULL). `sqlite` commits each request by itself, as a handler that calls
// `insert.run()` does; `sqlite-batched` commits what arrived in one turn of the event loop together.
//
// The packages are looked for where NODE_PEERS says. The rule is that of Plustive's guide: X-Plustive-Signature is the
// HMAC-SHA256 of the raw body in hex, compared in constant time.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const secret = process.env.PLUSTIVE_WEBHOOK_SECRET;
const [kind, port, file] = process.argv.slice(2);
const peer = (name) => createRequire(`${process.env.NODE_PEERS}/`)(name);

function isGenuine(body, given) {
  if (!given) return false;
  const expected = createHmac("sha256", secret).update(body).digest("hex");
  const [left, right] = [Buffer.from(given.replace(/^sha256=/, "")), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function answer(response, status, text) {
  response.writeHead(status, { "Content-Type": "text/plain" });
  response.end(text);
}

// A server that calls `accept` with each genuine event; `accept` answers it.
function listen(accept) {
  createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      if (!isGenuine(body, request.headers["x-plustive-signature"])) return answer(response, 401, "Invalid signature");
      accept({ request, response, body, event: JSON.parse(body) });
    });
  }).listen(port, "127.0.0.1");
}

// What whtool stores of an event, with the index that finds it again.
function openDatabase() {
  const database = new (peer("better-sqlite3"))(file);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(`CREATE TABLE events (id INTEGER PRIMARY KEY, arrived INTEGER NOT NULL, kind TEXT, reference TEXT,
    status TEXT, target TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE INDEX events_reference ON events (reference)`);
  const insert = database.prepare(
    "INSERT INTO events (arrived, kind, reference, status, target, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const store = ({ request, body, event }) =>
    insert.run(Date.now(), event.event, event.reference, event.status, request.url, JSON.stringify(request.rawHeaders), body);
  return { database, store };
}

const servers = {
  http() {
    listen(({ response }) => answer(response, 200, "ok"));
  },
  sqlite() {
    const { store } = openDatabase();
    listen((received) => {
      store(received);
      answer(received.response, 200, "ok");
    });
  },
  "sqlite-batched"() {
    const { database, store } = openDatabase();
    const storeAll = database.transaction((batch) => batch.forEach(store));
    let waiting = [];
    listen((received) => {
      waiting.push(received);
      if (waiting.length > 1) return;
      setImmediate(() => {
        const batch = waiting;
        waiting = [];
        storeAll(batch);
        for (const { response } of batch) answer(response, 200, "ok");
      });
    });
  },
  express() {
    const express = peer("express");
    const app = express();
    app.post("/", express.raw({ type: "application/json" }), (request, response) => {
      if (!isGenuine(request.body, request.get("x-plustive-signature"))) return response.status(401).send("Invalid signature");
      JSON.parse(request.body);
      response.status(200).send("ok");
    });
    app.listen(port, "127.0.0.1");
  },
  fastify() {
    const app = peer("fastify")();
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    app.post("/", async (request, reply) => {
      if (!isGenuine(request.body, request.headers["x-plustive-signature"])) return reply.code(401).send("Invalid signature");
      JSON.parse(request.body);
      return "ok";
    });
    app.listen({ port: Number(port), host: "127.0.0.1" });
  },
};

servers[kind]();
