// Express: express.raw() gives these two routes the raw body. Register them before any app.use(express.json()).
const { createHmac, timingSafeEqual } = require('node:crypto');
const express = require('express');
const app = express();

function isSigned(secret, signature, ...parts) {
  const hmac = createHmac('sha256', secret);
  parts.forEach((part) => hmac.update(part));
  const expected = hmac.digest();
  const given = Buffer.from(/^[0-9a-f]{64}$/i.test(signature) ? signature : '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const raw = express.raw({ type: () => true, limit: '5mb' });
const bytes = (req) => (Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0));

app.post('/webhooks/plexos', raw, (req, res) => {
  const time = req.get('X-Plexos-Timestamp') ?? '';
  const isFresh = /^\d{1,12}$/.test(time) && Math.abs(Date.now() / 1000 - Number(time)) <= 300;
  const secret = process.env.PLEXOS_WEBHOOK_SECRET;
  if (!isFresh || !isSigned(secret, req.get('X-Plexos-Signature') ?? '', `${time}.`, bytes(req))) return res.sendStatus(401);
  const event = JSON.parse(bytes(req));
  res.sendStatus(200); // then process `event`, once per event.id
});

app.post('/webhooks/plustive', raw, (req, res) => {
  const signature = (req.get('X-Plustive-Signature') ?? '').replace(/^sha256=/i, '');
  if (!isSigned(process.env.PLUSTIVE_WEBHOOK_SECRET, signature, bytes(req))) return res.sendStatus(401);
  const event = JSON.parse(bytes(req));
  res.sendStatus(200); // then process `event`, once per event.reference and status
});
