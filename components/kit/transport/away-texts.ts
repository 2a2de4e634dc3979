// SPDX-License-Identifier: Apache-2.0
// Why somebody is absent, in his own words. He says it to the whole network at once, so it is asked about once, when it is new, in however many
// rooms and contacts it is then shown. A colleague's is asked about for each place: whom of ours a wall keeps from him differs between them.
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { writeAddress, writeNetworkAddress } from './address.ts'
import type { Asker } from './asker/asker.ts'
import { type Foreign, foreignOf } from './asker/question.ts'
import type { Network } from './network.ts'
import { readStatus } from './rooms/reading.ts'

export type AwayText = Foreign & {
  text: string
  /** Bare address of the room that shows it, or of who has him in his contacts; and as whom he is shown there. */
  place: { to: string; from: string }
}

export type AwayTexts = {
  /** What may be shown of it: '' where nothing may be. At once where that is known. */
  read(server: string, who: AwayText): string | Promise<string>
  /** What one of ours says there is asked about on its way. */
  said(owner: string, server: string, text: string | null): void
  isSaid(owner: string, server: string, text: string): boolean
}

export type AwayTextsOptions = {
  domain: string
  network: Network
  asker: Pick<Asker, 'ask'> & { readonly passes?: true }
  /** Who else is known of somebody there. */
  known(server: string, nick: string): Foreign | null
  isColleague(server: string, account: string): boolean
  refused(why: 'policy' | 'outage'): void
}

type Answer = { text: string; shown: string | Promise<string> }

/** Of so many people it is known what may be shown; of the others it is asked anew. */
const MOST = 20_000

export function openAwayTexts({ domain, network, asker, known, isColleague, refused }: AwayTextsOptions): AwayTexts {
  const answers = new Map<string, Answer>()
  const ours = new Map<string, string>()

  function read(server: string, { nick, text, place, ...who }: AwayText): string | Promise<string> {
    if (text === '' || asker.passes === true) return text
    const { account, identity } = who.account === undefined ? { ...known(server, nick), ...who } : who
    const foreign = foreignOf({ nick, ...(account && { account }), ...(identity && { identity }) })
    const isOurs = foreign.account !== undefined && isColleague(server, foreign.account)
    const key = `${server} ${network.key(server, nick)}${isOurs ? ` ${place.to}` : ''}`
    const before = answers.get(key)
    if (before?.text === text) return before.shown
    const one: Answer = { text, shown: '' }
    const all = { to: writeNetworkAddress(domain, network, server), from: writeAddress(domain, network, server, nick) }
    one.shown = ask(server, foreign, text, isOurs ? place : all, key, one)
    bounded(answers, key, one)
    return one.shown
  }

  async function ask(
    server: string,
    foreign: Foreign,
    text: string,
    { to, from }: AwayText['place'],
    key: string,
    one: Answer,
  ): Promise<string> {
    const answer = await asker.ask({
      stanza: `<presence xmlns='jabber:client' from='${escapeAttribute(from)}' to='${escapeAttribute(to)}'><show>away</show><status>${escapeText(text)}</status></presence>`,
      network: network.type,
      server,
      foreign,
      order: `away ${key}`,
    })
    if (answer.action === 'refuse') {
      refused(answer.why)
      // What nobody could be asked about is asked about again when it is told again.
      if (answer.why === 'outage' && answers.get(key) === one) answers.delete(key)
    }
    one.shown = answer.action === 'refuse' ? '' : answer.replaced ? readStatus(answer.stanza) : text
    return one.shown
  }

  return {
    read,
    said(owner, server, text) {
      const key = `${owner} ${server}`
      if (text === null) ours.delete(key)
      else bounded(ours, key, text)
    },
    // A network may cut it.
    isSaid: (owner, server, text) => text !== '' && ours.get(`${owner} ${server}`)?.startsWith(text) === true,
  }
}

function bounded<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MOST && oldest !== undefined) map.delete(oldest)
}
