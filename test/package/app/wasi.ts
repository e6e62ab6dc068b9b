// A WASI program in a page, on WHATWG streams.
import { AioStream, WasiHost, type WasiOptions } from 'wasm-aio/wasi';

let text = '';
const stdout = new WritableStream<Uint8Array>({ write: (bytes) => void (text += new TextDecoder().decode(bytes)) });
const options: WasiOptions = { module: new URL('./rot13.wasm', import.meta.url), stdin: 'Uryyb', stdout: AioStream.from(stdout) };
const host = await WasiHost.create(options);
const code = await host.run();
await host.close();
document.body.textContent = `${text}, ${code}`;
