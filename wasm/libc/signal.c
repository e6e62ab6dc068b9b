/* SPDX-License-Identifier: MIT */
/* Signals come from the program alone: raise() calls the handler. Emscripten's does not look whether there is such a signal. */
#include <errno.h>
#include <signal.h>

int __real_raise(int signal);
int __wrap_raise(int signal);

int __wrap_raise(int signal)
{
    if (signal < 0 || signal >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    return __real_raise(signal);
}
