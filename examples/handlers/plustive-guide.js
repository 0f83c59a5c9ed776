// WRONG: the code of Plustive's guide. The comparison throws if the lengths differ or the header is
// missing. Express answers 500, and the provider retries for hours. The reference's `sha256=` format
// has another length, too.
const crypto = require('crypto')
const express = require('express')

const secret = process.env.PLUSTIVE_WEBHOOK_SECRET
const app = express()

function isAuthentic(rawBody, signature) {
  const expected = crypto.createHmac('sha256', secret).update(rawBody).digest('hex')
  return crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(signature))
}

app.post('/webhooks/plustive', express.raw({ type: 'application/json' }), (req, res) => {
  if (!isAuthentic(req.body, req.get('X-Plustive-Signature'))) return res.status(401).end()
  const event = JSON.parse(req.body)
  console.log(event.event, event.reference, event.status)
  res.sendStatus(200)
})

app.listen(process.env.PORT || 3000, '127.0.0.1')
