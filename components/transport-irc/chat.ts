// SPDX-License-Identifier: Apache-2.0
// Who writes to the gateway itself gives it commands, and reads what they say.
import { escapeAttribute, escapeText } from '../kit/xml/writer.ts'
import { bareOf } from '../kit/xmpp/jid.ts'
import type { StanzaOf } from '../kit/xmpp/stanza.ts'
import { StanzaError } from '../kit/xmpp/stanza-error.ts'

export type GatewayChat = {
  /** Throws a StanzaError; the answers come by themselves. */
  take(message: StanzaOf<'message'>): void
}

export type GatewayChatOptions = {
  answer(from: string, said: string, language: string, signal: AbortSignal): AsyncIterable<string>
  send(xml: string): boolean
  /** By language. */
  busy: Readonly<Record<string, string>>
  signal: AbortSignal
  log: Record<'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
}

/** Commands of one person, and of all, that run at once. */
const MOST_OF_ONE = 3
const MOST = 64
const MOST_CHARACTERS = 4_000

export function openGatewayChat({ answer, send, busy, signal, log }: GatewayChatOptions): GatewayChat {
  const running = new Map<string, number>()
  let all = 0
  return {
    take({ from, to, type, language, element }) {
      const body = element.getChildText('body')?.trim() ?? ''
      if (body === '' || type === 'groupchat' || type === 'headline') return
      const person = bareOf(from)
      const mine = running.get(person) ?? 0
      if (mine >= MOST_OF_ONE || all >= MOST) throw new StanzaError('wait', 'resource-constraint', busy)
      if (body.length > MOST_CHARACTERS) throw new StanzaError('modify', 'not-acceptable')
      running.set(person, mine + 1)
      all += 1
      talk(from, to, body, language)
        .catch((error: unknown) => log.error('a chat with the gateway failed', { error }))
        .finally(() => {
          all -= 1
          const left = (running.get(person) ?? 1) - 1
          if (left === 0) running.delete(person)
          else running.set(person, left)
        })
    },
  }

  async function talk(from: string, to: string, body: string, language: string): Promise<void> {
    for await (const text of answer(from, body, language, signal))
      send(
        `<message type='chat' from='${escapeAttribute(bareOf(to))}' to='${escapeAttribute(from)}'><body>${escapeText(text)}</body></message>`,
      )
  }
}
