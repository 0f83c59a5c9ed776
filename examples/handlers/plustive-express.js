// CORRECT: uses the raw body, accepts both signature formats, compares lengths first, and never throws.
const crypto = require('crypto')
const express = require('express')

const secret = process.env.PLUSTIVE_WEBHOOK_SECRET
const app = express()
app.disable('x-powered-by')

function isAuthentic(rawBody, header) {
  const given = Buffer.from((header ?? '').replace(/^sha256=/i, ''), 'hex')
  const expected = crypto.createHmac('sha256', secret).update(rawBody).digest()
  return given.length === expected.length && crypto.timingSafeEqual(given, expected)
}

app.post('/webhooks/plustive', express.raw({ type: () => true, limit: '5mb' }), (req, res) => {
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0)
  if (!isAuthentic(body, req.get('X-Plustive-Signature'))) return res.sendStatus(401)
  let event
  try { event = JSON.parse(body) } catch { return res.sendStatus(400) }
  if (event === null || typeof event !== 'object' || Array.isArray(event)) return res.sendStatus(400)
  console.log(event.event, event.reference, event.status)
  res.sendStatus(200)
})

app.listen(process.env.PORT || 3000, '127.0.0.1')
