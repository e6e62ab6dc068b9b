// SPDX-License-Identifier: MIT
import './missing.mjs';
