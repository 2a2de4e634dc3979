// SPDX-License-Identifier: Apache-2.0
// Erasure: the content goes from every file there is, the row stays and says who took it away and why.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openFollower } from '../../components/kit/bus/file-follower.ts'
import { EXIT } from '../../components/kit/process/command.ts'
import { filesWith } from '../harness/files-with.ts'
import { ask, chat, done, SOURCE } from './facts.ts'
import { openStage } from './stage.ts'

const SHORT = SOURCE.slice(0, 8)
const LONG = process.env.GATEHOUSE_LONG === '1'

test('an erased word is in no file any more: store, index, -wal, journal; the row stays, with its seal, and a search does not find it', async () => {
  await using stage = await openStage()
  const stanza = chat('the nightingale sings', { inside: '<subject>nightingale</subject>' })
  await stage.write(
    ask({ n: 1, stanza: chat('the lark') }),
    ask({ n: 2, stanza, verdict: { action: 'replace', rule: 'mask', stanza: chat('the nightingale *****') } }),
    ask({ n: 2, stanza, verdict: { action: 'replace', rule: 'mask', stanza: chat('the nightingale *****') } }),
    ask({ n: 2, try: 2, stanza: chat('nightingale, again') }),
    ask({ n: 2, stanza: chat('another nightingale under the same name') }),
    ask({ n: 3, stanza: chat('a nighthawk') }),
    ask({ n: 5, stanza: chat('the owl') }),
    ask({ n: 6, stanza: chat('the owl') }),
    done(3),
  )
  assert.equal((await stage.ask('archive search', { words: 'lark' })).rows.length, 1)
  const [before] = (await stage.ask('archive show', { id: `${SHORT}-2` })).rows
  const { salt, seal, sha256 } = before ?? {}
  assert.equal(seal, hash('sha256', `${salt}${stanza}`))
  const owls = await Promise.all(
    [5, 6].map(async (n) => (await stage.ask('archive show', { id: `${SHORT}-${n}` })).rows[0]),
  )
  assert.equal(owls[0]?.stanza, owls[1]?.stanza)
  assert.equal(new Set(owls.flatMap((owl) => [owl?.salt, owl?.seal])).size, 4, 'each record has a salt of its own')
  assert.ok(filesWith(stage.folder, 'nightingale').length >= 2, 'store and journal have it')
  const erased = await stage.ask('archive erase', { id: `${SHORT}-2`, reason: 'Article 17' })
  assert.deepEqual([erased.exit, erased.refusal], [0, ''])
  assert.deepEqual(erased.rows, [{ id: `${SHORT}-2`, tries: 2 }])
  assert.deepEqual(erased.texts.length, 1, 'nothing is left to be wiped')
  assert.deepEqual(filesWith(stage.folder, 'nightingale'), [])
  assert.deepEqual(filesWith(stage.folder, String(salt)), [])
  assert.deepEqual(filesWith(stage.folder, String(sha256)), [])
  const [row] = (await stage.ask('archive show', { id: `${SHORT}-2` })).rows
  assert.deepEqual(
    [row?.from, row?.to, row?.verdict, row?.rule, row?.size, row?.seal, row?.salt, row?.sha256, row?.text, row?.stanza],
    ['alice@corp.example/desk', 'bob@corp.example', 'replace', 'mask', Buffer.byteLength(stanza), seal, '', '', '', ''],
  )
  assert.deepEqual([row?.erased_by, row?.erased_reason], ['olga', 'Article 17'])
  assert.equal((await stage.ask('archive search', { words: 'night*' })).rows.length, 1, 'the nighthawk')
  const looks = (await stage.ask('archive access')).rows.filter((one) => one.command === 'archive erase')
  assert.deepEqual(
    looks.map(({ user, query, hits, reason }) => ({ user, query, hits, reason })),
    [{ user: 'olga', query: { id: `${SHORT}-2` }, hits: 1, reason: 'Article 17' }],
  )
  // What a helper reports again does not bring it back.
  await stage.write(ask({ n: 2, stanza }), ask({ n: 4, stanza: chat('afterwards') }))
  assert.equal((await stage.ask('archive search', { words: 'afterwards' })).rows.length, 1)
  assert.deepEqual(
    filesWith(stage.folder, 'nightingale').filter((path) => !path.startsWith('journals/')),
    [],
  )
  const again = await stage.ask('archive erase', { id: `${SHORT}-2`, reason: 'told again' })
  assert.deepEqual(again.rows, [{ id: `${SHORT}-2`, tries: 0 }])
  assert.match(again.texts.join('\n'), /nothing was left to erase/)
  assert.deepEqual(
    filesWith(stage.folder, 'nightingale'),
    [],
    'nor does it stay in the journal when it is erased again',
  )
})

