// poll-client.mjs SERVER - starts the program SERVER (poll-server.c), sends it standard input through many connections at
// once, and prints what comes back.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';

const CONNECTIONS = 40;
const input = readFileSync(0);
const server = spawn(process.argv[2], [String(CONNECTIONS)], { stdio: ['ignore', 'pipe', 'inherit'] });
const ended = once(server, 'exit');
const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
const port = Number(/^listening on (\d+)$/.exec((await lines.next()).value)[1]);

/** Sends a part of the input, and resolves with the answer. The input is sent without waiting for what comes back. */
async function converse(n) {
  const socket = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true });
  const size = Math.ceil(input.length / CONNECTIONS);
  socket.end(input.subarray(n * size, (n + 1) * size));
  const parts = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts);
}

process.stdout.write(Buffer.concat(await Promise.all(Array.from({ length: CONNECTIONS }, (_, n) => converse(n)))));
process.stdout.write(`${(await lines.next()).value}, exit code ${(await ended)[0]}\n`);
