// A receiver of Plustive's webhooks with PostgreSQL, as a Node program has it: each genuine event is inserted by a statement of
// its own, and answered 200 after that.
//
//   postgres.mjs PORT URL [POOL]
//
// The package `pg` is looked for where NODE_PEERS says. Without POOL, it is as most programs are written: the pool's default of
// ten connections, and a statement that is parsed each time. With it, the statement is prepared, on POOL connections.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [port, url, pool] = process.argv.slice(2);
const secret = process.env.PLUSTIVE_WEBHOOK_SECRET;
const { Pool } = createRequire(`${process.env.NODE_PEERS}/`)("pg");
const database = new Pool({ connectionString: url, max: Number(pool ?? 10) });

// What whtool stores of an event, with the index that finds it again.
await database.query(`CREATE TABLE IF NOT EXISTS events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  arrived timestamptz NOT NULL, kind text, reference text, status text, target text NOT NULL, headers jsonb NOT NULL,
  body bytea NOT NULL)`);
await database.query("CREATE INDEX IF NOT EXISTS events_reference ON events (reference)");

const insert = {
  ...(pool && { name: "insert" }),
  text: "INSERT INTO events (arrived, kind, reference, status, target, headers, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
};

function isGenuine(body, given) {
  if (!given) return false;
  const expected = Buffer.from(createHmac("sha256", secret).update(body).digest("hex"));
  const found = Buffer.from(given.replace(/^sha256=/, ""));
  return found.length === expected.length && timingSafeEqual(found, expected);
}

createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", async () => {
    const body = Buffer.concat(chunks);
    let status = 401;
    if (isGenuine(body, request.headers["x-plustive-signature"])) {
      const event = JSON.parse(body);
      const { event: kind, reference, status: state } = event;
      const values = [new Date(), kind, reference, state, request.url, JSON.stringify(request.rawHeaders), body];
      status = await database.query({ ...insert, values }).then(() => 200, () => 503);
    }
    response.writeHead(status, { "Content-Type": "text/plain" });
    response.end(status === 200 ? "ok" : "no");
  });
}).listen(port, "127.0.0.1");
