// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { archiveSettings } from '../../../components/archive/settings.ts'
import { readSettings, settingsSchema } from '../../../components/kit/process/settings.ts'
import { assertExample } from '../../harness/example-settings.ts'
import { problemLines } from '../../harness/in-words.ts'

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-archive-settings-'))
  writeFileSync(join(folder, 'archive.secret'), 'x\n', { mode: 0o600 })
})
after(() => rmSync(folder, { recursive: true, force: true }))

function read(text: string) {
  const file = join(folder, 'archive.yaml')
  writeFileSync(file, text)
  const read = readSettings(archiveSettings, file, {})
  if (!read.ok) throw new Error(problemLines(read).join('\n'))
  return read
}

test('config/archive.yaml names every setting, and uncommented it gives exactly the defaults', () => {
  const path = new URL('../../../config/archive.yaml', import.meta.url).pathname
  assertExample(path, settingsSchema(archiveSettings), (text) => {
    const { settings, common } = read(text)
    return { settings: { ...settings, secret: settings.secret?.reveal() }, common }
  })
})

test('without a word: the journal of policy, own places, 64 s until a number is missing, no XMPP server', () => {
  const { settings } = read('')
  assert.deepEqual(settings.follow.journals, [{ name: 'policy', folder: '/var/lib/gatehouse/journals/policy' }])
  assert.equal(settings.journal.folder, '/var/lib/gatehouse/journals/archive')
  assert.equal(settings.store.file, '/var/lib/gatehouse/archive/archive.db')
  assert.deepEqual(settings.patience, { graceMs: 64_000, silentMs: 300_000 })
  assert.equal(settings.secret, null)
})

test('tries x try_within + margin', () => {
  const { settings } = read('missing: { tries: 3, try_within: 5 s, margin: 10 s }\n')
  assert.equal(settings.patience.graceMs, 25_000)
})

const bad: readonly [what: string, text: string, wanted: RegExp][] = [
  [
    'its own journal among those followed',
    'follow: { journals: [policy, archive] }\n',
    /archive.yaml:1: follow.journals.1: .*another journal/,
  ],
  ['the same journal twice', 'follow: { journals: [policy, policy] }\n', /each journal once/],
  ['a domain that is a person', 'domain: a@b\n', /a domain is wanted/],
  ['a journal that holds nothing', 'journal: { max_bytes: 1 MiB }\n', /at least 4 MiB/],
  ['no searches at all', 'store: { readers: 0 }\n', /from 1 to 16/],
  ['a secret that is not there', 'secret_file: none\n', /cannot be read/],
  ['a name that is not known', 'storage: x\n', /storage/],
]
for (const [what, text, wanted] of bad) {
  test(`refused: ${what}`, () => {
    assert.throws(() => read(text), wanted)
  })
}
