// SPDX-License-Identifier: Apache-2.0
// The flags of a channel as the fields of the owner's form (XEP-0045 §10.2), and back.
import type { RoomField, RoomKind } from '../../kit/transport/network.ts'
import { NetworkFault } from '../../kit/transport/network.ts'
import type { IrcFacts } from '../network/irc.ts'

type Modes = ReadonlyMap<string, string>
/** Text in our own words, by id of the catalogue. */
type Say = (id: string) => string

const FLAGS = [
  { name: 'muc#roomconfig_moderatedroom', letter: 'm', on: '1' },
  { name: 'muc#roomconfig_membersonly', letter: 'i', on: '1' },
  // +t: only who has a rank changes the topic.
  { name: 'muc#roomconfig_changesubject', letter: 't', on: '0' },
  // +s: not listed.
  { name: 'muc#roomconfig_publicroom', letter: 's', on: '0' },
  { name: 'x-no-messages-from-outside', letter: 'n', on: '1' },
] as const

const KEY = 'k'
const LIMIT = 'l'

export function fieldsOf(modes: Modes, facts: IrcFacts, say: Say): RoomField[] {
  const fields: RoomField[] = FLAGS.filter(({ letter }) => facts.modes.flag.includes(letter)).map(
    ({ name, letter, on }) => ({
      name,
      label: say(`transport-irc-form-${letter}`),
      type: 'boolean',
      value: modes.has(letter) ? on : on === '1' ? '0' : '1',
    }),
  )
  fields.push(
    {
      name: 'muc#roomconfig_passwordprotectedroom',
      label: say('transport-irc-form-has-key'),
      type: 'boolean',
      value: modes.has(KEY) ? '1' : '0',
    },
    {
      name: 'muc#roomconfig_roomsecret',
      label: say('transport-irc-form-key'),
      type: 'text-private',
      value: modes.get(KEY) ?? '',
    },
    {
      name: 'muc#roomconfig_maxusers',
      label: say('transport-irc-form-limit'),
      type: 'text-single',
      value: modes.get(LIMIT) ?? '',
    },
    {
      name: 'x-modes',
      label: say('transport-irc-form-modes'),
      type: 'text-single',
      value: otherFlags(modes, facts),
    },
  )
  return fields
}

export function kindOf(modes: Modes): RoomKind {
  return {
    isModerated: modes.has('m'),
    isForMembers: modes.has('i'),
    hasPassword: modes.has(KEY),
    isHidden: modes.has('s') || modes.has('p'),
    isSubjectFree: !modes.has('t'),
  }
}

/** What MODE is to be told: letters with signs, and their parameters in order. Fields that are not named stay as they are. */
export function modesOf(
  values: Readonly<Record<string, string>>,
  modes: Modes,
  facts: IrcFacts,
): { changes: string; parameters: string[] } {
  const changes: string[] = []
  const parameters: string[] = []
  for (const { name, letter, on } of FLAGS) {
    const said = values[name]
    if (said === undefined || !facts.modes.flag.includes(letter)) continue
    const isOn = isTrue(said) === (on === '1')
    if (isOn !== modes.has(letter)) changes.push(`${isOn ? '+' : '-'}${letter}`)
  }
  const hasKey = values['muc#roomconfig_passwordprotectedroom']
  const key = values['muc#roomconfig_roomsecret']
  if (hasKey !== undefined && !isTrue(hasKey)) {
    if (modes.has(KEY)) {
      changes.push(`-${KEY}`)
      parameters.push(modes.get(KEY) || '*')
    }
  } else if (key !== undefined && key !== '' && key !== modes.get(KEY)) {
    if (/[\s,:\0]/.test(key)) throw NetworkFault.readable('unreadable', key)
    if (modes.has(KEY)) {
      changes.push(`-${KEY}`)
      parameters.push(modes.get(KEY) || '*')
    }
    changes.push(`+${KEY}`)
    parameters.push(key)
  }
  const limit = values['muc#roomconfig_maxusers']
  if (limit !== undefined && limit !== (modes.get(LIMIT) ?? '')) {
    if (limit === '' || limit === '0' || limit === 'none') changes.push(...(modes.has(LIMIT) ? [`-${LIMIT}`] : []))
    else if (/^\d{1,7}$/.test(limit)) {
      changes.push(`+${LIMIT}`)
      parameters.push(limit)
    } else throw NetworkFault.readable('unreadable', limit)
  }
  const others = values['x-modes']
  if (others !== undefined && others !== otherFlags(modes, facts)) {
    const wanted = new Set(others.replaceAll('+', ''))
    const held = new Set(otherFlags(modes, facts))
    for (const letter of wanted) {
      if (!isOther(letter, facts)) throw NetworkFault.readable('unsupported', letter)
      if (!held.has(letter)) changes.push(`+${letter}`)
    }
    for (const letter of held) if (!wanted.has(letter)) changes.push(`-${letter}`)
  }
  return { changes: changes.join(''), parameters }
}

function otherFlags(modes: Modes, facts: IrcFacts): string {
  return [...modes.keys()]
    .filter((letter) => isOther(letter, facts))
    .sort()
    .join('')
}

/** A flag without parameter that has no field of its own. */
function isOther(letter: string, facts: IrcFacts): boolean {
  return facts.modes.flag.includes(letter) && !FLAGS.some((one) => one.letter === letter)
}

function isTrue(value: string): boolean {
  return value === '1' || value === 'true'
}
