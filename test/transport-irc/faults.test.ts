// SPDX-License-Identifier: Apache-2.0
// What IRC servers do to a gateway: they lose one another, stop reading, flood, and send what no server should.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import { startFakeIrcd } from '../harness/fake-ircd.ts'
import { inspircdLack, startInspircd, startLinkedInspircds } from '../harness/inspircd.ts'
import { irc } from '../harness/irc-person.ts'
import { askUntil } from '../harness/ircd.ts'
import { slixmppLack } from '../harness/slixmpp.ts'
import { openIrcPlace, plain, roomOf } from './place.ts'
import { type Watch, watch } from './room-watch.ts'

const CHANNEL = '#talk'
const ROOM = roomOf(CHANNEL)
const lack = serverLack('prosody') ?? slixmppLack()

suite('what IRC servers do to the gateway', { skip: lack ?? false, concurrency: true }, () => {
  test('two linked servers lose each other: who is on the other side goes and comes, once', {
    skip: inspircdLack() ?? false,
  }, async () => {
    await using net = await startLinkedInspircds()
    await using place = await openIrcPlace({ networks: [plain(net.hub)] })
    const [alice, bob, near, far, ...more] = await Promise.all([
      watch(place.world, 'alice', ROOM),
      watch(place.world, 'bob', ROOM),
      irc(net.hub, 'near'),
      irc(net.leaf, 'far'),
      irc(net.leaf, 'far2'),
      irc(net.leaf, 'far3'),
    ])
    await Promise.all([near, far, ...more].map((one) => one.join(CHANNEL)))
    await Promise.all([alice.enter(), bob.enter()])
    const everybody = 'alice,bob,far,far2,far3,near'
    for (const one of [alice, bob]) await one.until(() => one.occupants().join() === everybody, 'all being there')
    await net.split()
    for (const one of [alice, bob]) await one.until(() => one.occupants().join() === 'alice,bob,near', 'far being gone')
    far.say(CHANNEL, 'does anybody hear me')
    await far.fence()
    await net.join()
    for (const one of [alice, bob]) await one.until(() => one.occupants().join() === everybody, 'far being back')
    alice.say('there you are')
    await far.next(/:there you are$/u)
    far.say(CHANNEL, 'here I am')
    for (const one of [alice, bob]) {
      await one.until(() => one.heard().some(([, text]) => text === 'here I am'), 'the word of far')
      assert.deepEqual(one.heard(), [
        ['alice', 'there you are'],
        ['far', 'here I am'],
      ])
      // One event: those of the other side go together, and each of them says between which servers the network broke.
      const first = one.listener.seen.findIndex((stanza) => /^<presence[^>]*type=.unavailable/u.test(stanza))
      const gone = one.listener.seen.slice(first, first + 3)
      const nicks = gone.map((stanza) => /from=.[^"']*\/(far[23]?)["']/u.exec(stanza)?.[1])
      assert.deepEqual(nicks.sort(), ['far', 'far2', 'far3'])
      for (const stanza of gone)
        assert.match(stanza, /type=.unavailable[\s\S]*<status>hub\.gatehouse\.test leaf\.gatehouse\.test<\/status>/u)
      const ofFar = one.listener.seen.filter(
        (stanza) => stanza.startsWith('<presence') && new RegExp(`${ROOM}/far["']`, 'u').test(stanza),
      )
      const isGone = ofFar.map((stanza) => /type=.unavailable/u.test(stanza))
      // Who makes him an operator may show him once more.
      assert.match(isGone.join(), /^false(,false)?,true,false(,false)?$/u, 'there, gone, there again')
    }
    await Promise.all([alice.leave(), bob.leave(), ...[near, far, ...more].map((one) => one.quit())])
  })

  test('a server that stops reading: what was typed is heard once when it goes on, or came back', {
    skip: inspircdLack() ?? false,
  }, async () => {
    await using ircd = await startInspircd()
    await using place = await openIrcPlace({ networks: [plain(ircd)] })
    const [alice, iris] = await Promise.all([watch(place.world, 'alice', ROOM), irc(ircd, 'iris')])
    await iris.join(CHANNEL)
    await alice.enter()
    ircd.kill('SIGSTOP')
    const mine = Array.from({ length: 3_000 }, (_, at) => `stuck ${at}`)
    for (const text of mine) alice.say(text)
    await fence(alice)
    assert.deepEqual(alice.heard(), [], 'nothing is shown that the network has not')
    ircd.kill('SIGCONT')
    const fates = () => {
      const count = new Map<string, number>()
      for (const text of [...alice.heard().map(([, text]) => text), ...alice.refused()])
        count.set(text, (count.get(text) ?? 0) + 1)
      return count
    }
    await alice.until(
      () => alice.heard().length + alice.refused().length >= mine.length,
      'every message having come to something',
    )
    assert.deepEqual(
      [...fates()].filter(([, times]) => times !== 1),
      [],
    )
    const shown = alice.heard().map(([, text]) => text)
    await iris.next(new RegExp(`:${shown.at(-1)}$`, 'u'))
    assert.deepEqual(
      iris.heard(CHANNEL).map(([, text]) => text),
      shown,
      'what was shown is what was heard, in order',
    )
    assert.ok(shown.length > 0)
    await Promise.all([alice.leave(), iris.quit()])
  })

  for (const how of ['the connection is killed', 'the server dies'] as const)
    test(`a long text, and ${how} midway: room, history and error say what went`, {
      skip: inspircdLack() ?? false,
    }, async () => {
      await using ircd = await startInspircd()
      const flood = { lines: 2, every: '100 ms' }
      await using place = await openIrcPlace({ networks: [plain(ircd, { flood })] })
      const [alice, bob, carol, iris] = await Promise.all([
        watch(place.world, 'alice', ROOM),
        watch(place.world, 'bob', ROOM),
        watch(place.world, 'carol', ROOM),
        irc(ircd, 'iris'),
      ])
      await iris.join(CHANNEL)
      await alice.enter()
      await bob.enter()
      const text = Array.from({ length: 60 }, (_, at) => `line ${at + 1}`).join('\n')
      await iris.oper(ircd.oper)
      alice.say(text)
      await iris.next(/:line 7$/u)
      if (how === 'the server dies') await ircd.crash()
      else iris.send('KILL alice :by the test')
      await alice.until((one) => one.refused().length > 0, 'being told')
      assert.deepEqual(alice.refused(), [text])
      const error = alice.listener.seen.find((stanza) => /^<message[^>]*type=.error/u.test(stanza)) ?? ''
      const count = Number(/(?:Only|At least) ([0-9]+) of 60 lines were delivered/u.exec(error)?.[1])
      if (how === 'the server dies') await ircd.start()
      else await iris.fence()
      const heard = iris.heard(CHANNEL).map(([, line]) => line)
      assert.ok(heard.length >= 7 && heard.length < 60)
      assert.ok(count >= 7 && count <= heard.length)
      // What somebody else of ours read later than that stands behind it.
      const whole = heard.join('\n')
      const lines = (all: [string, string][]) => all.map(([, words]) => words).join('\n')
      for (const one of [alice, bob]) {
        await one.until(() => lines(one.heard()) === whole, 'what went')
        assert.equal(one.heard()[0]?.[1].split('\n').length, count)
      }
      await carol.enter()
      assert.equal(lines(carol.history()), whole)
      await Promise.all([alice.leave(), bob.leave(), carol.leave()])
    })

  test('a server that lies and floods: nothing of it reaches a client as it came, and the room goes on', async () => {
    await using ircd = await startFakeIrcd()
    await using place = await openIrcPlace({ networks: [plain(ircd)] })
    const alice = await watch(place.world, 'alice', ROOM)
    await alice.enter()
    for (const bytes of HOSTILE) {
      ircd.bytes(bytes)
      ircd.bytes('\r\n')
    }
    // A connection that was given up over it is made again.
    const isIn = () => [...(ircd.channels.get(CHANNEL)?.members ?? [])].some(({ nick }) => nick === 'alice')
    await stillHears(alice, () => {
      if (isIn()) ircd.say('eve', CHANNEL, 'still here')
    })
    const flood = Array.from({ length: 5_000 }, (_, at) => `flood ${at}`)
    ircd.bytes(flood.map((text) => `:eve!eve@fake PRIVMSG ${CHANNEL} :${text}\r\n`).join(''))
    const flooded = () => alice.heard().filter(([, text]) => text.startsWith('flood'))
    await alice.until(() => flooded().length >= flood.length, 'the flood being over')
    assert.deepEqual(
      flooded().map(([, text]) => text),
      flood,
    )
    alice.say('and I am too')
    await ircd.got(/PRIVMSG #talk :and I am too/u)
    const wrong = alice.listener.seen.filter((stanza) => NOT_IN_XML.test(stanza))
    assert.deepEqual(wrong, [], 'no character that XML has not')
    assert.equal(ircd.clients.size, 1)
    // Of the hostile names one could be somebody; when he goes, who is shown is who is there as the server says to somebody else.
    ircd.bytes(`:\u0001\u0002!e@f PART ${CHANNEL}\r\n`)
    await using iris = await irc(ircd, 'iris')
    await iris.join(CHANNEL)
    const there = async () => (await iris.names(CHANNEL)).join()
    await alice.until(() => alice.occupants().includes('iris'), 'somebody new being shown')
    assert.equal(await there(), 'alice,iris')
    assert.equal(alice.occupants().join(), await there())
    await alice.leave()
  })
})

/** The gateway has done what this client sent before. */
async function fence({ listener, room }: Watch): Promise<void> {
  listener.client.send(`<iq type='get' id='fence' to='${room.split('@')[1]}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  await listener.next(/<iq[^>]* id=.fence./u)
}

async function stillHears(alice: Watch, say: () => void): Promise<void> {
  await askUntil(async () => {
    say()
    await fence(alice)
    return alice.heard().some(([, text]) => text === 'still here')
  }, 'the room going on')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/u
const LONG = 'x'.repeat(1_000_000)

/** Each goes out with a line end behind it. */
const HOSTILE: readonly (string | Uint8Array)[] = [
  ...['', ':', '@', '@ :', ': :', ' ', '::: :::', '@a :b', 'PRIVMSG', ':eve PRIVMSG', `:eve!e@f PRIVMSG ${CHANNEL}`],
  ...['PING', 'PING :', ':fake 001', ':fake 005 alice', ':fake 353 alice', ':fake 366', ':fake 999 alice :?', 'ERROR'],
  // Bytes that are no UTF-8, none at all, and what no XML may hold.
  Buffer.concat([
    Buffer.from(`:eve!e@f PRIVMSG ${CHANNEL} :`),
    Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
  ]),
  `:eve!e@f PRIVMSG ${CHANNEL} :a\0b\u0001\u0002\u0007\u0008\u000b\u001b[31m`,
  `:eve!e@f PRIVMSG ${CHANNEL} :\ufffe\uffff\u202e\u0000`,
  // Names.
  `:<a href='&">!e@f JOIN ${CHANNEL}`,
  `:\u0001\u0002!e@f JOIN ${CHANNEL}`,
  `:${'n'.repeat(5_000)}!e@f JOIN ${CHANNEL}`,
  `:a/b@c d!e@f PRIVMSG ${CHANNEL} :who am I`,
  `:!@ PRIVMSG ${CHANNEL} :nobody`,
  `:alice!alice@fake JOIN #<&'">\u0007\u0000`,
  `:alice!alice@fake JOIN ${'#'.repeat(10_000)}`,
  `:eve!e@f KICK ${CHANNEL} nobody-at-all :\u0003`,
  `:eve!e@f MODE ${CHANNEL} ${'+o-o'.repeat(2_000)} ${'x '.repeat(500)}`,
  `:eve!e@f TOPIC ${CHANNEL} :<subject>\u0000]]>&amp;&#0;`,
  `:eve!e@f NICK :alice`,
  // CTCP.
  ...[
    'VERSION',
    'PING \u0000',
    'DCC SEND "../../etc/passwd" 2130706433 1 1',
    'ACTION',
    'ACTION <b>',
    '',
    'X'.repeat(3_000),
  ].flatMap((ctcp) => [`:eve!e@f PRIVMSG alice :\u0001${ctcp}\u0001`, `:eve!e@f PRIVMSG ${CHANNEL} :\u0001${ctcp}`]),
  // Tags and batches.
  `@time=never;msgid=;msgid=\\;+draft/reply=<>;=;;a=\\\\ :eve!e@f PRIVMSG ${CHANNEL} :tags`,
  `@${'t=1;'.repeat(4_000)} :eve!e@f PRIVMSG ${CHANNEL} :many tags`,
  ...Array.from({ length: 2_000 }, (_, at) => `:fake BATCH +b${at} netsplit a b`),
  '@batch=nowhere :eve!e@f QUIT :*.net *.split',
  ':fake BATCH -nowhere',
  '@label=nobody-asked :fake ACK',
  `:fake 352 alice ${CHANNEL} ${LONG}`,
  `:eve!e@f PRIVMSG ${CHANNEL} :${LONG}`,
]
