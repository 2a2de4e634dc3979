// SPDX-License-Identifier: Apache-2.0
// What comes from another network is kept with who said it there, and found by it, and by the person whose account it is; what our own people
// say to it is found beside it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
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

const SMS = 'sms.corp.example'
const network = (name: string, domain: string): Fact => ({ kind: 'network', network: name, domain, at: identity.at })
const toRoom = (n: number, body: string, to = ROOM): Fact => ask({ n, stanza: chat(body, { to, type: 'groupchat' }) })

test('what our own people say to a network is found with what comes from it, whenever policy said where it is', async () => {
  await using stage = await openStage()
  const found = async (args: Record<string, string>) =>
    (await stage.ask('archive search', args)).rows.map(({ text }) => text).sort()
  await stage.write(toRoom(1, 'out one'), said(2, 'in two', { nick: 'Tybalt' }), ask({ n: 3, stanza: chat('inside') }))
  assert.deepEqual(await found({ network: 'irc' }), ['in two'])
  // Policy of this version is started: what is on record from before is found as well.
  await stage.write(network('irc', GATE), network('sms', SMS), network('irc', GATE))
  assert.deepEqual(await found({ network: 'irc' }), ['in two', 'out one'])
  const several: Fact[] = [
    toRoom(4, 'out four', `tybalt%irc.example.org@${GATE}`),
    toRoom(5, 'by sms', `+4930@${SMS}`),
    toRoom(6, 'elsewhere', 'x@irc.other.example'),
    ask({ n: 7, host: 'home.example', stanza: chat('other host', { from: 'zoe@home.example/x', to: ROOM }) }),
    ask({ n: 4, try: 2, stanza: chat('out four', { to: `tybalt%irc.example.org@${GATE}`, type: 'groupchat' }) }),
  ]
  await stage.write(...several)
  assert.deepEqual(await found({ network: 'irc' }), ['in two', 'other host', 'out four', 'out one'])
  assert.deepEqual(await found({ network: 'IRC', words: 'out', person: ALICE }), ['out four', 'out one'])
  assert.deepEqual(await found({ network: 'irc', foreign: 'tybalt' }), ['in two'])
  assert.deepEqual(await found({ network: 'sms' }), ['by sms'])
  assert.deepEqual(await found({ network: 'matrix' }), [])
  // Another transport to the same kind of network.
  await stage.write(network('irc', 'irc.other.example'))
  assert.deepEqual(await found({ network: 'irc' }), ['elsewhere', 'in two', 'other host', 'out four', 'out one'])
  const [row] = (await stage.ask('archive search', { network: 'irc', words: '"out one"' })).rows
  assert.deepEqual([row?.direction, row?.via, row?.to, row?.network, row?.foreign], ['sent', 'c2s', ROOM, null, null])
  const path = join(stage.folder, 'export')
  assert.equal((await stage.ask('archive export', { network: 'irc', path, reason: 'case 7' })).exit, 0)
  const lines = readFileSync(join(path, 'records.jsonl'), 'utf8').trimEnd().split('\n')
  assert.deepEqual(lines.map((line) => JSON.parse(line).text).sort(), await found({ network: 'irc' }))
  // Who has the right for some hosts finds what these asked about: what comes in is asked about by the transport.
  const within = async (...hosts: string[]) =>
    (await stage.ask('archive search', { network: 'irc' }, 'olga', new Set(hosts))).rows.map(({ text }) => text).sort()
  assert.deepEqual(await within('corp.example'), ['elsewhere', 'out four', 'out one'])
  assert.deepEqual(await within('corp.example', GATE), await found({ network: 'irc' }))
  assert.deepEqual(await within('home.example'), ['other host'])
  const { texts } = await stage.ask('archive search', { network: 'irc', limit: '1' })
  assert.equal(texts[0], '5 hits, 1 shown.')
})

test('what policy said of networks to an archive that did not know such facts yet counts after the upgrade', async () => {
  await using stage = await openStage()
  await stage.write(toRoom(1, 'out one'))
  await stage.ask('archive search', {})
  await stage.stop()
  const book = new DatabaseSync(stage.store)
  // As version 7 had it.
  book.exec(`DROP TABLE repeat; DROP INDEX stanza_id_id; DROP TABLE network; PRAGMA user_version = 7;
    INSERT INTO other_fact (journal, position, kind, version, recorded_at, note, body) VALUES
      (1, 901, 'network', 1, 1, 'of a kind or version that is not known here', '${JSON.stringify(network('irc', GATE))}'),
      (1, 902, 'network', 2, 1, 'of a kind or version that is not known here', '{"kind":"network","network":"irc","domain":"x"}'),
      (1, 903, 'network', 1, 1, 'no JSON', '{'), (1, 904, 'network', 1, 1, 'no text', '{"network":["irc"],"domain":"x"}')`)
  book.close()
  await stage.start()
  assert.deepEqual(
    (await stage.ask('archive search', { network: 'irc' })).rows.map(({ text }) => text),
    ['out one'],
  )
})
