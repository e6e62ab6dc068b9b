// SPDX-License-Identifier: MIT
/** The worker that runs threads of guests, in browsers. */
import { workerHost } from '../hosts/browser-worker.js';
import { directoryCalls } from './calls-directory.js';
import { noDirectories } from './preview1.js';
import { startGuestWorker } from './guest-worker.js';
import { serveOpfs } from './opfs-worker.js';

// The only directories in a page are those in memory and of the origin.
startGuestWorker(workerHost, (thread) => (thread.fs ? directoryCalls : noDirectories)(thread), { opfs: serveOpfs });
