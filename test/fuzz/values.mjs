// SPDX-License-Identifier: MIT
// Values cross the encoder and the decoder of calls as structured clone would carry them. A record whose bytes have been changed
// gives some other value or an error: it ends, and changes nothing of the language.
import fc from 'fast-check';
import { inspect, isDeepStrictEqual } from 'node:util';
import { Decoder } from '../../dist/wire/decoder.js';
import { Encoder } from '../../dist/wire/encoder.js';
import { dataOnly } from '../../dist/wire/unpack.js';

const encoder = new Encoder();
const decoder = new Decoder();

const anything = fc.anything({
  withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, withSparseArray: true, withBoxedValues: true, maxDepth: 4,
  key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'then', 'toString', 'length', '0')),
});

/** Encodes a value and hands its bytes over; returns their number, -1 if it is not for a ring. */
function record(value) {
  const length = encoder.encode(value, dataOnly, 0);
  if (length < 0) return -1;
  encoder.isSent();
  decoder.bytes.set(encoder.bytes.subarray(0, length));
  return length;
}

const text = (value) => inspect(value, { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity });

/** Node takes two invalid dates to be different; where there are some, the texts are compared. */
const areEqual = (a, b) => isDeepStrictEqual(a, b) || (text(a).includes('Invalid Date') && text(a) === text(b));

const roundTrip = (options) => fc.assert(fc.property(anything, (value) => {
  if (record(value) < 0) return;
  const copy = structuredClone(value);
  const received = decoder.decode(0, dataOnly);
  if (!areEqual(received, copy)) throw new Error('another value has arrived', { cause: received });
}), { examples: [[new Date(NaN)], [[{ at: new Date(NaN) }]]], ...options });

/** All that could be written to by accident. */
const prototypes = () => [Object, Function, Array, Map, Set, Error, Promise, Date].flatMap((type) => [...Reflect.ownKeys(type.prototype), ...Reflect.ownKeys(type)]).map(String).join();

const change = fc.record({ at: fc.nat(), to: fc.oneof(fc.integer({ min: 0, max: 22 }), fc.integer({ min: 0, max: 255 })) });
const before = prototypes();
/** What has failed before: a handle that is refused, in an error whose other parts are missing. */
const BEFORE = [[[], [{ at: 1600336, to: 19 }, { at: 0, to: 20 }]]];

const tampered = (options) => fc.assert(fc.property(anything, fc.array(change, { minLength: 1, maxLength: 6 }), (value, changes) => {
  const length = record(value);
  if (length <= 0) return;
  for (const { at, to } of changes) decoder.bytes[at % length] = to;
  try {
    decoder.decode(0, dataOnly);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  if (prototypes() !== before) throw new Error('a prototype has changed');
  // What it has left behind is not in the next value.
  record([1, { a: 'b' }]);
  if (!isDeepStrictEqual(decoder.decode(0, dataOnly), [1, { a: 'b' }])) throw new Error('the next value is wrong');
}), { examples: BEFORE, ...options });

export function check(options) {
  const { interruptAfterTimeLimit: limit, ...rest } = options;
  const half = { numRuns: 3000, ...rest, ...(limit && { interruptAfterTimeLimit: limit / 2 }) };
  roundTrip(half);
  tampered(half);
}
