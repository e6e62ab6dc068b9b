/* SPDX-License-Identifier: MIT */
/* Runs the main() of a C program in a thread of its own. */
#include "runtime.h"

extern int aio_call_main(int argc, char **argv);     /* libc/main.c */

#define WASI_IMPORT(name) \
    __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
WASI_IMPORT("args_sizes_get") int wasi_args_sizes_get(uint32_t *, uint32_t *);
WASI_IMPORT("args_get") int wasi_args_get(char **, char *);

/* The owner's request, which exit() completes unless one of these does so first. */
static Completion request;

static void main_refused(void *opaque)
{
    (void)opaque;
    rt_complete(&request, -EAGAIN);
}

static void main_lost(void *opaque)
{
    (void)opaque;
    rt_complete(&request, -ECANCELED);
}

static void main_thread(void *opaque)
{
    uint32_t argc = 0, bytes = 0;
    char **argv, *text;

    (void)opaque;
    port_thread_on_lost(main_lost, NULL);
    wasi_args_sizes_get(&argc, &bytes);
    argv = calloc(argc + 1, sizeof(*argv));
    text = malloc(bytes + 1);
    if (!argv || !text) {
        free(argv);
        free(text);
        port_thread_on_lost(NULL, NULL);
        rt_complete(&request, -ENOMEM);
        return;
    }
    /* From here on the program ends with its last thread. */
    wasm_thread_runs_main();
    wasi_args_get(argv, text);
    exit(aio_call_main((int)argc, argv));
}

/* Starts the program; complete(id, -errno) follows if it ends without exit(). Returns
 * -errno if it has not been started. Owner only. */
WASM_EXPORT("rt_main_start")
int rt_main_start(uint32_t id)
{
    request.id = id;
    return wasm_thread_assign("main", ROLE_RUN, main_thread, NULL, main_refused)
               ? 0 : wasm_thread_refusal();
}
