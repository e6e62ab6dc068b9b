// SPDX-License-Identifier: MIT
import 'wasm-aio/iothread';

void Promise.reject(Object.assign(new RangeError('astray'), { code: 'EASTRAY' }));
await new Promise((resolve) => setTimeout(resolve, 1e6));
