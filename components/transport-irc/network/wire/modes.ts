// SPDX-License-Identifier: Apache-2.0
// Changes of modes (RFC 1459 §4.2.3) read after what the server says of PREFIX and CHANMODES.
import type { Isupport } from './isupport.ts'

/** `sign` is + or -; `parameter` of a rank is the nick. */
export type ModeChange = { sign: '+' | '-'; letter: string; parameter: string | null }

/** `+ov-k`, `a`, `b`, `key`. A letter that the server never named takes no parameter. */
export function readModes(isupport: Isupport, letters: string, params: readonly string[]): ModeChange[] {
  const changes: ModeChange[] = []
  let sign: '+' | '-' = '+'
  let at = 0
  for (const letter of letters) {
    if (letter === '+' || letter === '-') sign = letter
    else
      changes.push({ sign, letter, parameter: takesParameter(isupport, sign, letter) ? (params[at++] ?? null) : null })
  }
  return changes
}

function takesParameter({ ranks, modes }: Isupport, sign: '+' | '-', letter: string): boolean {
  return (
    ranks.some((rank) => rank.letter === letter) ||
    modes.list.includes(letter) ||
    modes.always.includes(letter) ||
    (sign === '+' && modes.onSet.includes(letter))
  )
}

/** In as many lines as the server needs (ISUPPORT MODES), each the parameters behind a target. */
export function writeModes(changes: readonly ModeChange[], atOnce: number): string[][] {
  const lines: string[][] = []
  let letters = ''
  let params: string[] = []
  let sign = ''
  const end = () => {
    if (letters !== '') lines.push([letters, ...params])
    letters = ''
    params = []
    sign = ''
  }
  for (const change of changes) {
    if (change.parameter !== null && params.length >= Math.max(1, atOnce)) end()
    if (change.sign !== sign) letters += change.sign
    sign = change.sign
    letters += change.letter
    if (change.parameter !== null) params.push(change.parameter)
  }
  end()
  return lines
}

/** The signs of a member after a change of rank, highest first. */
export function rankedSigns({ ranks }: Isupport, signs: string, { sign, letter }: ModeChange): string {
  const rank = ranks.find((each) => each.letter === letter)
  if (rank === undefined) return signs
  return ranks
    .filter((each) => (each === rank ? sign === '+' : signs.includes(each.sign)))
    .map((each) => each.sign)
    .join('')
}

/** `@+nick!user@host` of NAMES (multi-prefix, userhost-in-names) into signs and the rest. */
export function splitSigns({ ranks }: Isupport, name: string): { signs: string; rest: string } {
  let at = 0
  while (at < name.length - 1 && ranks.some((rank) => rank.sign === name[at])) at += 1
  return { signs: name.slice(0, at), rest: name.slice(at) }
}
