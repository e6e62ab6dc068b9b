/* SPDX-License-Identifier: MIT */
/* wcsftime(), which Emscripten's libc lacks, by strftime(): one conversion after the other, and the text between them as it is. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "weak.h"

/* Longer conversions, or results of one, are none that strftime() has. */
enum { MOST = 256 };

/* Copies the conversion at `format`, which begins with %, in bytes. Returns its length, or 0 if it is none. */
static size_t conversion_at(const wchar_t *format, char conversion[MOST])
{
    size_t n = 0;

    do {
        if (format[n] <= 0 || format[n] > 127 || n == MOST - 2) {
            return 0;
        }
        conversion[n] = (char)format[n];
        n++;
    } while (n == 1 || strchr("_-+0123456789EO", conversion[n - 1]));
    conversion[n] = '\0';
    return n;
}

/* Returns how many characters stand for the conversion in `to`, or -1 if it gives no text that fits. */
static int converted(const char *conversion, const struct tm *tm, wchar_t to[MOST])
{
    char text[MOST];
    const char *from = text;

    /* strftime() returns 0 for no text as for too much, so one character more is asked for. */
    char format[MOST + 1];
    size_t n = strlen(conversion);
    memcpy(format, conversion, n);
    memcpy(format + n, "|", 2);
    n = strftime(text, sizeof(text), format, tm);
    if (n == 0) {
        return -1;
    }
    text[n - 1] = '\0';
    return (int)mbsrtowcs(to, &from, MOST, &(mbstate_t){ 0 });
}

LIBC_WEAK
size_t wcsftime(wchar_t *restrict text, size_t size, const wchar_t *restrict format, const struct tm *restrict tm)
{
    char conversion[MOST];
    wchar_t piece[MOST];
    size_t used = 0;

    while (*format) {
        size_t length = *format == L'%' ? conversion_at(format, conversion) : 0;
        int n = length ? converted(conversion, tm, piece) : 1;

        if (!length) {
            piece[0] = *format;
            length = 1;
        }
        if (n < 0 || size - used <= (size_t)n || size == 0) {
            return 0;
        }
        wmemcpy(text + used, piece, (size_t)n);
        used += (size_t)n;
        format += length;
    }
    if (used >= size) {
        return 0;
    }
    text[used] = L'\0';
    return used;
}

LIBC_WEAK
size_t wcsftime_l(wchar_t *restrict text, size_t size, const wchar_t *restrict format, const struct tm *restrict tm, locale_t locale)
{
    (void)locale;
    return wcsftime(text, size, format, tm);
}
