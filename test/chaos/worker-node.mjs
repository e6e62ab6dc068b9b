// The worker file of random programs in Node.
import { currentSignal, serve, sync } from 'wasm-aio/iothread';
import { start } from './service.mjs';

start({ serve, sync, currentSignal }, import.meta.url, () => process.exit(3));
