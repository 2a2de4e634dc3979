// SPDX-License-Identifier: Apache-2.0
// Proving who we are, and finding out who a server is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  authenticateLines,
  Challenge,
  chooseMechanisms,
  saslClient,
} from '../../../components/transport-irc/network/login/sasl.ts'
import { readSts, stsToKeep } from '../../../components/transport-irc/network/login/sts.ts'
import { wrongSettings } from '../../../components/transport-irc/network/wrong-settings.ts'

test('SCRAM-SHA-256 says and believes what RFC 7677 §3 shows', async () => {
  const client = saslClient('SCRAM-SHA-256', 'user', 'pencil', 'rOprNGfwEbeRWgbNEkqO')
  assert.equal((await client.first()).toString(), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  const challenge = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
  assert.equal(
    (await client.next(Buffer.from(challenge))).toString(),
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  )
  assert.equal(client.proved, false)
  assert.equal((await client.next(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))).length, 0)
  assert.equal(client.proved, true)
})

test('a server that does not know the password, or leads astray, is not believed', async () => {
  const begun = async () => {
    const client = saslClient('SCRAM-SHA-256', 'user', 'pencil', 'abc')
    await client.first()
    return client
  }
  for (const challenge of [
    'r=xyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'r=abcd,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1',
    'r=abcd,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=9999999999',
    'r=abcd,s=,i=4096',
    'm=ext,r=abcd,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    '',
  ])
    await assert.rejects(async () => (await begun()).next(Buffer.from(challenge)), Error, challenge)
  for (const end of ['v=AAAA', 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=', 'e=other-error', '']) {
    const client = await begun()
    await client.next(Buffer.from('r=abcd,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'))
    await assert.rejects(client.next(Buffer.from(end)), Error, end)
    assert.equal(client.proved, false)
  }
})

test('names with commas, and passwords that look alike, are prepared', async () => {
  assert.equal((await saslClient('SCRAM-SHA-256', 'a=b,c', 'x', 'n').first()).toString(), 'n,,n=a=3Db=2Cc,r=n')
  const proof = async (secret: string) => {
    const client = saslClient('SCRAM-SHA-256', 'a', secret, 'n')
    await client.first()
    return (await client.next(Buffer.from('r=nn,s=AAAA,i=4096'))).toString()
  }
  assert.equal(await proof('I\u00adX'), await proof('IX'))
  assert.equal(await proof('\u2168'), await proof('IX'))
})

test('PLAIN and EXTERNAL', async () => {
  assert.equal((await saslClient('PLAIN', 'ä', 'b', '').first()).toString(), 'ä\0ä\0b')
  assert.equal((await saslClient('EXTERNAL', 'ä', '', '').first()).toString(), 'ä')
  await assert.rejects(saslClient('PLAIN', 'a', 'b', '').next(Buffer.from('more')))
})

test('the strongest that both sides have comes first', () => {
  const certificate = { key: '', cert: '' }
  const sasl = { account: 'a', secret: 's', required: true }
  assert.deepEqual(chooseMechanisms({ sasl }, ['PLAIN', 'EXTERNAL', 'SCRAM-SHA-256'], true), ['SCRAM-SHA-256', 'PLAIN'])
  assert.deepEqual(chooseMechanisms({ sasl, certificate }, [], true), ['EXTERNAL', 'SCRAM-SHA-256', 'PLAIN'])
  assert.deepEqual(chooseMechanisms({ sasl: { account: 'a', required: true }, certificate }, ['PLAIN'], true), [])
  const named = { ...sasl, mechanisms: ['PLAIN'] as const }
  assert.deepEqual(chooseMechanisms({ sasl: named }, ['SCRAM-SHA-256', 'PLAIN'], true), ['PLAIN'])
})

test('PLAIN hands the password over: not in clear text, nor where SCRAM has worked before, unless the settings name it', () => {
  const sasl = { account: 'a', secret: 's', required: true }
  const pinned = { ...sasl, scram: { wasSeen: () => true, isSeen() {} } }
  assert.deepEqual(chooseMechanisms({ sasl }, ['PLAIN'], false), [])
  assert.deepEqual(chooseMechanisms({ sasl }, ['PLAIN', 'SCRAM-SHA-256'], false), ['SCRAM-SHA-256'])
  assert.deepEqual(chooseMechanisms({ sasl: pinned }, ['PLAIN'], true), [])
  for (const one of [sasl, pinned])
    for (const isTls of [true, false])
      assert.deepEqual(chooseMechanisms({ sasl: { ...one, mechanisms: ['PLAIN'] } }, ['PLAIN'], isTls), ['PLAIN'])
})

test('AUTHENTICATE is cut at 400 letters, and put together again', () => {
  for (const size of [0, 1, 299, 300, 301, 600, 1_000]) {
    const bytes = Buffer.alloc(size, 7)
    const lines = authenticateLines(bytes)
    assert.ok(lines.every((line) => line.length <= 400))
    assert.ok((lines.at(-1) ?? '').length < 400)
    const challenge = new Challenge()
    const read = lines.map((line) => challenge.add(line))
    assert.deepEqual(read.at(-1), bytes)
    assert.ok(read.slice(0, -1).every((each) => each === null))
  }
  const endless = new Challenge()
  assert.throws(() => {
    for (let n = 0; n < 100; n += 1) endless.add('A'.repeat(400))
  })
  assert.throws(() => new Challenge().add('not base64!'))
})

test('STS is read, and only what was said over TLS is kept', () => {
  assert.deepEqual(readSts('port=6697'), { port: 6697, durationMs: null })
  assert.deepEqual(readSts('duration=300,preload,x=1'), { port: null, durationMs: 300_000 })
  assert.deepEqual(readSts('port=0,duration=x'), { port: null, durationMs: null })
  assert.deepEqual(readSts('port=99999'), { port: null, durationMs: null })
  assert.deepEqual(stsToKeep(readSts('duration=300'), 6697, 1_000), { port: 6697, until: 301_000 })
  assert.equal(stsToKeep(readSts('duration=0'), 6697, 1_000), null)
  assert.equal(stsToKeep(readSts('port=6697'), 6697, 1_000), undefined)
})

test('settings that would end in clear text, or in nothing, are refused', () => {
  const settings = { servers: [{ host: 'a', port: 1, tls: 'tls' as const }], nick: 'a', user: 'a', realname: 'a' }
  assert.equal(wrongSettings(settings), null)
  const refused = [
    { servers: [] },
    { servers: [...settings.servers, { host: 'a', port: 2, tls: 'plain' as const }] },
    { servers: [{ host: 'a', port: 1, tls: 'tls' as const, pins: ['abc'] }] },
    { nick: 'a b' },
    { afterwards: ['PRIVMSG x :a\r\nQUIT'] },
    { encoding: 'utf-16' },
    { fallback: 'nothing' },
    { user: 'a b' },
    { user: '' },
    { realname: 'a\nQUIT' },
    { password: 'a\rb' },
    { webirc: { password: 'a b', gateway: 'g', host: 'h', address: '::1' } },
    { webirc: { password: 'a', gateway: 'g', host: 'h', address: 'x y' } },
    { sasl: { account: '', required: true } },
  ]
  for (const wrong of refused) assert.notEqual(wrongSettings({ ...settings, ...wrong }), null, JSON.stringify(wrong))
})
