// Thread-locals of a function that may go on in another thread.
//
// A coroutine may yield in one worker and be entered in another. To clang a
// thread-local's address, and that of errno, never changes in a function: it is
// computed once and kept over the yield, and after it the old thread's variable is
// read. So the compiler's intermediate code is changed before it is optimised: each
// use computes the address anew, which costs one read of a global.

const ADDRESS = /call (?:align \d+ )?ptr @llvm\.threadlocal\.address\.p0\(ptr (?:align \d+ )?(@(?:"[^"]*"|[\w$.-]+))\)/g;
// volatile ("sideeffect"): neither merged with another nor moved across a call.
const RECOMPUTED =
  'call ptr asm sideeffect "global.get __tls_base\\0Ai32.const $1@TLSREL\\0Ai32.add\\0Alocal.set $0", "=r,i"(ptr $ADDRESS)';
// libc's header says that the function depends on nothing: __attribute__((const)).
const ERRNO = /(@__errno_location\(\)) #\d+/g;

/** LLVM's intermediate code, as text, so changed. */
export function relocateThreadLocals(code) {
  if (!ADDRESS.test(code) && !ERRNO.test(code)) return code;
  const changed = code
    .replace(ADDRESS, (_all, variable) => RECOMPUTED.replace('$ADDRESS', () => variable))
    .replace(ERRNO, '$1');
  return changed.replace(/^target triple = .*$/m, '$&\n\nmodule asm ".globaltype __tls_base, i32"');
}
