// SPDX-License-Identifier: Apache-2.0
// `then:` of a rule: allow, refuse or replace, as a word alone or with details below it.
import { wordLists } from '../domain/decide.ts'
import type { Action, Condition, Texts } from '../domain/rule.ts'
import { ACTION_KEYS, CONDITIONS, REFUSE_KEYS, REPLACE_KEYS } from './keys.ts'
import { isMap, type Reading } from './reading.ts'

const TEXT_MAX = 1_000

/** `when` is the condition of the rule if that could be read. */
export function readAction(place: Reading, when: Condition | null): Action | null {
  const action = readNamed(place)
  if (action?.do === 'replace' && when && wordLists(when).length === 0) {
    return place.refuse('policy-wanted-words-condition')
  }
  return action
}

function readNamed(place: Reading): Action | null {
  if (typeof place.value === 'string') return readWord(place)
  if (!isMap(place.value)) return place.refuse('kit-wanted-choice', { choices: ACTION_KEYS.built.join(', ') })
  place.keys(ACTION_KEYS)
  const named = Object.keys(place.value)
  if (named.length !== 1) return place.refuse('policy-wanted-one-action', { choices: ACTION_KEYS.built.join(', ') })
  const below = place.at(named[0] ?? '')
  if (named[0] === 'refuse') return readRefuse(below)
  if (named[0] === 'replace') return readReplace(below)
  if (named[0] !== 'allow') return null
  return below.value === null || below.value === true ? { do: 'allow' } : below.refuse('policy-allow-alone')
}

function readWord(place: Reading): Action | null {
  if (place.value === 'allow') return { do: 'allow' }
  if (place.value === 'refuse') return { do: 'refuse', condition: null, text: null }
  if (place.value === 'replace') return { do: 'replace', mask: '*', text: null }
  if (ACTION_KEYS.planned.some((word) => word === place.value))
    return place.refuse('policy-word-not-built', { word: String(place.value) })
  place.oneOf(ACTION_KEYS.built)
  return null
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
function readTexts(place: Reading): Texts {
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
