// The instructions of WebAssembly, as far as it takes to find those of interest: calls, and where exceptions are caught.
import { Reader } from './binary.mjs';

const TRY = 0x06;
const TRY_TABLE = 0x1f;
const CALL = 0x10;
const RETURN_CALL = 0x12;

const no = () => {};
const leb = (r) => r.skip();
const two = (r) => { r.skip(); r.skip(); };
const bytes = (n) => (r) => r.take(n);
/** Where in memory: the alignment, which may say that the memory's index follows, and the offset. */
const memory = (r) => {
  if (r.u32() & 0x40) r.skip();
  r.skip();
};
const catchClauses = (r) => {
  r.skip();
  r.vector(() => (r.byte() < 2 ? two : leb)(r));
};

/** What follows an instruction's first byte. */
const IMMEDIATES = new Map();
const set = (immediate, ...codes) => codes.forEach((code) => IMMEDIATES.set(code, immediate));
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
set(no, 0x00, 0x01, 0x05, 0x0a, 0x0b, 0x0f, 0x19, 0x1a, 0x1b, 0xd1, 0xd3, 0xd4, ...range(0x45, 0xc4));
set(leb, 0x02, 0x03, 0x04, TRY, 0x07, 0x08, 0x09, 0x18, 0x0c, 0x0d, CALL, RETURN_CALL, 0x14, 0x15, ...range(0x20, 0x26), 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2, 0xd5, 0xd6);
set(two, 0x11, 0x13);
set(memory, ...range(0x28, 0x3e));
set(bytes(4), 0x43);
set(bytes(8), 0x44);
set((r) => { r.vector(leb); r.skip(); }, 0x0e);
set((r) => r.vector(leb), 0x1c);
set(catchClauses, TRY_TABLE);

/** What follows the number of an instruction with a prefix. */
const PREFIXED = {
  0xfc: (code) => (code < 8 ? no : [8, 10, 12, 14].includes(code) ? two : leb),
  0xfd: (code) => {
    if (code <= 11 || code === 92 || code === 93) return memory;
    if (code <= 13) return bytes(16);
    if (code >= 21 && code <= 34) return bytes(1);
    return code >= 84 && code <= 91 ? (r) => { memory(r); r.byte(); } : no;
  },
  0xfe: (code) => (code === 3 ? bytes(1) : memory),
};

/** The names of the functions that a module imports. */
function importedFunctions(r) {
  return r.vector(() => {
    r.take(r.u32());
    const name = r.take(r.u32()).toString();
    const kind = r.byte();
    if (kind === 0) r.skip();
    else if (kind === 1) { r.byte(); r.limits(); }
    else if (kind === 2) r.limits();
    else r.take(2);
    return kind === 0 ? [name] : [];
  }).flat();
}

/** The names of the functions that a module imports, in the order of their indices. */
export function imports(module) {
  for (const sections = new Reader(module, 8); !sections.ended;) {
    const id = sections.byte();
    const section = new Reader(sections.take(sections.u32()));
    if (id === 2) return importedFunctions(section);
  }
  return [];
}

/** Yields, for each function of the module itself, its index and what it contains. */
export function* instructions(module) {
  let imported = 0;
  for (const sections = new Reader(module, 8); !sections.ended;) {
    const id = sections.byte();
    const section = new Reader(sections.take(sections.u32()));
    if (id === 2) imported = importedFunctions(section).length;
    if (id !== 10) continue;
    for (let index = imported, end = imported + section.u32(); index < end; index++) {
      yield [index, body(new Reader(section.take(section.u32())))];
    }
  }
}

function body(r) {
  const calls = new Set();
  let catches = false;
  r.vector(two);
  while (!r.ended) {
    const code = r.byte();
    if (code === CALL || code === RETURN_CALL) {
      calls.add(r.u32());
      continue;
    }
    catches ||= code === TRY || code === TRY_TABLE;
    const immediate = PREFIXED[code]?.(r.u32()) ?? IMMEDIATES.get(code);
    if (!immediate) throw new Error(`instruction 0x${code.toString(16)} is unknown`);
    immediate(r);
  }
  return { calls, catches };
}
