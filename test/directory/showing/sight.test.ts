// SPDX-License-Identifier: Apache-2.0
// What is to be seen of whom, by whom, also where people of other servers may see names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSearching } from '../../../components/directory/showing/searching.ts'
import { madeUp } from '../company.ts'
import { enginePlace } from '../engine-place.ts'

test('of members of a hidden group people of other servers see no more than colleagues do', async () => {
  using place = enginePlace()
  const corp = madeUp()
  for (const uid of ['chair', 'member', 'clerk']) corp.person(uid)
  corp.group('Board', ['chair', 'member'])
  await using opened = await place.open([corp])
  await opened.sync()
  const searching = openSearching({
    store: opened.store,
    hosts: new Set(['corp.example']),
    rules: { outsiders: 'name', walledOff: 'nothing', hidden: ['Board'], most: 10 },
    text: { say: (id) => id, inAll: () => ({}) },
  })
  await searching.notice(1)
  const of = async (asker: string, uid: string) => {
    const [person] = (await opened.people()).filter(({ jid }) => jid === `${uid}@corp.example`)
    return (await searching.sightOf(asker))(person ?? assert.fail())
  }
  const seen = async (asker: string) => [await of(asker, 'chair'), await of(asker, 'clerk')]
  assert.deepEqual(await seen('member@corp.example'), ['all', 'all'])
  assert.deepEqual(await seen('clerk@corp.example'), ['nothing', 'all'])
  assert.deepEqual(await seen('somebody@elsewhere.example'), ['nothing', 'name'])
})
