// SPDX-License-Identifier: Apache-2.0
// A real OpenLDAP read: entries as companies have them, well-made or not.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { normalDn } from '../../../components/directory/domain/dn.ts'
import { LDAP_BOUNDS, openLdapDirectory } from '../../../components/directory/network/ldap-directory.ts'
import { ldifEntry } from '../../harness/ldif.ts'
import { type Slapd, SUFFIX, slapdLack, startSlapd } from '../../harness/slapd.ts'
import { type All, readOnce, settingsFor } from './read.ts'

const PEOPLE = `ou=people,${SUFFIX}`
const GROUPS = `ou=groups,${SUFFIX}`
const JPEG = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(5_000_000, 7)])
/** What each has to be escaped for in a DN: a comma, quotes, plus, brackets, a backslash, spaces at both ends, # at the start, an emoji. */
const NAMES = [
  'Miller, Ann',
  'Jörg "Ümlaut" Groß',
  '😀 + <x>; y\\z',
  ' led and trailed ',
  '#1',
  'ÅÄÖ  double  space',
  'a=b',
]

function escaped(name: string): string {
  return [...Buffer.from(name)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')
}

function person(uid: string, more: Record<string, string | Buffer | string[]> = {}): string {
  return ldifEntry(`uid=${uid},${PEOPLE}`, { objectClass: 'inetOrgPerson', uid, cn: uid, sn: uid, ...more })
}

function members(...names: string[]): string[] {
  return names.map((name) => (name.includes('=') ? name : `uid=${name},${PEOPLE}`))
}

const ENTRIES = [
  ldifEntry(PEOPLE, { objectClass: 'organizationalUnit', ou: 'people' }),
  ldifEntry(GROUPS, { objectClass: 'organizationalUnit', ou: 'groups' }),
  ldifEntry(`uid=alice,${PEOPLE}`, {
    objectClass: ['inetOrgPerson', 'posixAccount', 'shadowAccount'],
    uid: 'alice',
    cn: 'Alice Adams',
    sn: 'Adams',
    givenName: 'Alice',
    displayName: 'Alice  A.',
    mail: ['alice@corp.example', 'a.adams@corp.example'],
    telephoneNumber: '+49 30 1',
    mobile: '+49 170 1',
    departmentNumber: 'Research',
    title: 'Engineer',
    manager: `cn=${escaped('Miller, Ann')},${PEOPLE}`,
    uidNumber: '1001',
    gidNumber: '500',
    homeDirectory: '/nonexistent',
    jpegPhoto: JPEG,
  }),
  ...NAMES.map((cn) => ldifEntry(`cn=${escaped(cn)},${PEOPLE}`, { objectClass: 'inetOrgPerson', cn, sn: 'x' })),
  person('broken', { jpegPhoto: Buffer.from('no picture at all') }),
  person('huge', { jpegPhoto: Buffer.concat([JPEG, JPEG]) }),
  person('bell', { displayName: 'ring \u0007 twice', cn: 'bell' }),
  person('gone', { objectClass: ['inetOrgPerson', 'shadowAccount'], shadowExpire: '1' }),
  person('later', { objectClass: ['inetOrgPerson', 'shadowAccount'], shadowExpire: '40000' }),
  ldifEntry(`cn=staff,${GROUPS}`, {
    objectClass: 'groupOfNames',
    cn: 'staff',
    description: 'All of us',
    member: members(
      'alice',
      `cn=${escaped('Miller, Ann')},${PEOPLE}`,
      'uid=stranger,dc=elsewhere',
      `cn=circle,${GROUPS}`,
    ),
  }),
  ldifEntry(`cn=circle,${GROUPS}`, {
    objectClass: 'groupOfNames',
    cn: 'circle',
    member: members(`cn=staff,${GROUPS}`),
  }),
  ldifEntry(`cn=unique,${GROUPS}`, { objectClass: 'groupOfUniqueNames', cn: 'unique', uniqueMember: members('alice') }),
  ldifEntry(`cn=posix,${GROUPS}`, {
    objectClass: 'posixGroup',
    cn: 'posix',
    gidNumber: '500',
    memberUid: ['bell', 'nobody'],
  }),
  ldifEntry(`cn=empty,${GROUPS}`, { objectClass: 'posixGroup', cn: 'empty', gidNumber: '501' }),
].join('')

suite('OpenLDAP', { skip: slapdLack() ?? false }, () => {
  let folder: string
  let slapd: Slapd
  let all: All
  const byName = (name: string) => {
    const found = all.people.find((one) => one.name === name)
    assert.ok(found, `${name} is missing`)
    return found
  }
  const group = (name: string) => all.groups.find((one) => one.name === name)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-slapd-'))
    slapd = await startSlapd(folder)
    await slapd.add(ENTRIES)
    // Pages of three: what is read is many answers.
    all = await readOnce(settingsFor(slapd, { bounds: { ...LDAP_BOUNDS, pageSize: 3 } }))
  })

  after(async () => {
    await slapd?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('a person is read with all that his entry says, lists with every value', () => {
    const { id, dn, photo, managerDn, ...alice } = byName('Alice A.')
    assert.match(id, /^corp:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    assert.equal(dn, `uid=alice,${PEOPLE}`)
    assert.equal(normalDn(managerDn ?? ''), normalDn(byName('Miller, Ann').dn))
    assert.deepEqual(photo, { hash: createHash('sha256').update(JPEG).digest('hex'), bytes: JPEG.length })
    assert.deepEqual(alice, {
      kind: 'person',
      uid: 'alice',
      name: 'Alice A.',
      given: 'Alice',
      family: 'Adams',
      department: 'Research',
      title: 'Engineer',
      mail: ['alice@corp.example', 'a.adams@corp.example'],
      phone: ['+49 30 1', '+49 170 1'],
      disabled: false,
      identities: {},
      primaryGroupToken: '500',
      template: { uid: 'alice' },
    })
  })

  test('commas, quotes, umlauts, an emoji and spaces in names are read as they stand, and each DN is the one of its entry', () => {
    for (const name of NAMES) {
      const { dn } = byName(name.replace(/\s+/g, ' ').trim())
      assert.equal(normalDn(dn), normalDn(`cn=${escaped(name)},${PEOPLE}`))
    }
  })

  test('groups of all three classes are read with their members, those outside the bases and cycles included', () => {
    assert.deepEqual(
      group('staff')
        ?.memberDns.map((dn) => normalDn(dn))
        .sort(),
      members('alice', `cn=${escaped('Miller, Ann')},${PEOPLE}`, 'uid=stranger,dc=elsewhere', `cn=circle,${GROUPS}`)
        .map((dn) => normalDn(dn))
        .sort(),
    )
    assert.equal(group('staff')?.description, 'All of us')
    assert.deepEqual(group('circle')?.memberDns, [`cn=staff,${GROUPS}`])
    assert.deepEqual(group('unique')?.memberDns, [`uid=alice,${PEOPLE}`])
    assert.deepEqual(group('posix')?.memberUids, ['bell', 'nobody'])
    assert.equal(group('posix')?.primaryGroupToken, byName('Alice A.').primaryGroupToken)
    assert.deepEqual([group('empty')?.memberDns, group('empty')?.memberUids], [[], []])
    assert.equal(all.groups.length, 5)
  })

  test('what is wrong with an entry is told with its DN, and the rest of it and all others are read', () => {
    const told = all.problems.map(({ dn, what, attribute, left }) => [dn.split(',')[0], what, attribute, left])
    assert.deepEqual(told.sort(), [
      ['uid=bell', 'control-characters', 'displayName', 'attribute'],
      ['uid=broken', 'photo-broken', 'jpegPhoto', 'attribute'],
      ['uid=huge', 'photo-large', 'jpegPhoto', 'attribute'],
    ])
    assert.equal(byName('bell').uid, 'bell')
    assert.equal(byName('broken').photo, undefined)
    assert.equal(byName('huge').photo, undefined)
    assert.equal(all.people.length, 6 + NAMES.length)
  })

  test('an account that has expired is disabled, and one that will is known to', () => {
    assert.equal(byName('gone').disabled, true)
    assert.deepEqual([byName('later').disabled, byName('later').expiresAt], [false, 40_000 * 86_400_000])
  })

  test('bases that overlap give each entry once', async () => {
    const twice = await readOnce(settingsFor(slapd, { bases: { people: [SUFFIX, PEOPLE], groups: [GROUPS, SUFFIX] } }))
    assert.deepEqual([twice.people.length, twice.groups.length], [all.people.length, all.groups.length])
  })

  test('the photo itself comes on demand, and none where it is none', async () => {
    await using source = openLdapDirectory(settingsFor(slapd))
    const signal = AbortSignal.timeout(10_000)
    assert.deepEqual(Buffer.from((await source.photo(`uid=alice,${PEOPLE}`, signal)) ?? []), JPEG)
    assert.equal(await source.photo(`uid=broken,${PEOPLE}`, signal), null)
    assert.equal(await source.photo(`uid=bell,${PEOPLE}`, signal), null)
  })

  test('an entry over the bound is read over and told, and all others are read', async () => {
    const settings = settingsFor(slapd, { bounds: { ...LDAP_BOUNDS, entryBytes: 1_000_000 } })
    const read = await readOnce(settings)
    const large = read.problems.filter(({ left }) => left === 'entry').map(({ dn, what }) => [dn, what])
    assert.deepEqual(large.sort(), [
      [`uid=alice,${PEOPLE}`, 'too-long'],
      [`uid=huge,${PEOPLE}`, 'too-long'],
    ])
    assert.equal(read.people.length, all.people.length - 2)
  })
})
