// SPDX-License-Identifier: Apache-2.0
// A real Active Directory read: Samba as a domain controller, with a group of 1,600.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { normalDn } from '../../../components/directory/domain/dn.ts'
import type { DirectorySource } from '../../../components/directory/domain/source.ts'
import { inChainFilter } from '../../../components/directory/network/filter.ts'
import { type Layout, PRESETS } from '../../../components/directory/network/layout.ts'
import {
  LDAP_BOUNDS,
  type LdapSettings,
  openLdapDirectory,
} from '../../../components/directory/network/ldap-directory.ts'
import { ldifDelete, ldifEntry, ldifRename, ldifReplace } from '../../harness/ldif.ts'
import { SAMBA_ADMIN, SAMBA_BASE, type Samba, sambaLack, startSamba } from '../../harness/samba.ts'
import { type All, changesOf, readAll, sorted } from './read.ts'

const STAFF = `OU=Staff,${SAMBA_BASE}`
/** userAccountControl: an ordinary account; 2 more: switched off. */
const NORMAL = '544'

function user(cn: string, uid: string, more: Record<string, string | string[]> = {}): string {
  return ldifEntry(`CN=${cn.replaceAll(',', '\\,')},${STAFF}`, {
    objectClass: 'user',
    sAMAccountName: uid,
    userAccountControl: NORMAL,
    ...more,
  })
}

function group(cn: string, member: readonly string[]): string {
  return ldifEntry(`CN=${cn},${STAFF}`, {
    objectClass: 'group',
    sAMAccountName: cn,
    ...(member.length > 0 && { member: [...member] }),
  })
}

const MANY = Array.from({ length: 1_600 }, (_, index) => `CN=Contact ${index},OU=Outside,${SAMBA_BASE}`)
const ALICE = `CN=Ädams\\, Alice,${STAFF}`
const BEN = `CN=Ben,${STAFF}`

