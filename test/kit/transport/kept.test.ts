// SPDX-License-Identifier: Apache-2.0
// What the network kept while nobody of ours was there: taken once, in its place, under the rules.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ForeignMessage } from '../../../components/kit/transport/network.ts'
import { missedOf } from '../../../components/kit/transport/rooms/kept.ts'
import { calm, delivering, type Stand, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const BERT = 'bert@corp.example/desk'
const START = Date.UTC(2026, 0, 1)
const bodies = (told: readonly string[]) => told.flatMap((xml) => /<body>(.*?)<\/body>/.exec(xml)?.[1] ?? [])
const kept = (n: number, more: Partial<ForeignMessage> = {}): ForeignMessage => ({
  id: `k${n}`,
  nick: 'otto',
  body: `kept ${n}`,
  at: START + n * 1000,
  ...more,
})

async function inHistory(at: Stand, client = ANNA): Promise<string[]> {
  at.unread(client)
  await at.ask(client, `#tea%a.example@net.corp.example`, 'set', `<query xmlns='urn:xmpp:mam:2'/>`)
  return bodies(at.unread(client).filter((xml) => xml.includes('<result ')))
}

test('who enters first is told what was said before; live messages come behind it, and the second one changes nothing', async () => {
  await using at = await stand({ now: () => START + 3_600_000 })
  at.net.comes('#tea', 'otto')
  at.net.kept.set('#tea', [kept(1), kept(2, { nick: 'olga' }), kept(3, { body: '/me waves' })])
  const told = await at.enter(ANNA, '#tea', 'anna')
  assert.deepEqual(bodies(told), ['kept 1', 'kept 2', '/me waves'])
  const old = told.filter((xml) => xml.includes('<body>'))
  assert.match(old[0] ?? '', /\/otto'.*<delay [^>]*stamp='2026-01-01T00:00:01.000Z'/)
  at.net.says('#tea', 'otto', 'live')
  await at.heard(ANNA, />live</)
  await at.enter(BERT, '#tea', 'bert')
  await calm(at)
  assert.deepEqual(await inHistory(at), ['kept 1', 'kept 2', '/me waves', 'live'])
  assert.deepEqual(at.asked.map(({ at: when, foreign }) => [when, foreign.nick]).slice(0, 2), [
    [START + 1000, 'otto'],
    [START + 2000, 'olga'],
  ])
})

test('what was missed while the connection was away is shown to those who are in the room, each once, before what is said then', async () => {
  await using at = await stand({ now: () => START + 3_600_000 })
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  const heard = at.net.says('#tea', 'otto', 'heard', { at: START + 500 }) as string
  await at.heard(ANNA, />heard</)
  at.says(ANNA, '#tea', 'mine')
  await at.heard(ANNA, />mine</)
  const [session] = at.net.sessions
  session?.cut(1)
  at.net.kept.set('#tea', [kept(0, { id: heard, body: 'heard', at: START + 500 }), kept(4_000_000), kept(4_000_001)])
  session?.connect()
  await calm(at)
  at.net.says('#tea', 'otto', 'live')
  await at.heard(ANNA, />live</)
  assert.deepEqual(await inHistory(at), ['heard', 'mine', 'kept 4000000', 'kept 4000001', 'live'])
})

test('after a restart only what is new is taken; what is told on entering counts as well, in whichever way it comes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-kept-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const now = () => START + 3_600_000
  {
    await using first = await stand({ folder, now })
    first.net.comes('#tea', 'otto')
    first.net.kept.set('#tea', [kept(1), kept(2)])
    await first.enter(ANNA, '#tea', 'anna')
    await calm(first)
  }
  await using second = await stand({ folder, now })
  second.net.comes('#tea', 'otto')
  second.net.kept.set('#tea', [kept(1), kept(2), kept(3)])
  await second.enter(ANNA, '#tea', 'anna')
  second.net.sessions[0]?.tell((events) => events.room('#tea', { kind: 'kept', messages: [kept(2), kept(3), kept(4)] }))
  await calm(second)
  assert.deepEqual(await inHistory(second), ['kept 1', 'kept 2', 'kept 3', 'kept 4'])
})

test('the rules are asked about it, and a network that does not answer keeps nobody out', async () => {
  await using at = await stand({
    now: () => START + 3_600_000,
    asker: {
      ...delivering,
      ask: async (question) =>
        question.stanza.includes('kept 2')
          ? { action: 'refuse', why: 'policy', rule: 'r', condition: 'policy-violation', text: {} }
          : { action: 'deliver', stanza: question.stanza, replaced: false },
    },
  })
  at.net.comes('#tea', 'otto')
  at.net.kept.set('#tea', [kept(1), kept(2), kept(3)])
  assert.deepEqual(bodies(await at.enter(ANNA, '#tea', 'anna')), ['kept 1', 'kept 3'])
  at.net.comes('#silent', 'otto')
  at.net.refusesHistory = true
  at.net.kept.set('#silent', [kept(1)])
  assert.deepEqual(bodies(await at.enter(ANNA, '#silent', 'anna')), [])
  assert.deepEqual(at.errors, [])
})

test('which of it is new: by id, by text where there are no ids, by time where none is known', () => {
  const key = (nick: string) => nick.toLowerCase()
  const ours = (n: number, more = {}) => ({
    ...{ id: `o${n}`, at: START + n * 1000, nick: 'Otto', owner: null, mid: `o${n}`, payload: '' },
    ...{ body: `kept ${n}`, foreign: [`k${n}`], ...more },
  })
  const ids = (some: readonly ForeignMessage[]) => some.map(({ id, body }) => id ?? body)
  assert.deepEqual(ids(missedOf([kept(1), kept(2), kept(3)], [], key)), ['k1', 'k2', 'k3'])
  assert.deepEqual(ids(missedOf([kept(1), kept(2), kept(3)], [ours(2)], key)), ['k3'])
  assert.deepEqual(ids(missedOf([kept(1), kept(9)], [ours(5)], key)), ['k9'])
  const bare = [1, 2, 3].map((n) => kept(n, { id: null }))
  assert.deepEqual(ids(missedOf(bare, [ours(2, { foreign: [] })], key)), ['kept 3'])
  // The same words an hour later are said anew.
  assert.deepEqual(ids(missedOf([kept(3600, { body: 'kept 2' })], [ours(2)], key)), ['k3600'])
  assert.equal(
    missedOf(
      Array.from({ length: 500 }, (_, n) => kept(n)),
      [],
      key,
    ).length,
    100,
  )
})
