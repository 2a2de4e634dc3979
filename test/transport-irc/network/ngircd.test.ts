// SPDX-License-Identifier: Apache-2.0
// ngIRCd has no IRCv3 but multi-prefix: fences instead of echoes, polls instead of MONITOR, and the bytes of another century.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { irc } from '../../harness/irc-person.ts'
import { ngircdLack, startNgircd } from '../../harness/ngircd.ts'
import { faultOf, person } from './people.ts'

const lack = ngircdLack()
const skip = lack === null ? false : lack

test('a server of RFC 2812 is enough', { skip }, async (t) => {
  await using server = await startNgircd()
  await using anna = person(server, 'Anna', { limits: { pollMs: 100 } })
  await using latin = person(server, 'latin', { encoding: 'iso-8859-1' })
  await using raw = await irc(server, 'rawbob')
  await anna.next('up')
  await latin.next('up')

  await t.test('names are compared as ascii, and a fence confirms what is said', async () => {
    assert.equal(anna.irc.key('A[x]'), 'a[x]')
    await anna.irc.join('#ng')
    await raw.join('#ng')
    const spoken = await anna.irc.say('#ng', 'hello')
    assert.deepEqual([spoken.by, spoken.ids], ['fence', [null]])
    await raw.next(/PRIVMSG #ng :hello/u)
    const asked = [anna.irc.say('#ng', 'one'), anna.irc.say('nobody-here', 'x'), anna.irc.say('#ng', 'two')]
    assert.deepEqual(
      (await Promise.allSettled(asked)).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal((await faultOf(asked[1] as Promise<unknown>)).reason, 'no-such-person')
    await raw.next(/PRIVMSG #ng :two/u)
    assert.deepEqual(
      raw.heard('#ng').map(([, text]) => text),
      ['hello', 'one', 'two'],
    )
  })

  await t.test('ranks, kicks, modes and refusals without labels', async () => {
    await anna.irc.mode('#ng', '+v', 'rawbob')
    assert.equal((await anna.next('ranked'))[1].prefixes, '+')
    assert.equal((await anna.irc.whois('rawbob')).nick, 'rawbob')
    await anna.irc.mode('#ng', '+b', 'x!*@*')
    assert.deepEqual(
      (await anna.irc.masks('#ng', 'b')).map(({ mask }) => mask),
      ['x!*@*'],
    )
    await anna.irc.kick('#ng', 'rawbob', 'out')
    assert.deepEqual((await anna.next('kick')).slice(1), ['rawbob', 'Anna', 'out', false])
    assert.equal((await faultOf(anna.irc.kick('#ng', 'rawbob'))).reason, 'not-there')
    assert.equal((await faultOf(anna.irc.setNick('rawbob'))).reason, 'nick-taken')
    assert.equal((await faultOf(latin.irc.topic('#ng', 'x'))).reason, 'not-there')
    assert.ok((await Array.fromAsync(anna.irc.list(AbortSignal.timeout(10_000)))).some(({ name }) => name === '#ng'))
  })

  await t.test('who is there is asked for where there is no MONITOR', async () => {
    anna.irc.watch('latin')
    anna.irc.watch('nobody')
    assert.deepEqual(await anna.next('presence', (nick) => nick === 'latin'), ['latin', { online: true }])
    await latin.irc.away('gone')
    assert.deepEqual(await anna.next('presence', (nick) => nick === 'latin'), ['latin', { online: true, away: '' }])
    assert.deepEqual(await anna.next('presence', (nick) => nick === 'nobody'), ['nobody', { online: false }])
  })

  await t.test('each side reads its own bytes', async () => {
    await latin.irc.join('#ng')
    await anna.next('join')
    raw.bytes(Buffer.concat([Buffer.from('PRIVMSG latin :Gr'), Buffer.from([0xfc, 0xdf]), Buffer.from('\r\n')]))
    assert.equal((await latin.next('message'))[0].text, 'Grüß')
    await latin.irc.say('#ng', 'schön → gut')
    assert.equal((await anna.next('message'))[0].text, 'schön ? gut')
  })
})
