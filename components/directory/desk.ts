// SPDX-License-Identifier: Apache-2.0
// What every command of the directory works with.
import type { Catalogue } from '../kit/text/catalogue.ts'
import type { AddressProblem, PersonMark } from './domain/company.ts'
import type { SourceFault } from './domain/source.ts'
import type { Trouble } from './domain/state.ts'
import type { Engine, How } from './engine.ts'
import type { Helpers } from './helpers.ts'
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
  /** Who leaves which room that people made when these walls stand. */
  leaving: Helpers['leaving']
  /** Addresses that a server does not take. */
  refused(): readonly { host: string; jid: string }[]
  /** Patterns of the settings that are to name groups, other than "any". */
  patterns: readonly { setting: string; pattern: string }[]
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

/** What came to nothing, in the language of who reads it, and what the other side said, as it said it. */
export function sayFault(say: Catalogue['say'], language: string, { reason, message }: SourceFault): string {
  return `${say(`directory-trouble-${reason}`, language)} [${message}]`
}

export function sayTrouble(say: Catalogue['say'], language: string, { reason, message }: Trouble): string {
  if (reason !== 'room') return say(`directory-trouble-${reason}`, language)
  const condition = message.split(':', 1)[0] ?? ''
  const known = ROOM_TROUBLES[condition]
  return known === undefined
    ? say('directory-trouble-room', language, { condition })
    : say(`directory-trouble-room-${known}`, language)
}

const ROOM_TROUBLES: Readonly<Record<string, string>> = {
  conflict: 'taken',
  forbidden: 'forbidden',
  'feature-not-implemented': 'poor',
  'recipient-unavailable': 'silent',
  'remote-server-timeout': 'silent',
  'remote-server-not-found': 'silent',
  'service-unavailable': 'silent',
}
