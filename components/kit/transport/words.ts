// SPDX-License-Identifier: Apache-2.0
// Words of a network that answer one of our people: why it refused, why he is no longer connected, whom it found. They are asked about as said to
// him, by the address of the network, before he reads them.
import { randomUUID } from 'node:crypto'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { bareOf } from '../xmpp/jid.ts'
import { writeNetworkAddress } from './address.ts'
import type { Asker } from './asker/asker.ts'
import type { Answer, Foreign } from './asker/question.ts'
import { type Network, NetworkFault } from './network.ts'
import { readReplaced } from './rooms/reading.ts'

export type Words = {
  /** What he may read of it; null: nothing. `who`: whose words they are, where not those of a server. */
  read(owner: string, network: string, text: string, who?: Foreign): Promise<string | null>
  /** The same fault in words that he may read, or in none. */
  heard(owner: string, network: string, fault: NetworkFault): Promise<NetworkFault>
}

export type Said = { owner: string; network: string; text: string; who: Foreign; order: string }
export type Passed = { payload: string; body: string; from: string; to: string; id: string }

export type WordsOptions = {
  domain: string
  network: Network
  asker: Pick<Asker, 'ask'> & { readonly passes?: true }
  refused(why: 'policy' | 'outage'): void
  now(): number
}

/**
 * A server refuses in the same words what is tried again and again: what the rules said of them holds for a minute, so that new rules do too.
 * For one person, because rules and walls are. What nobody could be asked about is asked about again.
 */
const KEPT_MS = 60_000
const KEPT_MOST = 1_000
const KEPT_LENGTH = 500
const TEXT_MOST = 20_000

export function openWords(options: WordsOptions): Words {
  const { asker, now, refused } = options
  const kept = new Map<string, { at: number; read: Promise<string | null> }>()

  async function ask(said: Said, forget: () => void): Promise<string | null> {
    const passed = await askAbout(options, said)
    if (typeof passed !== 'string') return passed.body
    refused(passed)
    if (passed === 'outage') forget()
    return null
  }

  function read(owner: string, network: string, text: string, who?: Foreign): Promise<string | null> {
    if (asker.passes === true || text.trim() === '') return Promise.resolve(text)
    const said = { owner, network, text, who: who ?? { nick: network }, order: `words ${bareOf(owner)} ${network}` }
    if (text.length > TEXT_MOST) return readLong(said)
    if (text.length > KEPT_LENGTH) return ask(said, () => {})
    const key = [bareOf(owner), network, who?.nick ?? '', who?.account ?? '', text].join('\0')
    const before = kept.get(key)
    if (before !== undefined && now() - before.at < KEPT_MS) return before.read
    const one = {
      at: now(),
      read: ask(said, () => {
        if (kept.get(key) === one) kept.delete(key)
      }),
    }
    kept.delete(key)
    kept.set(key, one)
    const [oldest] = kept.keys()
    if (kept.size > KEPT_MOST && oldest !== undefined) kept.delete(oldest)
    return one.read
  }

  /** All of it, or nothing. */
  async function readLong(said: Said): Promise<string | null> {
    const pieces = piecesOf(said.text).map((text) => ask({ ...said, text }, () => {}))
    const all = await Promise.all(pieces)
    return all.includes(null) ? null : all.join('\n')
  }

  return {
    read,
    async heard(owner, network, fault) {
      if (fault.isReadable) return fault
      const words = await read(owner, network, fault.message.trim().slice(0, KEPT_LENGTH))
      return NetworkFault.readable(fault.reason, words ?? '', fault.carried)
    },
  }
}

/** As many lines together as one question may hold. */
function piecesOf(text: string): string[] {
  const pieces: string[] = []
  let piece: string | null = null
  for (const line of text.split('\n')) {
    if (piece !== null && piece.length + line.length >= TEXT_MOST) {
      pieces.push(piece)
      piece = null
    }
    piece = piece === null ? line : `${piece}\n${line}`
  }
  return piece === null ? pieces : [...pieces, piece]
}

/** As a headline from the network's address. What the rules leave of it, or why that is nothing. */
export async function askAbout(
  { domain, network: kind, asker }: Pick<WordsOptions, 'domain' | 'network'> & { asker: Pick<Asker, 'ask'> },
  { owner, network, text: said, who, order }: Said,
): Promise<Passed | 'policy' | 'outage'> {
  const text = said.slice(0, TEXT_MOST)
  const id = randomUUID()
  const from = escapeAttribute(writeNetworkAddress(domain, kind, network))
  const to = escapeAttribute(bareOf(owner))
  const payload = `<body>${escapeText(text)}</body>`
  const answer: Answer = await asker.ask({
    stanza: `<message xmlns='jabber:client' from='${from}' to='${to}' type='headline' id='${id}'>${payload}</message>`,
    network: kind.type,
    server: network,
    foreign: who,
    order,
  })
  if (answer.action === 'refuse') return answer.why
  const left = answer.replaced ? readReplaced(answer.stanza) : { payload, body: text }
  return left === null ? 'policy' : { ...left, from, to, id }
}
