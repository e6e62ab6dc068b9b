/* SPDX-License-Identifier: MIT */
/* Streams that are no files: open_memstream(), fmemopen(), open_wmemstream(), fopencookie(). */
#include "topic.h"
#include <wchar.h>

static void growing(void)
{
    char *text = NULL;
    size_t size = 77;
    FILE *f = open_memstream(&text, &size);

    SHOW(fflush(f));
    printf("empty = %zu '%s'\n", size, text);
    SHOW(fprintf(f, "hello %d", 5));
    SHOW(fflush(f));
    printf("written = %zu '%s'\n", size, text);
    SHOW(ftell(f));
    SHOW(fseek(f, 1, SEEK_SET));
    SHOW(fputc('E', f));
    SHOW(fflush(f));
    printf("in the middle = %zu '%.7s'\n", size, text);
    SHOW(fseek(f, 0, SEEK_END));
    SHOW(ftell(f));
    SHOW(fseek(f, 12, SEEK_SET));
    SHOW(fputc('z', f));
    SHOW(fflush(f));
    printf("beyond the end = %zu, %d %c\n", size, text[9], text[12]);
    SHOW(fseek(f, -1, SEEK_SET));
    SHOW(fseek(f, 0, 99));
    SHOW(fileno(f));
    SHOW(fgetc(f));
    clearerr(f);
    for (int i = 0; i < 10000; i++) {
        fprintf(f, "%04d", i);
    }
    SHOW(fclose(f));
    printf("much = %zu, ends with %s\n", size, text + size - 4);
    free(text);
    printf("no place = %s\n", (f = open_memstream(&text, &size)) ? "ok" : "none");
    SHOW(fclose(f));
    printf("closed at once = %zu '%s'\n", size, text);
    free(text);
}

static void wide(void)
{
    wchar_t *text = NULL;
    size_t size = 0;
    FILE *f = open_wmemstream(&text, &size);

    SHOW(fwprintf(f, L"wide %d %ls", 5, L"text"));
    SHOW(fflush(f));
    printf("wide = %zu %d\n", size, wcscmp(text, L"wide 5 text"));
    SHOW(fclose(f));
    free(text);
}

static void in_buffer(const char *mode)
{
    char buffer[16] = "0123456789", got[32] = "";
    FILE *f;

    errno = 0;
    f = fmemopen(buffer, 10, mode);
    printf("fmemopen %s = %s", mode, f ? "ok" : errno_name(errno));
    if (!f) {
        printf("\n");
        return;
    }
    printf("; at %ld", ftell(f));
    printf("; read %zu", fread(got, 1, 3, f));
    printf("%s%s", feof(f) ? " end" : "", ferror(f) ? " error" : "");
    clearerr(f);
    fseek(f, 2, SEEK_SET);
    printf("; write %zu", fwrite("XY", 1, 2, f));
    printf("; flush %s", R(fflush(f)));
    clearerr(f);
    printf("; end %s", R(fseek(f, 0, SEEK_END)));
    printf(" at %ld", ftell(f));
    printf("; close %s", R(fclose(f)));
    printf("; %.10s\n", buffer);
}

static void fixed(void)
{
    static const char *const modes[] = { "r", "w", "a", "r+", "w+", "a+", "rb", "z", "" };
    char buffer[16] = "", got[32] = "";
    FILE *f;

    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        in_buffer(modes[i]);
    }
    f = fmemopen("line one\nline two\n", 18, "r");
    printf("fgets = %s", fgets(got, sizeof(got), f));
    printf("fgets = %s", fgets(got, sizeof(got), f));
    printf("fgets = %s\n", fgets(got, sizeof(got), f) ? "more" : "the end");
    SHOW(ungetc('x', f));
    SHOW(fgetc(f));
    SHOW(fseek(f, 5, SEEK_SET));
    printf("fgets = %s", fgets(got, sizeof(got), f));
    SHOW(fseek(f, 19, SEEK_SET));
    SHOW(fseek(f, -1, SEEK_SET));
    SHOW(fileno(f));
    SHOW(fclose(f));

    f = fmemopen(buffer, 4, "w");
    SHOW(setvbuf(f, NULL, _IONBF, 0));
    SHOW(fwrite("abcdef", 1, 6, f));
    SHOW(fclose(f));
    printf("cut off = %.4s %d\n", buffer, buffer[4]);
    f = fmemopen(NULL, 8, "w+");
    SHOW(fputs("own", f) >= 0);
    SHOW(fseek(f, 0, SEEK_SET));
    printf("fgets = %s\n", fgets(got, sizeof(got), f));
    SHOW(fclose(f));
    f = fmemopen("12 x", 4, "r");
    int n = 0;
    char c = 0;
    SHOW(fscanf(f, "%d %c", &n, &c));
    printf("scanned = %d %c\n", n, c);
    SHOW(fclose(f));
}

/* A stream by functions: bytes that count upwards. */
typedef struct Counter {
    int next, closed;
    char written[32];
} Counter;

static ssize_t read_counter(void *cookie, char *data, size_t size)
{
    Counter *counter = cookie;
    size_t n = 0;

    while (n < size && counter->next < 26) {
        data[n++] = (char)('a' + counter->next++);
    }
    return (ssize_t)n;
}

static ssize_t write_counter(void *cookie, const char *data, size_t size)
{
    Counter *counter = cookie;

    if (memchr(data, '!', size)) {
        errno = EIO;
        return 0;
    }
    strncat(counter->written, data, size);
    return (ssize_t)size;
}

static int seek_counter(void *cookie, off64_t *offset, int whence)
{
    Counter *counter = cookie;

    if (whence == SEEK_SET) {
        counter->next = (int)*offset;
    } else if (whence == SEEK_CUR) {
        counter->next += (int)*offset;
    } else {
        counter->next = 26 + (int)*offset;
    }
    if (counter->next < 0) {
        errno = EINVAL;
        return -1;
    }
    *offset = counter->next;
    return 0;
}

static int close_counter(void *cookie)
{
    ((Counter *)cookie)->closed++;
    return 0;
}

static void by_functions(void)
{
    Counter counter = { 0 };
    char got[32];
    FILE *f = fopencookie(&counter, "r", (cookie_io_functions_t){ read_counter, NULL, seek_counter, close_counter });

    printf("fgets = %s\n", fgets(got, 5, f));
    SHOW(fseek(f, 20, SEEK_SET));
    printf("fgets = %s\n", fgets(got, sizeof(got), f));
    SHOW(feof(f) != 0);
    SHOW(fclose(f));
    SHOW(counter.closed);
    f = fopencookie(&counter, "w", (cookie_io_functions_t){ NULL, write_counter, NULL, close_counter });
    SHOW(fputs("some text", f) >= 0);
    SHOW(fflush(f));
    printf("written = %s\n", counter.written);
    SHOW(fseek(f, 0, SEEK_SET) == -1);
    SHOW(fputs("bad!", f) >= 0);
    SHOW(fflush(f));
    SHOW(ferror(f) != 0);
    fclose(f);
    SHOW(counter.closed);
    f = fopencookie(&counter, "r+", (cookie_io_functions_t){ 0 });
    SHOW(fgetc(f));
    SHOW(fclose(f));
    printf("a bad mode = %s\n", fopencookie(&counter, "z", (cookie_io_functions_t){ 0 }) ? "ok" : errno_name(errno));
}

static void topic(void)
{
    growing();
    wide();
    fixed();
    by_functions();
}
