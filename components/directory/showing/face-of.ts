// SPDX-License-Identifier: Apache-2.0
// The face of a photo: made once, kept by the photo's hash.
import { createHash } from 'node:crypto'
import type { Face, FaceMaker } from '../domain/face.ts'
import type { DirectoryStore } from '../storage/directory-store.ts'

/** 'later': the photo could not be had, or is another one by now. */
export type FaceOf = (person: string, photo: { hash: string }) => Promise<Face | null | 'later'>

export type FaceOptions = {
  store: DirectoryStore
  faces: FaceMaker
  /** The bytes as they stand in the directory; null: none. Rejects when the directory is away. */
  photo(person: string): Promise<Uint8Array | null>
  log: Record<'warn', (event: string, fields: Readonly<Record<string, unknown>>) => void>
}

/** A photo that ended the process twice is not touched again. */
const MOST_TRIES = 2

export function openFaceOf({ store, faces, photo, log }: FaceOptions): FaceOf {
  /** Two who have the same photo wait for one face. */
  const underWay = new Map<string, Promise<Face | null | 'later'>>()
  return (person, { hash }) => {
    const waiting = underWay.get(hash)
    if (waiting !== undefined) return waiting
    const made = faceOf(person, hash).finally(() => underWay.delete(hash))
    underWay.set(hash, made)
    return made
  }

  async function faceOf(person: string, hash: string): Promise<Face | null | 'later'> {
    const kept = await store.read('face', hash)
    if (kept !== null) return 'fault' in kept ? null : kept
    const bytes = await photo(person)
    if (bytes === null || createHash('sha256').update(bytes).digest('hex') !== hash) return 'later'
    // Noted before: if the photo ends this process, the next one knows.
    const tries = await store.write('faceBegun', hash)
    const made = tries > MOST_TRIES ? ({ fault: 'broken' } as const) : await faces.make(bytes)
    await store.write('facePut', { photo: hash, made })
    if (!('fault' in made)) return made
    log.warn('a photo gives no face', { person, photo: hash, bytes: bytes.byteLength, fault: made.fault })
    return null
  }
}
