// SPDX-License-Identifier: Apache-2.0
// What is to be seen of whom, by whom, also where people of other servers may see names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSearching, type SightRules } from '../../../components/directory/showing/searching.ts'
import { StanzaError } from '../../../components/kit/xmpp/stanza-error.ts'
import { madeUp } from '../company.ts'
import { enginePlace, type Opened } from '../engine-place.ts'

const RULES: SightRules = { outsiders: 'nothing', unknown: 'outsiders', walledOff: 'nothing', hidden: [], most: 10 }

async function search({ store }: Opened, rules: Partial<SightRules>) {
  const searching = openSearching({
    store,
    hosts: new Set(['corp.example']),
    rules: { ...RULES, ...rules },
    text: { say: (id) => id, inAll: () => ({}) },
  })
  await searching.notice(1)
  return searching
}

test('of members of a hidden group people of other servers see no more than colleagues do', async () => {
  using place = enginePlace()
  const corp = madeUp()
  for (const uid of ['chair', 'member', 'clerk']) corp.person(uid)
  corp.group('Board', ['chair', 'member'])
  await using opened = await place.open([corp])
  await opened.sync()
  const searching = await search(opened, { outsiders: 'name', hidden: ['Board'] })
  const of = async (asker: string, uid: string) => {
    const [person] = (await opened.people()).filter(({ jid }) => jid === `${uid}@corp.example`)
    return (await searching.sightOf(asker))(person ?? assert.fail())
  }
  const seen = async (asker: string) => [await of(asker, 'chair'), await of(asker, 'clerk')]
  assert.deepEqual(await seen('member@corp.example'), ['all', 'all'])
  assert.deepEqual(await seen('clerk@corp.example'), ['nothing', 'all'])
  assert.deepEqual(await seen('somebody@elsewhere.example'), ['nothing', 'name'])
})

test('an account of the host that the directory does not know is an outsider, unless the settings call it a colleague', async () => {
  using place = enginePlace()
  const corp = madeUp()
  corp.person('clerk')
  await using opened = await place.open([corp])
  await opened.sync()
  const [clerk = assert.fail()] = await opened.people()
  const asks = async (rules: Partial<SightRules>, jid: string) => {
    const { routes, sightOf } = await search(opened, rules)
    const form = routes.find(({ type }) => type === 'get') ?? assert.fail()
    const answer = async () =>
      form.answer(
        ...([{ from: `${jid}/r`, language: 'en' }, new AbortController().signal] as unknown as Parameters<
          typeof form.answer
        >),
      )
    const got = await answer().then(
      () => 'form',
      (error: unknown) => (error instanceof StanzaError ? error.condition : assert.fail(String(error))),
    )
    return [got, (await sightOf(jid))(clerk)]
  }
  assert.deepEqual(await asks({}, 'clerk@corp.example'), ['form', 'all'])
  assert.deepEqual(await asks({}, 'printer@corp.example'), ['forbidden', 'nothing'])
  assert.deepEqual(await asks({ outsiders: 'name' }, 'printer@corp.example'), ['form', 'name'])
  assert.deepEqual(await asks({ unknown: 'colleagues' }, 'printer@corp.example'), ['form', 'all'])
  assert.deepEqual(await asks({ unknown: 'colleagues' }, 'printer@elsewhere.example'), ['forbidden', 'nothing'])
})
