'use strict';

// An Express app that marks orders as paid when Plexos Pay reports it. `test.js` tests it with whtool.
const crypto = require('node:crypto');
const express = require('express');

/** Builds the app. `orders` maps payment ids to their status. */
function createApp(secret, orders) {
  const app = express();
  const seen = new Set();
  // The signature is for the raw bytes, so the body must not be parsed before it is verified.
  app.post('/webhooks/plexos', express.raw({ type: '*/*' }), (request, response) => {
    const timestamp = request.get('X-Plexos-Timestamp') ?? '';
    const given = Buffer.from(request.get('X-Plexos-Signature') ?? '', 'hex');
    const expected = crypto.createHmac('sha256', secret).update(`${timestamp}.`).update(request.body).digest();
    const isFresh = Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300;
    if (given.length !== expected.length || !crypto.timingSafeEqual(given, expected) || !isFresh) {
      return response.sendStatus(401);
    }
    const event = JSON.parse(request.body);
    if (!seen.has(event.id)) {
      seen.add(event.id);
      if (event.type === 'payment.debited') orders.set(event.data.id, { status: 'paid', amount: event.data.amount });
    }
    return response.sendStatus(204);
  });
  return app;
}

module.exports = { createApp };
