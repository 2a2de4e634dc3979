// SPDX-License-Identifier: Apache-2.0
// A real 389 Directory Server read, as itself and with entries in the shape that FreeIPA gives them.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { PRESETS } from '../../../components/directory/network/layout.ts'
import {
  LDAP_BOUNDS,
  type LdapSettings,
  openLdapDirectory,
} from '../../../components/directory/network/ldap-directory.ts'
import { DS389_ADMIN, type Ds389, ds389Lack, startDs389 } from '../../harness/ds389.ts'
import { ldifDelete, ldifEntry, ldifRename, ldifReplace } from '../../harness/ldif.ts'
import { SUFFIX } from '../../harness/slapd.ts'
import { changesOf, readAll } from './read.ts'

const ACCOUNTS = `cn=accounts,${SUFFIX}`
const USERS = `cn=users,${ACCOUNTS}`
const GROUPS = `cn=groups,${ACCOUNTS}`

const person = (uid: string, more: Record<string, string | string[]> = {}): string =>
  ldifEntry(`uid=${uid},ou=people,${SUFFIX}`, { objectClass: 'inetOrgPerson', uid, cn: uid, sn: uid, ...more })

const ipaPerson = (uid: string, number: string, more: Record<string, string> = {}): string =>
  ldifEntry(`uid=${uid},${USERS}`, {
    objectClass: ['inetOrgPerson', 'posixAccount', 'ipaObject'],
    uid,
    cn: uid,
    sn: uid,
    uidNumber: number,
    gidNumber: number,
    homeDirectory: '/nonexistent',
    ipaUniqueID: `0000000${number}-7b1b-11ef-8945-6b1fa3b18ef0`,
    ...more,
  })

const ipaGroup = (cn: string, number: string, member: string): string =>
  ldifEntry(`cn=${cn},${GROUPS}`, {
    objectClass: ['groupOfNames', 'ipaUserGroup', 'ipaObject'],
    cn,
    member,
    ipaUniqueID: `0000000${number}-7b1b-11ef-8945-6b1fa3b18ef0`,
  })

suite('389-ds and FreeIPA', { skip: ds389Lack() ?? false }, () => {
  let folder: string
  let ds: Ds389
  const settings = (own: Partial<LdapSettings> = {}): LdapSettings => ({
    name: 'ds',
    servers: [ds.url],
    bind: { kind: 'simple', dn: DS389_ADMIN, passwordFile: ds.passwordFile },
    tls: { startTls: false },
    allowPlain: false,
    bases: { people: [`ou=people,${SUFFIX}`], groups: [`ou=people,${SUFFIX}`] },
    layout: PRESETS['389-ds'],
    referrals: [],
    template: ['uid'],
    photoBytes: 0,
    bounds: { ...LDAP_BOUNDS, pageSize: 2 },
    ...own,
  })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-389-'))
    ds = await startDs389(folder)
    await ds.add(
      [
        ldifEntry(`ou=people,${SUFFIX}`, { objectClass: 'organizationalUnit' }),
        ...['ann', 'ben', 'cem'].map((uid) => person(uid)),
        person('off', { nsAccountLock: 'true' }),
        ldifEntry(`cn=staff,ou=people,${SUFFIX}`, {
          objectClass: 'groupOfNames',
          member: `uid=ann,ou=people,${SUFFIX}`,
        }),
        ldifEntry(ACCOUNTS, { objectClass: 'nsContainer' }),
        ldifEntry(USERS, { objectClass: 'nsContainer' }),
        ldifEntry(GROUPS, { objectClass: 'nsContainer' }),
        ipaPerson('ivy', '1'),
        ipaPerson('jim', '2', { nsAccountLock: 'TRUE' }),
        ipaPerson('kim', '3', { krbPrincipalExpiration: '20200101000000Z' }),
        ipaGroup('inner', '4', `uid=ivy,${USERS}`),
        ipaGroup('outer', '5', `cn=inner,${GROUPS}`),
        ldifEntry(`cn=hosts,${GROUPS}`, { objectClass: 'groupOfNames', cn: 'hosts' }),
      ].join(''),
    )
  })

  after(async () => {
    await ds?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('389-ds: people by their nsUniqueId, the locked are disabled; a rename keeps the id, a deletion shows in a sweep', async () => {
    await using source = openLdapDirectory(settings())
    const all = await readAll(source)
    const ann = all.people.find(({ uid }) => uid === 'ann')
    assert.match(ann?.id ?? '', /^ds:[0-9a-f]{8}(-[0-9a-f]{8}){3}$/)
    assert.deepEqual(all.people.map(({ uid, disabled }) => [uid, disabled]).sort(), [
      ['ann', false],
      ['ben', false],
      ['cem', false],
      ['off', true],
    ])
    assert.deepEqual(
      all.groups.map(({ name, memberDns }) => [name, memberDns]),
      [['staff', [`uid=ann,ou=people,${SUFFIX}`]]],
    )
    await ds.modify(ldifRename(`uid=ann,ou=people,${SUFFIX}`, 'uid=anna'))
    await ds.modify(ldifReplace(`uid=ben,ou=people,${SUFFIX}`, { title: 'Head' }))
    await ds.modify(ldifDelete(`uid=cem,ou=people,${SUFFIX}`))
    const found = await changesOf(source, all.cursor, true)
    const changed = found.changed.flatMap((one) => (one.kind === 'person' ? [one] : []))
    assert.equal(changed.find(({ id }) => id === ann?.id)?.uid, 'anna')
    assert.equal(changed.find(({ uid }) => uid === 'ben')?.title, 'Head')
    assert.equal(found.ids?.people.size, 3)
    assert.ok(found.moved)
  })

  test('FreeIPA: people by ipaUniqueID, locked and expired accounts disabled, user groups only, groups in groups named', async () => {
    await using source = openLdapDirectory(
      settings({ bases: { people: [USERS], groups: [GROUPS] }, layout: PRESETS.freeipa }),
    )
    const { people, groups } = await readAll(source)
    assert.deepEqual(people.map(({ id, uid, disabled }) => [id.slice(0, 12), uid, disabled]).sort(), [
      ['ds:00000001-', 'ivy', false],
      ['ds:00000002-', 'jim', true],
      ['ds:00000003-', 'kim', true],
    ])
    assert.deepEqual(groups.map(({ name, memberDns }) => [name, memberDns]).sort(), [
      ['inner', [`uid=ivy,${USERS}`]],
      ['outer', [`cn=inner,${GROUPS}`]],
    ])
  })
})
