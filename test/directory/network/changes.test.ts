// SPDX-License-Identifier: Apache-2.0
// What changed since the last reading, on a real OpenLDAP.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { LDAP_BOUNDS, openLdapDirectory } from '../../../components/directory/network/ldap-directory.ts'
import { ldifDelete, ldifEntry, ldifRename, ldifReplace } from '../../harness/ldif.ts'
import { type Slapd, SUFFIX, slapdLack, startSlapd } from '../../harness/slapd.ts'
import { changesOf, readAll, settingsFor, sorted } from './read.ts'

const person = (uid: string): string =>
  ldifEntry(`uid=${uid},${SUFFIX}`, { objectClass: 'inetOrgPerson', uid, cn: uid, sn: uid })

for (const overlays of [['syncprov'], []] as const) {
  suite(`changes in OpenLDAP ${overlays.length > 0 ? 'that counts its writes' : 'without syncprov'}`, {
    skip: slapdLack() ?? false,
  }, () => {
    const counts = overlays.length > 0
    let folder: string
    let slapd: Slapd
    const open = () => openLdapDirectory(settingsFor(slapd, { bounds: { ...LDAP_BOUNDS, overlapMs: 0 } }))

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'gatehouse-slapd-'))
      slapd = await startSlapd(folder, { overlays, indexed: ['entryCSN', 'entryUUID'] })
      await slapd.add(['ann', 'ben', 'cem'].map(person).join(''))
      await slapd.add(
        ldifEntry(`cn=staff,${SUFFIX}`, { objectClass: 'groupOfNames', cn: 'staff', member: `uid=ann,${SUFFIX}` }),
      )
    })

    after(async () => {
      await slapd?.[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    })

    test('a change, a rename and a new entry are found with the ids that stay; what did not change is not read once time has gone by', async () => {
      await using source = open()
      const all = await readAll(source)
      const idOf = (uid: string) => all.people.find((one) => one.uid === uid)?.id
      let quiet = await changesOf(source, all.cursor)
      assert.equal(quiet.moved, !counts)
      if (counts) assert.deepEqual(quiet.changed, [])
      // Without a counter, what has the latest stamp is read again until the directory's clock is behind it for sure.
      while (quiet.changed.length > 0) quiet = await changesOf(source, quiet.cursor)
      assert.equal(quiet.moved, !counts)

      await slapd.modify(ldifReplace(`uid=ann,${SUFFIX}`, { title: 'Head' }))
      await slapd.modify(ldifRename(`uid=ben,${SUFFIX}`, 'uid=benno'))
      await slapd.add(person('dan'))
      const found = await changesOf(source, quiet.cursor)
      const { people } = sorted(found.changed)
      assert.ok(found.moved)
      assert.equal(people.find((one) => one.uid === 'ann')?.title, 'Head')
      assert.deepEqual(people.find((one) => one.id === idOf('ben'))?.dn, `uid=benno,${SUFFIX}`)
      assert.ok(people.some((one) => one.uid === 'dan'))
    })

    test('a deletion moves the directory, and a sweep shows who is left and where', async () => {
      await using source = open()
      const all = await readAll(source)
      await slapd.modify(ldifDelete(`uid=cem,${SUFFIX}`))
      const found = await changesOf(source, all.cursor, true)
      assert.ok(found.moved)
      const left = all.people.filter(({ uid }) => uid !== 'cem').map(({ id, dn }) => [id, dn] as const)
      assert.deepEqual(new Map(found.ids?.people), new Map(left))
      assert.deepEqual([...(found.ids?.groups.values() ?? [])], [`cn=staff,${SUFFIX}`])
    })

    test('a cursor of another server, and one that is none, ask for a full reading', async () => {
      await using source = open()
      const { cursor } = await readAll(source)
      const signal = AbortSignal.timeout(10_000)
      const elsewhere = cursor.replace(slapd.tlsUrl, 'ldaps://ldap2.corp.example')
      for (const [at, why] of [
        [elsewhere, 'other-server'],
        ['{}', 'unknown-cursor'],
        ['nothing', 'unknown-cursor'],
        [cursor.replace('"version":1', '"version":2'), 'unknown-cursor'],
      ] as const) {
        assert.deepEqual(await source.changes(at, { sweep: false }, signal), { kind: 'start-again', why })
      }
    })

    test('a source that was started anew goes on from the cursor', async () => {
      const { cursor } = await (async () => {
        await using source = open()
        return await readAll(source)
      })()
      await slapd.modify(ldifReplace(`uid=ann,${SUFFIX}`, { title: 'Boss' }))
      await using source = open()
      const found = await changesOf(source, cursor)
      assert.equal(sorted(found.changed).people.find((one) => one.uid === 'ann')?.title, 'Boss')
    })
  })
}
