// Node without packages, in three variants. HANDLER=raw is correct. HANDLER=json re-serializes the body
// before hashing it. HANDLER=guide compares as in Plustive's guide, which throws if the lengths differ.
const crypto = require('crypto')
const http = require('http')

const variant = process.env.HANDLER || 'raw'
const secrets = { plexos: process.env.PLEXOS_WEBHOOK_SECRET, plustive: process.env.PLUSTIVE_WEBHOOK_SECRET }

const mac = (secret, ...parts) => parts.reduce((hmac, part) => hmac.update(part), crypto.createHmac('sha256', secret))

function isAuthentic(headers, body) {
  const provider = 'x-plexos-timestamp' in headers || 'x-plexos-signature' in headers ? 'plexos' : 'plustive'
  const signature = headers[`x-${provider}-signature`]
  const timestamp = headers['x-plexos-timestamp'] ?? ''
  if (provider === 'plexos' && !(/^[0-9]{1,11}$/.test(timestamp) && Math.abs(Date.now() / 1000 - timestamp) <= 300)) return false
  const hashed = variant === 'json' ? JSON.stringify(JSON.parse(body)) : body
  const parts = provider === 'plexos' ? [timestamp, '.', hashed] : [hashed]
  const digest = mac(secrets[provider], ...parts)
  if (variant === 'guide') return crypto.timingSafeEqual(Buffer.from(digest.digest('hex')), Buffer.from(signature))
  const given = Buffer.from((signature ?? '').replace(/^sha256=/i, ''), 'hex')
  const expected = digest.digest()
  return given.length === expected.length && crypto.timingSafeEqual(given, expected)
}

function status(headers, body) {
  if (variant === 'guide') {
    if (!isAuthentic(headers, body)) return 401
    JSON.parse(body)
    return 200
  }
  try {
    if (!isAuthentic(headers, body)) return 401
    const event = JSON.parse(body)
    return event !== null && typeof event === 'object' && !Array.isArray(event) ? 200 : 400
  } catch {
    return 400
  }
}

http.createServer((req, res) => {
  const chunks = []
  req.on('data', chunk => chunks.push(chunk)).on('end', () => {
    // Frameworks also answer 500 to an exception.
    try { res.statusCode = status(req.headers, Buffer.concat(chunks)) } catch (error) { res.statusCode = 500; res.write(String(error)) }
    res.end()
  })
}).listen(process.env.PORT || 3000, '127.0.0.1')
