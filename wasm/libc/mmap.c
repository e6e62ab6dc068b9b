/* SPDX-License-Identifier: MIT */
/*
 * Mappings. WebAssembly has one memory without pages, so a mapping is memory of the heap: zeros, or a copy of the file. What is
 * written to it never gets to a file, so a shared mapping of a file cannot be writable (ENODEV).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wasi.h"

#define PAGE ((size_t)PAGE_SIZE)
/* libc passes an offset in these. */
#define UNIT 4096

typedef struct Mapping {
    struct Mapping *next;
    char *start;
    size_t pages, left;              /* all, and those that are still mapped */
    bool file, shared;
    bool gone[];                     /* by page: it has been unmapped */
} Mapping;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static Mapping *mappings;

/* Returns the mapping that contains an address, or NULL. */
static Mapping *find(const char *address)
{
    for (Mapping *mapping = mappings; mapping; mapping = mapping->next) {
        if (address >= mapping->start && address < mapping->start + mapping->pages * PAGE) {
            return mapping;
        }
    }
    return NULL;
}

static size_t pages_of(size_t length)
{
    return length / PAGE + (length % PAGE != 0);
}

/* Returns whether each page of a range is mapped. */
static bool all_mapped(const char *start, size_t length)
{
    for (size_t i = 0; i < pages_of(length); i++) {
        const Mapping *mapping = find(start + i * PAGE);
        if (!mapping || mapping->gone[(size_t)(start - mapping->start) / PAGE + i]) {
            return false;
        }
    }
    return true;
}

/* Reads a part of a file, which may end before. Returns 0 or -errno. */
static int copy_file(int fd, char *to, size_t length, off_t offset)
{
    while (length > 0) {
        ssize_t got = pread(fd, to, length, offset);
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        to += got;
        offset += got;
        length -= (size_t)got;
    }
    return 0;
}

static int check_file(int fd, int prot, bool shared)
{
    __wasi_fdstat_t stat;
    __wasi_errno_t error = __wasi_fd_fdstat_get(fd, &stat);

    if (error) {
        return wasi_result(error);
    }
    if (!(stat.fs_rights_base & __WASI_RIGHTS_FD_READ) && stat.fs_filetype == __WASI_FILETYPE_REGULAR_FILE) {
        return -EACCES;
    }
    if (shared && prot & PROT_WRITE && !(stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE)) {
        return -EACCES;
    }
    return stat.fs_filetype != __WASI_FILETYPE_REGULAR_FILE || (shared && prot & PROT_WRITE) ? -ENODEV : 0;
}

static Mapping *create(size_t length)
{
    size_t pages = pages_of(length);
    Mapping *mapping = calloc(1, sizeof(*mapping) + pages);

    if (mapping) {
        mapping->start = aligned_alloc(PAGE, pages * PAGE);
        mapping->pages = mapping->left = pages;
        if (mapping->start) {
            memset(mapping->start, 0, pages * PAGE);
            return mapping;
        }
        free(mapping);
    }
    return NULL;
}

/* Takes pages of a mapping for a new one (MAP_FIXED). Returns 0 or -errno. */
static int replace(char *start, size_t length, bool file, int fd, off_t offset)
{
    Mapping *mapping = find(start);
    size_t first;

    if ((uintptr_t)start % PAGE || !mapping || find(start + length - 1) != mapping ||
        mapping->file != file) {
        return (uintptr_t)start % PAGE ? -EINVAL : -ENOMEM;
    }
    first = (size_t)(start - mapping->start) / PAGE;
    for (size_t i = first; i < first + pages_of(length); i++) {
        mapping->left += mapping->gone[i];
        mapping->gone[i] = false;
    }
    memset(start, 0, pages_of(length) * PAGE);
    return file ? copy_file(fd, start, length, offset) : 0;
}

intptr_t __syscall_mmap2(intptr_t address, size_t length, int prot, int flags, int fd, off_t units)
{
    off_t offset = units * UNIT;
    bool file = !(flags & MAP_ANONYMOUS), shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    Mapping *mapping = NULL;
    int ret;

    if (length == 0 || (flags & MAP_TYPE) == 0 || offset < 0) {
        return -EINVAL;
    }
    if (length > PTRDIFF_MAX - PAGE) {
        return -ENOMEM;
    }
    if (prot & PROT_EXEC) {
        return -EACCES;              /* code cannot be made at run time */
    }
    ret = file ? check_file(fd, prot, shared) : 0;
    if (ret < 0) {
        return ret;
    }
    pthread_mutex_lock(&mutex);
    if (flags & MAP_FIXED) {
        ret = replace((char *)address, length, file, fd, offset);
    } else if (!(mapping = create(length))) {
        ret = -ENOMEM;
    } else {
        ret = file ? copy_file(fd, mapping->start, length, offset) : 0;
        if (ret < 0) {
            free(mapping->start);
            free(mapping);
        } else {
            mapping->file = file;
            mapping->shared = shared;
            mapping->next = mappings;
            mappings = mapping;
            address = (intptr_t)mapping->start;
        }
    }
    pthread_mutex_unlock(&mutex);
    return ret < 0 ? ret : address;
}

