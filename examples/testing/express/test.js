'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const test = require('node:test');
const { startWhtool } = require('whtool/test');
const { createApp } = require('./server.js');

const SECRET = 'whsec_only_for_tests';

/** Starts the app and a listener that forwards to it; both end with the test. */
async function start(t, secret = SECRET) {
  const orders = new Map();
  const server = createApp(secret, orders).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const forwardTo = `http://127.0.0.1:${server.address().port}/webhooks/plexos`;
  const whtool = await startWhtool({ forwardTo, env: { PLEXOS_WEBHOOK_SECRET: SECRET } });
  t.after(() => whtool.stop());
  return { orders, whtool };
}

test('a debited payment marks its order as paid', async (t) => {
  const { orders, whtool } = await start(t);
  await whtool.send('payment.debited', { set: { 'data.id': 'pi_1', 'data.amount': '5000' } });
  const delivery = await whtool.waitFor('payment.debited');
  assert.equal(delivery.verdict, 'verified');
  const answer = await whtool.waitForAnswer(delivery);
  assert.equal(answer.status, 204);
  assert.deepEqual(orders.get('pi_1'), { status: 'paid', amount: '5000' });
});

test('a failed payment leaves its order open', async (t) => {
  const { orders, whtool } = await start(t);
  await whtool.send('payment.failed');
  await whtool.waitForAnswer(await whtool.waitFor('payment.failed'));
  assert.equal(orders.size, 0);
});

test('an app with the wrong secret refuses the event', async (t) => {
  const { orders, whtool } = await start(t, 'whsec_another');
  await whtool.send('payment.debited');
  const answer = await whtool.waitForAnswer(await whtool.waitFor('payment.debited'));
  assert.equal(answer.status, 401);
  assert.equal(orders.size, 0);
});
