// SPDX-License-Identifier: Apache-2.0
// What policy says: verdicts in an answer or later, and what is closed while it is away. Page: deploy/servers/PROTOCOL.md.
import type { IqAnswer } from '../../router/router.ts'
import type { Element } from '../../xml/element.ts'
import { write } from '../../xml/writer.ts'
import { normalJid } from '../../xmpp/jid.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Asking } from './asking.ts'
import type { AskerLog } from './bounds.ts'
import type { Ledger } from './ledger.ts'

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

function onlyFrom(screen: string, from: string): void {
  if (normalJid(from) !== normalJid(screen)) throw new StanzaError('auth', 'forbidden')
}

/** Verdicts that were promised. They count for this run alone. */
export function answerVerdicts(screen: string, asking: Asking, log: AskerLog): IqAnswer {
  return ({ from, payload }) => {
    onlyFrom(screen, from)
    const taken = asking.later(payload.attrs.source ?? '', readVerdicts(payload))
    if (!taken) log.warn('verdicts came for another run', {})
    return ''
  }
}

/**
 * What is closed while policy is away. A transport reads no conditions: where policy names a rule that closes anything, everything is closed,
 * which is stricter and never less strict.
 */
export function answerOutageRules(screen: string, ledger: Ledger, log: AskerLog): IqAnswer {
  return async ({ from, payload }) => {
    onlyFrom(screen, from)
    const { id = '', version = '1' } = payload.attrs
    if (version !== '1') throw new StanzaError('cancel', 'feature-not-implemented')
    if (!/^[A-Za-z0-9-]{1,64}$/u.test(id)) throw new StanzaError('modify', 'bad-request', 'outage-rules@id')
    // An element that is not known closes, as one that is.
    const rows = payload
      .getChildElements()
      .filter((child) => !child.is('define', NS.screen) && !child.is('allow', NS.screen))
    const rule = rows.length === 0 ? null : (rows[0]?.attrs.rule ?? 'otherwise')
    try {
      await ledger.hold({ id, rule })
    } catch (error) {
      log.error('the rules for outages cannot be kept on disk; they hold in memory', { error })
      throw new StanzaError('wait', 'resource-constraint')
    }
    log.info('holds the rules for outages', { id, closed: rule !== null })
    return ''
  }
}
