// SPDX-License-Identifier: Apache-2.0
// Groups that have a room: where it stands, what it is called, who is in it.
import { wordsOf } from './folding.ts'

/** What the settings say of rooms. `name` and `subject` may hold {name} and {description}. */
export type RoomRule = { service: string; groups: readonly string[]; name: string; subject: string }

/** As it is known to be. 'planned': its address is given, and nobody has made it yet. `said`: what it was told last, see configOf. */
export type Room = {
  group: string
  jid: string
  state: 'planned' | 'made' | 'retired'
  name: string
  subject: string
  said: string
}

/** `{attribute}` of the group put in; the name alone where nothing is left. */
export function nameRoom(template: string, group: { name: string; description?: string }): string {
  const text = template
    .replaceAll('{name}', () => group.name)
    .replaceAll('{description}', () => group.description ?? '')
    .replace(/\s+/g, ' ')
    .trim()
  return text
}

const MOST_LOCAL = 60

/** A local part that people can read; `mark` makes it another one where that is taken. It stays when the group is renamed. */
export function roomLocal(name: string, mark: string): string {
  // Only the first spelling of each word: Forschung Süd is forschung-sud.
  const words = wordsOf(name.replace(/[äöüå]/giu, (letter) => UMLAUTS[letter.toLowerCase()] ?? letter))
  const local = words
    .join('-')
    .replace(/[^\p{L}\p{N}-]/gu, '')
    .slice(0, MOST_LOCAL)
  if (local === '') return `group-${mark}`
  return mark === '' ? local : `${local}-${mark}`
}

const UMLAUTS: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', å: 'aa' }
