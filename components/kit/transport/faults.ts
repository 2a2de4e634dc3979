// SPDX-License-Identifier: Apache-2.0
// What a network refused, as XMPP says it.
import type { Catalogue } from '../text/catalogue.ts'
import { type Condition, type ErrorType, StanzaError } from '../xmpp/stanza-error.ts'
import { NetworkFault, type Reason } from './network.ts'
import type { Words } from './words.ts'

/** XEP-0045 §7.2 where it names a condition for entering; §7.4, §8 and §9 for the rest. */
const CONDITIONS: Readonly<Record<Reason, readonly [ErrorType, Condition]>> = {
  password: ['auth', 'not-authorized'],
  banned: ['auth', 'forbidden'],
  'members-only': ['auth', 'registration-required'],
  full: ['wait', 'service-unavailable'],
  'too-many': ['wait', 'resource-constraint'],
  'no-such-room': ['cancel', 'item-not-found'],
  'no-such-person': ['cancel', 'item-not-found'],
  'nick-taken': ['cancel', 'conflict'],
  'nick-invalid': ['modify', 'not-acceptable'],
  'nick-reserved': ['cancel', 'conflict'],
  'not-allowed': ['auth', 'forbidden'],
  'not-there': ['cancel', 'not-acceptable'],
  'too-long': ['modify', 'policy-violation'],
  unreadable: ['modify', 'not-acceptable'],
  unsupported: ['cancel', 'feature-not-implemented'],
  down: ['wait', 'remote-server-not-found'],
  // Never not-authorized, which clients take for a wish for the room's password.
  login: ['auth', 'forbidden'],
  access: ['auth', 'forbidden'],
  protection: ['cancel', 'not-allowed'],
  timeout: ['wait', 'remote-server-timeout'],
  busy: ['wait', 'resource-constraint'],
  other: ['cancel', 'undefined-condition'],
}

/** What knows the texts, and what may be read of those of the network; and who reads it. */
type Hearing = { text: Catalogue; words: Words }
type Reader = { owner: string; network: string }

/**
 * A StanzaError is given on as it is; what is neither is a fault of ours. Of what the network said only what may be read: words that nobody
 * was asked about are left out.
 */
export function refusalOf(error: unknown, text: Catalogue): StanzaError {
  if (error instanceof StanzaError) return error
  if (!(error instanceof NetworkFault))
    return new StanzaError(
      'cancel',
      'internal-server-error',
      {},
      { cause: error instanceof Error ? error : String(error) },
    )
  const [type, condition] = CONDITIONS[error.reason]
  return new StanzaError(type, condition, wordsOf(error, text))
}

/** The same, with the words of the network where the rules let him read them. */
export async function refuse(
  error: unknown,
  { text, words }: Hearing,
  { owner, network }: Reader,
): Promise<StanzaError> {
  return refusalOf(error instanceof NetworkFault ? await words.heard(owner, network, error) : error, text)
}

/** What the network refuses, refused in turn. */
export async function orRefusal<T>(work: Promise<T>, hearing: Hearing, reader: Reader): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw await refuse(error, hearing, reader)
  }
}

/** Nobody is left who knows whether the network has it. */
export function restarted(text: Catalogue): StanzaError {
  const inAll = text.languages.map((language) => {
    const all = ['restarted', 'unsure'].map((id) => text.say(`kit-transport-fault-${id}`, language))
    return [language, all.join(' ')]
  })
  return new StanzaError('wait', 'remote-server-timeout', Object.fromEntries(inAll))
}

/** By language: what it means, and what the network said, as far as that may be read. */
export function wordsOf(fault: NetworkFault, text: Catalogue): Readonly<Record<string, string>> {
  const { reason, message, carried, isReadable } = fault
  // What is wrong with a certificate we say ourselves.
  const saysWho = reason === 'protection' ? 'why' : 'said'
  const words = isReadable ? message.trim().slice(0, 500) : ''
  const { parts, of, unsure } = carried
  const isLost = reason === 'down' && (parts > 0 || unsure)
  const rest = parts > 0 ? (unsure ? 'part-unsure' : 'part') : unsure ? 'unsure' : null
  return Object.fromEntries(
    text.languages.map((language) => {
      const all = [text.say(`kit-transport-fault-${isLost ? 'lost' : reason}`, language)]
      if (rest !== null) all.push(text.say(`kit-transport-fault-${rest}`, language, { parts, of }))
      const meaning = all.join(' ')
      return [
        language,
        words === '' ? meaning : text.say(`kit-transport-fault-${saysWho}`, language, { meaning, words }),
      ]
    }),
  )
}
