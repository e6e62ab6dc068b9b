/* SPDX-License-Identifier: MIT */
/* malloc() and its relatives: alignment, sizes at the edge, realloc(); and functions on bytes. */
#include "topic.h"
#include <malloc.h>
#include <strings.h>
#include <sys/mman.h>

/* The compiler is not to know that these are too large. */
static volatile size_t half = SIZE_MAX / 2;

static bool aligned(const void *at, size_t to)
{
    return at && (uintptr_t)at % to == 0;
}

static void blocks(void)
{
    void *volatile at = NULL, *made = NULL;
    char *text;
    volatile size_t none = 0;

    SHOW(aligned(malloc(1), 16) || aligned(malloc(1), 8));
    SHOW(malloc(0) != NULL);
    SHOW(aligned(aligned_alloc(64, 128), 64));
    SHOW(aligned(memalign(4096, 10), 4096));
    SHOW(aligned(valloc(10), 4096));
    SHOW_ERROR(posix_memalign(&made, 256, 10));
    SHOW(aligned(made, 256));
    SHOW_ERROR(posix_memalign(&made, 3, 10));
    SHOW_ERROR(posix_memalign(&made, 2, 10));
    SHOW_ERROR(posix_memalign(&made, 0, 10));
    SHOW_ERROR(posix_memalign(&made, 24, 10));
    SHOW_ERROR(posix_memalign(&made, 64, half * 2 - 100));
    errno = 0;
    at = malloc(half + 1);
    SHOW(at == NULL);
    SHOW(errno == ENOMEM);
    errno = 0;
    at = calloc(half, 4);
    SHOW(at == NULL);
    SHOW(errno == ENOMEM);
    errno = 0;
    SHOW(reallocarray(NULL, half, 4) == NULL);
    SHOW(errno == ENOMEM);
    text = strcpy(malloc(16), "kept");
    SHOW(malloc_usable_size(text) >= 16);
    SHOW(malloc_usable_size(NULL));
    text = realloc(text, 1 << 20);
    SHOW(strcmp(text, "kept"));
    text = realloc(text, 5);
    SHOW(strcmp(text, "kept"));
    SHOW(realloc(text, none) == NULL);
    SHOW(realloc(NULL, none) != NULL);
    free(NULL);
    text = calloc(1000, 3);
    int sum = 0;
    for (int i = 0; i < 3000; i++) {
        sum += text[i];
    }
    SHOW(sum);
    SHOW(mallopt(M_MMAP_THRESHOLD, 1 << 20) != 77);
    errno = EXDEV;
    free(text);
    SHOW(errno == EXDEV);
}

static void bytes(void)
{
    char text[32] = "some text here";

    SHOW(strcmp(mempcpy(text, "S", 1), "ome text here"));
    SHOW((char *)memccpy(text + 20, "abc:def", ':', 7) - text);
    SHOW(memccpy(text + 20, "abc", ':', 3) == NULL);
    SHOW(strcmp(memmove(text + 2, text, 4), "Somext here"));
    SHOW(strchr(text, 'e') - text);
    SHOW(strrchr(text, 'e') - text);
    SHOW(strchrnul(text, 'Q') - text);
    SHOW((char *)memrchr(text, 'e', 10) - text);
    SHOW(rindex(text, 'S') - text);
    SHOW(index(text, 'Q') == NULL);
    SHOW((char *)memmem(text, 14, "ext", 3) - text);
    SHOW((char *)memmem(text, 14, "", 0) - text);
    SHOW(strcasestr("Some Text", "TEXT") != NULL);
    SHOW(strnlen("abc", 2));
    SHOW(stpcpy(text, "abc") - text);
    SHOW(stpncpy(text, "ab", 5) - text);
    SHOW(text[4]);
    SHOW(strspn("aabbc", "ab"));
    SHOW(strcspn("aabbc", "c"));
    SHOW(strpbrk("hello", "ol") != NULL);
    SHOW(ffs(0x50));
    SHOW(ffsl(0x100));
    SHOW(ffsll(1LL << 40));
    SHOW(ffs(0));
    SHOW(strverscmp("a9", "a10") < 0);
    SHOW(strverscmp("1.009", "1.01") < 0);
    SHOW(strcasecmp("ABC", "abd") < 0);
    SHOW(strncasecmp("ABC", "abd", 2));
    SHOW(bcmp("ab", "ac", 1));
    bcopy("xy", text, 3);
    SHOW(strcmp(text, "xy"));
    bzero(text, 4);
    SHOW(text[0]);
    explicit_bzero(text, 4);
    swab("abcd", text, 4);
    SHOW(strcmp(text, "badc"));
    SHOW(strcoll("a", "B") > 0);
    SHOW(strxfrm(text, "abc", 10));
    SHOW(strxfrm(NULL, "abc", 0));
    SHOW(a64l("zz") != 0);
    SHOW(strcmp(l64a(100000), "UOM"));
    char *copy = strndup("abcdef", 3);
    SHOW(strcmp(copy, "abc"));
    free(copy);
    char buffer[4];
    SHOW(strcmp(strncpy(buffer, "ab", 4), "ab"));
    SHOW(buffer[3]);
}

static void maps(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    at[0] = 5;
    SHOW(mlock(at, page));
    SHOW(munlock(at, page));
    char *moved = mremap(at, 4 * page, 8 * page, MREMAP_MAYMOVE);
    SHOW(moved != MAP_FAILED);
    if (moved != MAP_FAILED) {
        SHOW(moved[0]);
        SHOW(moved[5 * page]);
        SHOW(munmap(moved, 8 * page));
    }
    at = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    at[0] = 6;
    SHOW(mremap(at, 4 * page, page, 0) == at);
    SHOW(at[0]);
    SHOW(mremap(at, page, 0, MREMAP_MAYMOVE) == MAP_FAILED);
    SHOW(madvise(at, page, 77));
    SHOW_ERROR(posix_madvise(at, page, POSIX_MADV_RANDOM));
    SHOW(mremap(at + 1, page, page, 0) == MAP_FAILED);
    SHOW_ERROR(posix_madvise(at, page, 77));
    SHOW(shm_unlink("/no-such-memory"));
}

static void topic(void)
{
    blocks();
    bytes();
    maps();
}
