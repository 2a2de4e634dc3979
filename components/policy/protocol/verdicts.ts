// SPDX-License-Identifier: Apache-2.0
// urn:gatehouse:screen:1, the answer. Page: deploy/servers/PROTOCOL.md.
import { escapeAttribute, escapeText } from '../../kit/xml/writer.ts'
import { NS } from '../../kit/xmpp/namespaces.ts'

/** What is not simply allowed. `fault` is no verdict: a helper takes every action that it does not know for no answer. */
export type Exception =
  | { n: number; action: 'refuse'; rule: string; condition: string; text: Readonly<Record<string, string>> }
  | { n: number; action: 'replace'; rule: string; stanza: string }
  /** `allow` is said only of what was promised as `later`. */
  | { n: number; action: 'later' | 'fault' | 'allow' }

/** The payload of an answer; '' when everything is allowed. `source` is named where the verdicts were promised as `later`. */
export function writeVerdicts(verdicts: readonly string[], source?: string): string {
  if (verdicts.length === 0) return ''
  const of = source === undefined ? '' : ` source='${escapeAttribute(source)}'`
  return `<verdicts xmlns='${NS.screen}'${of}>${verdicts.join('')}</verdicts>`
}

export function writeVerdict(exception: Exception): string {
  const head = `<verdict n='${exception.n}' action='${exception.action}'`
  switch (exception.action) {
    case 'refuse': {
      const texts = Object.entries(exception.text).map(
        ([language, text]) => `<text xml:lang='${escapeAttribute(language)}'>${escapeText(text)}</text>`,
      )
      return `${head} rule='${escapeAttribute(exception.rule)}' condition='${exception.condition}'>${texts.join('')}</verdict>`
    }
    case 'replace':
      return `${head} rule='${escapeAttribute(exception.rule)}'><forwarded xmlns='${NS.forward}'>${exception.stanza}</forwarded></verdict>`
    default:
      return `${head}/>`
  }
}
