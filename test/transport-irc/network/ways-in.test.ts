// SPDX-License-Identifier: Apache-2.0
// How somebody of ours comes to a real InspIRCd: by the password of the server, by the word of the gateway (WEBIRC), from an address of
// its own, known by identd; and what is told of people there that only operators or few may see.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Identd, openIdentd } from '../../../components/transport-irc/network/identd.ts'
import { inspircdLack, startInspircd } from '../../harness/inspircd.ts'
import { irc } from '../../harness/irc-person.ts'
import { arrived, faultOf, type Person, person } from './people.ts'

const lack = inspircdLack()
const skip = lack === null ? false : lack

test('a password of the server, WEBIRC, an address of its own, lines afterwards', { skip }, async () => {
  await using server = await startInspircd({ password: 'let me in', webirc: 'gateway-secret' })
  const password = 'let me in'
  await using stranger = person(server, 'stranger', { password: 'wrong' })
  await using web = person(server, 'web', {
    password,
    webirc: { password: 'gateway-secret', gateway: 'gatehouse', host: 'alice.example', address: '192.0.2.7' },
  })
  await using other = person(server, 'other', { password, localAddress: '127.0.0.3', afterwards: ['JOIN #after'] })
  const [fault, retryAt] = await stranger.next('down')
  assert.equal(fault.reason, 'password')
  assert.equal(retryAt, null)
  await web.next('up')
  await other.next('up')
  assert.equal(other.irc.ends?.localAddress, '127.0.0.3')
  assert.equal((await other.next('entered'))[0], '#after')
  await other.irc.join('#ways')
  await web.irc.join('#ways')
  const [, member] = await other.next('join')
  assert.deepEqual([member.nick, member.host], ['web', '192.0.2.7'])
  assert.equal((await web.irc.whois('other')).host, '127.0.0.3')
  // userhost-in-names: who was there before is known with host at once.
  assert.equal(web.irc.channel('#ways')?.member('other')?.host, '127.0.0.3')

  await using raw = await irc(server, 'rawoper', { password })
  await raw.oper(server.oper)
  raw.send('CHGHOST other shown.example')
  const [changed] = await web.next('changed')
  assert.deepEqual([changed.nick, changed.host], ['other', 'shown.example'])

  raw.send('INVITE web #elsewhere', 'JOIN #elsewhere', 'INVITE web #elsewhere')
  assert.deepEqual(await web.next('invited'), ['#elsewhere', 'rawoper'])
  await other.irc.invite('#ways', 'rawoper')
  await raw.next(/INVITE rawoper :?#ways/u)
  assert.equal((await faultOf(web.irc.invite('#after', 'rawoper'))).reason, 'not-there')

  await other.irc.say('#ways', 'for operators', { status: '@' })
  assert.equal(web.all('message').length, 0)
  await other.irc.mode('#ways', '+o', 'web')
  await other.irc.say('#ways', 'for operators again', { status: '@' })
  const [narrow] = await web.next('message')
  assert.deepEqual(
    [narrow.status, narrow.target, narrow.text, narrow.isChannel],
    ['@', '#ways', 'for operators again', true],
  )
})

async function identdHere(userOf: (localPort: number) => string | null): Promise<Identd | null> {
  try {
    return await openIdentd({ host: '127.0.0.1', port: 113, userOf: ({ localPort }) => userOf(localPort) })
  } catch (fault) {
    const { code = '' } = fault as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' || code === 'EACCES') return null
    throw fault
  }
}

test('a server that asks is told by identd whose connection it is', { skip }, async (t) => {
  const ours: Person[] = []
  await using identd = await identdHere((localPort) =>
    ours.some(({ irc: { ends } }) => ends?.localPort === localPort) ? 'anna-true' : null,
  )
  if (identd === null) {
    t.skip('port 113 cannot be had here')
    return
  }
  await using server = await startInspircd({ ident: true })
  await using anna = person(server, 'anna', { user: 'told' })
  ours.push(anna)
  await anna.next('up')
  await anna.irc.join('#ident')
  assert.equal(anna.irc.self.user, 'anna-true')
  await using bert = await arrived(server, 'bert', { user: 'claimed' })
  assert.match((await anna.irc.whois('bert')).user ?? '', /^~?claimed$/u)
  assert.equal(bert.irc.nick, 'bert')
})
