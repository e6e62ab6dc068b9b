/* SPDX-License-Identifier: MIT */
/* Text that is taken apart: getsubopt(), wordexp(), strtok_r(), strsep(), strtol() and its relatives, sscanf(), the environment. */
#include "topic.h"
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <strings.h>
#include <wordexp.h>

static void suboptions(const char *text)
{
    static char *const tokens[] = { "ro", "rw", "size", NULL };
    char copy[64], *rest = copy, *value;

    strcpy(copy, text);
    printf("getsubopt '%s' =", text);
    while (*rest) {
        int n = getsubopt(&rest, tokens, &value);
        printf(" %d(%s)", n, value ? value : "-");
    }
    printf("\n");
}

static void expanded(const char *text, int flags)
{
    wordexp_t words = { 0 };
    int error = wordexp(text, &words, flags);

    printf("wordexp '%s' %x = ", text, flags);
    switch (error) {
    case 0: printf("%zu", (size_t)words.we_wordc); break;
    case WRDE_BADCHAR: printf("BADCHAR\n"); return;
    case WRDE_BADVAL: printf("BADVAL\n"); return;
    case WRDE_CMDSUB: printf("CMDSUB\n"); return;
    case WRDE_SYNTAX: printf("SYNTAX\n"); return;
    case WRDE_NOSPACE: printf("NOSPACE\n"); return;
    default: printf("%d\n", error); return;
    }
    for (size_t i = 0; i < words.we_wordc; i++) {
        printf(" [%s]", words.we_wordv[i]);
    }
    printf("\n");
    wordfree(&words);
}

static void expansion(void)
{
    wordexp_t words = { .we_offs = 2 };

    setenv("VAR", "a value", 1);
    setenv("EMPTY", "", 1);
    setenv("HOME", "/home/of", 1);
    unsetenv("UNSET");
    put_file("one.c", "");
    put_file("two.c", "");
    expanded("", 0);
    expanded("plain words  here", 0);
    expanded("'single quoted' \"double quoted\"", 0);
    expanded("a\\ b", 0);
    expanded("$VAR", 0);
    expanded("\"$VAR\"", 0);
    expanded("'$VAR'", 0);
    expanded("\\$VAR", 0);
    expanded("x${VAR}y", 0);
    expanded("$UNSET", 0);
    expanded("a${UNSET}b", 0);
    expanded("\"\" x", 0);
    expanded("$EMPTY", 0);
    expanded("$UNSET", WRDE_UNDEF);
    expanded("${UNSET:-default}", 0);
    expanded("${VAR:-default}", 0);
    expanded("${UNSET-default} ${EMPTY-default} ${EMPTY:-default}", 0);
    expanded("${VAR:+other} ${UNSET:+other}", 0);
    expanded("${#VAR}", 0);
    expanded("*.c", 0);
    expanded("'*.c'", 0);
    expanded("*.none", 0);
    expanded("~", 0);
    expanded("~/x", 0);
    expanded("\"~\"", 0);
    expanded("a~", 0);
    expanded("a|b", 0);
    expanded("a&b", 0);
    expanded("a;b", 0);
    expanded("a<b", 0);
    expanded("(a)", 0);
    expanded("{a}", 0);
    expanded("a\nb", 0);
    expanded("'unfinished", 0);
    expanded("\"unfinished", 0);
    expanded("${VAR", 0);
    expanded("$(echo x)", WRDE_NOCMD);
    expanded("`echo x`", WRDE_NOCMD);
    expanded("\"$(echo x)\"", WRDE_NOCMD);
    expanded("'$(echo x)'", WRDE_NOCMD);
    expanded("$((1+2))", 0);
    expanded("\\|", 0);
    expanded("'a'\"b\"c", 0);
    expanded("$", 0);
    SHOW(wordexp("one two", &words, WRDE_DOOFFS));
    SHOW(words.we_wordc);
    SHOW(!words.we_wordv[0] && !words.we_wordv[1]);
    SHOW(wordexp("three", &words, WRDE_DOOFFS | WRDE_APPEND));
    SHOW(words.we_wordc);
    printf("third = %s\n", words.we_wordv[4]);
    SHOW(wordexp("four", &words, WRDE_DOOFFS | WRDE_REUSE));
    SHOW(words.we_wordc);
    printf("the only one = %s\n", words.we_wordv[2]);
    wordfree(&words);
}

