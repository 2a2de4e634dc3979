// SPDX-License-Identifier: Apache-2.0
// kill -9 of the IRC server, of the gateway and of the XMPP server, with people talking: nothing is lost silently, nothing comes twice, and
// afterwards both sides agree on who is there. In the short form each IRC server once, in the long form each with each.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { inspircdLack, startInspircd } from '../harness/inspircd.ts'
import { type IrcPerson, irc } from '../harness/irc-person.ts'
import { askUntil, type Ircd } from '../harness/ircd.ts'
import { ircdHybridLack, startIrcdHybrid } from '../harness/ircd-hybrid.ts'
import { ngircdLack, startNgircd } from '../harness/ngircd.ts'
import { slixmppLack } from '../harness/slixmpp.ts'
import { type IrcPlace, openIrcPlace, plain, roomOf } from '../transport-irc/place.ts'
import { type Watch, watch } from '../transport-irc/room-watch.ts'
import { onServers } from './servers.ts'

const CHANNEL = '#talk'
const ROOM = roomOf(CHANNEL)
const IRCDS: Readonly<Record<string, { lack: string | null; start(): Promise<Ircd>; withServer: string }>> = {
  InspIRCd: { lack: inspircdLack(), start: () => startInspircd(), withServer: 'prosody' },
  ngIRCd: { lack: ngircdLack(), start: () => startNgircd(), withServer: 'ejabberd' },
  'ircd-hybrid': { lack: ircdHybridLack(), start: () => startIrcdHybrid(), withServer: 'prosody' },
}
const everything = process.env.GATEHOUSE_LONG === '1'

onServers('what is killed under people who talk on IRC', slixmppLack(), (server) => {
  for (const [name, { lack, start, withServer }] of Object.entries(IRCDS)) {
    const notNow = everything || withServer === server ? null : 'only in the long form (GATEHOUSE_LONG=1)'
    it(`with ${name}: the IRC server, the gateway, the XMPP server`, { skip: lack ?? notNow ?? false }, async () => {
      await using ircd = await start()
      await using place = await openIrcPlace({ server, networks: [plain(ircd)] })
      const people = await comeIn(place, ircd)
      await step('talking', () => talk(people, 'before'))
      await step('kill -9 of the IRC server', () => loseIrcd(people, ircd))
      await step('kill -9 of the gateway', () => loseGateway(people, place))
      await step('kill -9 of the XMPP server', () => loseServer(people, place))
      await people.iris.quit()
    })
  }
})

