// A Plexos handler with one mistake, which FAULT names; without it, a correct one. For tests of
// `whtool check`.
const crypto = require('crypto')
const http = require('http')

const SECRET = process.env.PLEXOS_WEBHOOK_SECRET
const DEFAULT = {
  timestamp: headers => headers['x-plexos-timestamp'],
  signature: headers => headers['x-plexos-signature'],
  isFresh: time => Math.abs(Date.now() / 1000 - Number(time)) <= 300,
  key: SECRET,
  message: (time, body) => Buffer.concat([Buffer.from(`${time}.`), body]),
  digest: (key, message) => crypto.createHmac('sha256', key).update(message).digest('hex'),
  isEqual: (expected, given) => expected === given,
}
const hash = (algorithm, ...parts) => parts.reduce((hash, part) => hash.update(part), crypto.createHash(algorithm)).digest('hex')
const hmac = (key, message) => crypto.createHmac('sha256', key).update(message)
const data = body => JSON.stringify(JSON.parse(body).data)

const FAULTS = {
  none: {},
  // Headers of Node are in lower case, so this is undefined; NaN > 300 is false.
  'header-case': { timestamp: headers => headers['X-Plexos-Timestamp'], isFresh: time => !(Date.now() / 1000 - Number(time) > 300) },
  'only-data': { message: (time, body) => `${time}.${data(body)}` },
  'only-data-unstamped': { message: (time, body) => data(body) },
  slack: { message: (time, body) => `v0:${time}:${body}` },
  'base64-body': { message: (time, body) => `${time}.${body.toString('base64')}` },
  'hex-body': { message: (time, body) => `${time}.${body.toString('hex')}` },
  milliseconds: { isFresh: time => Math.abs(Date.now() - Number(time)) <= 300 },
  'milliseconds-signed': { message: (time, body) => `${time * 1000}.${body}` },
  'one-hour': { isFresh: time => Math.abs(Date.now() / 1000 + 3600 - Number(time)) <= 300 },
  'half-hour-behind': { isFresh: time => Math.abs(Date.now() / 1000 - 5.5 * 3600 - Number(time)) <= 300 },
  'buffer-compare': { isEqual: (expected, given) => Buffer.from(expected, 'hex') === given },
  'upper-case': { digest: (key, message) => hmac(key, message).digest('hex').toUpperCase() },
  base64: { digest: (key, message) => hmac(key, message).digest('base64') },
  'sha256-prefix': { digest: (key, message) => 'sha256=' + hmac(key, message).digest('hex') },
  'no-whsec': { key: (SECRET ?? '').replace(/^whsec_/, '') },
  'decoded-key': { key: Buffer.from((SECRET ?? '').replace(/^whsec_/, ''), 'base64') },
  'key-newline': { key: `${SECRET}\n` },
  'key-quotes': { key: `"${SECRET}"` },
  'key-undefined': { key: String(undefined) },
  'key-empty': { key: '' },
  'object-object': { message: (time, body) => `${time}.${JSON.parse(body)}` },
  'buffer-json': { message: (time, body) => `${time}.${JSON.stringify(body)}` },
  'empty-body': { message: time => `${time}.` },
  'body-then-time': { message: (time, body) => `${body}.${time}` },
  'body-alone': { message: (time, body) => body },
  'no-separator': { message: (time, body) => `${time}${body}` },
  colon: { message: (time, body) => `${time}:${body}` },
  sha1: { digest: (key, message) => crypto.createHmac('sha1', key).update(message).digest('hex') },
  sha512: { digest: (key, message) => crypto.createHmac('sha512', key).update(message).digest('hex') },
  'plain-hash': { digest: (key, message) => hash('sha256', message) },
  'secret-then-message': { digest: (key, message) => hash('sha256', key, message) },
  'other-header': { signature: headers => headers['x-signature'] },
  'github-header': { signature: headers => headers['x-hub-signature-256'] },
  'other-time-header': { timestamp: headers => headers['x-timestamp'] },
  paystack: { message: (time, body) => body, digest: (key, message) => crypto.createHmac('sha512', key).update(message).digest('hex') },
  tabs: { message: (time, body) => `${time}.${JSON.stringify(JSON.parse(body), null, '\t')}` },
  // Two at once.
  'base64-no-whsec': { key: (SECRET ?? '').replace(/^whsec_/, ''), digest: (key, message) => hmac(key, message).digest('base64') },
  'upper-body-alone': { message: (time, body) => body, digest: (key, message) => hmac(key, message).digest('hex').toUpperCase() },
  // Nothing can prove these.
  'wrong-secret': { key: 'whsec_anotherSecret' },
  'refuses-after': { status: 422 },
  'fails-after': { status: 500 },
  'tolerance-5-s': { isFresh: time => Math.abs(Date.now() / 1000 - Number(time)) <= 5 },
  'tolerance-300-ms': { isFresh: time => Math.abs(Date.now() - Number(time) * 1000) <= 300 },
}
const faults = FAULTS[process.env.FAULT || 'none']
if (!faults) throw new Error(`unknown FAULT; known: ${Object.keys(FAULTS).join(' ')}`)
const handler = { ...DEFAULT, ...faults }
const WORDS = process.env.WORDS === 'silent' ? ['', '', ''] : ['event is stale', 'invalid signature', 'unknown order']

function respond(headers, body) {
  const time = handler.timestamp(headers)
  if (!(handler.isFresh(time) || false)) return [401, WORDS[0]]
  const expected = handler.digest(handler.key, handler.message(time, body))
  if (!handler.isEqual(expected, handler.signature(headers))) return [401, WORDS[1]]
  if (handler.status) return [handler.status, WORDS[2]]
  const event = JSON.parse(body)
  return event !== null && typeof event === 'object' ? [200, ''] : [400, '']
}

http.createServer((req, res) => {
  const chunks = []
  req.on('data', chunk => chunks.push(chunk)).on('end', () => {
    let status, text
    try { [status, text] = respond(req.headers, Buffer.concat(chunks)) } catch { [status, text] = [400, 'bad request'] }
    res.statusCode = status
    res.end(text)
  })
}).listen(process.env.PORT || 3000, '127.0.0.1')
