// SPDX-License-Identifier: Apache-2.0
// `then:` of a rule: allow, refuse or replace, as a word alone or with details below it, and beside them `tag` and `record`.
import type { Recorded } from '../../kit/facts/facts.ts'
import type { Action, Condition, Texts } from '../domain/rule.ts'
import { soughtBy } from '../domain/rule-index.ts'
import { ACTION_KEYS, CONDITIONS, REFUSE_KEYS, REPLACE_KEYS, VERDICT_KEYS } from './keys.ts'
import { isMap, type Reading } from './reading.ts'

export type Then = { then: Action; tags: readonly string[]; record: Recorded | null }

export const RECORDED = ['content', 'envelope', 'nothing'] as const satisfies readonly Recorded[]

const TEXT_MAX = 1_000
const TAGS_MAX = 20

/** `when` is the condition of the rule if that could be read. */
export function readThen(place: Reading, when: Condition | null): Then | null {
  const read = readNamed(place)
  if (read?.then.do !== 'replace' || when === null) return read
  const { lists, patterns } = soughtBy(when)
  return lists.length + patterns.length === 0 ? place.refuse('policy-wanted-words-condition') : read
}

function readNamed(place: Reading): Then | null {
  if (typeof place.value === 'string') {
    const then = readWord(place)
    return then && { then, tags: [], record: null }
  }
  if (!isMap(place.value)) return place.refuse('kit-wanted-choice', { choices: ACTION_KEYS.built.join(', ') })
  place.keys(ACTION_KEYS)
  const named = VERDICT_KEYS.filter((verdict) => place.at(verdict).value !== undefined)
  const noted = ['tag', 'record'].filter((key) => place.at(key).value !== undefined)
  // What else stands there has been told already.
  if (named.length + noted.length === 0 && Object.keys(place.value).length > 0) return null
  if (named.length > 1 || named.length + noted.length === 0)
    return place.refuse('policy-wanted-one-action', { choices: VERDICT_KEYS.join(', ') })
  const then = readVerdict(place, named[0])
  const tags = noted.includes('tag') ? place.at('tag').items(TAGS_MAX, readTag) : []
  const record = noted.includes('record') ? place.at('record').oneOf(RECORDED) : null
  return then && tags && { then, tags, record }
}

function readVerdict(place: Reading, named: (typeof VERDICT_KEYS)[number] | undefined): Action | null {
  if (named === undefined) return { do: 'tag' }
  const below = place.at(named)
  if (named === 'refuse') return readRefuse(below)
  if (named === 'replace') return readReplace(below)
  return below.value === null || below.value === true ? { do: 'allow' } : below.refuse('policy-allow-alone')
}

function readWord(place: Reading): Action | null {
  if (place.value === 'allow') return { do: 'allow' }
  if (place.value === 'refuse') return { do: 'refuse', condition: null, text: null }
  if (place.value === 'replace') return { do: 'replace', mask: '*', text: null }
  if (ACTION_KEYS.planned.some((word) => word === place.value))
    return place.refuse('policy-word-not-built', { word: String(place.value) })
  place.oneOf(VERDICT_KEYS)
  return null
}

function readTag(place: Reading): string | null {
  const tag = place.text(64)
  if (tag === null) return null
  return /^[a-z0-9][a-z0-9._-]*$/u.test(tag) ? tag : place.refuse('policy-wanted-id')
}

function readRefuse(place: Reading): Action | null {
  if (place.value === null) return { do: 'refuse', condition: null, text: null }
  if (!isMap(place.value)) return place.refuse('policy-wanted-refusal')
  place.keys(REFUSE_KEYS)
  const condition = place.at('condition').value === undefined ? null : place.at('condition').oneOf(CONDITIONS)
  return { do: 'refuse', condition, text: readTexts(place.at('text')) }
}

function readReplace(place: Reading): Action | null {
  if (place.value === null) return { do: 'replace', mask: '*', text: null }
  if (!isMap(place.value)) return place.refuse('policy-wanted-replacement')
  place.keys(REPLACE_KEYS)
  const mask = place.at('mask').value === undefined ? '*' : place.at('mask').text(64)
  if (mask !== null && unfit(mask)) return place.at('mask').refuse('policy-wanted-no-control')
  return mask === null ? null : { do: 'replace', mask, text: readTexts(place.at('text')) }
}

/** Texts for the sender by language. What is wrong is told to the reading, so that null can stand for "the usual text". */
export function readTexts(place: Reading): Texts {
  if (place.value === undefined) return null
  if (!isMap(place.value) || Object.keys(place.value).length === 0) return place.refuse('policy-wanted-texts')
  const texts: Record<string, string> = {}
  for (const language of Object.keys(place.value)) {
    const below = place.at(language)
    if (!/^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/u.test(language)) below.refuse('policy-wanted-language')
    const text = below.text(TEXT_MAX)
    if (text !== null && unfit(text)) below.refuse('policy-wanted-no-control')
    if (text !== null) texts[language] = text
  }
  return texts
}

/** XML 1.0 has no way to say these characters. */
function unfit(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/u.test(text) || !text.isWellFormed()
}
