// Next.js, app router: app/webhooks/[provider]/route.js. In pages/api, set
// `export const config = { api: { bodyParser: false } }` and read the bytes of the request there.
import { createHmac, timingSafeEqual } from 'node:crypto';

function isSigned(variable, signature, ...parts) {
  if (!process.env[variable]) throw new Error(`${variable} is not set`);
  const hmac = createHmac('sha256', process.env[variable]);
  parts.forEach((part) => hmac.update(part));
  return /^[0-9a-f]{64}$/i.test(signature) && timingSafeEqual(Buffer.from(signature, 'hex'), hmac.digest());
}

function isGenuine(provider, headers, body) {
  if (provider === 'plexos') {
    const time = headers.get('X-Plexos-Timestamp');
    const isFresh = /^\d{1,12}$/.test(time) && Math.abs(Date.now() / 1000 - Number(time)) <= 300;
    return isFresh && isSigned('PLEXOS_WEBHOOK_SECRET', headers.get('X-Plexos-Signature'), `${time}.`, body);
  }
  const signature = headers.get('X-Plustive-Signature')?.replace(/^sha256=/i, '');
  return provider === 'plustive' && isSigned('PLUSTIVE_WEBHOOK_SECRET', signature, body);
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

export async function POST(request, { params }) {
  const { provider } = await params;
  const body = Buffer.from(await request.arrayBuffer()); // not request.json() or request.text()
  if (!isGenuine(provider, request.headers, body)) return new Response(null, { status: 401 });
  const event = parseEvent(body);
  if (!event) return new Response(null, { status: 400 });
  // Store `event` here, and process it later, once: per event.id (Plexos), per event.reference and status (Plustive).
  return new Response(null, { status: 200 });
}
