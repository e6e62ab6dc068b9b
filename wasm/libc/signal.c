/* SPDX-License-Identifier: MIT */
/* Signals come from the program alone: raise() calls the handler. Emscripten's does not look whether there is such a signal. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>

int __real_raise(int signal);
int __wrap_raise(int signal);
/* Of wasm/include/setjmp.h, and LLVM's name of longjmp(). */
void aio_priv_sigsetjmp(sigjmp_buf buffer, int save);
_Noreturn void aio_priv_siglongjmp(sigjmp_buf buffer, int value);
_Noreturn void __wasm_longjmp(void *buffer, int value);

int __wrap_raise(int signal)
{
    if (signal < 0 || signal >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    return __real_raise(signal);
}

_Static_assert(sizeof(((sigjmp_buf *)0)[0]->__ss) >= sizeof(sigset_t), "a sigjmp_buf has room for a mask");

/* What sigsetjmp() does before setjmp(): keeps the mask. */
void aio_priv_sigsetjmp(sigjmp_buf buffer, int save)
{
    buffer->__fl = save != 0;
    if (save) {
        sigprocmask(SIG_BLOCK, NULL, (sigset_t *)buffer->__ss);
    }
}

void aio_priv_siglongjmp(sigjmp_buf buffer, int value)
{
    if (buffer->__fl) {
        sigprocmask(SIG_SETMASK, (const sigset_t *)buffer->__ss, NULL);
    }
    __wasm_longjmp(buffer, value);
}
