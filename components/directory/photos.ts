// SPDX-License-Identifier: Apache-2.0
// Bytes of photos, out of the directory that a person is from.
import type { DirectorySource } from './domain/source.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

/** Null: there is none, or nobody of this id. Rejects with SourceFault when the directory is away. */
export function openPhotos(store: DirectoryStore, sources: readonly DirectorySource[], signal: AbortSignal) {
  return async (person: string): Promise<Uint8Array | null> => {
    const place = await store.read('dnOf', person)
    const source = sources.find(({ name }) => name === place?.source)
    if (place === null || source === undefined) return null
    return source.photo(place.dn, signal)
  }
}
