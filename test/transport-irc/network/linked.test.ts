// SPDX-License-Identifier: Apache-2.0
// Two linked InspIRCd lose each other and find each other again: one event each, with batches and without.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspircdLack, startLinkedInspircds } from '../../harness/inspircd.ts'
import { irc } from '../../harness/irc-person.ts'
import { person } from './people.ts'

const lack = inspircdLack()
const long =
  process.env.GATEHOUSE_LONG === '1'
    ? null
    : 'the same without batches runs in the long form; splits have tests of their own'

for (const [how, without, reason] of [
  ['told by a batch', [], lack],
  ['told one by one', ['ircv3_batch', 'ircv3_labeledresponse'], lack ?? long],
] as const)
  test(`a netsplit ${how} is one event, and so is its end`, { skip: reason ?? false }, async () => {
    await using net = await startLinkedInspircds({ without })
    await using anna = person(net.hub, 'anna')
    const others = await Promise.all(['far1', 'far2', 'far3'].map((nick) => irc(net.leaf, nick)))
    await using left = new AsyncDisposableStack()
    for (const other of others) left.use(other)
    await anna.next('up')
    assert.equal(anna.irc.facts.caps.has('batch'), without.length === 0)
    await anna.irc.join('#split')
    for (const other of others) {
      await other.join('#split')
      await anna.next('join', (_, member) => member.nick === other.nick)
    }
    await net.split()
    const [channel, nicks, servers] = await anna.next('netsplit')
    assert.deepEqual([channel.name, [...nicks].sort()], ['#split', ['far1', 'far2', 'far3']])
    assert.match(servers, /gatehouse\.test/u)
    assert.equal(channel.size, 1)
    await net.join()
    const [, members] = await anna.next('netjoin')
    assert.deepEqual(members.map(({ nick }) => nick).sort(), ['far1', 'far2', 'far3'])
    assert.equal(channel.size, 4)
    assert.deepEqual([anna.all('quit'), anna.all('netsplit').length, anna.all('netjoin').length], [[], 1, 1])
    assert.equal(anna.all('join').length, 3)
    assert.equal((await anna.irc.say('#split', 'all here')).ids.length, 1)
    await others[0]?.next(/PRIVMSG #split :all here/u)
  })
