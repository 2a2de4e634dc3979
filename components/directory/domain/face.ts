// SPDX-License-Identifier: Apache-2.0
// A picture as clients show it (XEP-0084, XEP-0153), and who makes it out of a photo of the directory.

/** `sha1` of `bytes`, in lower-case hexadecimal digits. Width and height in pixels; it is square. */
export type Face = { sha1: string; bytes: Uint8Array; width: number; height: number }

/** Why there is none: no picture by its first bytes; broken; more bytes or pixels than allowed; not done in time. */
export const FACE_FAULTS = ['no-picture', 'broken', 'too-large', 'too-many-pixels', 'too-slow'] as const
export type FaceFault = (typeof FACE_FAULTS)[number]

export type FaceMade = Face | { fault: FaceFault }

export type FaceMaker = AsyncDisposable & {
  /** One after the other. Rejects when the maker is closed, or too many wait already; what is wrong with a photo is a value. */
  make(photo: Uint8Array): Promise<FaceMade>
}

export type PictureKind = 'jpeg' | 'png' | 'gif' | 'webp'

/** What the first bytes say; null for all else. Names and types that came with the bytes count for nothing. */
export function pictureKind(bytes: Uint8Array): PictureKind | null {
  if (starts(bytes, [0xff, 0xd8, 0xff])) return 'jpeg'
  if (starts(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png'
  if (starts(bytes, [0x47, 0x49, 0x46, 0x38])) return 'gif'
  if (starts(bytes, [0x52, 0x49, 0x46, 0x46]) && starts(bytes.subarray(8), [0x57, 0x45, 0x42, 0x50])) return 'webp'
  return null
}

function starts(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte)
}
