/**
 * The shared memory of a runtime. Views do not grow with the memory, so every access uses an accessor that makes a
 * new view when the buffer has changed.
 */
export class Memory {
    memory;
    view8;
    /** All buffers that the memory has had: it gets a new one each time that it grows. */
    buffers = new WeakSet();
    constructor(memory) {
        this.memory = memory;
        this.retake();
    }
    get bytes() {
        if (this.view8.buffer !== this.memory.buffer)
            this.retake();
        return this.view8;
    }
    /**
     * A view that includes at least the bytes up to `end`. Avoids the engine's slow check whether the memory has grown,
     * unless it must have.
     */
    reaching(end) {
        return end <= this.view8.length ? this.view8 : this.bytes;
    }
    retake() {
        this.view8 = new Uint8Array(this.memory.buffer);
        this.buffers.add(this.memory.buffer);
    }
    /** One 32-bit word, for Atomics. The view remains valid when the memory grows. */
    word(pointer) {
        return new Int32Array(this.memory.buffer, pointer, 1);
    }
    words(pointer, length) {
        return new Uint32Array(this.memory.buffer, pointer, length);
    }
    /** The iovecs at an address, which have a base and a length of 32 bits each. */
    ranges(pointer, count) {
        const words = this.words(pointer, 2 * count);
        return Array.from({ length: count }, (_, n) => ({ start: words[2 * n] ?? 0, length: words[2 * n + 1] ?? 0 }));
    }
    /** Whether a view is of this memory, as it is or as it was before it grew. */
    has(view) {
        return this.buffers.has(view.buffer);
    }
    view() {
        return new DataView(this.memory.buffer);
    }
    /** A copy in private memory, because most platform functions do not accept views of shared memory. */
    copy(pointer, length) {
        const copied = new Uint8Array(length);
        copied.set(this.bytes.subarray(pointer, pointer + length));
        return copied;
    }
    /** The NUL-terminated string at an address. */
    string(pointer) {
        const bytes = this.bytes;
        let end = pointer;
        while (bytes[end])
            end++;
        return new TextDecoder().decode(this.copy(pointer, end - pointer));
    }
}
//# sourceMappingURL=memory.js.map