static void tokens(void)
{
    char text[] = ",,one,two;three,", more[] = "a:b::c", *state, *rest = more;

    for (char *word = strtok_r(text, ",;", &state); word; word = strtok_r(NULL, ",;", &state)) {
        printf("strtok_r = %s\n", word);
    }
    for (char *word; (word = strsep(&rest, ":"));) {
        printf("strsep = '%s'\n", word);
    }
    SHOW(strspn("aabbc", "ab"));
    SHOW(strcspn("aabbc", "c"));
    printf("strpbrk = %s\n", strpbrk("hello", "xol"));
    printf("strcasestr = %s\n", strcasestr("Hello World", "WORLD"));
    printf("memmem = %s\n", (char *)memmem("abcabd", 7, "abd", 3));
    printf("strchrnul = '%s'\n", strchrnul("abc", 'x'));
    printf("stpcpy = %d\n", *stpcpy(more, "abc"));
    SHOW(strverscmp("x9", "x10") < 0);
    SHOW(strverscmp("x09", "x9") < 0);
    SHOW(strcasecmp("ABC", "abd") < 0);
    SHOW(strncasecmp("ABC", "abd", 2));
    SHOW(strnlen("hello", 3));
    SHOW(ffs(8));
    printf("strndup = %s\n", strndup("hello", 3));
    printf("strerror 2 = %s\n", strerror(ENOENT));
    printf("memrchr = %s\n", (char *)memrchr("abcabc", 'b', 6));
}

static void integer(const char *text, int base)
{
    char *end;
    long long value;
    unsigned long long natural;

    errno = 0;
    value = strtoll(text, &end, base);
    printf("strtoll '%s' %d = %lld, %s, left '%s'\n", text, base, value, errno_name(errno), end);
    errno = 0;
    natural = strtoull(text, &end, base);
    printf("strtoull '%s' %d = %llu, %s, left '%s'\n", text, base, natural, errno_name(errno), end);
}

static void real(const char *text)
{
    char *end;
    double value;

    errno = 0;
    value = strtod(text, &end);
    printf("strtod '%s' = %.17g, %s, left '%s'\n", text, value, errno == ERANGE && (isinf(value) || value == 0) ? "ERANGE" : "", end);
}

