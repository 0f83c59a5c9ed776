'use strict';

// Helper for tests of webhook handlers: starts `whtool listen`, sends samples, and waits for what arrives.
const { execFile, spawn } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { promisify } = require('node:util');
const { binaryPath } = require('./index.js');

/** Starts a listener on a free port. Settings and secrets of this user are not used, apart from the environment. */
async function startWhtool({ forwardTo, args = [], env = {}, timeout = 10_000 } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'whtool-'));
  const whtool = new Whtool(home, { ...process.env, ...env, WHTOOL_HOME: home }, timeout);
  const forward = forwardTo === undefined ? [] : ['--forward-to', String(forwardTo)];
  try {
    await whtool.listen([...forward, ...args]);
  } catch (error) {
    await whtool.stop();
    throw error;
  }
  return whtool;
}

class Whtool {
  constructor(home, env, timeout) {
    Object.assign(this, { home, env, timeout, records: [], waiting: new Set(), messages: '', ended: null });
  }

  async listen(args) {
    this.child = spawn(binaryPath(), ['listen', '--port', '0', '--json', ...args], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr.on('data', (bytes) => { this.messages += bytes; });
    this.exited = new Promise((resolve) => this.child.once('close', (code, signal) => {
      this.ended = `whtool listen ended (${signal ?? code}):\n${this.messages}`;
      this.waiting.forEach((check) => check());
      resolve();
    }));
    this.child.once('error', (error) => { this.messages += error.message; });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.records.push(JSON.parse(line));
      this.waiting.forEach((check) => check());
    });
    this.url = (await this.waitForRecord((record) => record.schema === 'whtool.ready/1', 'the listener')).url;
  }

  /** Sends a sample such as `payment.debited`, or a payload file. `set` changes fields: `{'data.amount': 5000}`. */
  async send(source, { set = {}, args = [] } = {}) {
    const changes = Object.entries(set).flatMap(([path, value]) => ['--set', `${path}:=${JSON.stringify(value)}`]);
    const words = ['replay', source, '--to', this.url, '--json', ...changes, ...args];
    const { stdout } = await promisify(execFile)(binaryPath(), words, { env: this.env }).catch((error) => {
      // Status 1: the listener refused the event, which a test may want.
      if (error.code === 1) return error;
      throw new Error(`whtool ${words.join(' ')} failed:\n${error.stderr}`);
    });
    return stdout.trim().split('\n').map((line) => JSON.parse(line));
  }

  /** Waits for a delivery of this type, or one for which the function returns true. Earlier ones count, too. */
  waitFor(wanted, { timeout } = {}) {
    const matches = typeof wanted === 'function' ? wanted : (delivery) => delivery.event?.type === wanted;
    return this.waitForRecord((record) => record.schema === 'whtool.delivery/1' && matches(record), String(wanted), timeout);
  }

  /** Waits until the app of `forwardTo` has answered this delivery; attempts that will be retried do not count. */
  waitForAnswer(delivery, { timeout } = {}) {
    const isLast = (record) => record.schema === 'whtool.forwarded/1' && record.id === delivery.id && record.sequel !== 'again';
    return this.waitForRecord(isLast, `the app's answer to delivery ${delivery.id}`, timeout);
  }

  waitForRecord(matches, what, timeout = this.timeout) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer);
        this.waiting.delete(check);
        settle(value);
      };
      const check = () => {
        const found = this.records.find(matches);
        if (found !== undefined) finish(resolve, found);
        else if (this.ended !== null) finish(reject, new Error(this.ended));
      };
      const late = () => finish(reject, new Error(`no ${what} within ${timeout} ms; ${this.records.length} records so far\n${this.messages}`));
      const timer = setTimeout(late, timeout);
      this.waiting.add(check);
      check();
    });
  }

  /** Ends the listener and removes its store. */
  async stop() {
    if (this.ended === null) this.child.kill();
    await this.exited;
    // Windows needs a moment to close the files of a process that has ended.
    rmSync(this.home, { recursive: true, force: true, maxRetries: 10 });
  }

  [Symbol.asyncDispose ?? Symbol('asyncDispose')]() {
    return this.stop();
  }
}

module.exports = { startWhtool };
