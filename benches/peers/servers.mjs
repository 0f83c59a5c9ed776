// Receivers of Plustive's webhooks as a Node program has them: each verifies the HMAC over the raw body, answers, stores nothing.
//
//   servers.mjs http|express|fastify PORT
//
// Express and Fastify are looked for where NODE_PEERS says. The rule is that of Plustive's guide: X-Plustive-Signature is the
// HMAC-SHA256 of the raw body in hex, compared in constant time.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const secret = process.env.PLUSTIVE_WEBHOOK_SECRET;
const [kind, port] = process.argv.slice(2);
const peer = (name) => createRequire(`${process.env.NODE_PEERS}/`)(name);

function isGenuine(body, given) {
  if (!given) return false;
  const expected = createHmac("sha256", secret).update(body).digest("hex");
  const [left, right] = [Buffer.from(given.replace(/^sha256=/, "")), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

const servers = {
  http() {
    createServer((request, response) => {
      const chunks = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        const genuine = isGenuine(body, request.headers["x-plustive-signature"]);
        if (genuine) JSON.parse(body);
        response.writeHead(genuine ? 200 : 401, { "Content-Type": "text/plain" });
        response.end(genuine ? "ok" : "Invalid signature");
      });
    }).listen(port, "127.0.0.1");
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
