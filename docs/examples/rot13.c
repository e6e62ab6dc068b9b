/* SPDX-License-Identifier: MIT */
/*
 * A filter for pipes: turns letters by thirteen places, all else stays.
 *
 *     wasm/aiocc -O2 -o rot13.wasm docs/examples/rot13.c
 *     cat FILE | node dist/cli/main.js run rot13.wasm | sort
 *
 * In a page the same module reads and writes WHATWG streams (docs/wasi.md).
 */
#include <stdio.h>
#include <unistd.h>

static unsigned char table[256];
static unsigned char buffer[65536];

int main(void)
{
    ssize_t got;

    for (int c = 0; c < 256; c++) {
        int base = c >= 'a' && c <= 'z' ? 'a' : c >= 'A' && c <= 'Z' ? 'A' : 0;
        table[c] = (unsigned char)(base ? base + (c - base + 13) % 26 : c);
    }
    while ((got = read(0, buffer, sizeof(buffer))) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            buffer[i] = table[buffer[i]];
        }
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(1, buffer + done, (size_t)(got - done));
            if (put < 0) {
                perror("rot13: cannot write");
                return 1;
            }
            done += put;
        }
    }
    if (got < 0) {
        perror("rot13: cannot read");
        return 1;
    }
    return 0;
}