static void numbers(void)
{
    static const char *const integers[] = { "0", "-1", "+5", " 12x", "0x1F", "0x", "077", "08", "zz", "9223372036854775807", "9223372036854775808",
                                            "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "", "-", "--1", "\t\n7", "0xg" };
    static const char *const reals[] = { "1", "-0", "1e3", "1e", "1e+", ".5", "5.", ".", "0x1p3", "0x.8", "0x1.8p-1z", "inf", "INFINITY", "infinit", "nan", "NAN(12)",
                                         "1e400", "-1e400", "1e-400", "4.9e-324", "2.2250738585072011e-308", "179769313486231570814527423731704356798070567525844996598917476803157260780028538760589558632766878171540458953514382464234321326889464182768467546703537516986049910576551282076245490090389328944075868508455133942304583236903222948165808559332123347747",
                                         "0.1", "123456789012345678901234567890", "-.5e-3x", "1,5", "", "e5", "0x", "+-1" };

    for (unsigned i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        integer(integers[i], 10);
        integer(integers[i], 0);
        integer(integers[i], 16);
    }
    integer("zz", 36);
    integer("101", 2);
    integer("12", 1);
    integer("12", 37);
    integer("12", -1);
    for (unsigned i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        real(reals[i]);
    }
    SHOW(strtol("99999999999999", NULL, 10) != 0);
    SHOW(atoi("42abc"));
    SHOW(strtoimax("-5", NULL, 10));
    SHOW(strtoumax("5", NULL, 10));
    printf("a64l = %ld\n", a64l("abc"));
    printf("ecvt = %s\n", gcvt(0.1, 5, (char[32]){ 0 }));
}

#define SCAN(text, format, ...) (errno = 0, sscanf(text, format, __VA_ARGS__))

static void scanned(void)
{
    int a = -1, b = -1, n = -1;
    unsigned u = 0;
    char word[32] = "", c = '?', *made = NULL;
    short s = 0;
    signed char tiny = 0;
    long long big = 0;
    double d = 0;
    float f = 0;

    printf("%%d %%d = %d", SCAN("12 -34", "%d %d", &a, &b));
    printf(", %d %d\n", a, b);
    printf("%%d,%%d = %d", SCAN("1,x", "%d,%d", &a, &b));
    printf(", %d\n", a);
    printf("nothing = %d\n", SCAN("", "%d", &a));
    printf("blank = %d\n", SCAN("   ", "%d", &a));
    printf("no match = %d\n", SCAN("x", "%d", &a));
    printf("%%i = %d", SCAN("0x10 010", "%i %i", &a, &b));
    printf(", %d %d\n", a, b);
    printf("%%x%%n = %d", SCAN("ffg", "%x%n", &u, &n));
    printf(", %u %d\n", u, n);
    printf("%%3s = %d", SCAN("abcdef", "%3s%c", word, &c));
    printf(", %s %c\n", word, c);
    printf("%%[a-c] = %d", SCAN("abcabx", "%[a-c]%c", word, &c));
    printf(", %s %c\n", word, c);
    printf("%%[^,] = %d", SCAN("one two,three", "%[^,],%c", word, &c));
    printf(", %s %c\n", word, c);
    printf("%%[]x] = %d", SCAN("]x]a", "%[]x]", word));
    printf(", %s\n", word);
    printf("%%*d = %d", SCAN("1 2", "%*d %d", &a));
    printf(", %d\n", a);
    printf("%%ms = %d", SCAN("allocated word", "%ms", &made));
    printf(", %s\n", made);
    free(made);
    printf("%%lf %%f = %d", SCAN("1.5e2 -0x1p2", "%lf %f", &d, &f));
    printf(", %g %g\n", d, f);
    printf("%%hd %%hhd %%lld = %d", SCAN("70000 300 9223372036854775807", "%hd %hhd %lld", &s, &tiny, &big));
    printf(", %d %d %lld\n", s, tiny, big);
    printf("%%2d%%2d = %d", SCAN("1234", "%2d%2d", &a, &b));
    printf(", %d %d\n", a, b);
    printf("%%c = %d", SCAN(" x", "%c", &c));
    printf(", '%c'\n", c);
    printf("' %%c' = %d", SCAN(" x", " %c", &c));
    printf(", '%c'\n", c);
    printf("%%%% = %d", SCAN("50% x", "%d%% %c", &a, &c));
    printf(", %d %c\n", a, c);
    printf("nan = %d", SCAN("nan inf", "%lf %f", &d, &f));
    printf(", %d %d\n", isnan(d) != 0, isinf(f) != 0);
    printf("a cut off exponent = %d\n", SCAN("1e", "%lf", &d));
    printf("a cut off hexadecimal = %d\n", SCAN("0x", "%i", &a));
    printf("%%2$d %%1$d = %d", SCAN("7 8", "%2$d %1$d", &a, &b));
    printf(", %d %d\n", a, b);
    printf("%%p = %d", SCAN("0x20", "%p", (void **)&made));
    printf(", %d\n", (int)(intptr_t)made);
}

extern char **environ;

static void environment(void)
{
    static char put[] = "PUT=1";
    int n = 0;

    clearenv();
    SHOW(environ == NULL || *environ == NULL);
    SHOW(setenv("A", "1", 0));
    SHOW(setenv("A", "2", 0));
    printf("kept = %s\n", getenv("A"));
    SHOW(setenv("A", "2", 1));
    printf("replaced = %s\n", getenv("A"));
    SHOW(setenv("", "x", 1));
    SHOW(setenv("A=B", "x", 1));
    SHOW(unsetenv("A=B"));
    SHOW(unsetenv(""));
    SHOW(unsetenv("missing"));
    SHOW(putenv(put));
    put[4] = '2';
    printf("changed in place = %s\n", getenv("PUT"));
    SHOW(putenv("PUT"));
    printf("removed = %s\n", getenv("PUT") ? "no" : "yes");
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof(name), "N%d", i);
        setenv(name, "value", 1);
    }
    for (char **at = environ; *at; at++) {
        n++;
    }
    SHOW(n);
    printf("secure_getenv = %s\n", secure_getenv("N50"));
    SHOW(clearenv());
    printf("after clearenv = %s\n", getenv("N50") ? "there" : "none");
}

static void topic(void)
{
    suboptions("ro,size=5,rw");
    suboptions("unknown=1,ro");
    suboptions("size");
    suboptions("size=,ro=x");
    suboptions("");
    suboptions("ro,,rw");
    expansion();
    tokens();
    numbers();
    scanned();
    environment();
}
