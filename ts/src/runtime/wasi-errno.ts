// SPDX-License-Identifier: MIT
/** The values of WASI's `errno` that this package returns. Imported as a namespace, so that a bundle contains only those that it uses. */
export const
  SUCCESS = 0, ACCES = 2, AGAIN = 6, BADF = 8, BUSY = 10, CANCELED = 11, EXIST = 20, FAULT = 21, FBIG = 22, ILSEQ = 25,
  INVAL = 28, IO = 29, ISDIR = 31, LOOP = 32, MFILE = 33, NAMETOOLONG = 37, NFILE = 41, NOBUFS = 42, NOENT = 44, NOMEM = 48,
  NOSPC = 51, NOSYS = 52, NOTCONN = 53, NOTDIR = 54, NOTEMPTY = 55, NOTSOCK = 57, NOTSUP = 58, OVERFLOW = 61, PERM = 63, PIPE = 64,
  RANGE = 68, SPIPE = 70, NOTCAPABLE = 76;
