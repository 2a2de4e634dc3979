// SPDX-License-Identifier: Apache-2.0
// A book and its files of months in a folder of their own, written without a process, so that a test says when what was recorded.
import { hash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { countFrom } from '../../components/archive/domain/completeness.ts'
import { countingOf } from '../../components/archive/follow.ts'
import { readEntry } from '../../components/archive/protocol/entry.ts'
import { openStanzaReader } from '../../components/archive/protocol/stanza-reader.ts'
import { openService } from '../../components/archive/storage/operations.ts'
import { packBatch } from '../../components/archive/storage/parcel.ts'
import { bookMigrations, LAST_SINGLE_FILE } from '../../components/archive/storage/schema.ts'
import { writeFact } from '../../components/kit/facts/entries.ts'
import type { Fact } from '../../components/kit/facts/facts.ts'
import { migrate } from '../../components/kit/store/migrations.ts'
import { SOURCE } from './facts.ts'

export const KEPT_AT = Date.parse('2026-11-22T10:05:00.000Z')

/** A book and its files of months in a folder of their own. */
export function openPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-twice-'))
  const path = join(folder, 'archive.db')
  const book = new DatabaseSync(path)
  migrate(book, bookMigrations, path, LAST_SINGLE_FILE)
  const service = openService()
  service.open?.({ role: 'writer', path, secureDelete: true, busyMs: 1000 })
  return {
    book,
    path,
    service,
    erase(n) {
      const asked = { source: SOURCE, n, at: KEPT_AT, user: 'olga', reason: 'test' }
      commit(book, service, () => service.operations.write.erase(book, asked))
    },
    [Symbol.dispose]() {
      service.close?.()
      book.close()
      rmSync(folder, { recursive: true, force: true })
    },
    tables() {
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.db'))
      const kept = files.sort().map((name) => [name, contents(join(folder, name))] as const)
      return Object.fromEntries(kept)
    },
  }
}

export type Place = Disposable & {
  book: DatabaseSync
  path: string
  service: ReturnType<typeof openService>
  erase(n: number): void
  tables(): Record<string, Record<string, unknown[]>>
}

/** One entry a commit, as they would come over time; `killed`: the book's commit of each batch but the last is lost, and it comes again. */
export function keepIn(
  { book, service }: Place,
  facts: readonly Fact[],
  killed = false,
  recordedAt: (at: number) => number = () => KEPT_AT,
): void {
  const completeness = countFrom([], [], { graceMs: 1000, silentMs: 60_000 })
  const rooms = new Set<string>()
  const reading = {
    journal: 'j',
    stanzas: openStanzaReader(),
    isRoom: (bare: string) => rooms.has(bare),
    sha256: (text: string) => hash('sha256', text, 'hex'),
  }
  const batches = facts.map((fact, index) => {
    const got = readEntry({ ...writeFact(fact), position: index + 1, at: recordedAt(index) }, reading)
    if (got.room) rooms.add(got.room)
    if (got.counted) completeness.take(got.counted, KEPT_AT)
    const sources = countingOf(completeness)
    return {
      journal: 'j',
      after: index,
      to: index + 1,
      keptAt: recordedAt(index),
      items: got.items,
      careful: false,
      sources,
    }
  })
  for (const batch of batches) {
    const keep = () => service.operations.write.keep(book, packBatch(batch))
    if (killed) commit(book, service, keep, 'ROLLBACK')
    commit(book, service, keep)
  }
}

/** The files of months first, then the book. */
function commit(
  book: DatabaseSync,
  { beside }: Place['service'],
  write: () => unknown,
  end: 'COMMIT' | 'ROLLBACK' = 'COMMIT',
): void {
  book.exec('BEGIN')
  beside?.hold()
  write()
  beside?.release()
  beside?.commit()
  book.exec(end)
  if (end === 'ROLLBACK') beside?.rollback()
}

/** All tables; left out is what is random, only where in the journal it stood, and that something came again. */
function contents(path: string): Record<string, unknown[]> {
  const db = new DatabaseSync(path, { readOnly: true })
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'repeat' ORDER BY name")
    .all()
  const kept: Record<string, unknown[]> = {}
  for (const { name } of tables) {
    const rows = db.prepare(`SELECT * FROM ${name}`).all()
    kept[String(name)] = rows.map(
      ({ position: _where, salt: _salt, seal: _seal, replacement_seal: _also, ...row }) => row,
    )
  }
  kept.total = (kept.total as { name: string }[]).filter(({ name }) => name !== 'again')
  kept.file = ((kept.file ?? []) as { totals: string }[]).map(({ totals, ...row }) => ({
    ...row,
    totals: { ...JSON.parse(totals), again: 0 },
  }))
  db.close()
  return kept
}
