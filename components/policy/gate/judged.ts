// SPDX-License-Identifier: Apache-2.0
// A decision -> what the journal keeps and what the helper is told. Both say the same.
import type { FactOf, MatchedAt } from '../../kit/facts/facts.ts'
import type { Element } from '../../kit/xml/element.ts'
import type { Decision } from '../domain/decide.ts'
import type { Texts } from '../domain/rule.ts'
import type { Ask } from '../domain/screen.ts'
import { writeEnvelope } from '../protocol/envelope.ts'
import { writeReplacement } from '../protocol/replacement.ts'
import { type Exception, writeVerdict } from '../protocol/verdicts.ts'
import type { Noted } from './facts.ts'

export type Verdict = FactOf<'ask'>['verdict']

/** `verdict` and `noted` as they go on record; `exception`: what the answer says of this number; null where it is allowed or no verdict is awaited. */
export type Judged = { ask: Ask<Element>; verdict: Verdict; noted: Noted; exception: Exception | null }

/** The words for people, in all languages at once. */
export type Wording = {
  /** What a sender is shown where the rule has no text of its own. */
  refusal(rule: string): Readonly<Record<string, string>>
  /** What is wrong with a screen as a whole. */
  error(id: 'policy-stranger' | 'policy-busy' | 'policy-not-kept'): Readonly<Record<string, string>>
}

export function toVerdict(
  ask: Ask<Element>,
  decision: Decision,
  wording: Wording,
  bounds: { replacementBytes: number },
): Judged {
  const noted = notedOf(ask, decision)
  const judged = (verdict: Verdict): Judged => {
    const exception = ask.spooled || verdict.action === 'allow' ? null : { n: ask.n, ...verdict }
    // What is left out of the record is left out of it everywhere.
    const recorded =
      verdict.action === 'replace' && noted.stanza !== undefined ? { ...verdict, stanza: noted.stanza } : verdict
    return { ask, verdict: recorded, noted, exception }
  }
  const refuse = (rule: string, condition: string, text: Texts): Judged =>
    judged({ action: 'refuse', rule, condition, text: text ?? wording.refusal(rule) })
  if (decision.action === 'allow') return judged(decision)
  if (decision.action === 'refuse') return refuse(decision.rule, decision.condition, decision.text)
  if ('unreadable' in ask.stanza) throw new Error('what cannot be read cannot be replaced')
  const stanza = writeReplacement(ask.stanza, decision.texts)
  // Larger than the server takes from a component: the whole stream would be closed over it.
  if (Buffer.byteLength(stanza) > bounds.replacementBytes)
    return refuse(decision.rule, 'policy-violation', decision.refusal)
  return judged({ action: 'replace', rule: decision.rule, stanza })
}

function notedOf(ask: Ask<Element>, { tags, record, matched }: Decision): Noted {
  const left = record === undefined || record === 'content' ? undefined : record
  const envelope = left === 'envelope' && !('unreadable' in ask.stanza) ? writeEnvelope(ask.stanza) : ''
  return {
    ...(tags ? { tags } : {}),
    ...(matched ? { matched: left === undefined ? matched : matched.map(withoutWords) } : {}),
    ...(left === undefined ? {} : { record: left, stanza: envelope }),
  }
}

/** Names of other elements may be words of the sender. */
const PLACES: ReadonlySet<string> = new Set(
  'body subject thread html nick status reason reaction name desc title url text note'.split(' '),
)

function withoutWords(found: MatchedAt): MatchedAt {
  return PLACES.has(found.where) ? found : { ...found, where: '' }
}

/**
 * What one answer holds, in at most so many UTF-8 bytes; what does not fit is `later` there and follows in parts of that size.
 * A server closes the stream of a component that sends more than it takes.
 */
export function divide(
  exceptions: readonly Exception[],
  bytes: number,
): { answer: readonly string[]; after: readonly string[][] } {
  const written = exceptions.map(writeVerdict)
  if (byteLength(written) <= bytes) return { answer: written, after: [] }
  const promised = exceptions.map(({ n }) => writeVerdict({ n, action: 'later' }))
  let room = bytes - byteLength(promised)
  const after: string[][] = []
  let left = 0
  const answer = written.map((verdict, index) => {
    const size = Buffer.byteLength(verdict)
    if (size <= room) {
      room -= size
      return verdict
    }
    if (size > left) {
      after.push([])
      left = bytes
    }
    after.at(-1)?.push(verdict)
    left -= size
    return promised[index] ?? ''
  })
  return { answer, after }
}

function byteLength(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}
