#!/usr/bin/env node
'use strict';

// Runs the binary with the same arguments, streams and signals, and ends as it ends.
const { spawn } = require('node:child_process');
const { binaryPath } = require('../index.js');

let binary;
try {
  binary = binaryPath();
} catch (error) {
  console.error(error.message);
  process.exit(3);
}
const hasTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
const child = spawn(binary, process.argv.slice(2), { stdio: 'inherit', windowsHide: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // Ctrl+C at a terminal reaches both processes, and so does every signal on Windows, where `kill` would end the binary at
  // once; the binary decides when to end.
  process.on(signal, () => (signal === 'SIGINT' && hasTerminal) || process.platform === 'win32' || child.kill(signal));
}
child.on('error', (error) => {
  console.error(`whtool: can't run ${binary}: ${error.message}`);
  process.exit(3);
});
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code);
  for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(each);
  process.kill(process.pid, signal);
});
