// SPDX-License-Identifier: MIT
throw new RangeError('broken by itself');
