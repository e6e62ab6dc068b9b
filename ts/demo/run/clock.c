/* SPDX-License-Identifier: MIT */
/* Prints the time each second, and answers each line at once: poll() waits for whichever comes first. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How much of this second is over, in ms. */
static int milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int)(now.tv_nsec / 1000000);
}

static void print_time(void)
{
    char text[32];
    time_t now = time(NULL);

    strftime(text, sizeof(text), "%H:%M:%S UTC", gmtime(&now));
    puts(text);
    fflush(stdout);
}

int main(void)
{
    struct pollfd input = { .fd = 0, .events = POLLIN };
    char line[1024];

    printf("A line, or its end, ends this clock.\n");
    print_time();
    for (;;) {
        /* Until the next second begins. */
        int ready = poll(&input, 1, 1000 - milliseconds());

        if (ready < 0) {
            perror("poll");
            return 1;
        }
        if (ready == 0) {
            print_time();
            continue;
        }
        ssize_t got = read(0, line, sizeof(line));
        if (got <= 0) {
            return got < 0;
        }
        printf("You have said: %.*s", (int)got, line);
        fflush(stdout);
    }
}
