/* SPDX-License-Identifier: MIT */
/* Streams of files: modes of fopen(), positions, ungetc(), buffers, the end of a file and errors, freopen(), fdopen(). */
#include "topic.h"

static const char *stream_state(FILE *f)
{
    static char text[64];

    snprintf(text, sizeof(text), "at %ld%s%s", ftell(f), feof(f) ? ", end" : "", ferror(f) ? ", error" : "");
    return text;
}

/* What can be done with a stream of each mode, with a file and without one. */
static void modes(void)
{
    static const char *const all[] = { "r", "w", "a", "r+", "w+", "a+", "rb", "wb+", "r+b", "wx", "w+x", "re", "", "z", "+", "rw" };
    char buffer[16];

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (int exists = 0; exists < 2; exists++) {
            const char *mode = all[i];
            FILE *f;

            unlink("file");
            if (exists) {
                put_file("file", "content");
            }
            errno = 0;
            f = fopen("file", mode);
            printf("fopen \"%s\", %s = %s", mode, exists ? "a file" : "nothing", f ? "ok" : errno_name(errno));
            if (!f) {
                printf("\n");
                continue;
            }
            printf("; read %zu", fread(buffer, 1, 3, f));
            printf("%s", ferror(f) ? " error" : "");
            clearerr(f);
            fseek(f, 0, SEEK_CUR);
            printf("; write %zu", fwrite("XY", 1, 2, f));
            printf("; flush %s", R(fflush(f)));
            clearerr(f);
            printf("; %s", stream_state(f));
            printf("; close %s", R(fclose(f)));
            printf("; %s\n", file_text("file"));
        }
    }
    mkdir("dir", 0777);
    printf("fopen a directory to read = %s\n", fopen("dir", "r") ? "ok" : errno_name(errno));
    printf("fopen a directory to write = %s\n", fopen("dir", "w") ? "ok" : errno_name(errno));
    printf("fopen below a file = %s\n", fopen("file/x", "w") ? "ok" : errno_name(errno));
    printf("fopen in a missing directory = %s\n", fopen("no/x", "w") ? "ok" : errno_name(errno));
    printf("fopen \"\" = %s\n", fopen("", "w") ? "ok" : errno_name(errno));
}

static void positions(void)
{
    FILE *f = fopen("positions", "w+");
    fpos_t pos;
    char line[16];

    fputs("0123456789", f);
    SHOW(ftell(f));
    SHOW(fseek(f, 3, SEEK_SET));
    printf("getc = %c\n", getc(f));
    SHOW(fseek(f, 2, SEEK_CUR));
    printf("getc = %c\n", getc(f));
    SHOW(fseek(f, -1, SEEK_END));
    printf("getc = %c\n", getc(f));
    printf("getc = %d", getc(f));
    printf("; %s\n", stream_state(f));
    SHOW(fseek(f, -20, SEEK_CUR));
    SHOW(fseek(f, -1, SEEK_SET));
    SHOW(fseek(f, 0, 99));
    printf("after seeks that failed = %s\n", stream_state(f));
    SHOW(fseek(f, 15, SEEK_SET));
    printf("beyond the end = %s\n", stream_state(f));
    printf("getc = %d", getc(f));
    printf("; %s\n", stream_state(f));
    fseek(f, 15, SEEK_SET);
    putc('X', f);
    SHOW(fflush(f));
    SHOW(ftello(f));
    rewind(f);
    printf("rewind = %s\n", stream_state(f));
    SHOW(fgetpos(f, &pos));
    printf("fgets = %s\n", fgets(line, 5, f));
    SHOW(fsetpos(f, &pos));
    printf("fgets = %s\n", fgets(line, 4, f));
    SHOW(fclose(f));

    /* The descriptor's offset after a read that was buffered. */
    put_file("lines", "one\ntwo\nthree\n");
    f = fopen("lines", "r");
    printf("fgets = %s", fgets(line, sizeof(line), f));
    printf("the descriptor = %ld\n", (long)lseek(fileno(f), 0, SEEK_CUR));
    SHOW(fflush(f));
    printf("the descriptor after fflush = %ld\n", (long)lseek(fileno(f), 0, SEEK_CUR));
    SHOW(fclose(f));
}

static void pushed_back(void)
{
    FILE *f;

    put_file("pushed", "abc");
    f = fopen("pushed", "r");
    printf("ungetc at the start = %d", ungetc('X', f));
    printf("; getc %c\n", getc(f));
    printf("getc = %c\n", getc(f));
    printf("ungetc = %d", ungetc('Y', f));
    printf("; %s\n", stream_state(f));
    printf("getc = %c", getc(f));
    printf("; %s\n", stream_state(f));
    ungetc('Z', f);
    SHOW(fseek(f, 0, SEEK_CUR));
    printf("after a seek = %c\n", getc(f));
    while (getc(f) != EOF) {
    }
    printf("at the end = %s\n", stream_state(f));
    printf("ungetc at the end = %d", ungetc('e', f));
    printf("; %s\n", stream_state(f));
    printf("ungetc EOF = %d\n", ungetc(EOF, f));
    fclose(f);
}

