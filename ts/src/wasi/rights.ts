// SPDX-License-Identifier: MIT
/** The rights of descriptors that only guests of a WasiHost have. */
import { RIGHTS_OF_STREAM } from '../runtime/abi.js';
import * as Rights from '../runtime/wasi-rights.js';

/** The rights that apply to each type of file; a file gets no others. */
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
/** A device that is no terminal: isatty() recognises it by the rights to seek and tell, although it has no offset (ESPIPE). */
export const RIGHTS_OF_DEVICE = RIGHTS_OF_STREAM | Rights.fdSeek | Rights.fdTell;
export const RIGHTS_OF_LISTENER =
  Rights.sockAccept | Rights.fdFdstatSetFlags | Rights.fdFilestatGet | Rights.pollFdReadwrite;
