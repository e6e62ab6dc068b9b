// SPDX-License-Identifier: MIT
/** A page whose Content-Security-Policy forbids WebAssembly is told so by doctor(). */
export default async function ({ page, check, skip }) {
  if (!page) skip('only pages have policies');
  const frame = document.createElement('iframe');
  const said = new Promise((resolve) => {
    addEventListener('message', ({ data, source }) => source === frame.contentWindow && resolve(data));
  });
  frame.src = `/frame?script=${new URL('./life-policy.frame.mjs', import.meta.url).pathname}&policy=${encodeURIComponent("script-src 'self'; worker-src 'self'")}`;
  document.body.append(frame);
  const { findings, created } = await said;
  frame.remove();
  const fault = findings.find(({ state }) => state === 'fault');
  check(fault?.about === 'module' && fault.message.includes('Content-Security-Policy forbids WebAssembly') && fault.remedy.includes("'wasm-unsafe-eval'"), JSON.stringify(findings));
  check(created.startsWith('ERR_AIO_'), created);
  return created;
}
