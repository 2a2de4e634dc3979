// SPDX-License-Identifier: Apache-2.0
// The archive as a process: killed at named points, started again; asked by people with different rights.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { monthPath } from '../../../components/archive/storage/month-path.ts'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import { writeFact } from '../../../components/kit/facts/entries.ts'
import type { Fact } from '../../../components/kit/facts/facts.ts'
import { programOf } from '../../../deploy/command.ts'
import { askCommand } from '../../harness/ask-command.ts'
import { startComponentServer } from '../../harness/component-server.ts'
import { ask, chat, done, SOURCE } from '../facts.ts'

const ARCHIVE = programOf('archive')
const WITH_CRASH_POINTS = fileURLToPath(new URL('../mains/main.ts', import.meta.url))
const ME = userInfo().username
const SHORT = SOURCE.slice(0, 8)
const ROUNDS = process.env.GATEHOUSE_LONG === '1' ? 10 : 2
const COUNT = 50 * ROUNDS

function openPlace(people: string, yaml = '', shared = '') {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-archive-'))
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    `folders: { state: state, run: run, journals: journals }\n${shared}people: ${people}\n`,
  )
  writeFileSync(join(folder, 'archive.yaml'), `metrics: { port: 0 }\n${yaml}`)
  return {
    folder,
    run: join(folder, 'run'),
    store: join(folder, 'state', 'archive', 'archive.db'),
    async write(...facts: readonly Fact[]) {
      await using journal = await openJournal(join(folder, 'journals', 'policy'), { maxBytes: 1 << 30 })
      await journal.append(facts.map(writeFact))
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Starts a main; `ready` resolves at its line `ready`, `ended` with how it ended. */
function start(main: string, folder: string, env: Record<string, string> = {}) {
  const child: ChildProcess = spawn(process.execPath, [main, join(folder, 'archive.yaml')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ready = Promise.withResolvers<void>()
  const lines: string[] = []
  if (child.stdout)
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line)
      if (JSON.parse(line).event === 'ready') ready.resolve()
    })
  const ended = once(child, 'close').then(([exit, signal]) => {
    ready.reject(new Error(`it ended before it was ready: ${lines.join('\n')}`))
    return { exit: exit as number | null, signal: signal as string | null }
  })
  ready.promise.catch(() => {})
  return {
    ready: ready.promise,
    ended,
    lines,
    kill: () => child.kill('SIGKILL'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

const OFFICER = `{ operators: [{ user: ${ME} }], officers: [{ user: ${ME} }], auditors: [] }`

for (const point of ['before-commit', 'between-commits', 'after-commit']) {
  test(`killed at ${point}, again and again: every fact is there once`, async () => {
    using place = openPlace(OFFICER, 'follow: { batch: 7 }\n')
    const facts = Array.from({ length: COUNT }, (_, at) =>
      ask({ n: at + 1, stanza: chat(`crash ${at + 1}`, { id: `c${at}` }) }),
    )
    await place.write(...facts, done(COUNT))
    for (let round = 0; round < ROUNDS; round++) {
      await using killed = start(WITH_CRASH_POINTS, place.folder, { CRASH_AT: point, CRASH_AFTER: '2' })
      assert.equal((await killed.ended).signal, 'SIGKILL')
    }
    const month = monthPath(place.store, { host: 'corp.example', month: new Date().toISOString().slice(0, 7) })
    const before = new DatabaseSync(month, { readOnly: true })
    const kept = Number(before.prepare('SELECT count(*) AS n FROM record').get()?.n)
    before.close()
    assert.ok(kept > 0 && kept < COUNT, `some of them were kept when it was killed: ${kept}`)
    await using archive = start(ARCHIVE, place.folder)
    await archive.ready
    const found = await askCommand(place.run, 'archive search', { words: 'crash', limit: 1000 })
    assert.deepEqual(
      found.map((row) => row.id),
      Array.from({ length: COUNT }, (_, at) => `${SHORT}-${COUNT - at}`),
    )
    assert.ok(found.every((row) => row.settlement === 'released'))
    const stats = Object.fromEntries(
      (await askCommand(place.run, 'archive stats')).map(({ what, value }) => [what, value]),
    )
    assert.deepEqual([stats.tries, stats.again, stats.undecided], [COUNT, 0, 0])
  })
}

test('an operator sees counts and no contents; an auditor sees who looked', async () => {
  const cases = [
    ['operators', { stats: 0, gaps: 0, search: 4, show: 4, tail: 4, access: 4, export: 4, erase: 4 }],
    ['officers', { stats: 4, gaps: 0, search: 0, show: 0, access: 0, export: 0 }],
    ['auditors', { stats: 4, gaps: 4, search: 4, show: 4, tail: 4, access: 0, export: 4, erase: 4 }],
  ] as const
  for (const [role, expected] of cases) {
    const only = ['operators', 'officers', 'auditors'].map(
      (one) => `${one}: [${one === role ? `{ user: ${ME} }` : ''}]`,
    )
    using place = openPlace(`{ ${only.join(', ')} }`)
    await place.write(ask({ n: 1, stanza: chat('for officers only') }), done(1))
    await using archive = start(ARCHIVE, place.folder)
    await archive.ready
    for (const [command, exit] of Object.entries(expected)) {
      const id = `${SHORT}-1`
      const args = { show: { id }, search: { words: 'officers' }, erase: { id, reason: 'test' } }[command] ?? {}
      const asked = askCommand(place.run, `archive ${command}`, args)
      if (exit === 0) await asked
      else await assert.rejects(asked, new RegExp(`ended with ${exit}`), `${role} ${command}`)
    }
    assert.doesNotMatch(archive.lines.join('\n'), /for officers only/, 'no text of a message in the log')
  }
})

test('each look is on disk before its answer: killed at once after the answer, it is on record', async () => {
  using place = openPlace(OFFICER)
  await place.write(ask({ n: 1 }), done(1))
  for (let round = 1; round <= ROUNDS; round++) {
    await using archive = start(ARCHIVE, place.folder)
    await archive.ready
    await askCommand(place.run, 'archive search', { words: 'hello', reason: `round ${round}` })
    archive.kill()
    assert.equal((await archive.ended).signal, 'SIGKILL')
  }
  await using archive = start(ARCHIVE, place.folder)
  await archive.ready
  const looks = await askCommand(place.run, 'archive access', {})
  assert.deepEqual(
    looks.map((row) => row.reason),
    Array.from({ length: ROUNDS }, (_, at) => `round ${ROUNDS - at}`),
  )
})

test('a denied attempt is on record before it is refused: killed at once after the refusal, an auditor sees it', async () => {
  using place = openPlace(`{ operators: [], officers: [], auditors: [{ user: ${ME} }] }`)
  await place.write(ask({ n: 1, stanza: chat('for officers only') }), done(1))
  {
    await using archive = start(ARCHIVE, place.folder)
    await archive.ready
    await assert.rejects(askCommand(place.run, 'archive show', { id: `${SHORT}-1`, reason: 'curious' }), /ended with 4/)
    archive.kill()
    assert.equal((await archive.ended).signal, 'SIGKILL')
  }
  await using archive = start(ARCHIVE, place.folder)
  await archive.ready
  const denied = { user: ME, command: 'archive show', query: { id: `${SHORT}-1` }, hits: null, denied: true }
  const [first, ...rest] = await askCommand(place.run, 'archive access')
  assert.deepEqual(rest, [])
  assert.deepEqual(
    { ...first, at: '' },
    { at: '', uid: process.getuid?.(), via: 'socket', ...denied, reason: 'curious' },
  )
  const [look, before] = await askCommand(place.run, 'archive access')
  assert.deepEqual([look?.command, look?.denied, before?.denied], ['archive access', false, true])
})

test('what policy refused is found in its journal by archive access', async () => {
  using place = openPlace(OFFICER)
  await place.write({
    kind: 'access',
    who: { uid: 4712, user: 'mallory' },
    command: 'policy rules',
    query: {},
    hits: null,
    denied: true,
    at: '2026-11-22T10:00:00.000Z',
  })
  await using archive = start(ARCHIVE, place.folder)
  await archive.ready
  const [row, ...rest] = await askCommand(place.run, 'archive access')
  assert.deepEqual([row?.user, row?.command, row?.denied, rest], ['mallory', 'policy rules', true, []])
})

test('on the XMPP server it answers disco, version and ping; when the server is gone it goes on following and finding', async () => {
  await using server = await startComponentServer({ domain: 'archive.gatehouse.internal', secret: 'hush' })
  using place = openPlace(OFFICER, 'secret_file: archive.secret\n', `server: { port: ${server.port} }\n`)
  writeFileSync(join(place.folder, 'archive.secret'), 'hush\n', { mode: 0o600 })
  await place.write(ask({ n: 1, stanza: chat('with a server') }), done(1))
  await using archive = start(ARCHIVE, place.folder)
  const peer = await server.accepted()
  const info = await peer.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>")
  assert.equal(info.attrs.type, 'result')
  const identity = info.getChild('query')?.getChild('identity')
  assert.deepEqual([identity?.attrs.category, identity?.attrs.type], ['component', 'archive'])
  const version = await peer.ask('get', "<query xmlns='jabber:iq:version'/>")
  assert.equal(version.getChild('query')?.getChildText('name'), 'Gatehouse archive')
  assert.equal((await peer.ask('get', "<ping xmlns='urn:xmpp:ping'/>")).attrs.type, 'result')
  await archive.ready
  await server.stop()
  await place.write(ask({ n: 2, stanza: chat('without a server') }), done(2))
  assert.equal((await askCommand(place.run, 'archive search', { words: 'without' })).length, 1)
})
