// SPDX-License-Identifier: MIT
import { errnoNumber } from '../errno.js';
/** Converts a host's result to that of C: a number, or -errno. */
const result = (answer) => (typeof answer === 'number' ? answer : -errnoNumber(answer));
/** Makes these imports for the files of the host, whose file handles they take. */
export function hostFiles(host, memory) {
    const ranges = (iov = 0, count = 0) => memory.ranges(iov, count);
    return {
        pread: (file, start = 0, length = 0, offset = 0) => result(host.pread(file, memory.reaching(start + length), start, length, offset)),
        pwrite: (file, start = 0, length = 0, offset = 0) => result(host.pwrite(file, memory.reaching(start + length), start, length, offset)),
        preadv: (file, iov, count, offset = 0) => result(host.preadv(file, memory.bytes, ranges(iov, count), offset)),
        pwritev: (file, iov, count, offset = 0) => result(host.pwritev(file, memory.bytes, ranges(iov, count), offset)),
        fdatasync: (file) => result(host.fdatasync(file) ?? 0),
    };
}
//# sourceMappingURL=file-imports.js.map