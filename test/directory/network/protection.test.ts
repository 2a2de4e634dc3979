// SPDX-License-Identifier: Apache-2.0
// Nobody listens, nobody pretends, and credentials never go in clear.
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type LdapSettings, openLdapDirectory } from '../../../components/directory/network/ldap-directory.ts'
import { ldifEntry } from '../../harness/ldif.ts'
import { ROOT_DN, type Slapd, SUFFIX, slapdLack, startSlapd } from '../../harness/slapd.ts'
import { done, startFake } from './fake-server.ts'
import { readAll, readOnce, settingsFor } from './read.ts'

suite('protection', { skip: slapdLack() ?? false }, () => {
  let folder: string
  let slapd: Slapd
  const reads = async (own: Partial<LdapSettings>): Promise<string[]> =>
    (await readOnce(settingsFor(slapd, own))).people.map(({ uid }) => uid)
  const pinned = () => ({ startTls: false, caFile: slapd.caFile })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-slapd-'))
    slapd = await startSlapd(folder)
    await slapd.add(ldifEntry(`uid=ann,${SUFFIX}`, { objectClass: 'inetOrgPerson', uid: 'ann', cn: 'ann', sn: 'ann' }))
  })

  after(async () => {
    await slapd?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('LDAPS and StartTLS are spoken with a server whose certificate is of the authority in the file', async () => {
    assert.deepEqual(await reads({}), ['ann'])
    assert.deepEqual(await reads({ servers: [slapd.url], tls: { ...pinned(), startTls: true } }), ['ann'])
    assert.deepEqual(await reads({ tls: { ...pinned(), serverName: 'ldap.corp.example' } }), ['ann'])
  })

  test('a certificate of another authority or for another name ends the connection before anything is said, with StartTLS too', async () => {
    const other = await mkdtemp(join(folder, 'other-'))
    await using stranger = await startSlapd(other)
    const wrong = { caFile: stranger.caFile, startTls: false }
    await assert.rejects(reads({ tls: wrong }), { reason: 'away', message: /certificate/ })
    await assert.rejects(reads({ tls: { startTls: false } }), { reason: 'away', message: /certificate/ })
    await assert.rejects(reads({ servers: [slapd.url], tls: { ...wrong, startTls: true } }), { reason: 'away' })
    await assert.rejects(reads({ tls: { ...pinned(), serverName: 'ldap.else.example' } }), {
      reason: 'away',
      message: /altnames/,
    })
  })

  test('a server that has no StartTLS, or has lost it on the way, is told no password', async () => {
    await using fake = await startFake(({ messageId, socket }) => socket.write(done(messageId, 0x78, { code: 2 })))
    await using source = openLdapDirectory(
      settingsFor(slapd, { servers: [fake.url], tls: { ...pinned(), startTls: true } }),
    )
    await assert.rejects(readAll(source), { reason: 'bad-answer', message: /result 2/ })
    assert.deepEqual(
      fake.asked.map(({ operation }) => operation),
      ['extended'],
    )
  })

  test('what somebody slips in behind the answer to StartTLS is no answer to anything', async () => {
    await using fake = await startFake(({ messageId, socket }) =>
      socket.write(Buffer.concat([done(messageId, 0x78), done(messageId + 1, 0x61), done(messageId + 2)])),
    )
    await using source = openLdapDirectory(
      settingsFor(slapd, { servers: [fake.url], tls: { ...pinned(), startTls: true } }),
    )
    await assert.rejects(readAll(source), { name: 'SourceFault' })
  })

  test('ldap:// without TLS does not leave this machine unless a setting allows it', async () => {
    // Linux takes this for the machine itself, and it is not one of the names by which we know it.
    const servers = [`ldap://0.0.0.0:${slapd.port}`]
    await assert.rejects(reads({ servers }), { reason: 'refused', message: /without TLS/ })
    assert.deepEqual(await reads({ servers, allowPlain: true }), ['ann'])
    assert.deepEqual(await reads({ servers: [slapd.url] }), ['ann'])
  })

  test('the password is read at each bind, an empty one binds nobody', async () => {
    const passwordFile = join(folder, 'password')
    const bind = { kind: 'simple' as const, dn: ROOT_DN, passwordFile }
    await using source = openLdapDirectory(settingsFor(slapd, { bind }))
    await writeFile(passwordFile, 'wrong\n')
    await assert.rejects(readAll(source), { reason: 'refused', message: /result 49/ })
    await writeFile(passwordFile, '\n')
    await assert.rejects(readAll(source), { reason: 'refused', message: /empty/ })
    await copyFile(slapd.passwordFile, passwordFile)
    assert.equal((await readAll(source)).people.length, 1)
  })

  test('SASL EXTERNAL binds with a certificate; nobody without one sees anything', async () => {
    const own = { certFile: slapd.clientCert, keyFile: slapd.clientKey }
    assert.deepEqual(await reads({ bind: { kind: 'external' }, tls: { ...pinned(), ...own } }), ['ann'])
    await assert.rejects(reads({ bind: { kind: 'external' }, tls: pinned() }), { name: 'SourceFault' })
    await assert.rejects(reads({ bind: { kind: 'anonymous' } }), { reason: 'refused', message: /result 50/ })
  })

  test('a server that is killed and comes back is asked again over a new connection', async () => {
    await using source = openLdapDirectory(settingsFor(slapd))
    const { cursor } = await readAll(source)
    const poll = () => source.changes(cursor, { sweep: true }, AbortSignal.timeout(10_000))
    assert.equal((await poll()).kind, 'changes')
    await slapd.kill()
    await assert.rejects(poll(), { reason: 'away' })
    await slapd.restart()
    assert.equal((await poll()).kind, 'changes')
  })
})
