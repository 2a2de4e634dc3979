// SPDX-License-Identifier: Apache-2.0
// XEP-0084: User Avatar (1.1.4)
import type { Element } from '../xml/element.ts'
import { escapeAttribute } from '../xml/writer.ts'

export const AVATAR_DATA = 'urn:xmpp:avatar:data'
export const AVATAR_METADATA = 'urn:xmpp:avatar:metadata'

/** `id`: SHA-1 of the bytes, in lower-case hexadecimal digits; the item's id on both nodes. Sizes in bytes and pixels. */
export type AvatarInfo = { id: string; type: 'image/png'; bytes: number; width: number; height: number }

/** §4.1; what stands there in-band is a PNG, always. */
export function writeAvatarData(base64: string): string {
  return `<data xmlns='${AVATAR_DATA}'>${base64}</data>`
}

/** §4.2. Null: the avatar is taken away (§3.5). */
export function writeAvatarMetadata(info: AvatarInfo | null): string {
  if (info === null) return `<metadata xmlns='${AVATAR_METADATA}'/>`
  const { id, type, bytes, width, height } = info
  return `<metadata xmlns='${AVATAR_METADATA}'><info bytes='${bytes}' height='${height}' id='${escapeAttribute(id)}' type='${type}' width='${width}'/></metadata>`
}

/** The id of the avatar that is shown; null: none. What is no metadata is none. */
export function readAvatarId(metadata: Element): string | null {
  if (!metadata.is('metadata', AVATAR_METADATA)) return null
  return metadata.getChild('info', AVATAR_METADATA)?.attrs.id?.toLowerCase() ?? null
}
