// SPDX-License-Identifier: Apache-2.0
// One human being of the company, as everything behind the reading sees him.

export type Person = {
  /** 'NAME:UUID': the name of the directory in the settings, and its entryUUID or objectGUID in lower-case text form. Survives renames. */
  id: string
  /** As it was read; brought into one spelling only for comparison (dn.ts). */
  dn: string
  /** Bare JID, made from a template with XEP-0106 escaping. */
  jid: string
  /** What others see; never empty. */
  name: string
  given?: string
  family?: string
  nick?: string
  mail: readonly string[]
  phone: readonly string[]
  department?: string
  title?: string
  /** The id of a person. */
  manager?: string
  office?: string
  company?: string
  /** The bytes themselves travel only when faces are made. */
  photo?: PhotoMark
  /** Ids of groups, flattened through nesting, sorted. */
  groups: readonly string[]
  disabled: boolean
  /** Names on other networks: { irc: 'alice' }. */
  identities: Readonly<Record<string, string>>
}

/** SHA-256 of the bytes as they stand in the directory, in hex, and how many they are. */
export type PhotoMark = { hash: string; bytes: number }