suite('Active Directory', { skip: sambaLack() ?? false }, () => {
  let folder: string
  let samba: Samba
  let settings: LdapSettings
  let source: DirectorySource
  let all: All
  const person = (uid: string) => {
    const found = all.people.find((one) => one.uid === uid)
    assert.ok(found, `${uid} is missing`)
    return found
  }
  const groupOf = (name: string) => all.groups.find((one) => one.name === name)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-samba-'))
    samba = await startSamba(folder)
    await samba.add(
      [
        ldifEntry(STAFF, { objectClass: 'organizationalUnit' }),
        ldifEntry(`OU=Outside,${SAMBA_BASE}`, { objectClass: 'organizationalUnit' }),
        ...MANY.map((dn) => ldifEntry(dn, { objectClass: 'contact' })),
        user('Ben', 'ben', { userPrincipalName: 'ben@corp.example' }),
        user('Ädams, Alice', 'alice', { displayName: 'Alice', department: 'Research', company: 'Corp', manager: BEN }),
        user('Off', 'off', { userAccountControl: '546' }),
        user('Past', 'past', { accountExpires: '131000000000000000' }),
        user('Future', 'future', { accountExpires: '250000000000000000' }),
        group('Everyone here', [...MANY, BEN]),
        group('Inner', [ALICE]),
        group('Outer', [`CN=Inner,${STAFF}`]),
        group('Nobody', []),
      ].join(''),
    )
    settings = {
      name: 'ad',
      servers: [samba.url],
      bind: { kind: 'simple', dn: SAMBA_ADMIN, passwordFile: samba.passwordFile },
      tls: { startTls: false, caFile: samba.caFile },
      allowPlain: false,
      bases: { people: [SAMBA_BASE], groups: [SAMBA_BASE] },
      layout: PRESETS['samba-ad'],
      referrals: [],
      template: ['userPrincipalName'],
      photoBytes: 100_000,
      bounds: { ...LDAP_BOUNDS, pageSize: 4 },
    }
    source = openLdapDirectory(settings)
    all = await readAll(source)
  })

  after(async () => {
    await source?.[Symbol.asyncDispose]()
    await samba?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('people have the id that Active Directory shows, their names, and the group that they belong to unlisted', () => {
    const { id, dn, managerDn, primaryGroupToken, ...alice } = person('alice')
    assert.match(id, /^ad:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(normalDn(dn), normalDn(ALICE))
    assert.equal(normalDn(managerDn ?? ''), normalDn(BEN))
    assert.match(primaryGroupToken ?? '', /^S-1-5-21-\d+-\d+-\d+-513$/)
    assert.equal(groupOf('Domain Users')?.primaryGroupToken, primaryGroupToken)
    assert.deepEqual(alice, {
      kind: 'person',
      uid: 'alice',
      name: 'Alice',
      department: 'Research',
      company: 'Corp',
      mail: [],
      phone: [],
      disabled: false,
      identities: {},
      template: {},
    })
    assert.deepEqual(person('ben').template, { userprincipalname: 'ben@corp.example' })
    assert.ok(!all.people.some(({ uid }) => uid === 'krbtgt'))
  })

  test('an account that is switched off or has expired is disabled, and one that will expire is known to', () => {
    assert.deepEqual([person('off').disabled, person('past').disabled, person('future').disabled], [true, true, false])
    assert.equal(new Date(person('future').expiresAt ?? 0).getUTCFullYear(), 2393)
    assert.equal(person('ben').expiresAt, undefined)
  })

  test('a group of 1,601 is read whole, in ranges', () => {
    const members = new Set(groupOf('Everyone here')?.memberDns.map((dn) => normalDn(dn)))
    assert.deepEqual(members, new Set([...MANY, BEN].map((dn) => normalDn(dn))))
    assert.deepEqual(groupOf('Nobody')?.memberDns, [])
    assert.deepEqual(groupOf('Outer')?.memberDns, [`CN=Inner,${STAFF}`])
  })

  test('what changed is found by its update number: a person, a rename, a member; and nothing when nothing did', async () => {
    const quiet = await changesOf(source, all.cursor)
    assert.deepEqual([quiet.changed, quiet.moved], [[], false])
    await samba.modify(ldifReplace(ALICE, { title: 'Head' }))
    await samba.modify(ldifRename(BEN, 'CN=Benjamin'))
    const found = await changesOf(source, quiet.cursor)
    const { people, groups: renamed } = sorted(found.changed)
    assert.deepEqual(people.map(({ uid }) => uid).sort(), ['alice', 'ben'])
    assert.equal(people.find(({ uid }) => uid === 'alice')?.title, 'Head')
    assert.deepEqual(people.find(({ uid }) => uid === 'ben')?.id, person('ben').id)
    // The group has not changed, but names him otherwise now; and Alice's names her as before.
    assert.deepEqual(renamed.map((one) => one.name).sort(), ['Everyone here', 'Inner'])
    const everyone = renamed.find((one) => one.name === 'Everyone here')?.memberDns ?? []
    assert.equal(everyone.length, 1_601)
    assert.ok(everyone.includes(`CN=Benjamin,${STAFF}`))
    await samba.modify(`dn: CN=Nobody,${STAFF}\nchangetype: modify\nadd: member\nmember: CN=Benjamin,${STAFF}\n\n`)
    const { groups } = sorted((await changesOf(source, found.cursor)).changed)
    assert.deepEqual(groups.find(({ name }) => name === 'Nobody')?.memberDns, [`CN=Benjamin,${STAFF}`])
  })

  test('who was deleted is missing in a sweep', async () => {
    await samba.modify(ldifDelete(`CN=Off,${STAFF}`))
    const found = await changesOf(source, all.cursor, true)
    assert.ok(found.moved)
    assert.ok(!found.ids?.people.has(person('off').id))
    assert.equal(found.ids?.people.size, all.people.length - 1)
  })

  test('the update numbers of another server are not gone on from', async () => {
    const elsewhere = all.cursor.replace(/"server":"[0-9a-f-]+"/, '"server":"00000000-0000-4000-8000-000000000000"')
    assert.notEqual(elsewhere, all.cursor)
    assert.deepEqual(await source.changes(elsewhere, { sweep: false }, AbortSignal.timeout(10_000)), {
      kind: 'start-again',
      why: 'other-server',
    })
  })

  test('DirSync tells what changed, what was deleted, who has left the filter, and that a branch moved', async () => {
    const layout: Layout = {
      ...settings.layout,
      people: { ...settings.layout.people, filter: '(&(sAMAccountType=805306368)(!(department=Elsewhere)))' },
      changed: { kind: 'dirsync' },
    }
    await using synced = openLdapDirectory({ ...settings, layout })
    const before = await readAll(synced)
    const idOf = (uid: string) => before.people.find((one) => one.uid === uid)?.id
    const quiet = await changesOf(synced, before.cursor)
    assert.deepEqual([quiet.changed, quiet.gone, quiet.moved], [[], [], false])

    await samba.modify(ldifReplace(ALICE, { title: 'Boss' }))
    await samba.modify(ldifDelete(`CN=Past,${STAFF}`))
    await samba.modify(ldifReplace(`CN=Future,${STAFF}`, { department: 'Elsewhere' }))
    const found = await changesOf(synced, quiet.cursor)
    const { people, groups } = sorted(found.changed)
    assert.deepEqual(
      people.map(({ uid, title }) => [uid, title]),
      [['alice', 'Boss']],
    )
    assert.deepEqual(
      groups.map(({ name }) => name),
      ['Inner'],
    )
    assert.deepEqual([...found.gone].sort(), [idOf('past'), idOf('future')].sort())
    assert.equal(found.moved, false)

    await samba.modify(ldifRename(`OU=Outside,${SAMBA_BASE}`, 'OU=Far outside'))
    assert.equal((await changesOf(synced, found.cursor)).moved, true)
  })

  test('people can be those of one group and of the groups in it, as the server finds them', async () => {
    const filter = `(&(sAMAccountType=805306368)${inChainFilter(`CN=Outer,${STAFF}`)})`
    const layout = { ...settings.layout, people: { ...settings.layout.people, filter } }
    await using source = openLdapDirectory({ ...settings, layout })
    assert.deepEqual(
      (await readAll(source)).people.map(({ uid }) => uid),
      ['alice'],
    )
  })
})
