// SPDX-License-Identifier: Apache-2.0
// Whose account is to be looked at: after a change of the directory or of the settings, and of somebody who leaves and comes back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AVATAR, avatarMark } from '../../../components/directory/domain/posting.ts'
import { madeUp } from '../company.ts'
import { enginePlace, type Opened } from '../engine-place.ts'

const due = async ({ store }: Opened) =>
  (await store.read('due', { now: 1e15, limit: 10, but: [] })).map(({ person }) => person.replace('corp:', '')).sort()

async function settle({ store }: Opened, names: readonly string[], put: Record<string, string> = {}): Promise<void> {
  for (const name of names)
    await store.write('posted', {
      person: `corp:${name}`,
      jid: `${name}@corp.example`,
      put,
      drop: [],
      next: null,
      begunAt: 1e15,
    })
}

test('everybody is due with other settings, those of a change with the same', async () => {
  using place = enginePlace()
  const corp = madeUp()
  for (const uid of ['a', 'b', 'c']) corp.person(uid)
  await using opened = await place.open([corp])
  await opened.sync()
  const notice = (seq: number, settings: string) => opened.store.write('dueUpTo', { seq, at: 1, settings })
  assert.equal(await notice(1, 'phones'), true)
  assert.deepEqual(await due(opened), ['a', 'b', 'c'])
  await settle(opened, ['a', 'b', 'c'])
  assert.equal(await notice(1, 'phones'), false, 'as at the start of a process')
  corp.person('b', { name: 'Other' })
  await opened.sync()
  await notice(2, 'phones')
  assert.deepEqual(await due(opened), ['b'])
  await opened.store.write('facePut', { photo: 'large', made: { fault: 'too-many-pixels' } })
  // Phones are no more to be on cards.
  assert.equal(await notice(2, 'none'), true)
  assert.deepEqual(await due(opened), ['a', 'b', 'c'])
  assert.equal(await opened.store.read('face', 'large'), null, 'another bound may take it')
})

test('who comes back while his leaving is looked at stays due', async () => {
  using place = enginePlace()
  const corp = madeUp()
  for (const uid of ['a', 'b', 'c']) corp.person(uid)
  await using opened = await place.open([corp])
  const notice = async () => {
    await opened.sync()
    await opened.store.write('dueUpTo', { seq: opened.engine.seq, at: 1, settings: '' })
  }
  await notice()
  await settle(opened, ['a', 'b', 'c'], { card: 'mark' })
  corp.drop('a')
  await notice()
  assert.deepEqual(await due(opened), ['a'])
  const [leaver] = await opened.store.read('due', { now: 1e15, limit: 10, but: [] })
  assert.equal(leaver?.body, '')
  corp.person('a')
  await notice()
  await opened.store.write('forgetPosted', 'corp:a')
  assert.deepEqual(await due(opened), ['a'])
  corp.drop('a')
  await notice()
  await opened.store.write('forgetPosted', 'corp:a')
  assert.deepEqual(await due(opened), [])
  assert.equal((await opened.store.read('postingCounts', null)).posted, 2)
})

test('where pictures of ours stood is asked again; where somebody has his own is not', async () => {
  using place = enginePlace()
  const corp = madeUp()
  for (const uid of ['a', 'b']) corp.person(uid)
  await using opened = await place.open([corp])
  await opened.sync()
  const face = { sha1: 'f'.repeat(40) }
  await settle(opened, ['a'], { [AVATAR]: avatarMark('ours', face) })
  await settle(opened, ['b'], { [AVATAR]: avatarMark('own', face) })
  await opened.store.write('dueOurPictures', 1)
  assert.deepEqual(await due(opened), ['a'])
})

test('when a group is called otherwise, those are due whose cards name a member of it', async () => {
  using place = enginePlace()
  const corp = madeUp()
  corp.person('boss')
  corp.person('other')
  corp.person('clerk', { managerDn: 'uid=boss,ou=people,dc=corp' })
  corp.person('porter', { managerDn: 'uid=other,ou=people,dc=corp' })
  corp.group('g', ['boss'], { name: 'Club' })
  await using opened = await place.open([corp])
  const notice = async () => {
    await opened.sync()
    await opened.store.write('dueUpTo', { seq: opened.engine.seq, at: 1, settings: '' })
  }
  await notice()
  await settle(opened, ['boss', 'other', 'clerk', 'porter'])
  corp.group('g', ['boss'], { name: 'Club', description: 'of those who meet' })
  await notice()
  assert.deepEqual(await due(opened), [])
  corp.group('g', ['boss'], { name: 'Board' })
  await notice()
  assert.deepEqual(await due(opened), ['clerk'])
})
