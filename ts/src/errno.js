// SPDX-License-Identifier: MIT
/**
 * The names of the errno numbers of the C side, which are those of WASI preview1: a number is the index in this list. Only
 * for ENOTSUP libc has another number.
 */
const names = 'SUCCESS E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF EBADMSG EBUSY ' +
    'ECANCELED ECHILD ECONNABORTED ECONNREFUSED ECONNRESET EDEADLK EDESTADDRREQ EDOM EDQUOT EEXIST ' +
    'EFAULT EFBIG EHOSTUNREACH EIDRM EILSEQ EINPROGRESS EINTR EINVAL EIO EISCONN EISDIR ELOOP EMFILE ' +
    'EMLINK EMSGSIZE EMULTIHOP ENAMETOOLONG ENETDOWN ENETRESET ENETUNREACH ENFILE ENOBUFS ENODEV ENOENT ' +
    'ENOEXEC ENOLCK ENOLINK ENOMEM ENOMSG ENOPROTOOPT ENOSPC ENOSYS ENOTCONN ENOTDIR ENOTEMPTY ' +
    'ENOTRECOVERABLE ENOTSOCK ENOTSUP ENOTTY ENXIO EOVERFLOW EOWNERDEAD EPERM EPIPE EPROTO ' +
    'EPROTONOSUPPORT EPROTOTYPE ERANGE EROFS ESPIPE ESRCH ESTALE ETIMEDOUT ETXTBSY EXDEV ENOTCAPABLE';
const byNumber = names.split(' ');
const ENOTSUP = 138;
const byName = new Map(byNumber.map((name, number) => [name, number])).set('ENOTSUP', ENOTSUP);
/** The name of a positive errno number; `E<number>` if it has none. */
export function errnoName(errno) {
    return errno === ENOTSUP ? 'ENOTSUP' : (byNumber[errno] ?? `E${errno}`);
}
/** The number of a name such as `ENOENT`; that of EIO if WASI does not have the name. */
export function errnoNumber(name) {
    return byName.get(name) ?? 29;
}
//# sourceMappingURL=errno.js.map