// SPDX-License-Identifier: Apache-2.0
// What the thread that keeps records is given is what was read, to the last field.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import type { Batch } from '../../../components/archive/domain/batch.ts'
import { type Reading, readEntry } from '../../../components/archive/protocol/entry.ts'
import { openStanzaReader } from '../../../components/archive/protocol/stanza-reader.ts'
import { packBatch, unpackBatch } from '../../../components/archive/storage/parcel.ts'
import { writeFact } from '../../../components/kit/facts/entries.ts'
import type { Fact } from '../../../components/kit/facts/facts.ts'
import { AT, ask, chat, done, SOURCE } from '../facts.ts'

const ROOM = 'tea@rooms.corp.example'
const FACTS: readonly Fact[] = [
  ask({}),
  { kind: 'settle', source: SOURCE, n: 1, try: 1, outcome: 'bounced', at: AT },
  ask({
    n: 2,
    try: 3,
    spooled: true,
    direction: 'received',
    via: 's2s',
    tags: ['one', 'two'],
    record: 'envelope',
    matched: [{ rule: 'r1', text: 0, where: 'body', start: 1, end: 2 }],
    verdict: { action: 'refuse', rule: 'r1,r2', condition: 'policy-violation', text: { en: 'no', de: 'nein' } },
    stanza: chat('Grüße \u{1f375}', {
      to: ROOM,
      type: 'groupchat',
      inside: `<replace xmlns='urn:xmpp:message-correct:0' id='m0'/><origin-id xmlns='urn:xmpp:sid:0' id='o1'/>
        <x xmlns='jabber:x:conference' jid='other@rooms.corp.example'/><encrypted xmlns='urn:xmpp:omemo:2'/>`,
    }),
  }),
  done(2),
  ask({ n: 3, verdict: { action: 'replace', rule: 'mask', stanza: chat('****') }, stanza: chat('half \ud83d a tea') }),
  ask({ n: 4, stanza: '<message' }),
  ask({ n: 5, stanza: '', record: 'nothing' }),
  { kind: 'observed', source: SOURCE, host: 'corp.example', from: 'corp.example', stanza: chat('all'), at: AT },
  { kind: 'stanza-id', source: SOURCE, n: 2, by: ROOM, id: 's1', at: AT },
]

function read(facts: readonly Fact[]): Batch {
  const sha256 = (text: string) => hash('sha256', text, 'hex')
  const reading: Reading = { journal: 'j', stanzas: openStanzaReader(), isRoom: (bare) => bare === ROOM, sha256 }
  const items = facts.flatMap((fact, index) => {
    const loose = fact.kind === 'ask' && fact.n === 4 ? { at: 'at no time' } : {}
    return readEntry({ ...writeFact({ ...fact, ...loose }), position: 11 + index, at: 1_795_341_600_123 }, reading)
      .items
  })
  const sources = [{ source: SOURCE, done: 2, counting: '{}' }]
  return { journal: 'j', after: 10, to: 10 + facts.length, keptAt: 5, items, careful: true, sources }
}

test('a batch is the same after the way to the other thread, whatever is in it', () => {
  const batch = read(FACTS)
  const tries = batch.items.flatMap((item) => (item.as === 'try' ? [item.record] : []))
  assert.equal(tries.length, 6)
  assert.ok(tries.some(({ at, n }) => at === null && n > 0))
  assert.ok(tries.some(({ n }) => n < 0))
  for (const list of ['people', 'links'] as const) assert.ok(tries.some(({ fields }) => fields[list].length > 0))
  assert.ok(batch.items.length > tries.length + 2)
  assert.deepEqual(unpackBatch(structuredClone(packBatch(batch))), batch)
})

test('a batch without records goes over as well', () => {
  for (const facts of [[], [done(7)], FACTS.slice(1, 2)])
    assert.deepEqual(unpackBatch(structuredClone(packBatch(read(facts)))), read(facts))
})
