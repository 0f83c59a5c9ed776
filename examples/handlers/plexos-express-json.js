// WRONG: express.json() parses the body before the signature is verified, so the handler hashes the
// output of JSON.stringify.
const crypto = require('crypto')
const express = require('express')

const secret = process.env.PLEXOS_WEBHOOK_SECRET
const app = express()
app.use(express.json())

function isAuthentic(body, timestamp, signature) {
  if (!/^[0-9]{1,11}$/.test(timestamp ?? '') || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const expected = crypto.createHmac('sha256', secret).update(`${timestamp}.${text}`).digest()
  const given = Buffer.from(signature ?? '', 'hex')
  return given.length === expected.length && crypto.timingSafeEqual(given, expected)
}

app.post('/webhooks/plexos', (req, res) => {
  if (!isAuthentic(req.body, req.get('X-Plexos-Timestamp'), req.get('X-Plexos-Signature'))) return res.sendStatus(400)
  console.log(req.body.type, req.body.id)
  res.sendStatus(200)
})

app.listen(process.env.PORT || 3000, '127.0.0.1')
