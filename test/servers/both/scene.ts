// SPDX-License-Identifier: Apache-2.0
// One server for all tests of a `describe`: Alice and Bob are there, and everything is asked.
import { after, before } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { HOST, type House, type Person, soon } from './house.ts'

export const ALICE = `alice@${HOST}`
export const BOB = `bob@${HOST}`
export const ROOMS = `rooms.${HOST}`
export const MUC = 'http://jabber.org/protocol/muc'

export type Scene<G extends House = House> = {
  readonly gated: G
  readonly screen: AllowScreen
  readonly alice: Person
  readonly bob: Person
  /** How many IQs so far ask something with these words. */
  asked(words: string): number
  /** The first IQ that asks something with these words. */
  question(words: string): Promise<string>
  /** Everything that the person sent before this was asked or will not be: one sender's stanzas are asked in order. */
  fence(person: Person, words: string): Promise<void>
  /** Sends an IQ and gives what comes back by its id. */
  iq(person: Person, id: string, attrs: string, child: string): Promise<string>
  /** Goes into a room; `founds` one that is not there yet, so that others can come. */
  enter(person: Person, room: string, nick: string): Promise<void>
  found(person: Person, room: string, nick: string): Promise<void>
}

/** Opens it before the tests of the `describe` that calls this, and ends it after them. */
export function scene<G extends House>(open: () => Promise<G>): Scene<G> {
  const on = {} as { gated: G; screen: AllowScreen; alice: Person; bob: Person }
  before(async () => {
    on.gated = await open()
    on.screen = await on.gated.asking()
    on.alice = await on.gated.login('alice')
    on.bob = await on.gated.login('bob')
  })
  after(() => on.gated[Symbol.asyncDispose]())

  const asks = (iq: string, words: string) => iq.includes('<ask') && iq.includes(words)
  const question = (words: string) =>
    soon(on.screen.saw({ test: (iq: string) => asks(iq, words) } as RegExp), `the question: ${words}`)
  const iq = async (person: Person, id: string, attrs: string, child: string) => {
    person.client.send(`<iq id='${id}' ${attrs}>${child}</iq>`)
    return person.got(new RegExp(`<iq[^>]*id='${id}'`))
  }
  const enter = async (person: Person, room: string, nick: string) => {
    person.client.send(`<presence to='${room}@${ROOMS}/${nick}'><x xmlns='${MUC}'/></presence>`)
    await person.got(new RegExp(`<presence[^>]*from='${room}@${ROOMS}/${nick}'.*code='110'`))
  }
  return Object.assign(on, {
    asked: (words: string) => on.screen.seen.filter((seen) => asks(seen, words)).length,
    question,
    fence: async (person: Person, words: string) => {
      person.say(ALICE, words)
      await question(words)
    },
    iq,
    enter,
    found: async (person: Person, room: string, nick: string) => {
      await enter(person, room, nick)
      const form = `<query xmlns='${MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query>`
      const id = `found-${room}`
      if (!/type='result'/.test(await iq(person, id, `type='set' to='${room}@${ROOMS}'`, form)))
        throw new Error(`no room ${room}`)
    },
  })
}
