// SPDX-License-Identifier: MIT
/** What the entry `wasm-aio/ring` exports. */
export { createRing, ringByteLength, type Ring, type RingOptions } from './region.js';
export { RingProducer, type RingProducerOptions } from './producer.js';
export { RingConsumer, type RingConsumerOptions } from './consumer.js';
export type { RingBlockOptions, RingWaitOptions } from './sleeper.js';
export { AioError, type AioErrorCode } from '../errors.js';
