/** The class of all errors that this package throws on its own account. `code` says what kind of error it is. */
export class AioError extends Error {
    /**
     * The kind of error; programs should test this and not the message. docs/errors.md lists the codes and their
     * remedies.
     */
    code;
    /** The name of the errno, such as `ENOENT`, if there is one. */
    errno;
    /** Creates an error; the package does this, and programs need it only to imitate one, for example in their tests. */
    constructor(code, message, options = {}) {
        super(message, 'cause' in options ? { cause: options.cause } : undefined);
        this.name = 'AioError';
        this.code = code;
        this.errno = options.errno;
    }
    /**
     * Also true for errors of another copy of the package: workers load a bundle that has a class AioError of its own,
     * and a file that both sides import may name either entry. Derived classes behave as usual.
     * @internal
     */
    static [Symbol.hasInstance](value) {
        return super[Symbol.hasInstance](value) || (Object.getPrototypeOf(this) === Error && value instanceof Error && value.name === 'AioError');
    }
}
/** The error for using something after its close(). */
export function closedError(what) {
    return new AioError('ERR_AIO_CLOSED', `${what} is closed`);
}
/** Throws an error again, unless it says that something was closed. */
export function unlessClosed(error) {
    if (error.code !== 'ERR_AIO_CLOSED')
        throw error;
}
/** The error for something that does not fit into the shared memory, or (EMFILE) into one of its tables. */
export function noMemory(what, errno = 'ENOMEM') {
    return new AioError('ERR_AIO_NO_MEMORY', `no room for ${what}${errno === 'ENOMEM' ? ' in the shared memory (maximumMemory)' : ': too many are open'}`, { errno });
}
/**
 * Reports an error that nobody has caught, as an uncaught error of this thread: process.on('uncaughtException'), or
 * an `error` event as by reportError(). This happens in a task of its own.
 */
export function reportUncaught(error) {
    queueMicrotask(() => {
        throw error;
    });
}
/** The message of a thrown value, which may be anything. */
export function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
}
/** The errno's name for an error of the host: Node's `code`, or by a DOMException's name. */
export function hostErrno(error) {
    const { code, name } = error;
    if (typeof code === 'string')
        return code;
    const known = {
        NotFoundError: 'ENOENT',
        TypeMismatchError: 'EISDIR',
        NoModificationAllowedError: 'EBUSY',
        QuotaExceededError: 'ENOSPC',
        NotAllowedError: 'EACCES',
        InvalidStateError: 'EBADF',
    };
    return (typeof name === 'string' && known[name]) || 'EIO';
}
//# sourceMappingURL=errors.js.map