async function step(title: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw new Error(`${title}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

type People = { alice: Watch; bob: Watch; iris: IrcPerson }

async function comeIn({ world }: IrcPlace, ircd: Ircd): Promise<People> {
  const [alice, bob, iris] = await Promise.all([
    watch(world, 'alice', ROOM),
    watch(world, 'bob', ROOM),
    irc(ircd, 'iris'),
  ])
  await iris.join(CHANNEL)
  await Promise.all([alice.enter(), bob.enter()])
  await allThere({ alice, bob, iris })
  return { alice, bob, iris }
}

async function allThere({ alice, bob, iris }: People): Promise<void> {
  const all = ['alice', 'bob', 'iris']
  await askUntil(async () => (await iris.names(CHANNEL)).join() === all.join(), `${all} being on IRC`)
  for (const one of [alice, bob]) await one.until(() => one.occupants().join() === all.join(), `${all} being there`)
}

/** Both sides say ten things at once; each hears each of the others once, and in order. */
async function talk({ alice, bob, iris }: People, word: string): Promise<void> {
  const of = (who: string) => Array.from({ length: 10 }, (_, at) => `${word} ${who} ${at}`)
  for (let at = 0; at < 10; at += 1) {
    alice.say(`${word} alice ${at}`)
    iris.say(CHANNEL, `${word} iris ${at}`)
  }
  alice.say(`${word} over`)
  await iris.next(new RegExp(`PRIVMSG ${CHANNEL} :${word} over$`, 'u'))
  iris.say(CHANNEL, `${word} over too`)
  for (const one of [alice, bob]) {
    await one.until(() => one.heard().some(([, text]) => text === `${word} over too`), `${word} being over`)
    const texts = (nick: string) =>
      one
        .heard()
        .filter(([who, text]) => who === nick && text.startsWith(word))
        .map(([, text]) => text)
    assert.deepEqual(texts('iris'), [...of('iris'), `${word} over too`])
    assert.deepEqual(texts('alice'), [...of('alice'), `${word} over`])
  }
  const onIrc = iris.heard(CHANNEL).filter(([, text]) => text.startsWith(word))
  assert.deepEqual(
    onIrc,
    [...of('alice'), `${word} over`].map((text) => ['alice', text]),
  )
}

/** Killed while thirty messages are on their way: each comes back as one of the room, or as an error; later none of them comes again. */
async function loseIrcd(people: People, ircd: Ircd): Promise<void> {
  const { alice, bob, iris } = people
  const mine = Array.from({ length: 30 }, (_, at) => `falling ${at}`)
  for (const text of mine.slice(0, 15)) alice.say(text)
  await iris.next(/:falling 3$/u)
  ircd.kill('SIGKILL')
  for (const text of mine.slice(15)) alice.say(text)
  await ircd.crash()
  const fate = (text: string) =>
    alice.heard().filter((one) => one[1] === text).length + alice.refused().filter((one) => one === text).length
  await alice.until(() => mine.every((text) => fate(text) > 0), 'every message having come to something')
  assert.deepEqual(
    mine.filter((text) => fate(text) !== 1),
    [],
    'exactly one fate each',
  )
  assert.ok(alice.refused().includes('falling 29'), 'what is typed when the network is gone is refused')
  await ircd.start()
  people.iris = await irc(ircd, 'iris')
  await people.iris.join(CHANNEL)
  await allThere(people)
  await talk(people, 'again')
  assert.deepEqual(
    people.iris.heard(CHANNEL).filter(([, text]) => text.startsWith('falling')),
    [],
    'nothing is said again',
  )
  assert.deepEqual(
    mine.filter((text) => bob.heard().filter((one) => one[1] === text).length > 1),
    [],
  )
}

/** What is sent while it is gone comes back; who was in the room is told that he is out, and finds what was said when he comes back. */
async function loseGateway(people: People, place: IrcPlace): Promise<void> {
  const { alice, bob, iris } = people
  place.transport.kill('SIGKILL')
  await place.transport.exited
  // What the server writes before it has noticed goes with the connection (XEP-0114 knows no acknowledgement): said again until it has.
  const saying = setInterval(() => alice.say('into the void'), 250)
  await alice
    .until(() => alice.refused().includes('into the void'), 'the server telling that the gateway is gone')
    .finally(() => clearInterval(saying))
  await iris.next(/^:alice!\S+ QUIT /u)
  await iris.next(/^:bob!\S+ QUIT /u)
  await place.start()
  for (const one of [alice, bob])
    await one.until(() => one.occupants().length === 0, `${one.nick} knowing that he is out`)
  await Promise.all([alice.enter(), bob.enter()])
  await allThere(people)
  const again = alice.history().filter(([, text]) => text.startsWith('again iris'))
  const numbers = again.map(([, text]) => Number(text.split(' ').at(-1)))
  assert.ok(numbers.length > 0, 'what was said is there')
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((one, other) => one - other),
    'once, and in order',
  )
  await talk(people, 'anew')
  assert.deepEqual(
    iris.heard(CHANNEL).filter(([, text]) => text === 'into the void'),
    [],
  )
}

/**
 * On IRC nobody notices; what was said meanwhile is there afterwards, once. What somebody of ours was saying goes as far as the server had
 * handed it over: who comes back reads in the history what of it was said, neither more nor less.
 */
async function loseServer(people: People, place: IrcPlace): Promise<void> {
  const { world } = place
  const { iris } = people
  const before = iris.lines.length
  const mine = Array.from({ length: 10 }, (_, at) => `leaving ${at}`)
  for (const text of mine) people.alice.say(text)
  await iris.next(/:leaving 0$/u)
  world.server.kill('SIGKILL')
  await world.server.exited
  await iris.fence()
  for (let at = 0; at < 5; at += 1) iris.say(CHANNEL, `meanwhile ${at}`)
  await iris.fence()
  await world.startServer()
  const back = await Promise.all([watch(world, 'alice', ROOM), watch(world, 'bob', ROOM)])
  const [alice, bob] = back
  Object.assign(people, { alice, bob })
  await enterWhenItIsBack(alice)
  await bob.enter()
  await allThere(people)
  const meanwhile = [...alice.history(), ...alice.heard()].filter(([, text]) => text.startsWith('meanwhile'))
  assert.deepEqual(
    meanwhile,
    [0, 1, 2, 3, 4].map((at) => ['iris', `meanwhile ${at}`]),
  )
  assert.deepEqual(
    iris.lines.slice(before).filter((line) => / (QUIT|PART|JOIN) /u.test(line)),
    [],
    'on IRC nobody went and came',
  )
  await talk(people, 'at last')
  const onIrc = iris.heard(CHANNEL).filter(([, text]) => text.startsWith('leaving'))
  assert.deepEqual(
    onIrc,
    mine.slice(0, onIrc.length).map((text) => ['alice', text]),
    'in order, once, and none left out',
  )
  for (const one of back)
    assert.deepEqual(
      [...one.history(), ...one.heard()].filter(([, text]) => text.startsWith('leaving')),
      onIrc,
      `${one.nick} reads on coming back what was said`,
    )
}

/** The gateway comes back by itself, a moment after the server. */
async function enterWhenItIsBack(one: Watch): Promise<void> {
  const { client, seen } = one.listener
  let tries = 0
  await askUntil(async () => {
    const id = `there${++tries}`
    client.send(`<iq type='get' id='${id}' to='${ROOM.split('@')[1]}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await one.until(() => seen.some((stanza) => stanza.includes(id)), 'an answer')
    return seen.some((stanza) => stanza.includes(id) && /^<iq[^>]* type=.result/u.test(stanza))
  }, 'the gateway being back')
  await one.enter()
}
