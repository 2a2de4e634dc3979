// SPDX-License-Identifier: Apache-2.0
// What every command of the directory works with.
import type { Catalogue } from '../kit/text/catalogue.ts'
import type { AddressProblem, PersonMark } from './domain/company.ts'
import type { SourceFault } from './domain/source.ts'
import type { Engine, How } from './engine.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

export type Desk = {
  engine: Engine
  store: DirectoryStore
  say: Catalogue['say']
  /** Names of the directories in the settings. */
  names: readonly string[]
  sync(how: How, by: Readonly<Record<string, unknown>>): Promise<readonly SourceFault[]>
  /** Name of the room that a group is to have; null: it is to have none. */
  roomName(group: { name: string; description?: string }): string | null
  /** Addresses that a server does not take. */
  refused(): readonly { host: string; jid: string }[]
  stats(): Promise<Readonly<Record<string, string | number | null>>>
}

export function sayAddressProblem(
  say: Catalogue['say'],
  language: string,
  engine: Engine,
  wrong: AddressProblem,
): string {
  if (wrong.wrong === 'no-attribute')
    return say('directory-address-no-attribute', language, { attribute: wrong.attribute })
  if (wrong.wrong === 'bad-address' || wrong.wrong === 'other-host')
    return say(`directory-address-${wrong.wrong}`, language, { address: wrong.address })
  const other: PersonMark | undefined = engine.company.people.get(wrong.by)
  return say(`directory-address-${wrong.wrong}`, language, {
    address: wrong.address,
    by: other === undefined ? wrong.by : `${wrong.by} (${other.uid})`,
  })
}
