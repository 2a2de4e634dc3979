// SPDX-License-Identifier: Apache-2.0
// Texts of more lines than a server takes at once, and answers that come when nobody waits for them any more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IrcFault } from '../../../components/transport-irc/network/irc.ts'
import { startFakeIrcd } from '../../harness/fake-ircd.ts'
import { inspircdLack, startInspircd } from '../../harness/inspircd.ts'
import { irc } from '../../harness/irc-person.ts'
import { arrived, faultOf } from './people.ts'

const skip = inspircdLack() ?? false
const lines = (count: number, word = 'line') => Array.from({ length: count }, (_, at) => `${word} ${at + 1}`)

test('a text of more lines than may wait is refused whole, and nothing of it is said', { skip }, async () => {
  await using server = await startInspircd()
  await using anna = await arrived(server, 'anna', { limits: { queue: 10 }, flood: { burst: 2, perSecond: 5 } })
  await using raw = await irc(server, 'rawbob')
  await anna.irc.join('#long')
  await raw.join('#long')
  assert.equal((await faultOf(anna.irc.say('#long', lines(30).join('\n')))).reason, 'too-long')
  const asked = [
    anna.irc.say('#long', lines(8, 'first').join('\n')),
    anna.irc.say('#long', lines(8, 'second').join('\n')),
  ]
  assert.equal((await faultOf(asked[1] as Promise<unknown>)).reason, 'busy')
  await asked[0]
  await anna.irc.say('#long', 'end')
  await raw.next(/:end$/u)
  assert.deepEqual(
    raw.heard('#long').map(([, text]) => text),
    [...lines(8, 'first'), 'end'],
  )
})

test('who is put out while he speaks: the rest is not said, and what went is told with the refusal', {
  skip,
}, async () => {
  await using server = await startInspircd()
  await using raw = await irc(server, 'rawbob')
  await raw.join('#kick')
  await using anna = await arrived(server, 'anna', { flood: { burst: 2, perSecond: 4 }, rejoin: false })
  await anna.irc.join('#kick')
  const cut: number[] = []
  const saying = anna.irc.say('#kick', lines(20).join('\n'), { cut: (parts) => cut.push(parts) })
  const refused = saying.then(
    () => assert.fail('it was said'),
    (fault: unknown) => fault,
  )
  await raw.next(/:line 4$/u)
  raw.send('MODE #kick +m')
  const fault = await refused
  assert.ok(fault instanceof IrcFault)
  await anna.irc.say('rawbob', 'end')
  await raw.next(/:end$/u)
  const heard = raw.heard('#kick').map(([, text]) => text)
  assert.ok(heard.length >= 4 && heard.length < 20)
  assert.deepEqual([cut, fault.reason, fault.unsure, fault.went?.of], [[20], 'not-allowed', false, 20])
  assert.deepEqual(fault.went?.parts, heard)
  assert.equal(new Set(fault.went?.ids).size, heard.length)
})

for (const [how, caps] of [
  ['labels', undefined],
  ['echoes alone', { 'echo-message': '', 'message-tags': '' }],
] as const)
  test(`with ${how}, an echo that comes too late is known for our own`, async () => {
    await using server = await startFakeIrcd(caps === undefined ? {} : { caps })
    await using anna = await arrived(server, 'anna', { limits: { answerMs: 200 } })
    await anna.irc.join('#late')
    server.deaf(true)
    const fault = await faultOf(anna.irc.say('#late', 'hello'))
    assert.deepEqual([fault.reason, fault.unsure], ['timeout', true])
    server.deaf(false)
    const [late] = await anna.next('message')
    assert.deepEqual([late.text, late.own, late.elsewhere], ['hello', true, false])
    server.bytes(':anna!anna@fake PRIVMSG #late :hello\r\n', 'anna')
    const [other] = await anna.next('message')
    assert.deepEqual([other.text, other.own, other.elsewhere], ['hello', true, true])
  })

test('who is let in when nobody waits for it any more leaves again, unless he wants in anew', async () => {
  await using server = await startFakeIrcd()
  await using anna = await arrived(server, 'anna', { limits: { answerMs: 200 } })
  server.deaf(true)
  assert.equal((await faultOf(anna.irc.join('#late'))).reason, 'timeout')
  assert.equal((await faultOf(anna.irc.join('#again'))).reason, 'timeout')
  const again = anna.irc.join('#again')
  server.deaf(false)
  await again
  await server.got(/^(@\S+ )?PART #late$/u)
  await anna.irc.say('#again', 'here')
  assert.deepEqual(
    [...anna.irc.channels()].map(({ name }) => name),
    ['#again'],
  )
  assert.deepEqual(
    [...server.channels.values()].filter(({ members }) => members.size > 0).map(({ name }) => name),
    ['#again'],
  )
  assert.ok(!anna.all('entered').some(([name]) => name === '#late'))
})
