// Prepares functions that call setjmp() for wasm/port/setjmp.c.
//
// The intermediate code is changed before it is optimised: such a function has a SetjmpFrame, which it puts
// into its thread's list when it begins, puts on top again after each return of setjmp(), and takes out when
// it returns. What else setjmp needs, LLVM does (-mllvm -wasm-enable-sjlj).
import { instructions } from './instructions.mjs';

const CALL = /^\s*(?:%\S+ = )?(?:tail |notail )?call [^@]*@setjmp\(/;
const FRAME = '%aio.setjmp.frame';
const SYMBOL = 'aio_priv_setjmp_';
const call = (name) => `  call void @${SYMBOL}${name}(ptr ${FRAME})`;
/** What a function that calls setjmp() calls, if aiocc has compiled it. */
const ENTER = `${SYMBOL}enter`;
const SETJMP = '__wasm_setjmp';

/** Gives BSD's functions, which in WebAssembly do the same, the names of C's. */
function renamed(code) {
  const seen = new Set();
  // Without a prototype it is a probe of configure, and not compiled as setjmp.
  const probed = /^declare .*@(_?(?:setjmp|longjmp))\(\.\.\.\)/m.exec(code);
  if (probed) return code.replaceAll(`@${probed[1]}(`, `@${SYMBOL}undeclared(`);
  return code.replace(/@_(setjmp|longjmp)\b/g, '@$1').replace(/^declare .*@(setjmp|longjmp)\(.*\n/gm, (line, name) => {
    if (seen.has(name)) return '';
    seen.add(name);
    return line;
  });
}

/** Returns the intermediate code (LLVM's, as text) with these changes. */
export function prepareSetjmp(code) {
  if (!/@_?(setjmp|longjmp)\b/.test(code)) return code;
  let changed = false;
  const functions = renamed(code).replace(/^define [^]*?^\}$/gm, (text) => {
    const lines = text.split('\n');
    if (!lines.some((line) => CALL.test(line))) return text;
    changed = true;
    // The first line, and a label if there is one, come before any instruction.
    const first = /^\S+:/.test(lines[1]) ? 2 : 1;
    return lines.flatMap((line, n) => {
      const before = n === first ? [`  ${FRAME} = alloca [4 x i32], align 8`, call('enter')] : [];
      if (CALL.test(line)) return [...before, line, call('landed')];
      return /^\s*ret\b/.test(line) ? [...before, call('leave'), line] : [...before, line];
    }).join('\n');
  });
  if (!changed) return functions;
  return `${functions}\n${['enter', 'landed', 'leave'].map((name) => `declare void @${SYMBOL}${name}(ptr)\n`).join('')}`;
}

/**
 * Examines the functions of a module that the linker wrote.
 * @returns {{catching: Set<number>, foreign: number[]}} the indices of those that contain a catch; and of
 *   those that call setjmp() or contain a catch, and that aiocc has not prepared
 */
export function findCatches(bytes, names) {
  const catching = new Set();
  const foreign = [];
  for (const [index, { calls, catches }] of instructions(bytes)) {
    const called = new Set([...calls].map((to) => names.get(to)));
    if (catches) catching.add(index);
    if ((catches || called.has(SETJMP)) && !called.has(ENTER)) foreign.push(index);
  }
  return { catching, foreign };
}
