// SPDX-License-Identifier: MIT
/** The rights of what only guests of WasiHost have. */
import { RIGHTS_OF_STREAM } from '../runtime/abi.js';
import * as Rights from '../runtime/wasi-rights.js';

/** What applies to a file of the type; all else is taken from its rights. */
export const RIGHTS_OF_DIRECTORY =
  Rights.fdFdstatSetFlags | Rights.fdSync | Rights.fdDatasync | Rights.fdAdvise | Rights.pathCreateDirectory | Rights.pathCreateFile |
  Rights.pathLinkSource | Rights.pathLinkTarget | Rights.pathOpen | Rights.fdReaddir | Rights.pathReadlink |
  Rights.pathRenameSource | Rights.pathRenameTarget | Rights.pathFilestatGet | Rights.pathFilestatSetSize |
  Rights.pathFilestatSetTimes | Rights.fdFilestatGet | Rights.fdFilestatSetTimes | Rights.pathSymlink |
  Rights.pathRemoveDirectory | Rights.pathUnlinkFile;
export const RIGHTS_OF_FILE =
  Rights.fdDatasync | Rights.fdRead | Rights.fdSeek | Rights.fdFdstatSetFlags | Rights.fdSync | Rights.fdTell | Rights.fdWrite |
  Rights.fdAdvise | Rights.fdAllocate | Rights.fdFilestatGet | Rights.fdFilestatSetSize | Rights.fdFilestatSetTimes |
  Rights.pollFdReadwrite;
/** A device that is no terminal: seen by these rights, though it has no offset (ESPIPE). */
export const RIGHTS_OF_DEVICE = RIGHTS_OF_STREAM | Rights.fdSeek | Rights.fdTell;
export const RIGHTS_OF_LISTENER =
  Rights.sockAccept | Rights.fdFdstatSetFlags | Rights.fdFilestatGet | Rights.pollFdReadwrite;
