// Sends distinct signed payloads with undici, as `whtool replay --repeat COUNT --concurrency CONNECTIONS` does.
//
//   send.mjs COUNT CONNECTIONS URL       undici is looked for where NODE_PEERS says

import { createHmac } from "node:crypto";
import { createRequire } from "node:module";

const { Pool } = createRequire(`${process.env.NODE_PEERS}/`)("undici");
const [count, connections, url] = process.argv.slice(2);
const pool = new Pool(url, { connections: Number(connections), pipelining: 1 });
const failures = {};
let next = 0;

function payload(number) {
  return JSON.stringify({
    id: `evt_${number}_${Math.random().toString(36).slice(2)}`, type: "payment.debited",
    data: {
      id: `pi_${number}`, externalId: `order-${number}`, amount: "500000", currency: "CVE", feeAmount: "200", operator: "CVMOVEL",
      operatorPhone: "+2389001234", operatorTxId: `CV${number}`, status: "DEBITED", failureCode: null,
    },
  });
}

async function work() {
  while (next < Number(count)) {
    const body = payload(next++);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const mac = createHmac("sha256", process.env.PLEXOS_WEBHOOK_SECRET).update(`${timestamp}.${body}`).digest("hex");
    const headers = { "content-type": "application/json", "x-plexos-timestamp": timestamp, "x-plexos-signature": mac };
    const answer = await pool.request({ path: "/", method: "POST", headers, body });
    await answer.body.dump();
    if (answer.statusCode !== 200) failures[answer.statusCode] = (failures[answer.statusCode] ?? 0) + 1;
  }
}

await Promise.all(Array.from({ length: Number(connections) }, work));
await pool.close();
if (Object.keys(failures).length > 0) throw new Error(JSON.stringify(failures));
