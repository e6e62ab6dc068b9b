import { Runtime, describeFindings, doctor } from 'wasm-aio';

const worker = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
const { maximumMemory, ...wanted } = Object.fromEntries(new URLSearchParams(location.search));
const options = { worker, ...(maximumMemory && { maximumMemory: Number(maximumMemory) }), ...wanted };
if (wanted.module) options.module = new URL(wanted.module, location.href);
const text = describeFindings(await doctor(options));
// What a user meets who did not ask.
const error = await Runtime.create(options).then((aio) => aio.close(), (refusal) => refusal);
document.body.textContent = `${text}\n${error ? `${error.code}: ${error.message}` : 'created'}`;
