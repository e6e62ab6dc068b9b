// SPDX-License-Identifier: MIT
/**
 * In Node, Deno and Bun: runs the cases whose names are its arguments, and prints a line of JSON when one begins and when
 * one has ended. The command wasm-aio conformance starts it once for each area.
 */
import process from 'node:process';
import { cases, runCases } from './suite.js';

const names = process.argv.slice(2);
const say = (line) => console.log(JSON.stringify(line));
const has = await runCases(cases.filter(({ id }) => names.includes(id)), (result) => say({ result }), (started) => say({ started }));
say({ has });
// Workers that cannot be ended would keep the process alive.
process.exit(0);
