// SPDX-License-Identifier: MIT
// jest ends its processes by a signal, so what they have run is written after each file of tests.
import { takeCoverage } from 'node:v8';

afterAll(() => takeCoverage());
