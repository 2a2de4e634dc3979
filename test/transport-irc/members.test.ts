// SPDX-License-Identifier: Apache-2.0
// Only members of groups that the settings name may use it, as the directory publishes them.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSnapshotWriter } from '../../components/kit/bus/file-snapshot.ts'
import { type PersonItem, writeItem } from '../../components/kit/facts/people.ts'
import { followMembers } from '../../components/transport-irc/members.ts'

const person = (id: string, groups: readonly string[], more: Partial<PersonItem> = {}): PersonItem => ({
  kind: 'person',
  id,
  jid: `${id}@corp.example`,
  oldJids: [],
  name: id,
  mail: [],
  phone: [],
  groups,
  disabled: false,
  identities: {},
  ...more,
})

test('who is in the group may, who leaves it or is locked out may no more; nobody may while nobody says who is in it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-members-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const counts: number[] = []
  let changed = Promise.withResolvers<void>()
  await using members = followMembers(folder, ['Chat'], {
    changed(count) {
      counts.push(count)
      changed.resolve()
    },
    fault: (error) => assert.equal(error, null),
  })
  assert.equal(members.has('anna@corp.example'), false)
  await using writer = await openSnapshotWriter(folder)
  const group = { kind: 'group' as const, id: 'g', name: 'chat' }
  await writer.replace(
    [group, person('anna', ['g']), person('bob', []), person('carl', ['g'], { disabled: true })].map(writeItem),
  )
  await changed.promise
  assert.equal(members.has('Anna@corp.example'), true)
  changed = Promise.withResolvers()
  assert.deepEqual(
    ['bob', 'carl'].map((name) => members.has(`${name}@corp.example`)),
    [false, false],
  )
  await writer.put({ put: [writeItem(person('anna', [])), writeItem(person('bob', ['g']))] })
  await changed.promise
  assert.equal(members.has('bob@corp.example'), true)
  assert.equal(members.has('anna@corp.example'), false)
  assert.deepEqual(counts, [1, 1])
})

test('without groups everybody may', () => {
  assert.equal(followMembers('/nowhere', [], { changed() {}, fault() {} }).has('anybody@corp.example'), true)
})
