// SPDX-License-Identifier: Apache-2.0
// What comes from another network is kept with who said it there, and found by it, and by the person whose account it is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fact } from '../../components/kit/facts/facts.ts'
import { ask, chat } from './facts.ts'
import { openStage } from './stage.ts'

const GATE = 'irc.corp.example'
const ROOM = `#garden%irc.example.org@${GATE}`
const ALICE = 'alice@corp.example'
const hash = '1'.repeat(32)
const identity: Fact = {
  kind: 'identity',
  hash,
  id: 'corp:alice',
  jid: ALICE,
  name: 'Alice Müller',
  mail: [],
  groups: ['Staff'],
  at: '2026-11-22T10:00:00.000Z',
}

function said(
  n: number,
  body: string,
  foreign: { nick: string; account?: string; identity?: string },
  more: object = {},
): Fact {
  const stanza = chat(body, { from: `${ROOM}/${foreign.nick}`, to: ROOM, type: 'groupchat' })
  const network = {
    via: 'network',
    direction: 'received',
    network: 'irc',
    foreign: { server: 'irc.example.org', ...foreign },
  } as const
  return ask({ n, host: GATE, stanza, ...network, ...more })
}

const STORY: readonly Fact[] = [
  identity,
  ask({ n: 1, stanza: chat('word one', {}) }),
  said(
    2,
    'word two',
    { nick: 'Al|away', account: 'Alice_', identity: 'Al|away!al@host.example.org' },
    { who: { from: hash } },
  ),
  said(3, 'word three', { nick: 'Tybalt' }),
]

test('who said it on which network is shown, exported, and found', async () => {
  await using stage = await openStage()
  await stage.write(...STORY)
  const search = async (args: Record<string, string>) => (await stage.ask('archive search', args)).rows
  const found = async (args: Record<string, string>) => (await search(args)).map(({ text }) => text).sort()
  assert.deepEqual(await found({ network: 'irc' }), ['word three', 'word two'])
  assert.deepEqual(await found({ network: 'sip' }), [])
  assert.deepEqual(await found({ foreign: 'alice_' }), ['word two'])
  assert.deepEqual(await found({ foreign: 'AL|AWAY' }), ['word two'])
  assert.deepEqual(await found({ foreign: 'Al|away!al@host.example.org' }), ['word two'])
  assert.deepEqual(await found({ foreign: 'tybalt' }), ['word three'])
  assert.deepEqual(await found({ foreign: 'alice@corp.example' }), [])
  assert.deepEqual(await found({ person: 'Alice Müller' }), ['word one', 'word two'])
  assert.deepEqual(await found({ person: ALICE, network: 'irc' }), ['word two'])
  const [row] = await search({ foreign: 'alice_' })
  assert.equal(row?.network, 'irc')
  assert.equal(row?.via, 'network')
  assert.deepEqual(row?.foreign, {
    server: 'irc.example.org',
    nick: 'Al|away',
    account: 'Alice_',
    identity: 'Al|away!al@host.example.org',
  })
  const { id } = (row?.from_person ?? {}) as { id?: string }
  assert.equal(id, 'corp:alice')
  const [plain] = await search({ words: 'one' })
  assert.deepEqual([plain?.network, plain?.foreign], [null, null])
  const shown = await stage.ask('archive show', { id: String(row?.id) })
  assert.ok(shown.texts.includes('From irc (irc.example.org): Al|away, account Alice_, Al|away!al@host.example.org'))
  const other = await stage.ask('archive show', { id: String((await search({ foreign: 'Tybalt' }))[0]?.id) })
  assert.ok(other.texts.includes('From irc (irc.example.org): Tybalt, account -, -'))
})
