// SPDX-License-Identifier: MIT
import { fail } from './abi.js';
import * as E from './wasi-errno.js';
/** The most vectors that a call accepts, as on Linux. */
const IOV_MAX = 1024;
/**
 * The guest's memory. Every address that the guest passes is checked against its size, and fails with EFAULT.
 * Addresses arrive from WebAssembly as signed numbers.
 */
export class GuestMemory {
    memory;
    view8 = new Uint8Array();
    data = new DataView(new ArrayBuffer(0));
    /** memory() is not called before the module is instantiated. */
    constructor(memory) {
        this.memory = memory;
    }
    refresh() {
        const { buffer } = this.memory();
        this.view8 = new Uint8Array(buffer);
        this.data = new DataView(buffer);
    }
    /**
     * Checks a range of `length` bytes and returns its address as an unsigned number. The views are made again only if they do not
     * contain what follows the range: when a memory grows, views of a shared one remain valid, and those of others become empty.
     */
    at(pointer, length) {
        const start = pointer >>> 0;
        if (start + length >= this.view8.length) {
            this.refresh();
            if (start + length > this.view8.length)
                fail(E.FAULT);
        }
        return start;
    }
    check(pointer, length) {
        this.at(pointer, length);
    }
    bytes(pointer, length) {
        const size = length >>> 0;
        const start = this.at(pointer, size);
        return this.view8.subarray(start, start + size);
    }
    u8(pointer) {
        const start = this.at(pointer, 1);
        return this.data.getUint8(start);
    }
    u16(pointer) {
        const start = this.at(pointer, 2);
        return this.data.getUint16(start, true);
    }
    u32(pointer) {
        const start = this.at(pointer, 4);
        return this.data.getUint32(start, true);
    }
    u64(pointer) {
        const start = this.at(pointer, 8);
        return this.data.getBigUint64(start, true);
    }
    setU8(pointer, value) {
        const start = this.at(pointer, 1);
        this.data.setUint8(start, value);
    }
    setU16(pointer, value) {
        const start = this.at(pointer, 2);
        this.data.setUint16(start, value, true);
    }
    setU32(pointer, value) {
        const start = this.at(pointer, 4);
        this.data.setUint32(start, value, true);
    }
    setU64(pointer, value) {
        const start = this.at(pointer, 8);
        this.data.setBigUint64(start, value, true);
    }
    /** Stores a whole number up to 2^53. This takes a third of the time of setU64(), because no bigint is made. */
    setWhole(pointer, value) {
        const start = this.at(pointer, 8);
        this.data.setUint32(start, value, true);
        this.data.setUint32(start + 4, value / 2 ** 32, true);
    }
    /** All of the memory, for calls that take a range of it. The range has been checked. */
    get all() {
        return this.view8;
    }
    /** Reads an array of iovec or ciovec. All of it is checked before any data is moved. */
    vectors(pointer, count) {
        const n = count >>> 0;
        this.at(pointer, 8 * n);
        if (n > IOV_MAX)
            fail(E.INVAL);
        const vectors = [];
        let total = 0;
        for (let i = 0; i < n; i++) {
            const at = (pointer >>> 0) + 8 * i;
            const length = this.u32(at + 4);
            const start = this.at(this.u32(at), length);
            total += length;
            if (length > 0)
                vectors.push({ pointer: start, length });
        }
        if (total > 0xffffffff)
            fail(E.INVAL);
        return vectors;
    }
    /** Returns a view of the bytes of each vector. */
    views(vectors) {
        return vectors.map(({ pointer, length }) => this.bytes(pointer, length));
    }
}
//# sourceMappingURL=guest-memory.js.map