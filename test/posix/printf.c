/* SPDX-License-Identifier: MIT */
/* printf() and its like: each directive, %m among them. */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <wchar.h>
#include "topic.h"

static void topic(void)
{
    const char *volatile digits = "0123456789";
    volatile double nan_ = NAN;
    char small[8], *text = NULL;

    errno = ENOENT;
    printf("%%m = |%m|\n");
    errno = EACCES;
    printf("%%m among others = |%d|%m|%s|%%|\n", 5, "x");
    errno = EEXIST;
    printf("%%m with flags = |%20m|%-20m|%.4m|\n");
    printf("no %%m = |%%m|%d%%m|\n", 1);
    errno = ENOENT;
    snprintf(small, sizeof(small), "%m");
    printf("snprintf %%m = %s\n", small);
    printf("asprintf %%m = %s", R(asprintf(&text, "%f %%", 0.5)));
    printf(" %s\n", text);
    free(text);
    errno = ENOENT;
    printf("dprintf %%m = %d\n", dprintf(STDOUT_FILENO, "dprintf = %m\n"));

    printf("integers = |%5d|%-5d|%05d|%+d|% d|%x|%#x|%#o|%X|%i|%u|\n", 42, 42, 42, 42, 42, 255u, 255u, 8u, 255u, -1, 7u);
    printf("precision = |%.0d|%5.0d|%.3d|%.0x|%#x|%#.0o|%8.3d|\n", 0, 0, 5, 0u, 0u, 0u, 5);
    printf("sizes = |%hhd|%hd|%lld|%jd|%zd|%td|\n", 300, 70000, 1LL << 40, (intmax_t)5, (size_t)6, (ptrdiff_t)7);
    printf("PRI = |%" PRIx64 "|%" PRIdMAX "|\n", UINT64_C(0x123456789abcdef0), INTMAX_MIN);
    printf("strings = |%10s|%-10s|%.2s|%.0s|%c|%5c|%%|\n", "abc", "abc", "abc", "abc", 'z', 'y');
    printf("wide = |%lc|%ls|%.2ls|\n", L'x', L"wide", L"wide");
    printf("floats = |%f|%.0f|%.0f|%e|%g|%g|%g|%#.0f|%#g|\n", 1.5, 0.5, 2.5, 12345.678, 0.0001, 1e-5, 1e20, 1.0, 1.0);
    printf("hexadecimal = |%a|%a|\n", 1.0, 0.1);
    printf("without a number = |%f|%f|%+f|% f|%F|%e|%g|%a|%8f|%-8f|%08f|\n", nan_, -nan_, nan_, nan_, -nan_, -nan_, -nan_, -nan_, -nan_, -nan_, -nan_);
    printf("subnormal = |%a|%a|%.3a|\n", 5e-324, -2e-310, 1e-320);
    printf("rounded = |%.0a|%.1a|%.2a|%a|%a|%a|\n", 1.5, 1.97, 1.999, 0.0, -0.0, 0x1p-1022);
    printf("not finite = |%f|%F|%e|%5g|%-5g|%05f|\n", INFINITY, -INFINITY, NAN, INFINITY, NAN, INFINITY);
    printf("many digits = |%.20g|%.40f|%.0e|\n", 0.1, 1e-10, 15.0);
    printf("stars = |%*d|%-*d|%.*f|%*d|%.*d|\n", 5, 1, 5, 1, 2, 3.14159, -5, 2, -1, 3);
    printf("positions = |%2$d %1$s %2$x|\n", "a", 11);
    printf("too long = %s", R(snprintf(small, sizeof(small), "%s", digits)));
    printf(" %s\n", small);
    printf("length = %d\n", snprintf(NULL, 0, "%d %s", 12345, "abc"));
}
