/* SPDX-License-Identifier: MIT */
/* The program's own name, reallocarray(), gethostbyname(), and pause(), which only the end of the program ends. */
#include "topic.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <time.h>

static void show_host(const char *name)
{
    struct hostent *host = gethostbyname(name);

    printf("gethostbyname %s = %s", name, host ? inet_ntoa(*(struct in_addr *)(void *)host->h_addr_list[0]) : "no address");
    if (host) {
        printf(" %d %d", host->h_addrtype == AF_INET, host->h_length);
    }
    printf("\n");
}

static void *ends(void *opaque)
{
    struct timespec time = { 0, 20000000 };

    nanosleep(&time, NULL);
    printf("the thread = exits\n");
    exit(0);
    return opaque;
}

static void topic(void)
{
    pthread_t thread;
    volatile size_t huge = SIZE_MAX / 2;
    int *numbers = reallocarray(NULL, 10, sizeof(int));

    printf("program_invocation_short_name = %.5s\n", program_invocation_short_name);
    printf("it is the end of the name = %d\n", strstr(program_invocation_name, program_invocation_short_name) != NULL);
    numbers[9] = 5;
    numbers = reallocarray(numbers, 1000, sizeof(int));
    printf("numbers[9] = %d\n", numbers[9]);
    free(numbers);
    printf("too many = %s\n", (errno = 0, reallocarray(NULL, huge, 4)) ? "some" : errno_name(errno));
    show_host("127.0.0.1");
    show_host("localhost");
    show_host("10.1.2.3");
    show_host("");
    pthread_create(&thread, NULL, ends, NULL);
    pause();
    printf("pause = came back\n");
}
