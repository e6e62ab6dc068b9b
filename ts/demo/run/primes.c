/* SPDX-License-Identifier: MIT */
/* Counts primes with several threads, which take a piece of the numbers each until none is left. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_THREADS = 16, PIECE = 20000 };

static long limit;
static atomic_long next, found;
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

static int is_prime(long n)
{
    for (long d = 2; d * d <= n; d++) {
        if (n % d == 0) {
            return 0;
        }
    }
    return n > 1;
}

static void *work(void *name)
{
    long mine = 0, pieces = 0, first;

    while ((first = atomic_fetch_add(&next, PIECE)) < limit) {
        for (long n = first; n < first + PIECE && n < limit; n++) {
            mine += is_prime(n);
        }
        pieces++;
    }
    atomic_fetch_add(&found, mine);
    pthread_mutex_lock(&printing);
    printf("thread %d: %ld pieces of %d numbers, %ld primes\n", *(int *)name, pieces, PIECE, mine);
    fflush(stdout);
    pthread_mutex_unlock(&printing);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[MOST_THREADS];
    int names[MOST_THREADS];
    int count = argc > 2 ? atoi(argv[2]) : 4;

    limit = argc > 1 ? atol(argv[1]) : 3000000;
    if (limit < 1 || count < 1 || count > MOST_THREADS) {
        fprintf(stderr, "use: primes NUMBER THREADS, with 1 to %d threads\n", MOST_THREADS);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        names[i] = i + 1;
        if (pthread_create(&threads[i], NULL, work, &names[i]) != 0) {
            fprintf(stderr, "thread %d cannot be started\n", i + 1);
            return 1;
        }
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%ld primes below %ld\n", (long)found, limit);
    return 0;
}
