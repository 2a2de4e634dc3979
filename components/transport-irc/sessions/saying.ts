// SPDX-License-Identifier: Apache-2.0
// What one of our people says, in the form in which it goes to the network, and what the network's people read where it has no word for it.
import type { Outgoing, Sent, Target } from '../../kit/transport/network.ts'
import { NetworkFault } from '../../kit/transport/network.ts'
import { type IrcConnection, IrcFault, type SayOptions, type Spoken } from '../network/irc.ts'
import { fromStyled, toStyled } from '../network/wire/formatting.ts'
import { networkFault } from './fault.ts'
import { Recent } from './recent.ts'

/** Words that people of the network read, who have one language. */
export type SayingWords = {
  /** An emoji to somebody's words, in the third person: stands behind a nick. */
  reacts(emojis: string, quote: string): string
}

const QUOTE = 60
const MOST_REACTED = 500
const REDACTION = 'draft/message-redaction'

export function openSaying(connection: IrcConnection, words: SayingWords) {
  /** Emojis of ours by target and message, to know what was taken back. */
  const reacted = new Recent<readonly string[]>(MOST_REACTED)

  return function say(target: Target, message: Outgoing, cut?: (parts: number) => void): Promise<Sent> {
    const to = 'room' in target ? target.room : target.person
    if (message.retracts !== undefined) return retract(to, message.retracts)
    if (message.reaction !== undefined) return react(to, message.reaction)
    return text(to, message, cut)
  }

  async function text(to: string, { body, replyTo, corrects }: Outgoing, cut?: (parts: number) => void): Promise<Sent> {
    const hasTags = connection.facts.caps.has('message-tags')
    const isAction = body.startsWith('/me ')
    const answered = hasTags ? (replyTo?.id ?? null) : null
    const options: SayOptions = {
      ...(isAction ? { kind: 'action' } : {}),
      ...(answered === null ? {} : { replyTo: answered }),
      ...(cut === undefined ? {} : { cut }),
    }
    let said = isAction ? body.slice('/me '.length) : body
    // As people there mark it themselves.
    if (corrects !== undefined && !isAction) said = `* ${said}`
    if (replyTo !== undefined && answered === null && !isAction)
      said = [`${replyTo.nick}:`, quoted(replyTo.quote), said].filter((part) => part !== '').join(' ')
    const styled = (parts: readonly string[]) => (isAction ? '/me ' : '') + toStyled(parts.join('\n'))
    try {
      const spoken = await connection.say(to, fromStyled(said), options)
      return sent(spoken, styled(spoken.parts))
    } catch (error) {
      if (!(error instanceof IrcFault)) throw error
      const { ids, parts, of } = error.went ?? { ids: [], parts: [], of: 1 }
      const body = parts.length === 0 ? '' : styled(parts)
      throw networkFault(error, { parts: ids.length, of, body, ids, unsure: error.unsure })
    }
  }

  async function react(to: string, { to: id, emojis, quote }: NonNullable<Outgoing['reaction']>): Promise<Sent> {
    const hasTags = connection.facts.caps.has('message-tags')
    const key = `${connection.key(to)} ${id ?? quote}`
    const before = reacted.get(key) ?? []
    reacted.set(key, emojis)
    const added = emojis.filter((one) => !before.includes(one))
    if (hasTags && id !== null) {
      const gone = before.filter((one) => !emojis.includes(one))
      const told = await Promise.all([
        ...added.map((one) => connection.react(to, id, one)),
        ...gone.map((one) => connection.react(to, id, one, true)),
      ])
      if (told.every((one) => one)) return { ids: [], at: null, confirmed: true, body: '' }
    }
    // Nothing there takes a word back.
    if (added.length === 0) return { ids: [], at: null, confirmed: true, body: '' }
    const spoken = await connection.say(to, words.reacts(added.join(' '), quoted(quote)), { kind: 'action' })
    return sent(spoken, `/me ${spoken.parts.join('\n')}`)
  }

  async function retract(to: string, { id, reason }: NonNullable<Outgoing['retracts']>): Promise<Sent> {
    if (id === null || !connection.facts.caps.has(REDACTION)) throw NetworkFault.readable('unsupported', REDACTION)
    await connection.redact(to, id, reason)
    return { ids: [], at: null, confirmed: true, body: '' }
  }
}

function sent({ ids, at }: Spoken, body: string): Sent {
  // Even a fence shows that the server has read the line and refused nothing.
  return { ids, at, confirmed: true, body }
}

/** The beginning of what is meant, in quotes and in one line. */
function quoted(quote: string): string {
  const line = quote.replace(/\s+/g, ' ').trim()
  const characters = [...line]
  return line === '' ? '' : `“${characters.length > QUOTE ? `${characters.slice(0, QUOTE).join('')}…` : line}”`
}
