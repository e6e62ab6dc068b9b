// A worker of the user's, in TypeScript, that owns a runtime.
import { Runtime, type LoopStats } from 'wasm-aio';

const aio = await Runtime.create({ reserve: 1 });
const io = await aio.iothread('io0');
const stats: LoopStats = await io.stats();
await aio.close();
postMessage(typeof stats.polls);
