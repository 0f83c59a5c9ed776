// Fastify: app.register(require('./webhooks')). In this plugin every body stays a Buffer; other routes keep their
// JSON parser.
const { createHmac, timingSafeEqual } = require('node:crypto');

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

module.exports = async function webhooks(app) {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 5_000_000 }, (request, body, done) => done(null, body));

  app.post('/webhooks/plexos', async (request, reply) => {
    const body = request.body ?? Buffer.alloc(0);
    const time = request.headers['x-plexos-timestamp'];
    const isFresh = /^\d{1,12}$/.test(time) && Math.abs(Date.now() / 1000 - Number(time)) <= 300;
    const signature = request.headers['x-plexos-signature'];
    if (!isFresh || !isSigned('PLEXOS_WEBHOOK_SECRET', signature, `${time}.`, body)) return reply.code(401).send();
    const event = parseEvent(body);
    if (!event) return reply.code(400).send();
    // Store `event` here, and process it later, once per event.id.
    return reply.code(200).send();
  });

  app.post('/webhooks/plustive', async (request, reply) => {
    const body = request.body ?? Buffer.alloc(0);
    const signature = request.headers['x-plustive-signature']?.replace(/^sha256=/i, '');
    if (!isSigned('PLUSTIVE_WEBHOOK_SECRET', signature, body)) return reply.code(401).send();
    const event = parseEvent(body);
    if (!event) return reply.code(400).send();
    // Store `event` here, and process it later, once per event.reference and status.
    return reply.code(200).send();
  });
};
