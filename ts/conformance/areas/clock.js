// SPDX-License-Identifier: MIT
export default {
  area: 'clock',
  title: 'Clocks and timers',
  requires: ['performance'],
  cases: [
    {
      id: 'monotonic', title: 'performance.now() never goes backwards in a thread', clause: 'HR-Time dfn-monotonic-clock',
      run({ equal }) {
        let backwards = 0;
        for (let n = 0, last = performance.now(); n < 300_000; n++) {
          const now = performance.now();
          if (now < last) backwards++;
          last = now;
        }
        equal(backwards, 0, 'times');
      },
    },
    {
      id: 'resolution', title: 'performance.now() has steps of at most 2 ms, and moves on', clause: 'HR-Time dfn-coarsen-time', alone: true,
      run({ ok }) {
        const steps = [];
        for (let last = performance.now(); steps.length < 20;) {
          const now = performance.now();
          if (now > last) steps.push(now - last);
          last = now;
        }
        const least = Math.min(...steps);
        ok(least <= 2, `the least of 20 steps was ${least} ms`);
        return `${(least * 1000).toFixed(1)} µs`;
      },
    },
    {
      id: 'worker-origin', title: 'performance.now() in a worker counts from the start of the worker, as its timeOrigin says', clause: 'HR-Time dom-performance-timeorigin', requires: ['workers'],
      async run({ ok, worker, sleep }) {
        await sleep(300);
        const before = performance.timeOrigin + performance.now();
        const [now, origin] = await worker(() => [performance.now(), performance.timeOrigin]).ended;
        const after = performance.timeOrigin + performance.now();
        ok(now + origin >= before - 20 && now + origin <= after + 20, `${now + origin} there, between ${before} and ${after} here`);
        ok(now <= after - before + 20, `now() was ${now} in a worker of at most ${after - before} ms`);
      },
    },
    {
      id: 'between-threads', title: 'timeOrigin + now() of one thread, handed over, is not later than that of the thread that takes it', clause: 'HR-Time sec-monotonic-clock', requires: ['shared', 'workers', 'wait'], alone: true,
      async run({ ok, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const clock = new Float64Array(new SharedArrayBuffer(8));
        const play = (tools, cell, clock, me) => {
          let worst = 0;
          for (let n = 0; n < 2000; n++) {
            while (Atomics.load(cell, 0) !== me) Atomics.wait(cell, 0, 1 - me);
            const now = performance.timeOrigin + performance.now();
            worst = Math.max(worst, clock[0] - now);
            clock[0] = now;
            Atomics.store(cell, 0, 1 - me);
            Atomics.notify(cell, 0);
          }
          return worst;
        };
        const both = [0, 1].map((me) => worker(play, cell, clock, me));
        const worst = Math.max(...await Promise.all(both.map(({ ended }) => ended)));
        // The sum of two doubles of this size is exact to 0.25 µs, and browsers make both coarse.
        ok(worst <= 1, `${worst} ms back`);
        return `at most ${(worst * 1000).toFixed(1)} µs back`;
      },
    },
    {
      id: 'passes-in-wait', title: 'the clock goes on while a thread waits', clause: 'HR-Time dfn-monotonic-clock', requires: ['shared', 'wait'],
      run({ ok }) {
        const begun = performance.now();
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
        const took = performance.now() - begun;
        ok(took >= 58, `${took} ms in a wait of 60 ms`);
      },
    },
    {
      id: 'date', title: 'timeOrigin + now() is the date, to within a second', clause: 'HR-Time dom-performance-timeorigin',
      run({ ok }) {
        const difference = performance.timeOrigin + performance.now() - Date.now();
        ok(Math.abs(difference) < 1000, `${difference} ms`);
      },
    },
    {
      id: 'timer-not-early', title: 'a timer does not fire early', clause: 'HTML dom-settimeout', alone: true,
      async run({ ok }) {
        let worst = Infinity;
        for (const ms of [1, 2, 3, 5, 8, 13, 21, 34]) {
          for (let n = 0; n < 4; n++) {
            const begun = performance.now();
            await new Promise((resolve) => setTimeout(resolve, ms));
            worst = Math.min(worst, performance.now() - begun - ms);
          }
        }
        // Loops count in milliseconds, from a time that they have read before.
        ok(worst > -1.5, `${-worst} ms early`);
        return worst < 0 ? `up to ${-worst.toFixed(2)} ms early` : 'never early';
      },
    },
    {
      id: 'timer-order', title: 'timers fire in the order of their times, and equal ones in the order in which they were set', clause: 'HTML run-steps-after-a-timeout',
      async run({ equal }) {
        let order;
        let took;
        // If this thread is interrupted while it sets them, they have other times.
        do {
          order = [];
          const begun = performance.now();
          const all = [300, 100, 100, 100, 300, 200].map((ms, n) => new Promise((resolve) => setTimeout(() => resolve(order.push(n)), ms)));
          took = performance.now() - begun;
          await Promise.all(all);
        } while (took > 50);
        equal(order, [1, 2, 3, 5, 0, 4]);
      },
    },
    {
      id: 'timer-cleared', title: 'a timer that is cleared after its time has come, but before it has fired, does not fire', clause: 'HTML dom-cleartimeout',
      async run({ equal, sleep }) {
        let fired = 0;
        const timer = setTimeout(() => fired++, 1);
        for (const begun = performance.now(); performance.now() - begun < 20;);
        clearTimeout(timer);
        await sleep(30);
        equal(fired, 0);
      },
    },
  ],
};
