// SPDX-License-Identifier: Apache-2.0
// `/mode` as people of IRC type it: for the channel in which it is typed. Who may is the server's to say.
import { NetworkFault } from '../../kit/transport/network.ts'
import type { IrcConnection } from '../network/irc.ts'

/** The words behind it; null: it is no such order. */
export function readModeOrder(text: string): readonly string[] | null {
  const found = /^\/mode(?:[ \t]+(.*))?$/i.exec(text.trim())
  return found === null ? null : (found[1] ?? '').split(/[ \t]+/).filter((word) => word !== '')
}

/** What is to be shown: flags where nothing is changed, the entries of a list where only its letter is named. */
export async function obeyMode(connection: IrcConnection, room: string, said: readonly string[]): Promise<string[]> {
  const [first = ''] = said
  const isNamed = first !== '' && connection.isChannel(first)
  if (isNamed && connection.key(first) !== connection.key(room)) throw NetworkFault.readable('not-allowed', first)
  const [letters = '', ...parameters] = isNamed ? said.slice(1) : said
  if (letters === '') {
    const modes = [...(await connection.modes(room))]
    return [[`+${modes.map(([letter]) => letter).join('')}`, ...modes.map(([, value]) => value)].join(' ').trim()]
  }
  if (!/^[A-Za-z+-]*[A-Za-z]$/.test(letters)) throw NetworkFault.readable('unsupported', letters)
  const only = /^\+?([A-Za-z])$/.exec(letters)?.[1] ?? ''
  if (parameters.length === 0 && only !== '' && connection.facts.modes.list.includes(only)) {
    const entries = await connection.masks(room, only)
    return entries.map(({ mask, by }) => `+${only} ${mask}${by === undefined ? '' : ` (${by})`}`)
  }
  await connection.mode(room, letters, ...parameters)
  return []
}
