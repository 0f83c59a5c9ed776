// CORRECT: express.raw() keeps the raw body, and the signature is verified before parsing.
const crypto = require('crypto')
const express = require('express')

const secret = process.env.PLEXOS_WEBHOOK_SECRET
const app = express()

function isAuthentic(body, timestamp, signature) {
  if (!/^[0-9]{1,11}$/.test(timestamp ?? '') || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false
  const expected = crypto.createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest()
  const given = Buffer.from(signature ?? '', 'hex')
  return given.length === expected.length && crypto.timingSafeEqual(given, expected)
}

app.post('/webhooks/plexos', express.raw({ type: () => true, limit: '5mb' }), (req, res) => {
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0)
  if (!isAuthentic(body, req.get('X-Plexos-Timestamp'), req.get('X-Plexos-Signature'))) return res.sendStatus(400)
  let event
  try { event = JSON.parse(body) } catch { return res.sendStatus(400) }
  if (event === null || typeof event !== 'object' || Array.isArray(event)) return res.sendStatus(400)
  console.log(event.type, event.id)
  res.sendStatus(200)
})

app.listen(process.env.PORT || 3000, '127.0.0.1')
