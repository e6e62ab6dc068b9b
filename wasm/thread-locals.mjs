// Makes thread-locals correct in functions that may resume in another thread.
//
// A coroutine may yield in one worker and be entered in another. clang assumes that the
// address of a thread-local, or of errno, does not change within a function: it computes
// it once and keeps it over the yield, so that the variable of the old thread is read
// afterwards. So the intermediate code is changed before it is optimised: each use
// computes the address again, which costs one read of a global.

const ADDRESS = /call (?:align \d+ )?ptr @llvm\.threadlocal\.address\.p0\(ptr (?:align \d+ )?(@(?:"[^"]*"|[\w$.-]+))\)/g;
// volatile ("sideeffect"): the computation is neither merged with another nor moved across a call.
const RECOMPUTED =
  'call ptr asm sideeffect "global.get __tls_base\\0Ai32.const $1@TLSREL\\0Ai32.add\\0Alocal.set $0", "=r,i"(ptr $ADDRESS)';
// libc's header declares that the function depends on nothing: __attribute__((const)).
const ERRNO = /(@__errno_location\(\)) #\d+/g;

/** Returns the intermediate code (LLVM's, as text) with these changes. */
export function relocateThreadLocals(code) {
  if (!ADDRESS.test(code) && !ERRNO.test(code)) return code;
  const changed = code
    .replace(ADDRESS, (_all, variable) => RECOMPUTED.replace('$ADDRESS', () => variable))
    .replace(ERRNO, '$1');
  return changed.replace(/^target triple = .*$/m, '$&\n\nmodule asm ".globaltype __tls_base, i32"');
}