test('an erased record is still found by whom it was between, by its room, rule, tag and domain, once; not by its words, nor by whom it named', async () => {
  await using stage = await openStage()
  const room = 'tea@rooms.corp.example'
  const invitation = '<x xmlns="jabber:x:conference" jid="attic@rooms.corp.example"/>'
  await stage.write(
    ask({
      n: 1,
      stanza: chat('the nightingale', { to: 'bob@partner.example', inside: invitation }),
      verdict: { action: 'refuse', rule: 'no-birds', condition: 'policy-violation', text: {} },
      tags: ['bird'],
    }),
    ask({ n: 1, try: 2, stanza: chat('the nightingale, again', { to: 'bob@partner.example' }) }),
    ask({ n: 2, stanza: chat('the lark', { to: room, type: 'groupchat' }) }),
    ask({ n: 3, stanza: chat('the owl', { to: 'dora@corp.example' }) }),
    done(3),
  )
  const found = async (query: Record<string, string>) =>
    (await stage.ask('archive search', query)).rows.map((one) => [one.id, one.text])
  assert.deepEqual(await found({ peer: 'attic@rooms.corp.example' }), [[`${SHORT}-1`, 'the nightingale']])
  for (const n of [1, 2]) await stage.ask('archive erase', { id: `${SHORT}-${n}`, reason: 'Article 17' })
  // A try that comes afterwards is erased too.
  await stage.write(ask({ n: 1, try: 3, spooled: true, stanza: chat('nightingale', { to: 'bob@partner.example' }) }))
  const first = [[`${SHORT}-1`, '']]
  assert.deepEqual(await found({ person: 'bob@partner.example' }), first)
  assert.deepEqual(await found({ domain: 'partner.example' }), first)
  assert.deepEqual(await found({ rule: 'no-birds' }), first)
  assert.deepEqual(await found({ tag: 'bird' }), first)
  assert.deepEqual(await found({ room }), [[`${SHORT}-2`, '']])
  assert.deepEqual(await found({ person: 'alice@corp.example', since: '2000-01-01' }), [
    [`${SHORT}-3`, 'the owl'],
    [`${SHORT}-2`, ''],
    ...first,
  ])
  assert.deepEqual(await found({ person: 'alice@corp.example', words: 'nightingale' }), [])
  assert.deepEqual(await found({ peer: 'attic@rooms.corp.example' }), [], 'whom the content named goes with it')
  assert.equal((await stage.ask('archive search', { person: 'bob@partner.example' })).texts[0], 'One hit, 1 shown.')
})

test('a further try of an erased record, as a spool brings it, is kept without its content; erased again it leaves the journal too', async () => {
  await using stage = await openStage()
  const stanza = chat('the nightingale sings')
  await stage.write(ask({ n: 1, stanza: chat('the lark') }), ask({ n: 2, stanza }), done(2))
  assert.equal((await stage.ask('archive erase', { id: `${SHORT}-2`, reason: 'Article 17' })).exit, 0)
  await stage.write(
    ask({ n: 2, try: 2, spooled: true, stanza }),
    ask({ n: 1, try: 2, spooled: true, stanza: chat('the lark') }),
  )
  assert.equal((await stage.ask('archive search', { words: 'sings' })).rows.length, 0)
  const [row] = (await stage.ask('archive show', { id: `${SHORT}-2` })).rows
  assert.deepEqual(
    (row?.tries as { try: number; text: string; erased_reason: string; stanza: string }[] | undefined)?.map((one) => [
      one.try,
      one.text,
      one.stanza,
      one.erased_reason,
    ]),
    [1, 2].map((tried) => [tried, '', '', 'Article 17']),
  )
  assert.equal((await stage.ask('archive search', { words: 'lark' })).rows[0]?.tries, 2, 'others come as they are')
  const files = filesWith(stage.folder, 'nightingale')
  assert.ok(files.length > 0 && files.every((path) => path.startsWith('journals/')), files.join())
  assert.equal((await stage.ask('archive erase', { id: `${SHORT}-2`, reason: 'told again' })).exit, 0)
  assert.deepEqual(filesWith(stage.folder, 'nightingale'), [])
})

