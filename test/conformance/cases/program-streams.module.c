// SPDX-License-Identifier: MIT
/* Copies standard input to standard output, in capitals, and counts on standard error. */
#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    char buffer[1000];
    long all = 0;
    ssize_t got;

    while ((got = read(0, buffer, sizeof(buffer))) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            buffer[i] = (char)toupper((unsigned char)buffer[i]);
        }
        for (ssize_t at = 0; at < got;) {
            ssize_t put = write(1, buffer + at, (size_t)(got - at));

            if (put < 0) {
                return 2;
            }
            at += put;
        }
        all += got;
    }
    fprintf(stderr, "%ld\n", all);
    return got < 0;
}
