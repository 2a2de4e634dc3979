// SPDX-License-Identifier: Apache-2.0
// What policy says by itself: verdicts that were promised, and what is closed while it is away. Page: deploy/servers/PROTOCOL.md.
import type { IqAnswer } from '../../router/router.ts'
import { normalJid } from '../../xmpp/jid.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Asking } from './asking.ts'
import type { AskerLog } from './bounds.ts'
import type { Ledger } from './ledger.ts'
import { readVerdicts } from './verdicts.ts'

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
