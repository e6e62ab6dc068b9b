// SPDX-License-Identifier: MIT
/** A worker of a runtime, in a browser without files. */
import './no-files.setup.mjs';
import 'wasm-aio/worker';
