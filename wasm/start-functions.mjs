// Functions that threads begin with, and whose types are not those of pthread_create(). Many programs cast a
// function that returns nothing, or takes nothing. Other machines do not mind; in WebAssembly a call through a
// pointer of another type traps. So wasm/libc/pthread-thread.c asks, for a function of the table, how to call it.
import { writeFileSync } from 'node:fs';
import { tableTypes } from './function-types.mjs';

/** By the types of the parameters and results, what pthread-thread.c knows them as; what is not here is called as declared. */
const SHAPES = new Map([['i:i', 0], ['i:', 1], [':i', 2], [':', 3]]);

/** Writes to FILE, as text, a module with the function start_shape(index), for LINKED, a module that the linker wrote. */
export function writeStartShapes(linked, file) {
  const shapes = [];
  for (const { index, parameters, results } of tableTypes(linked)) shapes[index] = SHAPES.get(`${parameters}:${results}`) ?? 0;
  const labels = Array.from(shapes, (shape) => shape ?? 0).join(' ');
  writeFileSync(file, `(module
  (func (export "start_shape") (param i32) (result i32)
    (block (block (block (block
      (br_table ${labels} 0 (local.get 0)))
      (return (i32.const 0)))
      (return (i32.const 1)))
      (return (i32.const 2)))
    (i32.const 3)))
`);
}
