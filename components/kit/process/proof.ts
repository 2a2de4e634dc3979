// SPDX-License-Identifier: Apache-2.0
// Who is at the socket: Node cannot ask the kernel. So the process chooses a name and a word, the caller creates that file
// with that word in it, and the kernel's owner of the file is the caller. The folder is the process's own, sticky and not
// listable (mode 1733): nobody else can learn a name, or remove or replace another's file.
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Asked of a caller: create `name` in the proof folder, holding exactly `word`. */
export type Challenge = { name: string; word: string; at: number }

export const PROOF_NAME = /^[0-9a-f]{32}$/
const GOOD_FOR_MS = 10_000
// File times may be cut to the clock tick of the kernel.
const TICK_MS = 20

export function proofFolder(run: string, component: string): string {
  return join(run, `${component}.proof`)
}

/** Makes the folder and removes what an earlier run left. Refuses one that is a link or belongs to somebody else. */
export async function openProofFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const state = await lstat(folder)
  if (!state.isDirectory() || state.uid !== process.getuid?.())
    throw new Error(`${folder} is not a directory of this process`)
  await chmod(folder, 0o1733)
  for (const name of await readdir(folder)) if (PROOF_NAME.test(name)) await unlink(join(folder, name))
}

export function challenge(now: number): Challenge {
  return { name: randomBytes(16).toString('hex'), word: randomBytes(16).toString('hex'), at: now }
}

/** The uid that answered the challenge; or, as a text for the log, why nobody is proven. Removes the file in any case. */
export async function readProof(
  folder: string,
  asked: Challenge,
  now: number,
): Promise<{ uid: number } | { refused: string }> {
  const path = join(folder, asked.name)
  if (now - asked.at > GOOD_FOR_MS) return { refused: 'the challenge is too old' }
  const found = await ownerOf(path, asked).catch((fault: unknown) => ({ refused: `no proof file (${codeOf(fault)})` }))
  try {
    await unlink(path)
  } catch (fault) {
    if (codeOf(fault) !== 'ENOENT') return { refused: `the proof cannot be removed (${codeOf(fault)})` }
  }
  return found
}

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault)
}

async function ownerOf(path: string, asked: Challenge): Promise<{ uid: number } | { refused: string }> {
  const named = await lstat(path)
  if (!named.isFile()) return { refused: 'the proof is not a regular file' }
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const state = await file.stat()
  // Another name for the file, or a file that was moved here, is somebody else's file and proves nothing.
  if (state.ino !== named.ino || state.dev !== named.dev || state.nlink !== 1)
    return { refused: 'the proof has another name' }
  if (Math.min(state.birthtimeMs, state.mtimeMs) < asked.at - TICK_MS)
    return { refused: 'the proof is older than its challenge' }
  if (state.size !== asked.word.length) return { refused: 'the proof does not hold the word' }
  const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0)
  if (buffer.toString('latin1', 0, bytesRead) !== asked.word) return { refused: 'the proof does not hold the word' }
  return { uid: state.uid }
}
