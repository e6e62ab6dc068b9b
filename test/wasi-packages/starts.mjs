// Starts a package on a WasiHost again and again, in Node and in a page.

/** Far more than any start takes: one that takes so long hangs. */
const HANGS_MS = 120_000;

/** Resolves with how `starts` starts ended: {good, hangs, wrong: the first of the others, times in ms}. */
export async function startOften({ WasiHost }, module, imports, starts) {
  const result = { good: 0, hangs: 0, wrong: [], times: [] };
  for (let i = 0; i < starts; i++) {
    const began = performance.now();
    const host = await WasiHost.create({ module, imports, dirs: { '/tmp': 'mem' }, timeout: HANGS_MS });
    try {
      const code = await host.run();
      if (code === 0) result.good++;
      else result.wrong.push(`exit code ${code}`);
    } catch (error) {
      if (error.code === 'ERR_AIO_TIMEOUT') result.hangs++;
      else result.wrong.push(`${error.code} ${error.message}`);
    } finally {
      await host.close();
    }
    result.times.push(performance.now() - began);
  }
  return result;
}
