// SPDX-License-Identifier: Apache-2.0
// The published package holds .js files, and tsc rewrites imports but not the URLs of workers.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

type Journals = typeof import('../../../components/kit/bus/file-journal.ts')
type Stores = typeof import('../../../components/kit/store/store.ts')

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Writes the folder's modules as JavaScript, imports rewritten as tsc does. */
function compile(folder: string, target: string): void {
  mkdirSync(join(target, folder), { recursive: true })
  for (const name of readdirSync(join(root, folder)).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )) {
    const code = stripTypeScriptTypes(readFileSync(join(root, folder, name), 'utf8'))
    const out = join(target, folder, name.replace(/\.ts$/, '.js'))
    writeFileSync(out, code.replaceAll(/(from|import) '(\.[^']*)\.ts'/g, "$1 '$2.js'"))
  }
}

test('journal and store start their workers when compiled to .js', { timeout: 60_000 }, async () => {
  const top = mkdtempSync(join(tmpdir(), 'gatehouse-compiled-'))
  try {
    writeFileSync(join(top, 'package.json'), '{"type":"module"}')
    for (const folder of ['components/kit/store', 'components/kit/bus', 'test/kit/store']) compile(folder, top)
    const load = (path: string) => import(pathToFileURL(join(top, path)).href)
    const { openJournal } = (await load('components/kit/bus/file-journal.js')) as Journals
    const { openStore } = (await load('components/kit/store/store.js')) as Stores
    await using journal = await openJournal(join(top, 'journal'), { maxBytes: 64 << 20 })
    assert.deepEqual(await journal.append([{ kind: 'n', version: 1, body: '1' }]), { first: 1, last: 1 })
    const worker = pathToFileURL(join(top, 'test/kit/store/notes-worker.ts'))
    await using store = await openStore(worker, { path: join(top, 'notes.db') })
    assert.equal(store.version, 1)
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
})
