// SPDX-License-Identifier: Apache-2.0
// ircd-hybrid: some of IRCv3, CASEMAPPING of its own, and what it confirms with.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { irc } from '../../harness/irc-person.ts'
import { ircdHybridLack, startIrcdHybrid } from '../../harness/ircd-hybrid.ts'
import { faultOf, person } from './people.ts'

const lack = ircdHybridLack()

test('joins, talks, is refused and kicks on ircd-hybrid', { skip: lack ?? false }, async () => {
  await using server = await startIrcdHybrid()
  await using anna = person(server, 'anna')
  await using raw = await irc(server, 'rawbob')
  await anna.next('up')
  await anna.irc.join('#hy')
  await raw.join('#hy')
  await anna.next('join')
  const spoken = await anna.irc.say('#hy', 'hello')
  assert.ok(['echo', 'label', 'fence'].includes(spoken.by))
  await raw.next(/PRIVMSG #hy :hello/u)
  raw.say('#hy', 'and back')
  assert.equal((await anna.next('message', ({ own }) => !own))[0].text, 'and back')
  assert.equal((await faultOf(anna.irc.say('nobody-here', 'x'))).reason, 'no-such-person')
  await anna.irc.mode('#hy', '+v', 'rawbob')
  assert.equal((await anna.next('ranked'))[1].prefixes, '+')
  await anna.irc.kick('#hy', 'rawbob', 'out')
  assert.equal((await anna.next('kick'))[1], 'rawbob')
  assert.equal((await anna.irc.whois('rawbob')).nick, 'rawbob')
})
