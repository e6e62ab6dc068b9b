/* SPDX-License-Identifier: MIT */
/* stdio by its rarer functions: without locks, words, line buffers, standard input from a file, fscanf() step by step, <stdio_ext.h>. */
#include "topic.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdio_ext.h>
#include <wchar.h>

static int by_list(int (*call)(FILE *, const char *, va_list), FILE *f, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int n = call(f, format, list);
    va_end(list);
    return n;
}

static void unlocked(void)
{
    FILE *f = fopen("u", "w+");
    char text[32];

    SHOW(putc_unlocked('a', f));
    SHOW(fputc_unlocked('b', f));
    SHOW(fputs_unlocked("cd\n", f) >= 0);
    SHOW(fwrite_unlocked("efgh", 2, 2, f));
    SHOW(fflush_unlocked(f));
    rewind(f);
    SHOW(getc_unlocked(f));
    SHOW(fgetc_unlocked(f));
    SHOW(strcmp(fgets_unlocked(text, sizeof(text), f), "cd\n"));
    SHOW(fread_unlocked(text, 1, 10, f));
    SHOW(feof_unlocked(f) != 0);
    SHOW(ferror_unlocked(f));
    clearerr_unlocked(f);
    SHOW(feof_unlocked(f));
    SHOW(fileno_unlocked(f) == fileno(f));
    SHOW(putw(0x01020304, f));
    fseek(f, -4, SEEK_END);
    SHOW(getw(f));
    SHOW(getw(f));
    SHOW(fclose(f));
}

static void buffers(void)
{
    FILE *f = fopen("b", "w+");
    char own[64];

    setbuffer(f, own, sizeof(own));
    SHOW(__fbufsize(f) > 0);
    fputs("ab", f);
    SHOW(__fwriting(f) != 0);
    SHOW(__freadable(f) != 0);
    SHOW(__fwritable(f) != 0);
    SHOW(__flbf(f) != 0);
    fflush(f);
    setlinebuf(f);
    SHOW(__flbf(f) != 0);
    fputs("line|rest", f);
    printf("b = %s\n", file_text("b"));
    SHOW(setvbuf(f, NULL, _IONBF, 0));
    SHOW(setvbuf(f, NULL, 77, 0) != 0);
    SHOW(fclose(f));
    f = fopen("b", "r");
    SHOW(fputc('x', f) == EOF);
    SHOW(ferror(f) != 0);
    SHOW(__fwritable(f));
    SHOW(ungetc('1', f));
    SHOW(ungetc(EOF, f));
    SHOW(getc(f));
    SHOW(fclose(f));
}

static void scanning(void)
{
    FILE *f;
    int a = 0, b = 0, n = 0;
    char word[16], letters[4] = "", *made = NULL;
    double real = 0;
    size_t size = 0;

    put_file("s", "12 34,56\nword  rest of it\n0x1f 077 abc\n3.5e2end\n%5\nlong_word_here\n");
    f = fopen("s", "r");
    SHOW(fscanf(f, "%d %d", &a, &b));
    SHOW(b);
    SHOW(fscanf(f, "%d", &a));
    SHOW(getc(f));
    SHOW(fscanf(f, "%1d%1d%n", &a, &b, &n));
    SHOW(a * 100 + b * 10 + n);
    SHOW(fscanf(f, "%s%*[ ]%4[a-z ]%n", word, word + 8, &n));
    printf("word = %s|%s|%d\n", word, word + 8, n);
    SHOW(fscanf(f, "%*[^\n]"));
    SHOW(fscanf(f, "%i %i", &a, &b));
    SHOW(a * 1000 + b);
    SHOW(fscanf(f, " %3c", letters));
    printf("letters = %.3s\n", letters);
    SHOW(fscanf(f, "%lf%n", &real, &n));
    printf("real = %g %d\n", real, n);
    SHOW(fscanf(f, "end %%%d", &a));
    SHOW(a);
    SHOW(fscanf(f, "%ms", &made));
    printf("made = %s\n", made ? made : "none");
    free(made);
    SHOW(fscanf(f, "%d", &a));
    SHOW(feof(f) != 0);
    rewind(f);
    char *line = NULL;
    SHOW(getdelim(&line, &size, ',', f));
    SHOW(getline(&line, &size, f));
    SHOW(getline(NULL, &size, f));
    SHOW(by_list(vfscanf, f, "%s", word));
    free(line);
    fclose(f);
    SHOW(freopen("s", "r", stdin) == stdin);
    SHOW(getchar());
    SHOW(getchar_unlocked());
    SHOW(scanf("%d,%d", &a, &b));
    SHOW(a + b);
    SHOW(fgets(word, sizeof(word), stdin) != NULL);
    SHOW(ungetc('Q', stdin));
    SHOW(scanf("%15s", word));
    printf("word = %s\n", word);
}

static void output(void)
{
    char *text = NULL;
    int fd = open("o", O_CREAT | O_RDWR | O_TRUNC, 0666);

    SHOW(dprintf(fd, "%s %d\n", "number", 5));
    SHOW(asprintf(&text, "%05d|%-5s|%+d|%x|%#o|%c", 42, "ab", 7, 255u, 8u, 'z'));
    printf("text = %s\n", text);
    free(text);
    SHOW(puts("a line = put") >= 0);
    SHOW(putchar('\n'));
    SHOW(printf("positions = %2$s %1$s\n", "b", "a"));
    SHOW(printf("stars = %*.*f|%-*d|\n", 8, 2, 3.14159, 5, 42));
    SHOW(printf("sizes = %hhd %hd %ld %lld %jd %zd %td\n", (signed char)300, (short)70000, 5L, 6LL, (intmax_t)7, (ssize_t)8, (ptrdiff_t)9));
    SHOW(printf("%%n = %s%n\n", "abc", &fd));
    SHOW(fd);
    SHOW(snprintf(NULL, 0, "%s", "length"));
    char cut[4];
    volatile size_t room = sizeof(cut);
    SHOW(snprintf(cut, room, "%s", "length"));
    SHOW(strcmp(cut, "len"));
    SHOW(printf("grouped = %'d\n", 1234567));
    SHOW(printf("wide = %ls %lc\n", L"wide", L'w'));
    SHOW(printf("(null) = %s\n", (char *)(uintptr_t)(fd == 77)));
    SHOW(fprintf(stdout, "pointer = %d\n", snprintf(NULL, 0, "%p", (void *)0)));
    SHOW(fwide(stdout, 0) <= 0);
}

static void names(void)
{
    char where[L_ctermid];
    FILE *f;

    SHOW(strcmp(ctermid(where), "/dev/tty"));
    f = fopen("n", "wx");
    SHOW(f != NULL);
    fclose(f);
    SHOW(fopen("n", "wx") == NULL);
    SHOW(fopen("n", "z") == NULL);
    SHOW(errno == EINVAL);
    SHOW(fdopen(77, "r") == NULL);
    f = fopen("n", "w");
    SHOW(fseek(f, -1, SEEK_SET));
    SHOW(fseek(f, 0, 77));
    SHOW(ftell(f));
    fpos_t at;
    SHOW(fgetpos(f, &at));
    SHOW(fsetpos(f, &at));
    SHOW(fclose(f));
    SHOW(fflush(NULL));
}

static void topic(void)
{
    unlocked();
    buffers();
    scanning();
    output();
    names();
}
