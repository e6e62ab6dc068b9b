/* SPDX-License-Identifier: MIT */
/* Conversions of strftime() and strptime() that glibc has and this libc lacks: they become others, or text, before libc sees the format. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

size_t __real_strftime(char *restrict text, size_t size, const char *restrict format, const struct tm *restrict tm);
size_t __wrap_strftime(char *restrict text, size_t size, const char *restrict format, const struct tm *restrict tm);
char *__real_strptime(const char *restrict text, const char *restrict format, struct tm *restrict tm);
char *__wrap_strptime(const char *restrict text, const char *restrict format, struct tm *restrict tm);

/* Both write what a conversion becomes, of at most 8 bytes, and return whether it becomes something else. */
static bool is_written(char letter, const struct tm *tm, char to[9])
{
    switch (letter) {
    case 'k':
        snprintf(to, 9, "%2d", tm->tm_hour % 100);
        return true;
    case 'l':
        snprintf(to, 9, "%2d", (tm->tm_hour + 11) % 12 + 1);
        return true;
    case 'P':
        strcpy(to, tm->tm_hour >= 12 ? "pm" : "am");
        return true;
    default:
        return false;
    }
}

static bool is_read(char letter, char to[9])
{
    switch (letter) {
    case 'F':
        strcpy(to, "%Y-%m-%d");
        return true;
    case 'k':
        strcpy(to, " %H");
        return true;
    case 'l':
        strcpy(to, " %I");
        return true;
    case 'e':
        strcpy(to, " %d");
        return true;
    case 'P':
        strcpy(to, "%p");
        return true;
    default:
        return false;
    }
}

/* Whether one of these letters comes behind a '%'. */
static bool has_any(const char *format, const char *letters)
{
    while ((format = strchr(format, '%')) && format[1]) {
        if (strchr(letters, format[1])) {
            return true;
        }
        format += 2;
    }
    return false;
}

/* Changes a format: for strftime() if there is a date, otherwise for strptime(). Returns a new one, to be freed; NULL if nothing
 * changes, or there is no memory. */
static char *changed(const char *format, const struct tm *tm)
{
    char to[9], *result = malloc(4 * strlen(format) + 1), *put = result;
    bool any = false;

    while (result && *format) {
        if (*format != '%' || format[1] == '\0') {
            *put++ = *format++;
            continue;
        }
        if (tm ? is_written(format[1], tm, to) : is_read(format[1], to)) {
            put = stpcpy(put, to);
            any = true;
        } else {
            *put++ = '%';
            *put++ = format[1];
        }
        format += 2;
    }
    if (!any) {
        free(result);
        return NULL;
    }
    *put = '\0';
    return result;
}

size_t __wrap_strftime(char *restrict text, size_t size, const char *restrict format, const struct tm *restrict tm)
{
    char *ours = has_any(format, "klP") ? changed(format, tm) : NULL;
    size_t n = __real_strftime(text, size, ours ? ours : format, tm);

    free(ours);
    return n;
}

char *__wrap_strptime(const char *restrict text, const char *restrict format, struct tm *restrict tm)
{
    char *ours = has_any(format, "FkleP") ? changed(format, NULL) : NULL;
    char *rest = __real_strptime(text, ours ? ours : format, tm);

    free(ours);
    return rest;
}
