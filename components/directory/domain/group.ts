// SPDX-License-Identifier: Apache-2.0
// One group of the company's directory.

export type Group = {
  /** 'NAME:UUID', as with people. */
  id: string
  /** As it was read. */
  dn: string
  /** Never empty. */
  name: string
  description?: string
  /** Ids of people, flattened through nesting, sorted. */
  members: readonly string[]
}
