// Next.js, app router: app/webhooks/[provider]/route.js. In pages/api set `export const config = { api: { bodyParser: false } }`
// and read the bytes of the request there.
import { createHmac, timingSafeEqual } from 'node:crypto';

export const runtime = 'nodejs';

function isSigned(secret, signature, ...parts) {
  const hmac = createHmac('sha256', secret);
  parts.forEach((part) => hmac.update(part));
  const expected = hmac.digest();
  const given = Buffer.from(/^[0-9a-f]{64}$/i.test(signature) ? signature : '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function isGenuine(provider, headers, body) {
  if (provider === 'plexos') {
    const time = headers.get('X-Plexos-Timestamp') ?? '';
    const isFresh = /^\d{1,12}$/.test(time) && Math.abs(Date.now() / 1000 - Number(time)) <= 300;
    return isFresh && isSigned(process.env.PLEXOS_WEBHOOK_SECRET, headers.get('X-Plexos-Signature') ?? '', `${time}.`, body);
  }
  const signature = (headers.get('X-Plustive-Signature') ?? '').replace(/^sha256=/i, '');
  return provider === 'plustive' && isSigned(process.env.PLUSTIVE_WEBHOOK_SECRET, signature, body);
}

export async function POST(request, { params }) {
  const { provider } = await params;
  const body = Buffer.from(await request.arrayBuffer()); // not request.json() or request.text()
  if (!isGenuine(provider, request.headers, body)) return new Response(null, { status: 401 });
  const event = JSON.parse(body);
  return new Response(null, { status: 200 }); // queue `event`, and process it once
}
