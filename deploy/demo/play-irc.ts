// SPDX-License-Identifier: Apache-2.0
// The part of the play that has a network outside: a channel of IRC is a room, under the company's rules and on its record.
import assert from 'node:assert/strict'
import type { House, IrcOfHouse } from './house.ts'
import { WORDS } from './house.ts'
import { type IrcGuest, joinIrc } from './irc-guest.ts'
import type { Person } from './person.ts'
import type { Step } from './step.ts'
import { found } from './until.ts'

type Cast = { alice(): Person; bob(): Person }

export function ircSteps(house: House, irc: IrcOfHouse, open: AsyncDisposableStack, { alice, bob }: Cast): Step[] {
  const cast: { iris?: IrcGuest } = {}
  const iris = () => cast.iris ?? assert.fail('Iris is not on IRC')
  return [
    {
      says: 'InspIRCd is a network outside, and transport-irc the gateway to it',
      async play() {
        const ircd = open.use(await house.startIrcd())
        const transport = open.use(await house.startPart('transport-irc'))
        cast.iris = open.use(await joinIrc(ircd.port, 'iris', irc.channel))
        return `InspIRCd: process ${ircd.pid}, port ${ircd.port}, transport-irc: process ${transport.pid}`
      },
    },
    {
      says: 'Alice enters the channel as a room of her client, and talks with Iris, who is on IRC',
      async play() {
        const [question, answer] = ['Hello over there! Is the hall free on Friday?', 'It is. Shall I keep it for you?']
        await alice().enter(irc.room, 'alice')
        await alice().say(irc.room, question, 'groupchat')
        assert.deepEqual(await iris().hear(), { nick: 'alice', text: question })
        iris().say(answer)
        assert.equal((await hears(alice(), answer)).attrs.from, `${irc.room}/iris`)
        return `room ${irc.room}\nAlice: ${question}\niris: ${answer}`
      },
    },
    {
      says: 'a word that stays in the house: to Bob she may say it, on IRC it comes back to her with the reason',
      async play() {
        const body = `We show the ${WORDS.inside} there.`
        await alice().say(house.people.bob.jid, body)
        await hears(bob(), body)
        const id = await alice().say(irc.room, body, 'groupchat')
        const refused = await hears(alice(), body, id)
        assert.equal(refused.attrs.type, 'error')
        const reason = refused.getChild('error')?.getChildText('text') ?? ''
        assert.match(reason, new RegExp(WORDS.inside))
        // One sender's messages stay in order: what Iris reads next was sent after the refused one.
        await alice().say(irc.room, 'Yes, please.', 'groupchat')
        assert.deepEqual(await iris().hear(), { nick: 'alice', text: 'Yes, please.' })
        return `Alice: ${body}\nserver to Alice: ${reason}`
      },
    },
    {
      says: 'the officer finds what Iris said, with who she is there, and what did not go to her',
      async play() {
        const refused = await found(house, ['archive', 'search', WORDS.inside], new RegExp(`${irc.channel}.*refused`))
        return `${refused}\n${await found(house, ['archive', 'search', '--foreign', 'iris'], /iris.* released .*It is\./)}`
      },
    },
  ]
}

/** The next message with this body, or with this id; passes over what the room says beside. */
async function hears(person: Person, body: string, id?: string) {
  for (;;) {
    const message = await person.hear()
    if (id === undefined ? message.getChildText('body') === body : message.attrs.id === id) return message
  }
}
