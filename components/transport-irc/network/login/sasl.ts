// SPDX-License-Identifier: Apache-2.0
// SASL on IRC (IRCv3 sasl-3.2): which mechanism, what is said, and how it is cut into AUTHENTICATE lines.
import type { IrcSettings, SaslMechanism } from '../irc.ts'
import type { SaslClient } from './sasl-client.ts'
import { scramClient } from './scram.ts'

/** Those of ours that the server offers, the best one first; `offered` empty: it does not say. */
export function chooseMechanisms(
  settings: Pick<IrcSettings, 'sasl' | 'certificate'>,
  offered: readonly string[],
  isTls: boolean,
): SaslMechanism[] {
  const { sasl, certificate } = settings
  if (sasl === undefined) return []
  const wanted =
    sasl.mechanisms ?? (certificate === undefined ? ['SCRAM-SHA-256', 'PLAIN'] : ['EXTERNAL', 'SCRAM-SHA-256', 'PLAIN'])
  // PLAIN hands the password over: not in clear text, and not to a server that could do without it before, unless somebody says so.
  const mayBePlain = sasl.mechanisms !== undefined || (isTls && sasl.scram?.wasSeen() !== true)
  return wanted.filter(
    (name) =>
      (offered.length === 0 || offered.includes(name)) &&
      (name !== 'PLAIN' || mayBePlain) &&
      (name === 'EXTERNAL' ? certificate !== undefined : sasl.secret !== undefined),
  )
}

/** `nonce`: from 18 random bytes. */
export function saslClient(mechanism: SaslMechanism, account: string, secret: string, nonce: string): SaslClient {
  switch (mechanism) {
    case 'PLAIN':
      // RFC 4616: authorization identity, NUL, authentication identity, NUL, password.
      return once(Buffer.from(`${account}\0${account}\0${secret}`))
    case 'EXTERNAL':
      return once(Buffer.from(account))
    case 'SCRAM-SHA-256':
      return scramClient(account, secret, nonce)
  }
}

/** At most 400 letters a line; a last line that is full, or nothing at all, is followed by `+`. */
export function authenticateLines(bytes: Buffer): string[] {
  const text = bytes.toString('base64')
  const lines: string[] = []
  for (let at = 0; at < text.length; at += LINE) lines.push(text.slice(at, at + LINE))
  if (text.length % LINE === 0) lines.push('+')
  return lines
}

/** Puts the server's lines together; `more` until a line is shorter. */
export class Challenge {
  #text = ''

  /** Null: more is to come. Throws when it is over the bound or no base64. */
  add(line: string): Buffer | null {
    this.#text += line === '+' ? '' : line
    if (this.#text.length > MOST) throw new Error('the challenge is too long')
    if (line.length === LINE) return null
    const text = this.#text
    this.#text = ''
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Error('the challenge is not base64')
    return Buffer.from(text, 'base64')
  }
}

const LINE = 400
const MOST = 16 * 1024

function once(bytes: Buffer): SaslClient {
  return {
    proved: true,
    first: async () => bytes,
    next: async () => {
      throw new Error('an unexpected challenge')
    },
  }
}
