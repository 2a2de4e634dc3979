// SPDX-License-Identifier: Apache-2.0
// Stanza errors, RFC 6120 §8.3.
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { NS } from './namespaces.ts'

export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** RFC 6120 §8.3.3, all of them. */
export const CONDITIONS = [
  'bad-request',
  'conflict',
  'feature-not-implemented',
  'forbidden',
  'gone',
  'internal-server-error',
  'item-not-found',
  'jid-malformed',
  'not-acceptable',
  'not-allowed',
  'not-authorized',
  'policy-violation',
  'recipient-unavailable',
  'redirect',
  'registration-required',
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
  'service-unavailable',
  'subscription-required',
  'undefined-condition',
  'unexpected-request',
] as const

export type Condition = (typeof CONDITIONS)[number]

/** What a person reads, by language tag. A plain string is English. */
export type ErrorText = string | Readonly<Record<string, string>>

/** What a protocol of its own says beside the condition (RFC 6120 §8.3.2), an empty element. */
export type SpecificCondition = { name: string; namespace: string }

/** A refusal. The user gets condition and text, the log the cause. */
export class StanzaError extends Error {
  override name = 'StanzaError'
  readonly type: ErrorType
  readonly condition: Condition
  readonly text: Readonly<Record<string, string>>
  readonly specific: SpecificCondition | undefined

  constructor(
    type: ErrorType,
    condition: Condition,
    text: ErrorText = {},
    options: { cause?: unknown; specific?: SpecificCondition } = {},
  ) {
    const texts = typeof text === 'string' ? { en: text } : text
    super(Object.values(texts)[0] ?? condition, options.cause === undefined ? {} : { cause: options.cause })
    this.type = type
    this.condition = condition
    this.text = texts
    this.specific = options.specific
  }
}

/** `<error/>` with one text at most: the one for the language asked for, else English, else the first. */
export function writeError(error: StanzaError, language = 'en'): string {
  const tag = chooseLanguage(Object.keys(error.text), language)
  const text =
    tag === undefined
      ? ''
      : `<text xmlns='${NS.stanzaErrors}' xml:lang='${escapeAttribute(tag)}'>${escapeText(error.text[tag] ?? '')}</text>`
  const { specific } = error
  const more = specific === undefined ? '' : `<${specific.name} xmlns='${escapeAttribute(specific.namespace)}'/>`
  return `<error type='${error.type}'><${error.condition} xmlns='${NS.stanzaErrors}'/>${text}${more}</error>`
}

/** RFC 4647 §3.4 lookup: exact tag, then shorter and shorter, then English, then the first. */
export function chooseLanguage(tags: readonly string[], wanted: string): string | undefined {
  for (let range = wanted.toLowerCase(); range !== ''; range = range.slice(0, Math.max(0, range.lastIndexOf('-')))) {
    const found = tags.find((tag) => tag.toLowerCase() === range)
    if (found !== undefined) return found
  }
  return tags.includes('en') ? 'en' : tags[0]
}
