// SPDX-License-Identifier: MIT
/** A page under a policy. */
import { doctor, Runtime } from 'wasm-aio';

const created = await Runtime.create().then(() => 'created', ({ code, message }) => `${code}: ${message}`);
parent.postMessage({ findings: await doctor(), created }, location.origin);