test('as long as a journal holds the record it is not erased, and that is said', async () => {
  await using stage = await openStage()
  await stage.write(ask({ n: 1, stanza: chat('the nightingale') }), done(1))
  assert.equal((await stage.ask('archive show', { id: `${SHORT}-1` })).rows.length, 1)
  // Another follower that has not read it yet keeps it in the journal.
  await using slow = await openFollower(join(stage.folder, 'journals', 'policy'), 'slow')
  const held = await stage.ask('archive erase', { id: `${SHORT}-1`, reason: 'Article 17' })
  assert.deepEqual([held.exit, held.rows], [EXIT.fault, []])
  assert.match(held.refusal, /Nothing was erased: the journal policy still holds this record/)
  assert.equal((await stage.ask('archive show', { id: `${SHORT}-1` })).rows[0]?.text, 'the nightingale')
  await slow.acknowledge(2)
  assert.equal((await stage.ask('archive erase', { id: `${SHORT}-1`, reason: 'Article 17' })).exit, 0)
  assert.deepEqual(filesWith(stage.folder, 'nightingale'), [])
})

test('erasing wants a reason and a record', async () => {
  await using stage = await openStage()
  await stage.write(ask({ n: 1 }), done(1))
  assert.equal((await stage.ask('archive erase', { id: `${SHORT}-1`, reason: ' ' })).exit, EXIT.usage)
  assert.equal((await stage.ask('archive erase', { id: `${SHORT}-7`, reason: 'x' })).exit, EXIT.notFound)
  assert.equal((await stage.ask('archive show', { id: `${SHORT}-1` })).rows[0]?.text, 'hello')
})

test('words of many records, each erased one after the other: none stays in a large index, whatever page it stood on', async () => {
  await using stage = await openStage({ yaml: 'follow: { batch: 500 }\n' })
  const count = LONG ? 20_000 : 3000
  const word = (n: number) => `w${hash('sha256', String(n)).slice(0, 12)}`
  for (let from = 1; from <= count; from += 500)
    await stage.write(
      ...Array.from({ length: 500 }, (_, at) =>
        ask({
          n: from + at,
          stanza: chat(`${word(from + at)} said to everyone in the house number ${(from + at) % 97}`),
        }),
      ),
    )
  // A look waits 2 s for what came just before it; a loaded machine takes longer for so many.
  while ((await stage.ask('archive show', { id: `${SHORT}-${count}` })).exit !== 0);
  assert.equal((await stage.ask('archive search', { words: word(count) })).rows.length, 1)
  const gone = Array.from({ length: 25 }, (_, at) => 1 + Math.floor((at * count) / 25))
  for (const n of gone)
    assert.deepEqual((await stage.ask('archive erase', { id: `${SHORT}-${n}`, reason: 'test' })).rows.length, 1)
  const files = readdirSync(stage.folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => readFileSync(join(one.parentPath, one.name)))
  // An index stores what a word has in common with the one before it once: seven characters are enough to know one by.
  for (const n of gone)
    assert.ok(
      files.every((file) => !file.includes(word(n).slice(0, 8))),
      `${word(n)} of ${n}`,
    )
  const db = new DatabaseSync(String(stage.months()[0]))
  db.exec("INSERT INTO words (words) VALUES ('integrity-check')")
  assert.equal(db.prepare("SELECT v FROM words_config WHERE k = 'secure-delete'").get()?.v, 0)
  db.close()
  // Counting ends at 10,000.
  const hits = LONG ? 'More than 10,000' : (count - 25).toLocaleString('en')
  assert.equal((await stage.ask('archive search', { words: 'everyone', limit: 1 })).texts[0], `${hits} hits, 1 shown.`)
})
