// SPDX-License-Identifier: MIT
/** Where things are; this file runs as build/test/jest/helpers/paths.js. */
import { fileURLToPath } from 'node:url';

export const top = new URL('../../../../', import.meta.url);

export const pathOf = (path: string): string => fileURLToPath(new URL(path, top));

/** A C program or module of test/jest/fixtures, built by the Makefile. */
export const fixture = (name: string): URL => new URL(`build/fixtures/${name}.wasm`, top);

/** A file of the compiled library that is no public entry, to import(). */
export const dist = (path: string): string => new URL(`dist/${path}`, top).href;

export const cli = pathOf('dist/cli/main.js');
