// What the call-backs of a program do.

/** Drawn with a bottom half, a timer or a handler. */
export const whatCallbacksDo = (random) => random.weighted({
  count: 12, again: 2, await: 4, closeSelf: 2, closeContext: 1, closeIOThread: 1, closeRuntime: 1, throw: 1, reject: 1,
});

/** The error, which this thread's handler of uncaught errors has to get. */
function owe(world) {
  const error = world.error('thrown by a call-back');
  world.owed.set(error, true);
  return error;
}

/**
 * A call-back of the record's object. record: { rt, context, object, again }; `runs` counts, and
 * `pending` is false afterwards.
 */
export function callback(world, record, does) {
  record.runs = 0;
  const { rt } = record;
  return () => {
    record.runs++;
    record.pending = false;
    switch (does) {
      case 'again':
        if (record.runs < 20) world.attempt('again', rt, () => record.again?.());
        break;
      case 'await':
        return world.env.turn();
      case 'closeSelf':
        world.attempt('close() in its call-back', rt, () => close(rt, record));
        break;
      case 'closeContext':
        if (record.context.closes) void endContext(world, record.context);
        break;
      case 'closeIOThread': {
        const io = world.get('iothread', record.runs);
        if (io) void endIOThread(world, io, {});
        break;
      }
      case 'closeRuntime':
        if (record.runs > 1) void endRuntime(world, rt, {});
        break;
      case 'throw':
        throw owe(world);
      case 'reject':
        return Promise.reject(owe(world));
      default:
        break;
    }
  };
}

/** Closes an object that is closed in one call. */
export function close(rt, record) {
  record.closed = true;
  rt.may.add('ended');
  record.object.close();
}

/** Whether what that runtime has closed is closed: a worker that was killed may have files open for a while. */
const endsInOrder = (rt) => !rt.killed && !rt.death;

/** The files of a runtime that have been closed with something else. */
function released(world, rt, isClosed) {
  if (!endsInOrder(rt)) return;
  for (const file of [...world.all('file'), ...world.all('writableFile')]) if (file.rt === rt && isClosed(file)) file.released?.();
}

export function endFile(world, record) {
  record.closed = true;
  // A step may have begun that writes and then reads.
  record.rt.may.add('ended');
  return world.track('file.close()', record.rt, async () => {
    await record.object.close();
    if (endsInOrder(record.rt)) record.released?.();
  });
}

export function endContext(world, record) {
  record.closed = true;
  record.rt.may.add('ended');
  return world.track('context.close()', record.rt, () => record.object.close());
}

/** How an IOThread is closed. timeout: ms, after which it is terminated. */
export function endIOThread(world, record, { timeout, twice }) {
  const { rt, object } = record;
  record.closed = true;
  rt.may.add('ended');
  if (timeout !== undefined) {
    // Its requests and calls may be cut off.
    lose(record);
    rt.ends.push('ERR_AIO_TIMEOUT');
  }
  const once = () => world.track(`iothread.close(${timeout ?? ''})`, rt, async () => {
    await object.close(...(timeout === undefined ? [] : [{ timeout }]));
    if (!record.mayEnd) released(world, rt, (file) => file.io === record);
  }, { allow: rt.ends });
  return twice ? Promise.all([once(), once()]) : once();
}

export function endRuntime(world, rt, { timeout, twice }) {
  rt.closing = true;
  rt.may.add('ended');
  if (timeout !== undefined) {
    for (const io of world.all('iothread')) if (io.rt === rt) lose(io);
    rt.ends.push('ERR_AIO_TIMEOUT');
  }
  const once = () => world.track(`runtime.close(${timeout ?? ''})`, rt, async () => {
    await rt.runtime.close(...(timeout === undefined ? [] : [{ timeout }]));
    released(world, rt, (file) => !file.io.mayEnd);
  }, { allow: rt.ends });
  return twice ? Promise.all([once(), once()]) : once();
}

/** From now on that IOThread may end by itself. */
export function lose(record) {
  record.mayEnd = true;
  for (const code of ['ERR_AIO_THREAD_LOST', 'ERR_AIO_CANCELED']) record.rt.may.add(code);
}
