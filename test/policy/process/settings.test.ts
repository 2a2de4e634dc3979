// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readSettings, settingsSchema } from '../../../components/kit/process/settings.ts'
import { policySettings } from '../../../components/policy/settings.ts'
import { assertExample } from '../../harness/example-settings.ts'
import { problemLines } from '../../harness/in-words.ts'
import { ALLOW_ALL } from '../stage.ts'

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-policy-settings-'))
  writeFileSync(join(folder, 'policy.secret'), 'x\n', { mode: 0o600 })
  writeFileSync(join(folder, 'policy-rules.yaml'), ALLOW_ALL)
})
after(() => rmSync(folder, { recursive: true, force: true }))

function read(text: string) {
  const file = join(folder, 'policy.yaml')
  writeFileSync(file, text)
  const read = readSettings(policySettings, file, {})
  if (!read.ok) throw new Error(problemLines(read).join('\n'))
  return read
}

test('config/policy.yaml names every setting, and uncommented it gives exactly the defaults', () => {
  const path = new URL('../../../config/policy.yaml', import.meta.url).pathname
  assertExample(path, settingsSchema(policySettings), (text) => {
    const { settings, common } = read(text)
    return { settings: { ...settings, secret: settings.secret.reveal() }, common }
  })
})

test('what holds: hosts in lower case, the journal below the folder of journals', () => {
  const { settings } = read('secret_file: policy.secret\nhosts: [Corp.Example]\n')
  assert.deepEqual([...settings.hosts], ['corp.example'])
  assert.equal(settings.journal.folder, '/var/lib/gatehouse/journals/policy')
  assert.equal(settings.journal.maxBytes, 10 * 2 ** 30)
  assert.equal(settings.bounds.answerWithinMs, 1_500)
})

const bad: readonly [what: string, text: string, wanted: RegExp][] = [
  ['no hosts', 'secret_file: policy.secret\n', /hosts: is missing/],
  ['an empty list of hosts', 'secret_file: policy.secret\nhosts: []\n', /at least one host/],
  [
    'a host that is a person',
    'secret_file: policy.secret\nhosts: [a@b]\n',
    /policy.yaml:2: hosts.0: "a@b": a domain is wanted/,
  ],
  ['itself as host', 'secret_file: policy.secret\nhosts: [policy.gatehouse.internal]\n', /other than this component/],
  ['a secret that is not there', 'secret_file: none\nhosts: [a.example]\n', /cannot be read/],
  [
    'a rule file that is not there',
    'secret_file: policy.secret\nhosts: [a.example]\nrules: none.yaml\n',
    /^Error: [^:]*policy.yaml:3: rules: "none.yaml": a readable rule file is wanted; .*none.yaml cannot be read \(ENOENT\)$/,
  ],
  [
    'a bad rule file',
    'secret_file: policy.secret\nhosts: [a.example]\nrules: bad.yaml\n',
    /^Error: [^:]*bad.yaml:2: otherwise: one of allow, refuse is wanted$/,
  ],
  [
    'a room pattern with a person',
    "secret_file: policy.secret\nhosts: [a.example]\nrooms: ['x@y']\n",
    /a domain without @/,
  ],
  ['a misspelt setting', 'secret_file: policy.secret\nhosts: [a.example]\nbounds: { ask: 5 }\n', /is asks meant/],
  ['no language', 'secret_file: policy.secret\nhosts: [a.example]\nlanguages: []\n', /at least one language/],
]
for (const [what, text, wanted] of bad) {
  test(`bad settings are refused for the right reason: ${what}`, () => {
    writeFileSync(join(folder, 'bad.yaml'), 'version: 1\notherwise: x\n')
    assert.throws(() => read(text), wanted)
  })
}
