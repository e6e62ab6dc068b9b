import { WasiError } from './abi.js';
import * as E from './wasi-errno.js';
/** The events of poll(2), with the numbers that the loops use. */
export const POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLRDHUP = 0x2000;
/** The errno that a call returns which has thrown this. */
export function errnoOf(error) {
    if (error instanceof WasiError)
        return error.errno;
    throw error;
}
/**
 * A call as the module sees it, which returns an errno also where the call throws a WasiError. It has the nine parameters of
 * the longest call, because passing on an array of arguments would cost more than a short call does.
 */
function guarded(call) {
    return (a, b, c, d, e, f, g, h, i) => {
        try {
            return call(a, b, c, d, e, f, g, h, i) ?? E.SUCCESS;
        }
        catch (error) {
            return errnoOf(error);
        }
    };
}
/**
 * The calls as a module imports them. All of them share the code of guarded(), so the engine does not compile them into it: those
 * that have to be fast catch their errors themselves (errnoOf).
 */
export function guardAll(calls) {
    return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, guarded(call)]));
}
//# sourceMappingURL=system.js.map