int __syscall_munmap(intptr_t address, size_t length)
{
    char *start = (char *)address;

    if ((size_t)address % PAGE || length == 0) {
        return -EINVAL;
    }
    pthread_mutex_lock(&mutex);
    for (Mapping **at = &mappings, *mapping; (mapping = *at);) {
        for (size_t i = 0; i < mapping->pages; i++) {
            char *page = mapping->start + i * PAGE;
            if (page >= start && (size_t)(page - start) < length && !mapping->gone[i]) {
                mapping->gone[i] = true;
                mapping->left--;
            }
        }
        if (mapping->left == 0) {
            *at = mapping->next;
            free(mapping->start);
            free(mapping);
        } else {
            at = &mapping->next;
        }
    }
    pthread_mutex_unlock(&mutex);
    return 0;
}

/* Makes a range of zeros longer, which moves it, or any range shorter. */
intptr_t __syscall_mremap(intptr_t address, size_t old_length, size_t length, int flags, intptr_t wanted)
{
    size_t had = pages_of(old_length), wants = pages_of(length);
    char *start = (char *)address;
    Mapping *mapping = NULL;
    int ret = 0;

    (void)wanted;
    if ((size_t)address % PAGE || length == 0 || flags & ~MREMAP_MAYMOVE) {
        return -EINVAL;
    }
    if (length > PTRDIFF_MAX - PAGE) {
        return -ENOMEM;
    }
    pthread_mutex_lock(&mutex);
    if (!all_mapped(start, old_length)) {
        ret = -EFAULT;
    } else if (wants > had) {
        /* What would be behind the copy of a file is not known here. */
        mapping = flags & MREMAP_MAYMOVE && !find(start)->file ? create(length) : NULL;
        if (mapping) {
            memcpy(mapping->start, start, had * PAGE);
            mapping->shared = find(start)->shared;
            mapping->next = mappings;
            mappings = mapping;
            address = (intptr_t)mapping->start;
        } else {
            ret = -ENOMEM;
        }
    }
    pthread_mutex_unlock(&mutex);
    if (mapping) {
        __syscall_munmap((intptr_t)start, old_length);
    } else if (ret == 0 && wants < had) {
        __syscall_munmap((intptr_t)(start + wants * PAGE), (had - wants) * PAGE);
    }
    return ret < 0 ? ret : address;
}

/* There is nothing to write: no mapping changes a file. */
int __syscall_msync(intptr_t address, size_t length, int flags)
{
    int ret;

    if ((size_t)address % PAGE || flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
        (flags & MS_ASYNC && flags & MS_SYNC)) {
        return -EINVAL;
    }
    pthread_mutex_lock(&mutex);
    ret = all_mapped((char *)address, length) ? 0 : -ENOMEM;
    pthread_mutex_unlock(&mutex);
    return ret;
}

/* All memory can be read and written; this only checks what Linux would refuse. */
int __syscall_mprotect(size_t address, size_t length, int prot)
{
    const Mapping *mapping;
    int ret = 0;

    if (address % PAGE) {
        return -EINVAL;
    }
    if (prot & PROT_EXEC) {
        return -EACCES;
    }
    pthread_mutex_lock(&mutex);
    mapping = find((char *)address);
    if (mapping && length > 0) {
        ret = !all_mapped((char *)address, length)                              ? -ENOMEM
              : mapping->file && mapping->shared && prot & PROT_WRITE ? -EACCES : 0;
    }
    pthread_mutex_unlock(&mutex);
    return ret;
}

int __syscall_madvise(intptr_t address, size_t length, int advice)
{
    Mapping *mapping;

    /* The numbers between and behind are nobody's. */
    if ((size_t)address % PAGE || advice < MADV_NORMAL || (advice > MADV_DONTNEED && advice < MADV_FREE) || advice > MADV_PAGEOUT) {
        return -EINVAL;
    }
    pthread_mutex_lock(&mutex);
    mapping = find((char *)address);
    if (mapping && !mapping->file && advice == MADV_DONTNEED && all_mapped((char *)address, length)) {
        memset((char *)address, 0, pages_of(length) * PAGE);
    }
    pthread_mutex_unlock(&mutex);
    return 0;
}