static void buffers(void)
{
    static char buffer[512];
    struct stat st;
    FILE *f = fopen("buffers", "w");

    SHOW(setvbuf(f, buffer, _IOFBF, sizeof(buffer)));
    fputs("held", f);
    stat("buffers", &st);
    printf("fully buffered = %ld\n", (long)st.st_size);
    fclose(f);
    f = fopen("buffers", "w");
    SHOW(setvbuf(f, NULL, _IOLBF, 64));
    fputs("a line\nand", f);
    stat("buffers", &st);
    printf("by lines = %d\n", st.st_size >= 7);
    fclose(f);
    f = fopen("buffers", "w");
    SHOW(setvbuf(f, NULL, _IONBF, 0));
    putc('x', f);
    stat("buffers", &st);
    printf("not buffered = %ld\n", (long)st.st_size);
    SHOW(setvbuf(f, NULL, 99, 0) != 0);
    fclose(f);
    printf("at the end = %s\n", file_text("buffers"));
}

static void appended(void)
{
    FILE *f, *other;

    put_file("appended", "begin ");
    f = fopen("appended", "a+");
    other = fopen("appended", "a");
    setvbuf(f, NULL, _IONBF, 0);
    setvbuf(other, NULL, _IONBF, 0);
    fputs("one ", f);
    fputs("two ", other);
    fseek(f, 0, SEEK_SET);
    printf("getc after a seek = %c\n", getc(f));
    fseek(f, 0, SEEK_CUR);
    fputs("three", f);
    printf("ftell after writing = %ld\n", ftell(f));
    fclose(f);
    fclose(other);
    printf("text = %s\n", file_text("appended"));
}

static void again(void)
{
    FILE *f, *same;
    char text[8];
    int fd;

    put_file("first", "1st");
    put_file("second", "2nd");
    f = fopen("first", "r");
    same = freopen("second", "r", f);
    printf("freopen = %s; getc %c\n", same == f ? "the same" : "another", same ? getc(same) : '?');
    printf("freopen of nothing = %s\n", freopen("nothing", "r", f) ? "ok" : errno_name(errno));
    fd = open("first", O_RDONLY);
    printf("fdopen for another mode = %s\n", (f = fdopen(fd, "w")) ? "ok" : errno_name(errno));
    if (f) {
        fputs("x", f);
        printf("close = %s\n", R(fclose(f)));
    }
    fd = open("first", O_RDWR);
    lseek(fd, 1, SEEK_SET);
    f = fdopen(fd, "r+");
    printf("fdopen = at %ld", ftell(f));
    printf(", getc %c\n", getc(f));
    SHOW(fclose(f));
    errno = 0;
    printf("the descriptor is closed = %d\n", close(fd) == -1 && errno == EBADF);
    printf("fdopen of no descriptor = %s\n", fdopen(999, "r") ? "ok" : errno_name(errno));
    f = fopen("first", "r");
    printf("writing what is read = %d", fputs("x", f));
    printf("; %s, %s\n", errno_name(errno), stream_state(f));
    SHOW(fputc('x', f));
    SHOW(putc_unlocked('x', f));
    SHOW(fprintf(f, "%d", 1));
    errno = 0;
    printf("fwrite = %zu", fwrite("x", 1, 1, f));
    printf(" %s\n", errno_name(errno));
    while (fgetc(f) != EOF) {
    }
    printf("at its end = %s", R(fputc('x', f)));
    printf(" %s\n", R(fgetc(f)));
    fclose(f);
    f = fopen("second", "w");
    SHOW(fgetc(f));
    SHOW(getc_unlocked(f));
    SHOW(fscanf(f, "%*d"));
    errno = 0;
    printf("fread = %zu", fread(text, 1, 1, f));
    printf(" %s\n", errno_name(errno));
    errno = 0;
    printf("fgets = %d", fgets(text, sizeof(text), f) != NULL);
    printf(" %s\n", errno_name(errno));
    fclose(f);
}

static void lines(void)
{
    char *line = NULL, text[8];
    size_t room = 0;
    ssize_t n;
    FILE *f;

    put_file("lines", "one\n\nthree, longer than the others\nwithout an end");
    f = fopen("lines", "r");
    while ((n = getline(&line, &room, f)) >= 0) {
        printf("getline = %zd, %.*s\n", n, (int)strcspn(line, "\n"), line);
    }
    printf("after the last = %s\n", stream_state(f));
    rewind(f);
    while ((n = getdelim(&line, &room, ',', f)) >= 0) {
        printf("getdelim = %zd\n", n);
    }
    rewind(f);
    while (fgets(text, sizeof(text), f)) {
        printf("fgets = %zu\n", strlen(text));
    }
    SHOW(fclose(f));
    free(line);
}

static void topic(void)
{
    modes();
    positions();
    pushed_back();
    buffers();
    appended();
    again();
    lines();
}
