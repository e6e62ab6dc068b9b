/* SPDX-License-Identifier: MIT */
/* Locales, characters of several bytes, wide characters and streams of them, iconv(). */
#include "topic.h"
#include <ctype.h>
#include <iconv.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <uchar.h>
#include <wchar.h>
#include <wctype.h>

static void locales(void)
{
    locale_t locale;
    struct lconv *conv;

    printf("at first = %s\n", setlocale(LC_ALL, NULL));
    printf("C = %s\n", setlocale(LC_ALL, "C"));
    printf("POSIX = %s\n", setlocale(LC_ALL, "POSIX"));
    printf("an unknown category = %s\n", setlocale(77, "C") ? "ok" : "none");
    conv = localeconv();
    printf("localeconv = '%s' '%s' '%s' %d\n", conv->decimal_point, conv->thousands_sep, conv->currency_symbol, conv->frac_digits == CHAR_MAX);
    printf("RADIXCHAR = %s\n", nl_langinfo(RADIXCHAR));
    printf("DAY_1 = %s\n", nl_langinfo(DAY_1));
    printf("ABMON_12 = %s\n", nl_langinfo(ABMON_12));
    printf("AM_STR = %s\n", nl_langinfo(AM_STR));
    printf("T_FMT = %s\n", nl_langinfo(T_FMT));
    printf("YESEXPR = %s\n", nl_langinfo(YESEXPR));
    printf("THOUSEP = '%s'\n", nl_langinfo(THOUSEP));
    SHOW(strcoll("a", "B") > 0);
    SHOW(strxfrm(NULL, "hello", 0));
    SHOW(isalpha(0xe9) != 0);
    SHOW(toupper(0xe9) == 0xe9);
    locale = newlocale(LC_ALL_MASK, "C", NULL);
    printf("newlocale = %s\n", locale ? "ok" : errno_name(errno));
    SHOW(isalpha_l('a', locale) != 0);
    SHOW(strtod_l("1.5", NULL, locale) == 1.5);
    SHOW(uselocale(NULL) == LC_GLOBAL_LOCALE);
    SHOW(uselocale(locale) == LC_GLOBAL_LOCALE);
    SHOW(uselocale(LC_GLOBAL_LOCALE) == locale);
    freelocale(locale);
}

static void bytes(void)
{
    static const char *const texts[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xff", "\xe2\x82", "" };
    mbstate_t state;
    wchar_t wide, out[16];
    char16_t half;
    char text[MB_LEN_MAX], buffer[32];
    const char *from;
    const wchar_t *wfrom;

    SHOW(setlocale(LC_ALL, "C.UTF-8") != NULL);
    printf("CODESET = %s\n", nl_langinfo(CODESET));
    SHOW(MB_CUR_MAX >= 4);
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        memset(&state, 0, sizeof(state));
        wide = 0x7777;
        errno = 0;
        printf("mbrtowc %u = %d", i, (int)mbrtowc(&wide, texts[i], strlen(texts[i]) + (texts[i][0] == 0), &state));
        printf(", %s, %x, %s\n", errno_name(errno), (unsigned)wide, mbsinit(&state) ? "initial" : "in a character");
        printf("mblen %u = %d", i, mblen(texts[i], strlen(texts[i]) + (texts[i][0] == 0)));
        printf("; mbstowcs %d\n", (int)mbstowcs(out, texts[i], 16));
    }
    /* A byte at a time. */
    memset(&state, 0, sizeof(state));
    for (int i = 0; i < 4; i++) {
        printf("byte %d = %d\n", i, (int)mbrtowc(&wide, &"\xf0\x9f\x98\x80"[i], 1, &state));
    }
    printf("together = %x\n", (unsigned)wide);
    static const unsigned points[] = { 0x41, 0xe9, 0x20ac, 0x1f600, 0xd800, 0xffffffff, 0 };
    for (unsigned i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        memset(&state, 0, sizeof(state));
        memset(text, 0, sizeof(text));
        errno = 0;
        printf("wcrtomb %x = %d", points[i], (int)wcrtomb(text, (wchar_t)points[i], &state));
        printf(", %s, %02x %02x\n", errno_name(errno), (unsigned char)text[0], (unsigned char)text[1]);
    }
    from = "a\xc3\xa9z";
    memset(&state, 0, sizeof(state));
    SHOW((int)mbsrtowcs(out, &from, 16, &state));
    SHOW(from == NULL);
    SHOW(out[1] == 0xe9);
    from = "a\xc3\xa9z";
    SHOW((int)mbsrtowcs(out, &from, 2, &state));
    printf("left = %s\n", from);
    from = "ab\xffz";
    SHOW((int)mbsrtowcs(out, &from, 16, &state));
    wfrom = L"x\u20acy";
    SHOW(wcsrtombs(buffer, &wfrom, 3, &state));
    SHOW(wcsrtombs(NULL, &wfrom, 0, &state));
    SHOW(wcstombs(buffer, L"a\u00e9", sizeof(buffer)));
    memset(&state, 0, sizeof(state));
    SHOW((int)mbrtoc16(&half, "\xf0\x9f\x98\x80", 4, &state));
    SHOW(half);
    SHOW((int)mbrtoc16(&half, "", 1, &state));
    SHOW(half);
    SHOW((int)btowc('a'));
    SHOW((int)btowc(0xe9));
    SHOW(wctob(0xe9));
}

