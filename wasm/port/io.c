/* SPDX-License-Identifier: MIT */
/* Operations on files, which the host does directly from and into this memory. */
#include "port/port-io.h"
#include "server.h"
#include "wasm-port.h"

/* Returns the number of bytes, or -errno. */
WASM_IMPORT("pread") int host_pread(int handle, void *buf, uint32_t length,
                                    double offset);
WASM_IMPORT("pwrite") int host_pwrite(int handle, const void *buf,
                                      uint32_t length, double offset);
WASM_IMPORT("preadv") int host_preadv(int handle, const struct iovec *iov,
                                      uint32_t niov, double offset);
WASM_IMPORT("pwritev") int host_pwritev(int handle, const struct iovec *iov,
                                        uint32_t niov, double offset);
/* Returns 0 or -errno. */
WASM_IMPORT("fdatasync") int host_fdatasync(int handle);

/* Returns the host's handle of a file, or -1 if the worker that opened it is
 * lost. */
static int host_handle(int fd)
{
    uint32_t generation = qatomic_read(&wasm_files_generation);

    if (!qatomic_read(&wasm_files_are_owned)) {
        return fd;
    }
    if ((uint32_t)fd >> FILE_GENERATION_SHIFT != generation % FILE_GENERATIONS) {
        return -1;
    }
    return fd & ((1 << FILE_GENERATION_SHIFT) - 1);
}

static int run(PortIo *io)
{
    const struct iovec *iov = io->iov;
    double offset = (double)io->offset;
    int handle = host_handle(io->fd);

    if (handle < 0) {
        return -ECANCELED;
    }

    switch (io->op) {
    case PORT_IO_READ:
        return io->niov == 1
                   ? host_pread(handle, iov->iov_base, iov->iov_len, offset)
                   : host_preadv(handle, iov, io->niov, offset);
    case PORT_IO_WRITE:
        return io->niov == 1
                   ? host_pwrite(handle, iov->iov_base, iov->iov_len, offset)
                   : host_pwritev(handle, iov, io->niov, offset);
    default:
        return host_fdatasync(handle);
    }
}

int port_io_run(PortIo *io)
{
    WasmThread *self = wasm_thread_self();
    int result;

    /* Read by the owner; it is harmless if the owner sees it late. */
    qatomic_set(&self->in_host_io, 1);
    result = run(io);
    qatomic_set(&self->in_host_io, 0);
    return result;
}
