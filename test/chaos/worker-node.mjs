// The worker file of random programs in Node.
import { currentSignal, serve, sync } from 'wasm-aio/iothread';
import { connect, listen } from 'wasm-aio/socket';
import { start } from './service.mjs';

start({ serve, sync, currentSignal, connect, listen }, import.meta.url, () => process.exit(3));
