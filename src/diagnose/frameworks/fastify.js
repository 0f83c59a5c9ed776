// Fastify: in this plugin every body stays a Buffer; other routes keep their JSON parser.
const { createHmac, timingSafeEqual } = require('node:crypto');

function isSigned(secret, signature, ...parts) {
  const hmac = createHmac('sha256', secret);
  parts.forEach((part) => hmac.update(part));
  const expected = hmac.digest();
  const given = Buffer.from(/^[0-9a-f]{64}$/i.test(signature) ? signature : '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

module.exports = async function webhooks(app) {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body));

  app.post('/webhooks/plexos', async (request, reply) => {
    const time = request.headers['x-plexos-timestamp'] ?? '';
    const isFresh = /^\d{1,12}$/.test(time) && Math.abs(Date.now() / 1000 - Number(time)) <= 300;
    const signature = request.headers['x-plexos-signature'] ?? '';
    const body = request.body ?? Buffer.alloc(0);
    if (!isFresh || !isSigned(process.env.PLEXOS_WEBHOOK_SECRET, signature, `${time}.`, body)) return reply.code(401).send();
    const event = JSON.parse(body);
    return reply.code(200).send(); // queue `event`, and process it once per event.id
  });

  app.post('/webhooks/plustive', async (request, reply) => {
    const signature = (request.headers['x-plustive-signature'] ?? '').replace(/^sha256=/i, '');
    const body = request.body ?? Buffer.alloc(0);
    if (!isSigned(process.env.PLUSTIVE_WEBHOOK_SECRET, signature, body)) return reply.code(401).send();
    const event = JSON.parse(body);
    return reply.code(200).send(); // queue `event`, and process it once per event.reference and status
  });
};
