// SPDX-License-Identifier: MIT
/** The worker of a pool with `resourceLimits`: Node takes limits only where a worker is made. */
import '../iothread/own.js';
import '../iothread/worker-node.js';
import './worker.js';
