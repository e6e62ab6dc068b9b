// SPDX-License-Identifier: MIT
// The worker that synckit calls.
import { readlinkSync } from 'node:fs';
import { runAsWorker } from 'synckit';

runAsWorker((value) => (value === 'thread' ? Number(readlinkSync('/proc/thread-self').split('/').at(-1)) : value));
