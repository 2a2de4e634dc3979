// SPDX-License-Identifier: Apache-2.0
// Who people are, as the company directory says.

/** A group; `key` is its name for comparison. Empty while the directory has not named it. */
export type Group = { name: string; key: string }

export type Person = {
  id: string
  /** As the directory gives it. */
  jid: string
  name: string
  mail: readonly string[]
  department: string | null
  groups: readonly Group[]
}

/** One state of the directory, whole. */
export type People = {
  /** By a bare JID, prepared for comparison; also one that this person had before. */
  find(bare: string): Person | undefined
  /** Virtual hosts whose people the directory names. */
  hosts: ReadonlySet<string>
}

/** Names of groups and departments are compared as people read them: without regard to case. */
export function nameKey(name: string): string {
  return name.normalize('NFC').trim().toLowerCase()
}
