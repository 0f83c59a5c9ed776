// Looks up the references in a file with undici, so many at a time, and counts the statuses in the answers.
//
//   lookups.mjs FILE CONNECTIONS URL       undici is looked for where NODE_PEERS says

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Pool } = createRequire(`${process.env.NODE_PEERS}/`)("undici");
const [file, connections, url] = process.argv.slice(2);
const references = readFileSync(file, "utf8").trim().split("\n");
const pool = new Pool(url, { connections: Number(connections), pipelining: 1 });
const headers = { authorization: `Bearer ${process.env.PLEXOS_PAY_SECRET_KEY}`, accept: "application/json" };
const counts = {};
let next = 0;

async function work() {
  while (next < references.length) {
    const path = `/v1/payments/${encodeURIComponent(references[next++])}`;
    const answer = await pool.request({ path, method: "GET", headers });
    const { status } = await answer.body.json();
    counts[status] = (counts[status] ?? 0) + 1;
  }
}

await Promise.all(Array.from({ length: Number(connections) }, work));
await pool.close();
console.log(JSON.stringify(counts));
