/* SPDX-License-Identifier: MIT */
/* %m of printf() and its like, which glibc and musl have and Emscripten leaves out: the call fails there. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __real_vfprintf(FILE *restrict stream, const char *restrict format, va_list ap);
int __real_vfiprintf(FILE *restrict stream, const char *restrict format, va_list ap);
int __real___small_vfprintf(FILE *restrict stream, const char *restrict format, va_list ap);
int __wrap_vfprintf(FILE *restrict stream, const char *restrict format, va_list ap);
int __wrap_vfiprintf(FILE *restrict stream, const char *restrict format, va_list ap);
int __wrap___small_vfprintf(FILE *restrict stream, const char *restrict format, va_list ap);

enum { LONGEST = 256 };

/* Returns the end of the first %m in a format, of which `begin` becomes the beginning; or NULL. */
static const char *find(const char *format, const char **begin)
{
    while ((format = strchr(format, '%'))) {
        const char *end = format + 1 + strspn(format + 1, "0123456789.-+ #'");

        if (*end == 'm') {
            *begin = format;
            return end + 1;
        }
        format = *end ? end + 1 : end;
    }
    return NULL;
}

/* Returns the format with each %m replaced by the error's text, which contains no %; NULL if there is no memory. */
static char *expanded(const char *format, int error)
{
    const char *begin, *end;
    size_t count = 0, used = 0;
    char *text;

    for (const char *rest = format; (rest = find(rest, &begin)); count++) {
    }
    text = malloc(strlen(format) + count * LONGEST + 1);
    for (; text && (end = find(format, &begin)); format = end) {
        char directive[32];
        size_t length = (size_t)(end - begin);

        memcpy(text + used, format, (size_t)(begin - format));
        used += (size_t)(begin - format);
        /* The flags, the width and the precision are those of %s. */
        if (length < sizeof(directive)) {
            memcpy(directive, begin, length - 1);
            strcpy(directive + length - 1, "s");
        } else {
            strcpy(directive, "%s");
        }
        snprintf(text + used, LONGEST, directive, strerror(error));
        used += strlen(text + used);
    }
    if (text) {
        strcpy(text + used, format);
    }
    return text;
}

#define WRAP(name)                                                                              \
    int __wrap_##name(FILE *restrict stream, const char *restrict format, va_list ap)           \
    {                                                                                           \
        const char *begin;                                                                      \
        char *text;                                                                             \
        int ret;                                                                                \
                                                                                                \
        if (!find(format, &begin)) {                                                            \
            return __real_##name(stream, format, ap);                                           \
        }                                                                                       \
        text = expanded(format, errno);                                                         \
        ret = text ? __real_##name(stream, text, ap) : -1;                                      \
        free(text);                                                                             \
        return ret;                                                                             \
    }
WRAP(vfprintf)
WRAP(vfiprintf)
WRAP(__small_vfprintf)
