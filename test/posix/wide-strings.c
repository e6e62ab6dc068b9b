/* SPDX-License-Identifier: MIT */
/* Strings of wide characters: comparing, searching, numbers, dates, formatted output and input. */
#include "topic.h"
#include <inttypes.h>
#include <locale.h>
#include <time.h>
#include <uchar.h>
#include <wchar.h>
#include <wctype.h>

static void sign(const char *what, int value)
{
    printf("%s = %d\n", what, (value > 0) - (value < 0));
}
#define SIGN(call) sign(#call, call)

static void strings(void)
{
    wchar_t text[32];

    SIGN(wcscmp(L"a", L"b"));
    SIGN(wcscmp(L"\xffff", L"a"));
    SIGN(wcsncmp(L"abc", L"abd", 2));
    SIGN(wcscasecmp(L"aBc", L"AbC"));
    SIGN(wcsncasecmp(L"aBcx", L"AbCy", 3));
    SIGN(wcscoll(L"a", L"B"));
    SIGN(wmemcmp(L"a\0b", L"a\0c", 3));
    SHOW(wcslen(wcscpy(text, L"hello")));
    SHOW(wcslen(wcscat(text, L" world")));
    SHOW(wcsnlen(text, 3));
    SHOW(wcslen(wcsncat(text, L"!!!!", 2)));
    SHOW(wcschr(text, L'o') - text);
    SHOW(wcsrchr(text, L'o') - text);
    SHOW(wcschr(text, L'z') == NULL);
    SHOW(wcschr(text, L'\0') - text);
    SHOW(wcspbrk(text, L"rw") - text);
    SHOW(wcsspn(text, L"hel"));
    SHOW(wcscspn(text, L"w"));
    SHOW(wcsstr(text, L"wor") - text);
    SHOW(wcsstr(text, L"") - text);
    SHOW(wmemchr(text, L'w', 3) == NULL);
    SHOW(wmemcpy(text, L"J", 1) == text);
    SHOW(wmemmove(text + 1, text, 3) == text + 1);
    printf("moved = %ls\n", text);
    SHOW(wmemset(text, L'x', 2) == text);
    printf("set = %ls\n", text);
    SHOW(wcpcpy(text, L"abc") - text);
    SHOW(wcpncpy(text, L"ab", 5) - text);
    SHOW(text[4]);
    wcsncpy(text, L"abcdef", 3);
    printf("cut off = %.3ls\n", text);
    wchar_t *copy = wcsdup(L"copy"), *state, words[] = L"a,b;;c";
    printf("copy = %ls\n", copy);
    free(copy);
    for (wchar_t *word = wcstok(words, L",;", &state); word; word = wcstok(NULL, L",;", &state)) {
        printf("word = %ls\n", word);
    }
    SHOW(wcsxfrm(text, L"abc", 32));
    SHOW(wcswidth(L"abc", 3));
    SHOW(wcwidth(L'\t'));
    SHOW(wcwidth(L'\0'));
}

static void numbers(void)
{
    static const wchar_t *const all[] = { L"12", L"-0x1fz", L"077", L"99999999999999999999", L"", L"z", L" +5" };
    wchar_t *end;

    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        errno = 0;
        long long number = wcstoll(all[i], &end, 0);
        printf("wcstoll %ls = %lld, %d read, %s\n", all[i], number, (int)(end - all[i]), errno_name(errno));
        errno = 0;
        unsigned long long positive = wcstoull(all[i], &end, 16);
        printf("wcstoull %ls = %llu, %d read, %s\n", all[i], positive, (int)(end - all[i]), errno_name(errno));
        errno = 0;
        double real = wcstod(all[i], &end);
        printf("wcstod %ls = %g, %d read, %s\n", all[i], real, (int)(end - all[i]), errno_name(errno));
        printf("wcstof %ls = %g\n", all[i], (double)wcstof(all[i], NULL));
        printf("wcstold %ls = %Lg\n", all[i], wcstold(all[i], NULL));
        printf("wcstoimax %ls = %" PRIdMAX " %" PRIuMAX "\n", all[i], wcstoimax(all[i], NULL, 10), wcstoumax(all[i], NULL, 10));
    }
    errno = 0;
    SHOW(wcstol(L"5", NULL, 1));
}

