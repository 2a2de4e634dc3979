// SPDX-License-Identifier: Apache-2.0
// The IRC servers of the tests are what the tests take them for.
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { makeAuthority } from './certificates.ts'
import { startFakeIrcd } from './fake-ircd.ts'
import { inspircdLack, startInspircd, startLinkedInspircds } from './inspircd.ts'
import { irc } from './irc-person.ts'
import { SERVICES, servicesLack, startServices } from './irc-services.ts'
import type { Ircd } from './ircd.ts'
import { ircdHybridLack, startIrcdHybrid } from './ircd-hybrid.ts'
import { ngircdLack, startNgircd } from './ngircd.ts'

const REAL: readonly [string, string | null, () => Promise<Ircd>][] = [
  ['InspIRCd', inspircdLack(), () => startInspircd({ tls: true })],
  ['ngIRCd', ngircdLack(), () => startNgircd({ tls: true })],
  ['ircd-hybrid', ircdHybridLack(), () => startIrcdHybrid({ tls: true })],
]

suite('IRC servers of the tests', { concurrency: true }, () => {
  for (const [name, lack, start] of REAL) {
    test(`${name}: people talk in clear text and over TLS; killed, it comes back`, {
      skip: lack ?? false,
    }, async () => {
      await using ircd = await start()
      const ca = await readFile(ircd.caFile ?? '', 'utf8')
      const [alice, carol] = await Promise.all([
        irc(ircd, 'alice'),
        irc(ircd, 'carol', { port: ircd.tlsPort, tls: { ca, servername: ircd.name } }),
      ])
      await alice.join('#talk')
      await carol.join('#talk')
      carol.say('#talk', 'Zażółć')
      await alice.next(/PRIVMSG #talk :Zażółć/u)
      assert.deepEqual(alice.heard('#talk'), [['carol', 'Zażółć']])
      assert.deepEqual(await alice.names('#talk'), ['alice', 'carol'])
      await ircd.crash()
      await Promise.all([alice.ended, carol.ended])
      await ircd.start()
      await using again = await irc(ircd, 'alice')
      assert.deepEqual(await again.names('#talk'), [])
    })
  }

  test('two InspIRCd lose each other and find each other again', { skip: inspircdLack() ?? false }, async () => {
    await using net = await startLinkedInspircds()
    const [here, there] = await Promise.all([irc(net.hub, 'here'), irc(net.leaf, 'there')])
    await here.join('#split')
    await there.join('#split')
    await here.next(/there\S* JOIN/u)
    await net.split()
    await here.next(/^:there\S* QUIT :hub\.gatehouse\.test leaf\.gatehouse\.test$/u)
    await net.join()
    await here.next(/there\S* JOIN/u)
    assert.deepEqual(await here.names('#split'), ['here', 'there'])
  })

  test('Atheme: SASL PLAIN and EXTERNAL', { skip: inspircdLack() ?? servicesLack() ?? false }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificates-'))
    await using ircd = await startInspircd({ tls: true, services: SERVICES })
    await using services = await startServices(ircd)
    const files = await (await makeAuthority(folder)).sign('person', '/CN=dave')
    const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')])
    const raw = new X509Certificate(cert).raw
    await services.register('dave', 'secret-of-dave', createHash('sha256').update(raw).digest('hex'))
    const [plain, external] = await Promise.all([
      irc(ircd, 'one', { caps: ['sasl'] }),
      irc(ircd, 'two', { caps: ['sasl'], port: ircd.tlsPort, tls: { cert, key } }),
    ])
    plain.send('AUTHENTICATE PLAIN')
    await plain.next(/^AUTHENTICATE :?\+/u)
    plain.send(`AUTHENTICATE ${Buffer.from('dave\0dave\0secret-of-dave').toString('base64')}`)
    await plain.next(/ 900 one .* dave /u)
    external.send('AUTHENTICATE EXTERNAL')
    await external.next(/^AUTHENTICATE :?\+/u)
    external.send('AUTHENTICATE +')
    await external.next(/ 900 two .* dave /u)
    await rm(folder, { recursive: true })
  })

  test('the made-up server: SCRAM-SHA-256 as in RFC 7677, history, batches of lines, redaction', async () => {
    await using ircd = await startFakeIrcd({ accounts: { dave: 'pencil' } })
    await using dave = await irc(ircd, 'dave', {
      caps: ['sasl', 'batch', 'message-tags', 'draft/multiline', 'draft/chathistory', 'echo-message'],
    })
    await logIn(dave, 'dave', 'pencil')
    await dave.next(/ 903 dave /u)
    await dave.join('#h')
    ircd.remember('eve', '#h', 'long ago', Date.parse('2026-01-02T03:04:05Z'))
    const told = await dave.ask('CHATHISTORY LATEST #h * 10', /BATCH -/u)
    assert.match(told[1] ?? '', /time=2026-01-02T03:04:05\.000Z :eve!eve@fake PRIVMSG #h :long ago$/u)
    dave.send('BATCH +1 draft/multiline #h', '@batch=1 PRIVMSG #h :one', '@batch=1 PRIVMSG #h :two', 'BATCH -1')
    const opened = await dave.next(/BATCH \+\S+ draft\/multiline #h/u)
    await dave.next(/PRIVMSG #h :two$/u)
    dave.send(`REDACT #h ${/msgid=([^; ]+)/u.exec(opened)?.[1]} :sorry`)
    await dave.next(/REDACT #h \S+ :sorry/u)
    assert.equal(ircd.channels.get('#h')?.history.length, 1)
  })
})

/** The client's half, written once more: our own client and the made-up server could be wrong together. */
async function logIn(person: Awaited<ReturnType<typeof irc>>, account: string, password: string): Promise<void> {
  const hmac = (key: Buffer, words: string) => createHmac('sha256', key).update(words).digest()
  const say = (words: string) => person.send(`AUTHENTICATE ${Buffer.from(words).toString('base64')}`)
  const heard = async () =>
    Buffer.from((await person.next(/^AUTHENTICATE :?[^+]/u)).replace(/^AUTHENTICATE :?/u, ''), 'base64').toString()
  person.send('AUTHENTICATE SCRAM-SHA-256')
  await person.next(/^AUTHENTICATE :?\+/u)
  const bare = `n=${account},r=rOprNGfwEbeRWgbNEkqO`
  say(`n,,${bare}`)
  const first = await heard()
  const [, nonce = '', salt = '', rounds = ''] = /^r=([^,]*),s=([^,]*),i=(\d+)$/u.exec(first) ?? []
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), 32, 'sha256')
  const key = hmac(salted, 'Client Key')
  const signature = hmac(createHash('sha256').update(key).digest(), `${bare},${first},c=biws,r=${nonce}`)
  say(`c=biws,r=${nonce},p=${Buffer.from(key.map((byte, at) => byte ^ (signature[at] ?? 0))).toString('base64')}`)
  const expected = hmac(hmac(salted, 'Server Key'), `${bare},${first},c=biws,r=${nonce}`).toString('base64')
  assert.equal(await heard(), `v=${expected}`)
  person.send('AUTHENTICATE +')
}
