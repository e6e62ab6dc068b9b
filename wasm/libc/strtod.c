/* SPDX-License-Identifier: MIT */
/* Numbers with a fraction from text. Those of libc call it an error (EINVAL) that there is none, which POSIX permits and glibc does not. */
#include <errno.h>
#include <stdlib.h>
#include <wchar.h>

#define FUNCTION(Number, Char, name)                                       \
    Number __real_##name(const Char *restrict text, Char **restrict end);  \
    Number __wrap_##name(const Char *restrict text, Char **restrict end);  \
    Number __wrap_##name(const Char *restrict text, Char **restrict end)   \
    {                                                                      \
        int before = errno;                                                \
        Char *found;                                                       \
        Number number = __real_##name(text, &found);                       \
                                                                           \
        if (found == text) {                                               \
            errno = before;                                                \
        }                                                                  \
        if (end) {                                                         \
            *end = found;                                                  \
        }                                                                  \
        return number;                                                     \
    }

FUNCTION(double, char, strtod)
FUNCTION(float, char, strtof)
FUNCTION(long double, char, strtold)
FUNCTION(double, wchar_t, wcstod)
FUNCTION(float, wchar_t, wcstof)
FUNCTION(long double, wchar_t, wcstold)
