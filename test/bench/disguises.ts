// SPDX-License-Identifier: Apache-2.0
// The ways in which a term is written so that people still read it and a simple search does not find it.
import { CONFUSABLES } from '../../components/kit/text/confusables.ts'

export type Random = () => number

/** The same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function oneOf<T>(all: readonly T[], random: Random): T {
  const one = all[Math.floor(random() * all.length)]
  if (one === undefined) throw new Error('nothing to choose from')
  return one
}

type Disguise = (letter: string, random: Random) => string

const fullWidth: Disguise = (letter) =>
  /^[!-~]$/u.test(letter) ? String.fromCharCode(letter.charCodeAt(0) + 0xfee0) : letter

const INVISIBLE = ['\u200b', '\u200c', '\u200d', '\u2060', '\u00ad', '\ufeff', '\u180e', '\u2063', '\ufe0f']
const zeroWidth: Disguise = (letter, random) => letter + oneOf(INVISIBLE, random)

const combining: Disguise = (letter, random) => letter + String.fromCharCode(0x300 + Math.floor(random() * 0x4f))

const confusable: Disguise = (letter, random) => {
  const like = LOOKALIKES.get(letter)
  return like ? oneOf(like, random) : letter
}

const DISGUISES = { 'full-width': fullWidth, 'zero-width': zeroWidth, combining, confusable }

export const KINDS = [...Object.keys(DISGUISES), 'mixed'] as const

/** The term in disguise; null where that kind changes nothing in it (there are no Cyrillic full-width letters). */
export function disguise(term: string, kind: string, random: Random): string | null {
  const letters = [...term.normalize('NFD')]
  for (let tries = 0; tries < 20; tries += 1) {
    const written = letters.map((letter, at) => {
      // Nothing invisible behind the last letter: that would be a disguise of what follows.
      const ways = kind === 'mixed' ? Object.values(DISGUISES) : [Reflect.get(DISGUISES, kind) as Disguise]
      const way = oneOf(ways, random)
      if (!/\p{L}|\p{N}/u.test(letter) || random() < 0.4 || (way === zeroWidth && at === letters.length - 1))
        return letter
      return way(letter, random)
    })
    const text = written.join('')
    if (text.normalize('NFC') !== term.normalize('NFC')) return text
  }
  return null
}

/** Latin letter -> Greek and Cyrillic ones, and Cyrillic -> Latin and Greek, as Unicode's confusables have them, in one step. */
const LOOKALIKES: ReadonlyMap<string, readonly string[]> = readLookalikes()

function readLookalikes(): Map<string, string[]> {
  const text = (codePoints: string) =>
    codePoints.split(' ').map((hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
  const lookalikes = new Map<string, string[]>()
  const script = (letter: string) =>
    ['Latin', 'Greek', 'Cyrillic'].find((name) => new RegExp(`^\\p{Script=${name}}$`, 'u').test(letter))
  for (const line of CONFUSABLES.trim().split('\n')) {
    const [prototype = '', sources = ''] = line.split('=')
    const all = [text(prototype).join(''), ...text(sources)].filter((letter) => script(letter) !== undefined)
    for (const letter of all) {
      const others = all.filter((other) => script(other) !== script(letter) && script(other) !== 'Latin')
      // A Cyrillic letter is put in the place of a Latin one, and a plain Latin one in that of a Cyrillic.
      const plain = all.filter((other) => script(letter) === 'Cyrillic' && /^[A-Za-z]$/u.test(other))
      if (others.length + plain.length > 0) lookalikes.set(letter, [...others, ...plain])
    }
  }
  return lookalikes
}
