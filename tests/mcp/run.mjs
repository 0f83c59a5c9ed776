#!/usr/bin/env node
// An agent's loop with the official client of the Model Context Protocol: a bad handler fails, the cause is explained, the
// code for the framework is read, and the corrected handler passes. Needs npm (@modelcontextprotocol/sdk, express). The
// argument is the binary (default: debug build).
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, cpSync, writeFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import assert from 'node:assert/strict';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const whtool = resolve(process.argv[2] ?? join(root, 'target/debug/whtool'));
const folder = mkdtempSync(join(tmpdir(), 'whtool-mcp-'));
const secret = 'whsec_0123456789abcdef0123456789abcdef';
const env = { PATH: process.env.PATH, HOME: folder, WHTOOL_HOME: join(folder, 'home'), PLEXOS_WEBHOOK_SECRET: secret };
const children = [];

try {
  await main();
  console.log('the official client finds, explains and checks');
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  writeFileSync(join(folder, 'package.json'), '{"private": true}');
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '@modelcontextprotocol/sdk@1', 'express@5'], { cwd: folder, stdio: 'inherit' });
  const sdk = join(folder, 'node_modules/@modelcontextprotocol/sdk/dist/esm/client');
  const { Client } = await import(pathToFileURL(join(sdk, 'index.js')));
  const { StdioClientTransport } = await import(pathToFileURL(join(sdk, 'stdio.js')));
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StdioClientTransport({ command: whtool, args: ['mcp'], env }));
  const call = async (name, args = {}) => {
    const answer = await client.callTool({ name, arguments: args });
    assert.ok(!JSON.stringify(answer).includes(secret), `${name} reveals the secret`);
    assert.ok(!answer.isError, `${name}: ${JSON.stringify(answer)}`);
    return answer.structuredContent;
  };

  const { tools } = await client.listTools();
  assert.equal(tools.length, 13);
  assert.ok(!tools.some((tool) => tool.name === 'replay'));

  // A handler that verifies the parsed body fails, and the root cause is named.
  const bad = await startHandler('plexos-express-json.js');
  const failed = await call('check_handler', { url: bad, provider: 'plexos' });
  assert.equal(failed.exitStatus, 1);
  assert.ok(failed.records.some((record) => record.schema === 'whtool.check/1' && record.outcome !== 'pass'));

  // The listener refuses a changed body; the agent waits for it and reads the cause.
  const listener = spawn(whtool, ['listen', '--port', '0', '--json'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(listener);
  const [first] = await once(listener.stdout, 'data');
  const { url } = JSON.parse(first.toString().split('\n')[0]);
  listener.stdout.resume();
  const waiting = call('wait_for_event', { verdict: 'mismatch', seconds: 30 });
  const payload = execFileSync(whtool, ['samples', 'show', 'payment.debited'], { env }).toString();
  const signed = JSON.parse(execFileSync(whtool, ['sign', '-', '--as', 'json'], { env, input: payload }).toString());
  const headers = Object.fromEntries((signed.request?.headers ?? signed.headers).map(([name, value]) => [name, value]));
  delete headers['Content-Length'];
  delete headers.Host;
  await fetch(url, { method: 'POST', headers, body: JSON.stringify(JSON.parse(payload), null, 2) });
  const arrived = await waiting;
  assert.equal(arrived.records[0].verdict, 'mismatch');
  const explained = await call('explain', { capture: arrived.records[0].id });
  const [verdict] = explained.records;
  assert.equal(verdict.causes[0].proof, 'proved', JSON.stringify(verdict));

  const lines = await call('framework_lines', { framework: 'express' });
  assert.ok(lines.text.includes('express.raw'), JSON.stringify(lines));

  const good = await startHandler('plexos-express-raw.js');
  const passed = await call('check_handler', { url: good, provider: 'plexos' });
  assert.equal(passed.exitStatus, 0, JSON.stringify(passed.records.filter((record) => record.outcome === 'fail')));

  const refused = await client.callTool({ name: 'send_event', arguments: { sample: 'payment.debited' } });
  assert.ok(refused.isError);
  await client.close();
}

async function startHandler(name) {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  cpSync(join(root, 'examples/handlers', name), join(folder, name));
  const child = spawn('node', [name], { cwd: folder, env: { ...env, PORT: String(port) }, stdio: 'inherit' });
  children.push(child);
  const url = `http://127.0.0.1:${port}/webhooks/plexos`;
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      await fetch(url, { method: 'POST' });
      return url;
    } catch {
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  throw new Error(`${name} did not start`);
}
