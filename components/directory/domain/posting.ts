// SPDX-License-Identifier: Apache-2.0
// What is to stand at somebody's account, and what the store knows of it.
import type { Face, FaceFault } from './face.ts'

/** As the store gives it: `body` is a ProvisionedPerson as JSON, '' for somebody who is gone. `posted`: what, address, mark. */
export type Due = {
  person: string
  at: number
  tries: number
  body: string
  posted: readonly (readonly [string, string, string])[]
  ours: readonly string[]
  /** The manager, as a ProvisionedPerson in JSON; '' for none. */
  manager: string
}

/** `next`: when to look again; null: nothing is left to do. `begunAt`: `at` of the Due that was worked off. */
export type PostedChange = {
  person: string
  jid: string
  put: Readonly<Record<string, string>>
  drop: readonly string[]
  next: number | null
  begunAt: number
}

export type FaceRow = Face | { fault: FaceFault }

/** What can be posted; a bookmark is `room ADDRESS`. */
export const CARD = 'card'
export const CARD4 = 'card4'
export const AVATAR = 'avatar'
const BOOKMARK = 'room '

export function bookmarkOf(room: string): string {
  return BOOKMARK + room
}

/** Null for what is no bookmark. */
export function roomOf(what: string): string | null {
  return what.startsWith(BOOKMARK) ? what.slice(BOOKMARK.length) : null
}

/** The mark of an avatar: what is there (ours, his own, taken away by us) beside which face of the directory. */
export function avatarMark(is: 'ours' | 'own' | 'away', face: { sha1: string } | null): string {
  return `${is} ${face?.sha1 ?? ''}`
}

/** The mark of an avatar of which nobody knows whether it is there still. */
export const UNSURE = 'unsure'

/** Whether the mark says that nothing is to be looked at for this face. */
export function isSettled(mark: string | undefined, face: { sha1: string } | null): boolean {
  if (mark === undefined) return face === null
  return mark === avatarMark('ours', face) || mark === avatarMark('own', face) || (face === null && mark === 'away ')
}
