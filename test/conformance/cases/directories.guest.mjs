// SPDX-License-Identifier: MIT
/** What the cases of directories have in common: a guest that uses a directory /d. */
import { WasiHost } from 'wasm-aio/wasi';

/** Runs the guest. Resolves with its exit code and what it has printed. */
export async function useDirectory(module, directory, ...args) {
  let text = '';
  const into = () => new WritableStream({ write: (piece) => void (text += new TextDecoder().decode(piece.slice())) });
  const host = await WasiHost.create({
    module: module('directories.module'), args: ['directories', ...args], dirs: { '/d': directory }, stdin: 'closed', stdout: into(), stderr: into(),
  });
  try {
    return `${await host.run().catch((error) => error.message)} ${text}`;
  } finally {
    await host.close();
  }
}
