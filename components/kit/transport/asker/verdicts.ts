// SPDX-License-Identifier: Apache-2.0
// Verdicts, in an answer or later. Page: deploy/servers/PROTOCOL.md section 2.
import type { Element } from '../../xml/element.ts'
import { write } from '../../xml/writer.ts'
import { NS } from '../../xmpp/namespaces.ts'

export type Verdict =
  | { action: 'allow' | 'later' }
  | { action: 'refuse'; rule: string; condition: string; text: Readonly<Record<string, string>> }
  | { action: 'replace'; stanza: Element }
  /** `fault`, and what nobody here knows: no answer. */
  | { action: 'none' }

/** By number; what is not named is allowed. */
export function readVerdicts(verdicts: Element | undefined): ReadonlyMap<number, Verdict> {
  const read = new Map<number, Verdict>()
  for (const child of verdicts?.getChildElements() ?? []) {
    const n = Number(child.attrs.n)
    if (child.is('verdict', NS.screen) && Number.isSafeInteger(n)) read.set(n, readVerdict(child))
  }
  return read
}

function readVerdict(verdict: Element): Verdict {
  const { action, rule = '', condition = 'policy-violation' } = verdict.attrs
  switch (action) {
    case 'allow':
    case 'later':
      return { action }
    case 'refuse': {
      const texts = verdict.getChildElements().filter((child) => child.is('text', NS.screen))
      const text = Object.fromEntries(texts.map((child) => [child.attrs['xml:lang'] ?? 'en', child.getText()]))
      return { action, rule, condition, text }
    }
    case 'replace': {
      const stanza = verdict.getChild('forwarded', NS.forward)?.getChildElements()[0]
      return stanza === undefined ? { action: 'none' } : { action, stanza }
    }
    default:
      return { action: 'none' }
  }
}

/** Section 11: a replacement keeps kind and addresses. Null: it does not. Without the namespace, as it goes onto a component's stream. */
export function replacementOf(original: Element, stanza: Element): string | null {
  const same = (name: string) => original.attrs[name] === stanza.attrs[name]
  if (original.getName() !== stanza.getName() || !['id', 'from', 'to', 'type'].every(same)) return null
  if (originOf(original) !== originOf(stanza)) return null
  // The writer escapes what could end the tag, or an attribute.
  return write(stanza).replace(/^(<[^>]*?) xmlns='jabber:client'/u, '$1')
}

function originOf(stanza: Element): string | undefined {
  return stanza.getChild('origin-id', 'urn:xmpp:sid:0')?.attrs.id
}
