// SPDX-License-Identifier: Apache-2.0
// Many companies on one installation: who has a right for some virtual hosts sees nothing of the others. A real archive over a
// journal of two hosts, asked with the real command line.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gatehouse } from '../../components/cli/gatehouse.ts'
import { openJournal } from '../../components/kit/bus/file-journal.ts'
import { writeFact } from '../../components/kit/facts/entries.ts'
import type { Fact } from '../../components/kit/facts/facts.ts'
import { ask, chat, mark, source } from '../archive/facts.ts'
import { type Component, startComponent } from '../harness/component.ts'

const COMPONENTS = fileURLToPath(new URL('../../components/', import.meta.url))
const ME = userInfo().username
const [A, B] = ['a'.repeat(32), 'b'.repeat(32)]

/** Each host has a source of its own, and its people write to each other, to the other host and to its rooms. */
const facts: Fact[] = [
  source({ source: A, hosts: ['a.example', 'rooms.a.example'] }),
  source({ source: B, hosts: ['b.example'] }),
  said(A, 1, 'a.example', 'ann@a.example', 'art@a.example', 'heron inside a'),
  said(A, 2, 'a.example', 'ann@a.example', 'bea@b.example', 'heron from a to b'),
  said(B, 1, 'b.example', 'bea@b.example', 'bob@b.example', 'heron inside b'),
  said(B, 2, 'b.example', 'bea@b.example', 'ann@a.example', 'heron from b to a'),
  said(B, 3, 'b.example', 'bea@b.example', 'x@nota.example', 'heron to a host with a similar name'),
  mark(4, false, A),
  mark(5, false, B),
]

function said(source: string, n: number, host: string, from: string, to: string, body: string): Fact {
  return ask({ source, n, host, stanza: chat(body, { from: `${from}/r`, to, id: `${source[0]}${n}` }) })
}

describe('rights for some virtual hosts', () => {
  let folder = ''
  let archive: Component | undefined
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-hosts-'))
    await using journal = await openJournal(join(folder, 'journals', 'policy'), { maxBytes: 1 << 30 })
    await journal.append(facts.map(writeFact))
    writeFileSync(join(folder, 'archive.yaml'), 'metrics: { port: 0 }\nmissing: { margin: 0 s, try_within: 1 ms }\n')
  })
  after(async () => {
    await archive?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** The archive with these rights of the one who runs this test. */
  async function start(people: string): Promise<void> {
    await archive?.stop()
    const folders = 'folders: { state: state, run: run, journals: journals }'
    writeFileSync(join(folder, 'gatehouse.yaml'), `${folders}\npeople: { ${people.replaceAll('ME', `user: ${ME}`)} }\n`)
    archive = await startComponent({ name: 'archive', file: join(folder, 'archive.yaml'), logFolder: folder })
  }

  async function run(...argv: string[]) {
    const [out, err] = [new PassThrough(), new PassThrough()]
    const [outText, errText] = [text(out), text(err)]
    const world = { components: COMPONENTS, environment: { LC_ALL: 'C' }, folder, software: '0', out, err }
    const exit = await gatehouse({ ...world, argv: ['--config', folder, 'archive', ...argv, '--json'] })
    out.end()
    err.end()
    const lines = (said: string) => said.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    return { exit, rows: lines(await outText), refusal: lines(await errText)[0]?.text }
  }

  const ids = async (...argv: string[]) =>
    (await run(...argv)).rows.flatMap((row) => (row.id === undefined ? [] : [row.id])).sort()
  const SEEN = ['aaaaaaaa-1', 'aaaaaaaa-2', 'bbbbbbbb-2']

  it('an officer of one host sees what it asked about and what was sent to it, and no more', async () => {
    await start('officers: [{ ME, hosts: [a.example] }], auditors: [{ ME, hosts: [a.example] }], operators: [{ ME }]')
    assert.deepEqual(await ids('search', 'heron'), SEEN)
    assert.deepEqual(await ids('search'), SEEN)
    assert.deepEqual(await ids('search', '--person', 'bea@b.example'), ['aaaaaaaa-2', 'bbbbbbbb-2'])
    assert.deepEqual(await ids('search', 'heron', '--since', '2026-01-01', '--until', '2026-12-31'), SEEN)
    const hits = (await run('search', 'heron')).rows.at(-1)
    assert.equal(hits.text, '3 hits, 3 shown.')
    assert.equal((await run('show', 'bbbbbbbb-2')).exit, 0)
    for (const id of ['bbbbbbbb-1', 'bbbbbbbb-3']) {
      const { exit, rows, refusal } = await run('show', id)
      assert.deepEqual([exit, rows, refusal], [5, [], `There is no record ${id}.`])
    }
  })

  it('a query that names another host is refused with a text, and is on record as denied', async () => {
    const refused = await run('search', 'heron', '--host', 'B.example')
    assert.deepEqual(
      [refused.exit, refused.rows, refused.refusal],
      [4, [], `${ME} may run archive search for these virtual hosts only: a.example`],
    )
    assert.deepEqual(await ids('search', 'heron', '--host', 'a.example'), SEEN)
    const [attempt] = (await run('access')).rows.filter((row) => row.denied)
    assert.deepEqual([attempt.command, attempt.query], ['archive search', { words: 'heron', host: 'B.example' }])
  })

  it('every look says at which hosts, and an auditor of another host does not see it', async () => {
    const looks = (await run('access')).rows.filter((row) => row.command === 'archive search' && !row.denied)
    assert.ok(looks.length > 0)
    for (const look of looks) assert.deepEqual(look.query.hosts, ['a.example'])
    await start('officers: [{ ME, hosts: [b.example] }], auditors: [{ ME, hosts: [b.example] }]')
    const others = (await run('access')).rows
    assert.deepEqual(
      others.filter((row) => !row.denied && row.command !== undefined),
      [],
    )
    assert.deepEqual(await ids('search', 'heron'), ['aaaaaaaa-2', 'bbbbbbbb-1', 'bbbbbbbb-2', 'bbbbbbbb-3'])
    assert.deepEqual((await run('gaps')).exit, 0)
  })

  it('counts and gaps are those of the hosts; what cannot be told apart is refused', async () => {
    await start('operators: [{ ME, hosts: [a.example] }]')
    const stats = Object.fromEntries((await run('stats')).rows.map((row) => [row.what, row.value]))
    assert.deepEqual([stats.records, stats.tries, stats.sources], [3, 3, 1])
    assert.equal('journal policy position' in stats, false)
    const backup = await run('backup')
    assert.deepEqual(
      [backup.exit, backup.refusal],
      [4, `archive backup shows every virtual host; ${ME} has the right for these only: a.example`],
    )
    assert.equal((await run('gaps', '--host', 'b.example')).exit, 4)
  })

  it('who has the right for both sees both, and may look at one', async () => {
    await start('officers: [{ ME, hosts: [a.example] }, { ME, hosts: [b.example] }], operators: [{ ME }]')
    assert.equal((await ids('search', 'heron')).length, 5)
    assert.deepEqual(await ids('search', 'heron', '--host', 'a.example'), SEEN)
    await start('officers: [{ ME }], operators: [{ ME }], auditors: [{ ME }]')
    assert.equal((await ids('search', 'heron')).length, 5)
    assert.equal((await ids('search', 'heron', '--host', 'b.example')).length, 4)
    const stats = Object.fromEntries((await run('stats')).rows.map((row) => [row.what, row.value]))
    assert.equal(stats.records, 5)
  })
})
