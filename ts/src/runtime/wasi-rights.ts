// SPDX-License-Identifier: MIT
/** The values of WASI's `rights`, imported as a namespace. Higher bits have no meaning. */
export const
  fdDatasync = 1 << 0, fdRead = 1 << 1, fdSeek = 1 << 2, fdFdstatSetFlags = 1 << 3,
  fdSync = 1 << 4, fdTell = 1 << 5, fdWrite = 1 << 6, fdAdvise = 1 << 7,
  fdAllocate = 1 << 8, pathCreateDirectory = 1 << 9, pathCreateFile = 1 << 10, pathLinkSource = 1 << 11,
  pathLinkTarget = 1 << 12, pathOpen = 1 << 13, fdReaddir = 1 << 14, pathReadlink = 1 << 15,
  pathRenameSource = 1 << 16, pathRenameTarget = 1 << 17, pathFilestatGet = 1 << 18, pathFilestatSetSize = 1 << 19,
  pathFilestatSetTimes = 1 << 20, fdFilestatGet = 1 << 21, fdFilestatSetSize = 1 << 22, fdFilestatSetTimes = 1 << 23,
  pathSymlink = 1 << 24, pathRemoveDirectory = 1 << 25, pathUnlinkFile = 1 << 26, pollFdReadwrite = 1 << 27,
  sockShutdown = 1 << 28, sockAccept = 1 << 29;
