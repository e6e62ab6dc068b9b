/* SPDX-License-Identifier: MIT */
#ifndef LIBC_SYSCALLS_H
#define LIBC_SYSCALLS_H
/*
 * The system calls that Emscripten's libc makes and this library implements. Emscripten's own header of them is private
 * in some versions, and has other types in others; to WebAssembly, a pointer and an int are the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int __syscall_chdir(intptr_t path);
int __syscall_chmod(intptr_t path, int mode);
int __syscall_dup(int fd);
int __syscall_dup3(int fd, int suggestfd, int flags);
int __syscall_faccessat(int dirfd, intptr_t path, int amode, int flags);
int __syscall_fadvise64(int fd, off_t offset, off_t length, int advice);
int __syscall_fallocate(int fd, int mode, off_t offset, off_t len);
int __syscall_fchdir(int fd);
int __syscall_fchmod(int fd, int mode);
int __syscall_fchmodat2(int dirfd, intptr_t path, int mode, int flags);
int __syscall_fchown32(int fd, int owner, int group);
int __syscall_fchownat(int dirfd, intptr_t path, int owner, int group, int flags);
int __syscall_fcntl64(int fd, int cmd, ...);
int __syscall_fdatasync(int fd);
int __syscall_fstat64(int fd, intptr_t buf);
int __syscall_ftruncate64(int fd, off_t length);
int __syscall_getuid32(void);
int __syscall_geteuid32(void);
int __syscall_getgid32(void);
int __syscall_getegid32(void);
int __syscall_getcwd(intptr_t buf, size_t size);
int __syscall_ioctl(int fd, int request, ...);
int __syscall_linkat(int olddirfd, intptr_t oldpath, int newdirfd, intptr_t newpath, int flags);
int __syscall_lstat64(intptr_t path, intptr_t buf);
int __syscall_madvise(intptr_t addr, size_t length, int advice);
int __syscall_mkdirat(int dirfd, intptr_t path, int mode);
int __syscall_mknodat(int dirfd, intptr_t path, int mode, int dev);
intptr_t __syscall_mmap2(intptr_t addr, size_t len, int prot, int flags, int fd, off_t offset);
int __syscall_mprotect(size_t addr, size_t len, int prot);
intptr_t __syscall_mremap(intptr_t addr, size_t oldlen, size_t newlen, int flags, intptr_t wanted);
int __syscall_msync(intptr_t addr, size_t len, int flags);
int __syscall_munmap(intptr_t addr, size_t len);
int __syscall_newfstatat(int dirfd, intptr_t path, intptr_t buf, int flags);
int __syscall_openat(int dirfd, intptr_t path, int flags, ...);
int __syscall_readlinkat(int dirfd, intptr_t path, intptr_t buf, size_t bufsize);
int __syscall_renameat(int olddirfd, intptr_t oldpath, int newdirfd, intptr_t newpath);
int __syscall_rmdir(intptr_t path);
int __syscall_stat64(intptr_t path, intptr_t buf);
int __syscall_symlink(intptr_t target, intptr_t linkpath);
int __syscall_symlinkat(intptr_t target, int newdirfd, intptr_t linkpath);
int __syscall_truncate64(intptr_t path, off_t length);
int __syscall_umask(int mask);
int __syscall_unlinkat(int dirfd, intptr_t path, int flags);
int __syscall_utimensat(int dirfd, intptr_t path, intptr_t times, int flags);

#endif
