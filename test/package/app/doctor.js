import { Runtime, describeFindings, doctor } from 'wasm-aio';

const address = new URL('./worker.js', import.meta.url);
// What is first imported is first run.
const withoutFiles = () => new Blob([`import 'data:text/javascript,delete StorageManager.prototype.getDirectory'; import '${address}';`], { type: 'text/javascript' });
const { maximumMemory, files, ...wanted } = Object.fromEntries(new URLSearchParams(location.search));
const worker = () => new Worker(files === 'none' ? URL.createObjectURL(withoutFiles()) : address, { type: 'module' });
const options = { worker, ...(maximumMemory && { maximumMemory: Number(maximumMemory) }), ...wanted };
if (wanted.module) options.module = new URL(wanted.module, location.href);
const text = describeFindings(await doctor(options));
// What a user meets who did not ask.
const error = await Runtime.create(options).then((aio) => aio.close(), (refusal) => refusal);
document.body.textContent = `${text}\n${error ? `${error.code}: ${error.message}` : 'created'}`;
