// The worker file of random programs in Node.
import { serve } from 'wasm-aio/iothread';
import { start } from './service.mjs';

start(serve, import.meta.url, () => process.exit(3));
