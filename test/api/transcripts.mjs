// SPDX-License-Identifier: MIT
// The simulator runs C. What is written in TypeScript runs there as a transcription, function by function, and here it is compared with
// what it transcribes: both make the same atomic operations on the same words in the same order. Who changes one has to change the other.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));

/** The C functions, and the members of a class or functions that they transcribe. */
const TRANSCRIPTS = [
  {
    c: 'test/sim/call-ring.c', ts: 'ts/src/wire/record-ring.ts',
    functions: {
      writer_push: 'push', writer_rouse: 'private rouse', writer_end: 'end', writer_revoke: 'revoke',
      reader_end: 'get end', reader_ended: 'get ended', reader_awaits: 'set awaits', reader_take: 'take',
    },
  },
  {
    c: 'test/sim/pipe.c', ts: 'ts/src/api/pipe.ts',
    functions: { used: 'function used', pipe_write: 'write', pipe_read: 'read', pipe_end: 'end', pipe_drain: 'async drain' },
  },
];

const read = (name) => readFileSync(`${top}/${name}`, 'utf8').replace(/\/\/.*|\/\*[^]*?\*\//g, '');

/** The body of what begins with these words, up to the line that closes it. */
function body(text, begin) {
  const found = new RegExp(`^( *)${begin}\\([^]*?^\\1}`, 'm').exec(text);
  assert.ok(found, `there is no ${begin}()`);
  return found[0].slice(found[0].indexOf('{'));
}

const OPERATIONS = { load: 'mb_read', store: 'mb_set', exchange: 'xchg', compareExchange: 'cmpxchg', add: 'fetch_inc', notify: 'notify' };

/** Word.tail and TAIL are the word tail; an index is one of `words`, and 0 is the word that the view has. */
function wordOf(view, index) {
  const name = /^(?:Word\.(\w+)|([A-Z]+))$/.exec(index);
  return name ? (name[1] ?? name[2]).toLowerCase() : view.split('.').at(-1);
}

const inTypeScript = (text) => [...text.matchAll(/Atomics\.(\w+)\(([\w.]+), ([\w.]+)|\bthis\.(rouse)\(\)|\b(used)\(words\)|\bthis\.(readable|writable)\.set\(\)|\bmemory\.(bytes)\b/g)]
  .map(([, operation, view, index, ...others]) => (operation ? `${OPERATIONS[operation]} ${wordOf(view, index)}` : others.find((name) => name)));

const inC = (text) => [...text.matchAll(/qatomic_(mb_read|mb_set|xchg|cmpxchg|fetch_inc)\((?:&(?:\w+->)?)?(\w+)|port_futex_(wake)\((\w+)|\bwriter_(rouse)\(|\b(used)\(pipe\)|event_notifier_set\(&pipe->(\w+)\)|pipe->(data)\[/g)]
  .map(([, operation, word, wakes, on, ...others]) => (operation ? `${operation} ${word}` : wakes ? `notify ${on}` : others.find((name) => name)));

/** The bytes of a pipe are copied in one or two pieces, or one by one. */
const once = (names) => names.map((name) => (name === 'data' ? 'bytes' : name)).filter((name, n, all) => name !== 'bytes' || all[n - 1] !== name);

export const checks = Object.fromEntries(TRANSCRIPTS.map(({ c, ts, functions }) => [`${c} does what ${ts} does`, () => {
  const [inside, outside] = [read(c), read(ts)];
  for (const [name, of] of Object.entries(functions)) {
    const expected = once(inTypeScript(body(outside, of)));
    assert.ok(expected.length > 0, `${ts}: no atomic operation is found in ${of}()`);
    const [begin] = new RegExp(`^static .*\\b${name}(?=\\()`, 'm').exec(inside) ?? assert.fail(`there is no ${name}()`);
    assert.deepEqual(once(inC(body(inside, begin.replace(/[*]/g, '\\*')))), expected, `${name}() of ${c} and ${of}() of ${ts}`);
  }
}]));
