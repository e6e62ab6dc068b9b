/* SPDX-License-Identifier: MIT */
/* stdio with several threads: lines are not torn, flockfile() keeps others out, a reader that waits stops nobody. */
#include "topic.h"
#include <pthread.h>

enum { THREADS = 4, LINES = 500, LENGTH = 99 };

static FILE *shared;
static pthread_barrier_t barrier;

static void *writes_lines(void *arg)
{
    char letter = (char)('a' + *(int *)arg);
    char text[LENGTH + 1];

    memset(text, letter, LENGTH);
    text[LENGTH] = '\0';
    for (int i = 0; i < LINES; i++) {
        if (i % 2) {
            fprintf(shared, "%s\n", text);
        } else {
            flockfile(shared);
            for (int c = 0; c < LENGTH; c++) {
                putc_unlocked(letter, shared);
            }
            putc_unlocked('\n', shared);
            funlockfile(shared);
        }
    }
    return NULL;
}

static void *waits_for_input(void *arg)
{
    char line[64];

    flockfile(arg);
    pthread_barrier_wait(&barrier);
    printf("the reader got = %s", fgets(line, sizeof(line), arg) ? line : "nothing\n");
    funlockfile(arg);
    return NULL;
}

static void *tries(void *arg)
{
    printf("another thread: ftrylockfile = %d\n", ftrylockfile(arg) != 0);
    return NULL;
}

static void *reads_all(void *arg)
{
    long *sum = arg;
    int c;

    while ((c = getc(shared)) != EOF) {
        *sum += c;
    }
    return NULL;
}

static void topic(void)
{
    int numbers[THREADS] = { 0, 1, 2, 3 }, counts[THREADS] = { 0 }, torn = 0, fds[2];
    long sums[THREADS] = { 0 }, sum = 0, expected = 0;
    pthread_t threads[THREADS];
    char line[2 * LENGTH];
    FILE *input, *other;

    shared = fopen("lines", "w+");
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, writes_lines, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    rewind(shared);
    while (fgets(line, sizeof(line), shared)) {
        size_t same = strspn(line, (char[]){ line[0], '\0' });
        torn += same != LENGTH || line[LENGTH] != '\n';
        counts[line[0] - 'a']++;
    }
    printf("torn lines = %d\n", torn);
    for (int i = 0; i < THREADS; i++) {
        printf("lines of thread %d = %d\n", i, counts[i]);
        expected += (long)LINES * (LENGTH * ('a' + i) + '\n');
    }

    rewind(shared);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, reads_all, &sums[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += sums[i];
    }
    printf("each byte is read by one thread = %d\n", sum == expected);
    SHOW(feof(shared) != 0);

    /* A thread that waits in fgets() holds the lock of its stream, and of no other. */
    SHOW(pipe(fds));
    input = fdopen(fds[0], "r");
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&threads[0], NULL, waits_for_input, input);
    pthread_barrier_wait(&barrier);
    printf("printf beside a reader = works\n");
    other = fopen("other", "w");
    SHOW(fputs("text", other) >= 0);
    SHOW(fflush(other));
    SHOW(fclose(other));
    SHOW(ftrylockfile(input) != 0);
    SHOW(write(fds[1], "a line\n", 7));
    pthread_join(threads[0], NULL);
    SHOW(fclose(input));

    flockfile(shared);
    SHOW(ftrylockfile(shared));
    pthread_create(&threads[0], NULL, tries, shared);
    pthread_join(threads[0], NULL);
    funlockfile(shared);
    pthread_create(&threads[0], NULL, tries, shared);
    pthread_join(threads[0], NULL);
    SHOW(fclose(shared));
}
