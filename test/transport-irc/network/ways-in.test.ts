// SPDX-License-Identifier: Apache-2.0
// How somebody comes in, on real servers: with the password that a server wants of everybody, from which address, as whom (WEBIRC); and what
// only some hear or see: invitations of others, messages to a rank, another host, and a connection that only listens.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { inspircdLack, startInspircd } from '../../harness/inspircd.ts'
import { irc } from '../../harness/irc-person.ts'
import type { Ircd } from '../../harness/ircd.ts'
import { ircdHybridLack, startIrcdHybrid } from '../../harness/ircd-hybrid.ts'
import { ngircdLack, startNgircd } from '../../harness/ngircd.ts'
import { arrived, person } from './people.ts'

const SERVERS: readonly [string, string | null, () => Promise<Ircd>][] = [
  ['InspIRCd', inspircdLack(), () => startInspircd({ password: 'right' })],
  ['ngIRCd', ngircdLack(), () => startNgircd({ password: 'right' })],
  ['ircd-hybrid', ircdHybridLack(), () => startIrcdHybrid({ password: 'right' })],
]

suite('the password that a server wants of everybody', { concurrency: true }, () => {
  for (const [name, lack, start] of SERVERS)
    test(`${name} lets in who has it; who has not is told so, and does not come again and again`, {
      skip: lack ?? false,
    }, async () => {
      await using server = await start()
      {
        await using anna = await arrived(server, 'anna', { password: 'right' })
        assert.ok(anna.irc.isUp)
      }
      for (const wrong of [{ password: 'wrong' }, {}]) {
        await using bob = person(server, 'bob', wrong)
        const [fault, retryAt] = await bob.next('down')
        assert.deepEqual([fault.reason, retryAt], ['access', null], fault.message)
        assert.equal(bob.irc.counts.connects, 1)
      }
    })
})

suite('on InspIRCd', { skip: inspircdLack() ?? false, concurrency: true }, () => {
  test('WEBIRC says as whom somebody comes; a wrong word is told, and not tried again', async () => {
    await using server = await startInspircd({ webirc: 'word' })
    const webirc = { password: 'word', gateway: 'gatehouse', host: 'corp.example', address: 'fd00::7' }
    await using iris = await irc(server, 'iris')
    {
      await using anna = await arrived(server, 'anna', { webirc })
      await anna.irc.join('#w')
      const { host } = await anna.irc.whois('anna')
      assert.equal(host, 'fd00::7')
      const told = (await iris.ask('WHOIS anna', / 318 /)).join('\n')
      assert.match(told, /connected via the gatehouse WebIRC gateway/)
    }
    await using bob = person(server, 'bob', { webirc: { ...webirc, password: 'other' } })
    const [fault, retryAt] = await bob.next('down')
    assert.deepEqual([fault.reason, retryAt], ['access', null], fault.message)
  })

  test('comes from the address that is set', async () => {
    await using server = await startInspircd()
    await using anna = await arrived(server, 'anna', { localAddress: '127.0.0.9' })
    assert.equal(anna.irc.ends?.localAddress, '127.0.0.9')
    assert.equal((await anna.irc.whois('anna')).host, '127.0.0.9')
  })

  test('who is invited by others is told to those with the right (invite-notify); ourselves, as an invitation', async () => {
    await using server = await startInspircd()
    await using anna = await arrived(server, 'anna')
    await using raw = await irc(server, 'rawbob')
    await using carl = await irc(server, 'carl')
    await anna.irc.join('#i')
    await raw.join('#i')
    await anna.next('join')
    await anna.irc.mode('#i', '+o', 'rawbob')
    raw.send('INVITE carl #i')
    await carl.next(/INVITE carl :?#i/)
    const [channel, nick, by] = await anna.next('inviting')
    assert.deepEqual([channel.name, nick, by.split('!')[0]], ['#i', 'carl', 'rawbob'])
    await carl.join('#mine')
    carl.send('INVITE anna #mine')
    const [where, who] = await anna.next('invited')
    assert.deepEqual([where, who.split('!')[0]], ['#mine', 'carl'])
  })

  test('a message to those of a rank is read as such, and said as such (STATUSMSG)', async () => {
    await using server = await startInspircd()
    await using anna = await arrived(server, 'anna')
    await using raw = await irc(server, 'rawbob')
    await using carl = await irc(server, 'carl')
    await anna.irc.join('#s')
    await raw.join('#s')
    await carl.join('#s')
    await anna.irc.mode('#s', '+v', 'rawbob')
    raw.say('@#s', 'for operators')
    const [message] = await anna.next('message', ({ own }) => !own)
    assert.deepEqual(
      [message.target, message.status, message.isChannel, message.text],
      ['#s', '@', true, 'for operators'],
    )
    await anna.irc.say('#s', 'for those with a voice', { status: '+' })
    await raw.next(/PRIVMSG \+#s :for those with a voice/)
    await carl.fence()
    assert.deepEqual(carl.heard('+#s'), [])
  })

  test('somebody whose host changes is the same person with another host (chghost)', async () => {
    await using server = await startInspircd()
    await using anna = await arrived(server, 'anna')
    await using raw = await irc(server, 'rawbob')
    await anna.irc.join('#c')
    await raw.join('#c')
    await anna.next('join')
    await using oper = await irc(server, 'root')
    await oper.oper(server.oper)
    oper.send('CHGHOST rawbob cloak.gatehouse.test')
    const [user, channels] = await anna.next('changed', ({ host }) => host === 'cloak.gatehouse.test')
    assert.deepEqual([user.nick, user.user, channels.map(({ name }) => name)], ['rawbob', 'tester', ['#c']])
    assert.deepEqual([anna.all('part').length, anna.all('quit').length, anna.irc.channel('#c')?.size], [0, 0, 2])
  })

  test('who only listens is told messages and nothing else, until he wants all (attend)', async () => {
    await using server = await startInspircd()
    await using anna = await arrived(server, 'anna')
    await using raw = await irc(server, 'rawbob')
    await raw.join('#a')
    await anna.irc.join('#a', { attention: 'messages' })
    await using carl = await irc(server, 'carl')
    await carl.join('#a')
    raw.send('TOPIC #a :new', 'MODE #a +v carl')
    carl.send('NICK charles', 'PART #a :gone')
    await raw.next(/:charles!\S+ PART #a/)
    raw.say('#a', 'heard')
    const [message] = await anna.next('message')
    assert.equal(message.text, 'heard')
    for (const name of ['join', 'part', 'renamed', 'ranked', 'topic', 'names'] as const)
      assert.deepEqual(anna.all(name), [], name)
    assert.ok(anna.irc.counts.skipped > 0)
    anna.irc.attend('#a', 'all')
    const [channel] = await anna.next('names')
    assert.deepEqual([...channel.members()].map(({ nick }) => nick).sort(), ['anna', 'rawbob'])
    await carl.join('#a')
    assert.equal((await anna.next('join'))[1].nick, 'charles')
    anna.irc.attend('#a', 'messages')
    carl.send('PART #a :gone again')
    await raw.next(/PART #a :gone again/)
    raw.say('#a', 'heard too')
    await anna.next('message', ({ text }) => text === 'heard too')
    assert.equal(anna.all('part').length, 0)
  })
})