static void characters(void)
{
    static const wint_t some[] = { 'a', 'Z', '5', ' ', 0xe9, 0xc9, 0x3b1, 0x416, 0x20ac, 0x4e00, 0xfeff, 0xa0, 0x2003, 0x1f600, 0x300, 0, WEOF };

    for (unsigned i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        wint_t c = some[i];
        printf("wide %x = %s%s%s%s%s%s%s, upper %x, lower %x, width %d\n", (unsigned)c, iswalpha(c) ? "alpha " : "", iswupper(c) ? "upper " : "",
               iswlower(c) ? "lower " : "", iswdigit(c) ? "digit " : "", iswspace(c) ? "space " : "", iswpunct(c) ? "punct " : "",
               iswprint(c) ? "print" : "", (unsigned)towupper(c), (unsigned)towlower(c), c == (wint_t)WEOF ? 0 : wcwidth((wchar_t)c));
    }
    SHOW(iswctype('a', wctype("alpha")) != 0);
    SHOW(wctype("nothing"));
    SHOW(towctrans('a', wctrans("toupper")));
    SHOW(wcswidth(L"a\u4e00", 2));
    SHOW(wcslen(L"h\u00e9llo"));
    SHOW(wcscmp(L"a", L"b") < 0);
    SHOW(wcscasecmp(L"AB", L"ab"));
    SHOW(wcstol(L" 42x", NULL, 10));
    SHOW(wcstod(L"1.5", NULL) == 1.5);
    SHOW(wcsspn(L"aab", L"a"));
    SHOW(wmemchr(L"abc", L'c', 3) != NULL);
    SHOW(wcsstr(L"hello", L"ll") != NULL);
    {
        wchar_t text[] = L"a,b", *state, *word = wcstok(text, L",", &state);
        SHOW(wcscmp(word, L"a"));
        word = wcstok(NULL, L",", &state);
        SHOW(wcscmp(word, L"b"));
    }
}

static void streams(void)
{
    wchar_t text[32], word[32];
    int n = 0;
    FILE *f = fopen("wide", "w+");

    SHOW(fwide(f, 0));
    SHOW(fputws(L"h\u00e9llo \u20ac\n", f) >= 0);
    SHOW(fwide(f, 0) > 0);
    SHOW(fwprintf(f, L"%d %ls %s %c\n", 5, L"w\u00e9", "n\xc3\xa9", 'c'));
    SHOW(fputwc(0x1f600, f) == 0x1f600);
    SHOW(ftell(f));
    rewind(f);
    SHOW(fgetws(text, 32, f) != NULL);
    SHOW(wcscmp(text, L"h\u00e9llo \u20ac\n"));
    SHOW(fwscanf(f, L"%d %ls", &n, word));
    SHOW(n);
    SHOW(wcscmp(word, L"w\u00e9"));
    SHOW(fgetwc(f));
    SHOW(ungetwc(L'\u20ac', f) == 0x20ac);
    SHOW(fgetwc(f) == 0x20ac);
    SHOW(fclose(f));
    put_file("bad", "a\xff");
    f = fopen("bad", "r");
    SHOW(fgetwc(f));
    errno = 0;
    SHOW(fgetwc(f) == (wint_t)WEOF);
    printf("errno = %s\n", errno_name(errno));
    SHOW(ferror(f) != 0);
    SHOW(fclose(f));
    SHOW(swprintf(text, 4, L"%d", 12345));
    SHOW(swprintf(text, 32, L"%5.1f|%-3d|%ls", 1.25, 7, L"x"));
    SHOW(wcscmp(text, L"  1.2|7  |x"));
    SHOW(swscanf(L"7 abc", L"%d %ls", &n, word));
    printf("printf of wide characters = %ls %lc\n", L"\u00e9", (wint_t)0x20ac);
}

static void converts(const char *to, const char *from, const char *text, size_t length, size_t room)
{
    char out[64] = "", *in = (char *)text, *put = out;
    size_t left = length, n;
    iconv_t cd = iconv_open(to, from);

    printf("iconv %s to %s of %zu bytes into %zu", from, to, length, room);
    if (cd == (iconv_t)-1) {
        printf(" = no such: %s\n", errno_name(errno));
        return;
    }
    errno = 0;
    n = iconv(cd, &in, &left, &put, &room);
    printf(" = %d, %s, left %zu:", (int)n, errno_name(errno), left);
    for (char *at = out; at < put; at++) {
        printf(" %02x", (unsigned char)*at);
    }
    printf("\n");
    iconv_close(cd);
}

static void conversions(void)
{
    converts("UTF-8", "ISO-8859-1", "h\xe9", 2, 64);
    converts("ISO-8859-1", "UTF-8", "h\xc3\xa9", 3, 64);
    converts("UTF-16LE", "UTF-8", "a\xf0\x9f\x98\x80", 5, 64);
    converts("UTF-16BE", "UTF-8", "a\xf0\x9f\x98\x80", 5, 64);
    converts("UTF-8", "UTF-16LE", "a\0\x3d\xd8\0\xde", 6, 64);
    converts("UTF-32LE", "UTF-8", "\xe2\x82\xac", 3, 64);
    converts("UTF-8", "UTF-8", "a\xff", 2, 64);
    converts("UTF-8", "UTF-8", "a\xc3", 2, 64);
    converts("UTF-8", "ISO-8859-1", "\xe9\xe9\xe9", 3, 4);
    converts("ASCII", "UTF-8", "abc", 3, 64);
    converts("UTF-8", "ASCII", "a\xe9", 2, 64);
    converts("UTF-8", "CP1252", "\x80", 1, 64);
    converts("UTF-8", "ISO-8859-15", "\xa4", 1, 64);
    converts("UTF-8", "NOTHING", "a", 1, 64);
    converts("NOTHING", "UTF-8", "a", 1, 64);
    converts("utf8", "latin1", "\xe9", 1, 64);
}

static void topic(void)
{
    locales();
    bytes();
    characters();
    streams();
    conversions();
}
