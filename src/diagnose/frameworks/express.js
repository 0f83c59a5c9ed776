// Express 4 and 5: express.raw() gives these two routes the raw body. Register them before any app.use(express.json()).
const { createHmac, timingSafeEqual } = require('node:crypto');
const express = require('express');
const app = express();

const raw = express.raw({ type: () => true, limit: '5mb' });
const rawBody = (req) => (Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0));

function isSigned(variable, signature, ...parts) {
  if (!process.env[variable]) throw new Error(`${variable} is not set`);
  const hmac = createHmac('sha256', process.env[variable]);
  parts.forEach((part) => hmac.update(part));
  return /^[0-9a-f]{64}$/i.test(signature) && timingSafeEqual(Buffer.from(signature, 'hex'), hmac.digest());
}

// Returns null if the body is not a JSON object.
function parseEvent(body) {
  try {
    const event = JSON.parse(body);
    return typeof event === 'object' && !Array.isArray(event) ? event : null;
  } catch {
    return null;
  }
}

app.post('/webhooks/plexos', raw, (req, res) => {
  const body = rawBody(req);
  const time = req.get('X-Plexos-Timestamp');
  const isFresh = /^\d{1,12}$/.test(time) && Math.abs(Date.now() / 1000 - Number(time)) <= 300;
  if (!isFresh || !isSigned('PLEXOS_WEBHOOK_SECRET', req.get('X-Plexos-Signature'), `${time}.`, body)) {
    return res.sendStatus(401);
  }
  const event = parseEvent(body);
  if (!event) return res.sendStatus(400);
  // Store `event` here, and process it later, once per event.id.
  res.sendStatus(200);
});

app.post('/webhooks/plustive', raw, (req, res) => {
  const body = rawBody(req);
  const signature = req.get('X-Plustive-Signature')?.replace(/^sha256=/i, '');
  if (!isSigned('PLUSTIVE_WEBHOOK_SECRET', signature, body)) return res.sendStatus(401);
  const event = parseEvent(body);
  if (!event) return res.sendStatus(400);
  // Store `event` here, and process it later, once per event.reference and status.
  res.sendStatus(200);
});
