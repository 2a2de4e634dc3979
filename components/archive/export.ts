// SPDX-License-Identifier: Apache-2.0
// An export: the records that a query finds, oldest first, in a folder with a manifest and sums that `sha256sum -c` reads.
// The same query over the same records gives the same bytes, but for MANIFEST.json, which says when and by whom.
import { createHash, type Hash, hash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { type FileHandle, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Search } from './domain/record.ts'
import { writeMail } from './protocol/mail.ts'
import { writeRecord } from './protocol/row.ts'
import type { ArchiveStore } from './storage/archive-store.ts'

export type ExportFormat = 'jsonl' | 'eml'

/** What the manifest tells beside counts. */
export type ExportFor = {
  query: Readonly<Record<string, unknown>>
  user: string
  reason: string
  at: string
  software: string
}

export type ExportStep = { step: 'written'; records: number } | { step: 'whole'; records: number; files: number }

const BATCH = 50
const MANIFEST = 'MANIFEST.json'
const SUMS = 'SHA256SUMS'

/** `target`: a folder that must not exist. It belongs to this process alone, and appears when it is whole. */
export async function* exportRecords(
  store: ArchiveStore,
  query: Search,
  format: ExportFormat,
  target: string,
  why: ExportFor,
  signal: AbortSignal,
): AsyncGenerator<ExportStep> {
  if ((await stat(target).catch(() => null)) !== null) throw new Error(`${target} exists already`)
  const unfinished = `${target}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { mode: 0o700 })
  try {
    const writer = format === 'jsonl' ? await openLines(unfinished) : openMails(unfinished)
    let records = 0
    for await (const batch of store.stream('export', query, { batch: BATCH })) {
      signal.throwIfAborted()
      for (const record of batch) await writer.write(writeRecord(record))
      records += batch.length
      yield { step: 'written', records }
    }
    const sums = await writer.end()
    const manifest = { format: 'gatehouse-export', version: 1, kind: format, records, files: sums.length, ...why }
    const text = `${JSON.stringify(manifest, null, 2)}\n`
    await writeFile(join(unfinished, MANIFEST), text, { mode: 0o600 })
    sums.push({ name: MANIFEST, sha256: hash('sha256', text) })
    // The form of GNU coreutils; our names hold neither \ nor line breaks.
    const lines = sums.map(({ name, sha256 }) => `${sha256}  ${name}\n`)
    await writeFile(join(unfinished, SUMS), lines.join(''), { mode: 0o600 })
    await rename(unfinished, target)
    yield { step: 'whole', records, files: sums.length + 1 }
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw error
  }
}

type Sum = { name: string; sha256: string }
type Writer = { write(row: ReturnType<typeof writeRecord>): Promise<void>; end(): Promise<Sum[]> }

/** One JSON object a line, as `archive show --json` gives it. */
async function openLines(folder: string): Promise<Writer> {
  const name = 'records.jsonl'
  const file: FileHandle = await open(join(folder, name), 'wx', 0o600)
  const sum: Hash = createHash('sha256')
  return {
    async write(row) {
      const line = `${JSON.stringify(row)}\n`
      sum.update(line)
      await file.appendFile(line)
    },
    async end() {
      await file.close()
      return [{ name, sha256: sum.digest('hex') }]
    },
  }
}

/** One mail a record, in a folder a day. */
function openMails(folder: string): Writer {
  const sums: Sum[] = []
  const days = new Set<string>()
  return {
    async write(row) {
      const day = String(row.at ?? row.recorded_at).slice(0, 10)
      if (!days.has(day)) mkdirSync(join(folder, day), { mode: 0o700 })
      days.add(day)
      const name = `${day}/${row.full_id}.eml`
      const text = writeMail(row)
      await writeFile(join(folder, name), text, { mode: 0o600, flag: 'wx' })
      sums.push({ name, sha256: hash('sha256', text) })
    },
    async end() {
      return sums
    },
  }
}
