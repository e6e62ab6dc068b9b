// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
/**
 * Wraps the module's exports, so that `state` remembers what is thrown out of them. A refusal (an AioError) is not
 * remembered, because it comes before anything is changed. What a call-back throws does not get here:
 * Callbacks.call() catches it.
 */
export function noteEscapes(exports, state) {
    const watched = {};
    for (const [name, value] of Object.entries(exports)) {
        watched[name] = typeof value === 'function' ? watch(value, state) : value;
    }
    return watched;
}
function watch(work, state) {
    return (...args) => {
        const before = state.escaped;
        try {
            return work(...args);
        }
        catch (error) {
            // This comes first and calls nothing, because there may be no stack left for a call.
            state.escaped ??= { error };
            if (error instanceof AioError)
                state.escaped = before;
            throw error;
        }
    };
}
//# sourceMappingURL=escape.js.map