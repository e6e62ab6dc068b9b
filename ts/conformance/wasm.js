// SPDX-License-Identifier: MIT
/**
 * A small assembler, so that each module's source can be read beside the case that uses it. It knows the instructions that
 * the cases need and checks nothing: the runtime's own validation does.
 */
const OPCODES = {
  unreachable: [0x00], block: [0x02], loop: [0x03], end: [0x0b], br: [0x0c], br_if: [0x0d], call: [0x10], drop: [0x1a],
  'local.get': [0x20], 'local.set': [0x21], 'local.tee': [0x22], 'global.get': [0x23], 'global.set': [0x24],
  'i32.load': [0x28], 'i32.load8_u': [0x2d], 'i32.store': [0x36], 'memory.size': [0x3f], 'memory.grow': [0x40],
  'i32.const': [0x41], 'i64.const': [0x42], 'i32.eqz': [0x45], 'i32.eq': [0x46], 'i32.ne': [0x47], 'i32.lt_u': [0x49],
  'i32.add': [0x6a], 'i32.sub': [0x6b], 'memory.init': [0xfc, 8], 'data.drop': [0xfc, 9], 'memory.copy': [0xfc, 10], 'memory.fill': [0xfc, 11],
  'memory.atomic.notify': [0xfe, 0x00], 'memory.atomic.wait32': [0xfe, 0x01], 'memory.atomic.wait64': [0xfe, 0x02], 'atomic.fence': [0xfe, 0x03, 0x00],
  'i32.atomic.load': [0xfe, 0x10], 'i64.atomic.load': [0xfe, 0x11], 'i32.atomic.load8_u': [0xfe, 0x12], 'i32.atomic.load16_u': [0xfe, 0x13],
  'i32.atomic.store': [0xfe, 0x17], 'i64.atomic.store': [0xfe, 0x18],
  'i32.atomic.rmw.add': [0xfe, 0x1e], 'i64.atomic.rmw.add': [0xfe, 0x1f], 'i32.atomic.rmw8.add_u': [0xfe, 0x20], 'i32.atomic.rmw16.add_u': [0xfe, 0x21],
  'i32.atomic.rmw.sub': [0xfe, 0x25], 'i32.atomic.rmw.and': [0xfe, 0x2c], 'i32.atomic.rmw.or': [0xfe, 0x33], 'i32.atomic.rmw.xor': [0xfe, 0x3a],
  'i32.atomic.rmw.xchg': [0xfe, 0x41], 'i32.atomic.rmw.cmpxchg': [0xfe, 0x48], 'i64.atomic.rmw.cmpxchg': [0xfe, 0x49], 'i32.atomic.rmw8.cmpxchg_u': [0xfe, 0x4a],
};
const TYPES = { i32: 0x7f, i64: 0x7e, void: 0x40 };

function leb(value, signed) {
  const bytes = [];
  for (let rest = BigInt(value); ; ) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if (signed ? (rest === 0n && !(low & 0x40)) || (rest === -1n && low & 0x40) : rest === 0n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}
const unsigned = (value) => leb(value, false);
const text = (value) => [...unsigned(value.length), ...[...value].map((letter) => letter.charCodeAt(0))];
const list = (items) => [...unsigned(items.length), ...items.flat()];
const section = (id, items) => (items.length === 0 ? [] : [id, ...sized(list(items))]);
const sized = (bytes) => [...unsigned(bytes.length), ...bytes];

/** One instruction and its immediates, separated by spaces. */
function instruction(line) {
  const [name, ...immediates] = line.trim().split(/\s+/);
  const code = OPCODES[name];
  if (!code) throw new Error(`unknown instruction ${name}`);
  if (name === 'block' || name === 'loop') return [...code, TYPES[immediates[0] ?? 'void']];
  return [...code, ...immediates.flatMap((each) => leb(each, name.endsWith('.const')))];
}

const limits = ({ initial, maximum, shared }) => [shared ? 3 : maximum === undefined ? 0 : 1, ...unsigned(initial), ...(maximum === undefined ? [] : unsigned(maximum))];

/**
 * Encodes a module: {memory: {initial, maximum, shared, own}, globals: {name: initialValue}, data: 'a passive segment',
 * imports: {name: {params, results}}, functions: {name: {params, results, locals, body}}, start: 'name'}.
 * The memory is imported as env.memory, or is the module's own; functions, mutable i32 globals and a memory of its own are
 * exported by their names. A body has one instruction a line or between semicolons; memory accesses are followed by the
 * logarithm of their alignment and by their offset.
 */
export function assemble({ memory, globals = {}, data, imports = {}, functions = {}, start }) {
  const signatures = [...Object.values(imports), ...Object.values(functions)];
  const valueTypes = (names = []) => list(names.map((name) => [TYPES[name]]));
  const imported = Object.keys(imports).length;
  const names = [...Object.keys(imports), ...Object.keys(functions)];
  const own = memory?.own === true;
  const body = ({ locals = [], body: lines }) => sized([
    ...list(locals.map((type) => [1, TYPES[type]])),
    ...lines.split(/[;\n]/).filter((line) => line.trim() !== '').flatMap((line) => instruction(line.replace(/\$(\w+)/, (_, name) => names.indexOf(name)))),
    0x0b,
  ]);
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, signatures.map(({ params, results }) => [0x60, ...valueTypes(params), ...valueTypes(results)])),
    ...section(2, [
      ...Object.keys(imports).map((name, n) => [...text('env'), ...text(name), 0, ...unsigned(n)]),
      ...(memory && !own ? [[...text('env'), ...text('memory'), 2, ...limits(memory)]] : []),
    ]),
    ...section(3, Object.keys(functions).map((_, n) => unsigned(imported + n))),
    ...section(5, own ? [limits(memory)] : []),
    ...section(6, Object.values(globals).map((value) => [TYPES.i32, 1, 0x41, ...leb(value, true), 0x0b])),
    ...section(7, [
      ...Object.keys(functions).map((name, n) => [...text(name), 0, ...unsigned(imported + n)]),
      ...Object.keys(globals).map((name, n) => [...text(name), 3, ...unsigned(n)]),
      ...(own ? [[...text('memory'), 2, 0]] : []),
    ]),
    ...(start === undefined ? [] : [8, ...sized(unsigned(names.indexOf(start)))]),
    ...(data === undefined ? [] : [12, 1, 1]),
    ...section(10, Object.values(functions).map(body)),
    ...section(11, data === undefined ? [] : [[1, ...text(data)]]),
  ]);
}
