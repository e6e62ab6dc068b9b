// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const top = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs a program in the top folder and collects what it prints.
 * @returns {Promise<{code: number|string, out: string}>} code: its exit code, or the name of the signal that has ended it
 */
export function execute(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    let out = '';
    const child = spawn(command, args, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal, out }));
  });
}