static void dates(void)
{
    struct tm date = { .tm_year = 124, .tm_mon = 1, .tm_mday = 29, .tm_hour = 13, .tm_min = 5, .tm_sec = 9, .tm_wday = 4, .tm_yday = 59 };
    wchar_t text[64];
    static const wchar_t *const formats[] = { L"%Y-%m-%d %H:%M:%S", L"%a %A %b %B", L"%c", L"%x %X %p", L"%j %U %V %G %u %w", L"", L"%%|%n|%t|", L"%e|%k|%l|%I", L"plain", L"\x263a %d" };

    for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        size_t n = wcsftime(text, 64, formats[i], &date);
        printf("wcsftime %u = %d", i, (int)n);
        for (size_t k = 0; k < n; k++) {
            printf(text[k] < 128 && text[k] > 31 ? " %lc" : " #%x", (wint_t)text[k]);
        }
        printf("\n");
    }
    SHOW(wcsftime(text, 5, L"%Y-%m", &date));
    SHOW(wcsftime(text, 8, L"%Y-%m", &date));
    SHOW(wcsftime(text, 7, L"%Y-%m", &date));
}

static void formatted(void)
{
    wchar_t text[64], word[16];
    char narrow[16];
    int number = 0, n;
    double real = 0;

    SHOW(swprintf(text, 64, L"%d|%5s|%-5ls|%lc|%.2f|%x", 42, "ab", L"cd", L'e', 1.005, 255));
    printf("text = %ls\n", text);
    SHOW(swprintf(text, 5, L"too long for it"));
    SHOW(swscanf(L"17 word 2.5 tail", L"%d %ls %lf %s", &number, word, &real, narrow));
    printf("read = %d, %ls, %g, %s\n", number, word, real, narrow);
    SHOW(swscanf(L"abc123", L"%l[a-c]%n", word, &n));
    printf("set = %ls, %d\n", word, n);
    SHOW(swscanf(L"", L"%d", &number));
    SHOW(swscanf(L"x", L"%d", &number));
    SHOW(swscanf(L"5%", L"%d%%%n", &number, &n));
}

static void utf(void)
{
    mbstate_t state = { 0 };
    char16_t two = 0;
    char32_t four = 0;
    char out[8];

    SHOW(setlocale(LC_ALL, "C.UTF-8") != NULL);
    SHOW(mbrtoc32(&four, "\xf0\x9f\x98\x80", 4, &state));
    SHOW(four);
    SHOW(mbrtoc16(&two, "\xf0\x9f\x98\x80", 4, &state));
    SHOW(two);
    SHOW((long)mbrtoc16(&two, "", 1, &state));
    SHOW(two);
    memset(&state, 0, sizeof(state));
    SHOW(c32rtomb(out, 0x1f600, &state));
    SHOW((unsigned char)out[3]);
    SHOW(c16rtomb(out, 0xd83d, &state));
    SHOW(c16rtomb(out, 0xde00, &state));
    SHOW((unsigned char)out[3]);
    SHOW((long)c32rtomb(out, 0xd800, &state));
    SHOW(c16rtomb(out, 0xe4, &state));
    wchar_t wide[16];
    const char *from = "a\xc3\xa4\xe2\x82\xac";
    SHOW(mbsnrtowcs(wide, &from, 3, 16, NULL));
    SHOW(from != NULL);
    const wchar_t *source = L"a\xe4\x20ac";
    SHOW(wcsnrtombs(out, &source, 2, 8, NULL));
    SHOW((long)mbtowc(NULL, NULL, 0));
    SHOW(mbtowc(wide, "\xc3\xa4", 2));
    SHOW(mbtowc(wide, "\xc3", 1) == -1);
    SHOW(wctomb(out, 0xe4));
    SHOW(iswalpha(0xe4) != 0);
    SHOW(towupper(0xe4) == 0xc4);
    SHOW(towlower(0x0416) == 0x0436);
    SHOW(iswupper(0x0416) != 0);
    SHOW(iswspace(0x2003) != 0);
    SHOW(iswpunct(0x20ac) != 0);
    SHOW(iswdigit(0x0661) != 0);
    SHOW(wcwidth(0x4e2d));
    SHOW(wcwidth(0x0301));
}

static void topic(void)
{
    strings();
    numbers();
    dates();
    formatted();
    utf();
}
