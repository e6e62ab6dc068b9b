/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets: TCP, which the owner's JavaScript serves, and AF_UNIX within the program. The
 * state of a socket is in the table of WASI's descriptors (ts/src/wasi/socket.ts). A name in a
 * directory is an empty file there, by which the socket is found.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fd-calls.h"
#include "port/wasm-port.h"
#include "weak.h"

LIBC_WEAK const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
LIBC_WEAK const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

LIBC_WEAK
int socket(int domain, int type, int protocol)
{
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), fd;

    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX) {
        return result_of(-EAFNOSUPPORT);
    }
    /* There are no datagrams. */
    if (kind != SOCK_STREAM ||
        (protocol != 0 && protocol != (domain == AF_UNIX ? PF_UNIX : IPPROTO_TCP))) {
        return result_of(kind == SOCK_DGRAM || kind == SOCK_STREAM ? -EPROTONOSUPPORT
                         : kind == SOCK_SEQPACKET || kind == SOCK_RAW ? -ESOCKTNOSUPPORT : -EINVAL);
    }
    fd = host_fd_call(HOST_SOCKET, domain, type & SOCK_NONBLOCK ? __WASI_FDFLAGS_NONBLOCK : 0, 0);
    if (fd >= 0) {
        fd_set_cloexec(fd, type & SOCK_CLOEXEC);
    }
    return result_of(fd);
}

/* ---- Names ---- */

static void set_key(HostName *name, const struct stat *stat)
{
    uint64_t dev = stat->st_dev, ino = stat->st_ino;

    name->key[0] = (uint32_t)dev;
    /* Not 0, which means that there is no file. */
    name->key[1] = (uint32_t)(dev >> 32) | 0x80000000u;
    name->key[2] = (uint32_t)ino;
    name->key[3] = (uint32_t)(ino >> 32);
}

/* The path of a name in a directory; NULL for one that begins with a 0 byte. */
static const char *path_of(const HostName *name, char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1])
{
    size_t size = name->length - offsetof(struct sockaddr_un, sun_path);
    const char *text = (const char *)name->bytes + offsetof(struct sockaddr_un, sun_path);

    if (text[0] == '\0') {
        return NULL;
    }
    memcpy(path, text, size);
    path[size] = '\0';
    return path;
}

/* Linux binds an AF_INET socket to 0.0.0.0 of the family AF_UNSPEC, too. */
static bool is_any_of_unspec(int domain, const struct sockaddr *address, bool binds)
{
    return binds && domain == AF_INET &&
           ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_ANY);
}

static bool is_only_ipv6(int fd)
{
    int only = 0;
    socklen_t size = sizeof(only);

    return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0 && only;
}

/* Reads the name that bind() or connect() is given. Returns the socket's domain, or -errno. */
static int take_name(int fd, bool binds, const struct sockaddr *address, socklen_t length, HostName *name)
{
    int domain = host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_DOMAIN, 0);

    if (domain < 0) {
        return domain;
    }
    if (length > sizeof(struct sockaddr_storage) || length < sizeof(sa_family_t)) {
        return -EINVAL;
    }
    if (domain == AF_UNIX) {
        if (address->sa_family != AF_UNIX || length == sizeof(sa_family_t) || length > sizeof(struct sockaddr_un)) {
            return -EINVAL;
        }
        *name = (HostName){ .length = length };
        memcpy(name->bytes, address, length);
        return domain;
    }
    /* As Linux does: the length counts before the family, the last member of an IPv6 address may be missing, and what is
     * behind an address (it may be passed as a sockaddr_storage) does not matter. */
    if (length < (domain == AF_INET ? sizeof(struct sockaddr_in) : offsetof(struct sockaddr_in6, sin6_scope_id))) {
        return -EINVAL;
    }
    if (address->sa_family != domain && !(address->sa_family == AF_UNSPEC && is_any_of_unspec(domain, address, binds))) {
        return -EAFNOSUPPORT;
    }
    *name = (HostName){ .length = domain == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6) };
    memcpy(name->bytes, address, MIN(length, name->length));
    name->bytes[0] = (uint8_t)domain;
    if (domain == AF_INET6 && is_only_ipv6(fd) && IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)address)->sin6_addr)) {
        return binds ? -EINVAL : -ENETUNREACH;
    }
    return domain;
}

LIBC_WEAK
int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    const char *file = NULL;
    struct stat stat;
    HostName name;
    int ret = take_name(fd, true, address, length, &name);

    if (ret == AF_UNIX && (file = path_of(&name, path))) {
        int made = open(file, O_CREAT | O_EXCL | O_WRONLY, 0666);

        if (made < 0) {
            return result_of(errno == EEXIST ? -EADDRINUSE : -errno);
        }
        ret = fstat(made, &stat) < 0 ? -errno : 0;
        close(made);
        set_key(&name, &stat);
    }
    if (ret >= 0) {
        ret = host_fd_call(HOST_SOCK_BIND, fd, (intptr_t)&name, 0);
    }
    if (ret < 0 && file) {
        unlink(file);
    }
    return result_of(ret);
}

/* Linux ends the connection of a socket of the internet that is connected to AF_UNSPEC. Here that only works where there is none. */
static bool has_nothing_to_end(int fd, const struct sockaddr *address, socklen_t length)
{
    int domain = host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_DOMAIN, 0);

    return (domain == AF_INET || domain == AF_INET6) && length >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC &&
           !socket_has_port(fd);
}

LIBC_WEAK
int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    struct stat found;
    HostName name;
    int ret;

    if (has_nothing_to_end(fd, address, length)) {
        return 0;
    }
    ret = take_name(fd, false, address, length, &name);
    if (ret == AF_UNIX) {
        const char *file = path_of(&name, path);
        if (file && stat(file, &found) < 0) {
            return -1;
        }
        if (file) {
            set_key(&name, &found);
        }
    }
    return result_of(ret < 0 ? ret : host_fd_call(HOST_SOCK_CONNECT, fd, (intptr_t)&name, 0));
}

LIBC_WEAK
int listen(int fd, int backlog)
{
    int domain = host_fd_call(HOST_SOCK_STATE, fd, HOST_SOCK_DOMAIN, 0);
    int ret = domain < 0 ? domain : host_fd_call(HOST_SOCK_LISTEN, fd, backlog, 0);

    if (ret == -EINVAL && (domain == AF_INET || domain == AF_INET6)) {
        /* It has no name yet: it gets a free port of any address. */
        HostName name = { .length = domain == AF_INET ? sizeof(struct sockaddr_in)
                                                      : sizeof(struct sockaddr_in6) };
        name.bytes[0] = (uint8_t)domain;
        ret = host_fd_call(HOST_SOCK_BIND, fd, (intptr_t)&name, 0);
        if (ret == 0) {
            ret = host_fd_call(HOST_SOCK_LISTEN, fd, backlog, 0);
        }
    }
    return result_of(ret);
}

static int get_name(int fd, bool peer, struct sockaddr *address, socklen_t *length)
{
    uint8_t bytes[HOST_NAME_BYTES];
    int n = host_fd_call(HOST_SOCK_NAME, fd, peer, (intptr_t)bytes);

    if (n < 0) {
        return result_of(n);
    }
    memcpy(address, bytes, MIN((socklen_t)n, *length));
    *length = (socklen_t)n;
    return 0;
}

LIBC_WEAK
int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    return get_name(fd, false, address, length);
}

LIBC_WEAK
int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    return get_name(fd, true, address, length);
}
