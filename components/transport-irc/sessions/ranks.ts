// SPDX-License-Identifier: Apache-2.0
// Signs before a nick and what they are in a room (XEP-0045 §5), and the way back to MODE.
import type { Affiliation, Occupant, Role } from '../../kit/transport/network.ts'
import type { IrcFacts, IrcMember } from '../network/irc.ts'

type Ranks = IrcFacts['ranks']

/** Of the most usual ranks; others are hats alone. */
const OWNER = 'q'
const ADMIN = 'a'
const OPERATOR = 'o'
const HALF = 'h'
const VOICE = 'v'

/** `isModerated`: only who has a rank may speak (+m). */
export function standingOf(
  prefixes: string,
  ranks: Ranks,
  isModerated: boolean,
): { role: Role; affiliation: Affiliation; hats?: readonly string[] } {
  // As most are: of a large channel this is asked of everybody.
  if (prefixes === '') return { role: isModerated ? 'visitor' : 'participant', affiliation: 'none' }
  const letters = new Set(ranks.filter(({ sign }) => prefixes.includes(sign)).map(({ letter }) => letter))
  const hats = [...letters].filter((letter) => ![OWNER, OPERATOR, HALF, VOICE].includes(letter))
  const more = hats.length === 0 ? {} : { hats: hats.map((letter) => HATS[letter] ?? `+${letter}`) }
  if (letters.has(OWNER)) return { role: 'moderator', affiliation: 'owner', ...more }
  if (letters.has(ADMIN)) return { role: 'moderator', affiliation: 'admin', ...more }
  // Somebody must be able to configure a channel of a network without owners.
  if (letters.has(OPERATOR)) return { role: 'moderator', affiliation: hasOwners(ranks) ? 'admin' : 'owner', ...more }
  if (letters.has(HALF)) return { role: 'moderator', affiliation: 'member', ...more }
  if (letters.has(VOICE)) return { role: 'participant', affiliation: 'member', ...more }
  return { role: isModerated ? 'visitor' : 'participant', affiliation: 'none', ...more }
}

const HATS: Readonly<Record<string, string>> = { [ADMIN]: 'protected' }

export function occupantOf(member: IrcMember, ranks: Ranks, isModerated: boolean): Occupant {
  const { nick, user, host, account, away, realname } = member
  const occupant: Occupant = { nick, ...standingOf(member.prefixes, ranks, isModerated) }
  if (account !== undefined) occupant.account = account
  if (user !== undefined && host !== undefined) occupant.identity = `${nick}!${user}@${host}`
  if (away !== undefined) occupant.away = away
  if (realname !== undefined) occupant.name = realname
  return occupant
}

/** Letters of MODE with their sign, such as ['+o', '-v']; null: this network has no rank for it. */
export function changesToRole(role: Role, prefixes: string, ranks: Ranks, isModerated: boolean): string[] | null {
  const has = lettersOf(prefixes, ranks)
  if (role === 'moderator') {
    if (has.some((letter) => letter !== VOICE)) return []
    return ranks.some(({ letter }) => letter === HALF) ? [`+${HALF}`] : [`+${OPERATOR}`]
  }
  const down = has.filter((letter) => letter !== VOICE).map((letter) => `-${letter}`)
  const isVoiced = has.includes(VOICE)
  if (role === 'participant') return [...down, ...(isModerated && !isVoiced ? [`+${VOICE}`] : [])]
  // Where everybody may speak there are no visitors.
  if (!isModerated) return null
  return [...down, ...(isVoiced ? [`-${VOICE}`] : [])]
}

export function changesToAffiliation(
  affiliation: Exclude<Affiliation, 'outcast'>,
  prefixes: string,
  ranks: Ranks,
): string[] {
  const has = lettersOf(prefixes, ranks)
  const wanted = {
    owner: hasOwners(ranks) ? OWNER : OPERATOR,
    admin: OPERATOR,
    member: VOICE,
    none: null,
  }[affiliation]
  const isAbove = (letter: string) => wanted === null || rankOf(letter, ranks) < rankOf(wanted, ranks)
  return [
    ...has.filter(isAbove).map((letter) => `-${letter}`),
    ...(wanted === null || has.includes(wanted) ? [] : [`+${wanted}`]),
  ]
}

function lettersOf(prefixes: string, ranks: Ranks): string[] {
  return ranks.filter(({ sign }) => prefixes.includes(sign)).map(({ letter }) => letter)
}

function rankOf(letter: string, ranks: Ranks): number {
  const at = ranks.findIndex((one) => one.letter === letter)
  return at === -1 ? ranks.length : at
}

function hasOwners(ranks: Ranks): boolean {
  return ranks.some(({ letter }) => letter === OWNER)
}
