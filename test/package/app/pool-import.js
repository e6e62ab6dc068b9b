import { Pool } from 'wasm-aio/pool';

const pool = new Pool({ module: new URL('./squares-import.js', import.meta.url), threads: { max: 1 } });
document.body.textContent = await pool.run(3).catch(({ code, message }) => `${code}: ${message}`);
await pool.close();
