// SPDX-License-Identifier: Apache-2.0
// Killed at each step of its way, the directory goes on at the next start: everybody ends with the same, and nothing is done twice.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SUFFIX, slapdLack } from '../../harness/slapd.ts'
import { readJournal } from '../../policy/stage.ts'
import { startFakeHelper } from '../fake-helper.ts'
import { FIVE, openPlace } from '../place.ts'
import { snapshotOf } from '../snapshot.ts'

const DOMAIN = 'directory.corp.example'
const MOVE = `
dn: uid=alice,ou=people,${SUFFIX}
changetype: modify
replace: departmentNumber
departmentNumber: Sales

dn: uid=erin,ou=people,${SUFFIX}
changetype: delete

dn: cn=traders,ou=groups,${SUFFIX}
changetype: modify
add: member
member: uid=dave,ou=people,${SUFFIX}
`

const LONG = process.env.GATEHOUSE_LONG === '1'
/** The others are played without processes in engine.test.ts. */
const SHORT: readonly string[] = ['applied', 'part']

describe('killed', { skip: slapdLack() ?? false }, () => {
  for (const point of ['read', 'planned', 'recorded', 'applied', 'published', 'part'] as const) {
    const skip = LONG || SHORT.includes(point) ? false : 'in the long form: GATEHOUSE_LONG=1'
    test(`at ${point}: it goes on`, { skip }, async () => {
      await using fake = await startFakeHelper(DOMAIN, 'secret')
      await using place = await openPlace({ secret_file: 'directory.secret' })
      writeFileSync(join(place.folder, 'directory.secret'), 'secret\n', { mode: 0o600 })
      place.shared({ server: { port: fake.port } })
      await place.slapd.add(FIVE)
      {
        await using _first = await place.start()
        await fake.has('corp.example', 1)
      }
      await place.slapd.modify(MOVE)
      if (point === 'part') {
        const began = Promise.withResolvers<void>()
        fake.onPart = () => began.resolve()
        await using killed = await place.start()
        await began.promise
        killed.kill('SIGKILL')
        assert.equal((await killed.exited).signal, 'SIGKILL')
        fake.onPart = null
      } else assert.equal(await place.crash(point), point)
      await using _again = await place.start()
      // What changed is one version, and who is no more the next.
      const held = await fake.has('corp.example', 3)
      assert.deepEqual([...held.people].sort(), [
        ['alice@corp.example', { name: 'Alice Arnold', locked: undefined }],
        ['bob@corp.example', { name: 'Bob Baker', locked: undefined }],
        ['carol@corp.example', { name: 'Carol Clark', locked: undefined }],
        ['dave@corp.example', { name: 'Dave Dunn', locked: undefined }],
        ['erin@corp.example', { name: 'Erin Evans', locked: 'gone' }],
      ])
      const traders = [...held.groups.values()].find(({ name }) => name === 'traders')
      assert.deepEqual(
        [...(traders?.members ?? [])].sort().map((jid) => jid.split('@')[0]),
        ['alice', 'bob', 'carol', 'dave'],
      )
      assert.equal(held.seq, 3, 'it is done once')
      const seen = await snapshotOf(place.snapshot)
      assert.deepEqual(
        seen?.people.map(({ jid, department }) => [jid.split('@')[0], department]),
        [
          ['alice', 'Sales'],
          ['bob', undefined],
          ['carol', undefined],
          ['dave', undefined],
        ],
      )
      const facts = (await readJournal(place.journal)).filter(({ kind }) => kind === 'directory')
      const versions = facts.map((fact) => (fact.kind === 'directory' ? fact.seq : 0))
      assert.deepEqual([...new Set(versions)], [1, 2, 3], 'each version is on record')
    })
  }
})
