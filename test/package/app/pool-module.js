import { Pool } from 'wasm-aio/pool';

const pool = new Pool({ module: new URL('./squares.js', import.meta.url), threads: { max: 1 } });
document.body.textContent = `the squares are ${await Promise.all([3, 4].map((n) => pool.run(n)))}`;
await pool.close();
