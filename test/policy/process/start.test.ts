// SPDX-License-Identifier: Apache-2.0
// main.ts as an operator starts it: good settings are said to be good, bad ones end with 2 and say where. Each folder in
// bad-settings/ holds settings and rules, and the lines they must be refused with.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { openMetrics } from '../../../components/kit/process/metrics.ts'
import { Tally } from '../../../components/policy/gate/tally.ts'
import { programOf } from '../../../deploy/command.ts'
import { ALLOW_ALL } from '../stage.ts'

const MAIN = programOf('policy')
let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-policy-start-'))
  writeFileSync(join(folder, 'policy.secret'), 'x\n', { mode: 0o600 })
  writeFileSync(join(folder, 'policy.yaml'), 'secret_file: policy.secret\nhosts: [corp.example]\n')
})
after(() => rmSync(folder, { recursive: true, force: true }))

function start(rules: string, ...args: string[]) {
  writeFileSync(join(folder, 'policy-rules.yaml'), rules)
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args, join(folder, 'policy.yaml')], {
    encoding: 'utf8',
  })
  return { status, said: stdout + stderr }
}

test('--check says that good settings and rules are good, and shows no secret', () => {
  const { status, said } = start(ALLOW_ALL, '--check')
  assert.equal(status, 0, said)
  assert.match(said, /good/)
  assert.match(said, /"secret_file": "set"/)
  const { files, without } = JSON.parse(start(ALLOW_ALL, '--check', '--json').said)
  assert.deepEqual(files, [join(folder, 'policy.yaml'), join(folder, 'policy-rules.yaml')])
  assert.equal(without, join(folder, 'gatehouse.yaml'))
})

test('--check notes a name alone in the place of an address: it is good, and means a host', () => {
  const rules = `version: 1
otherwise: allow
lists: { vips: [chief] }
rules:
  - { id: a, when: { any: [{ not: { from: [alice, bob@corp.example, localhost, partner.example] } }, { to: { list: vips } }] }, then: { tag: a } }
`
  const { status, said } = start(rules, '--check')
  assert.equal(status, 0, said)
  const noted = [...said.matchAll(/from or to: (\S+) alone means everybody at a host of that name/g)]
  assert.deepEqual(
    noted.map(([, name]) => name),
    ['alice', 'chief'],
  )
})

for (const args of [['--check'], []]) {
  test(`a bad rule file ends with 2 and names file and line (${args.join() || 'start'})`, () => {
    const { status, said } = start(
      'version: 1\notherwise: allow\nrules:\n  - id: x\n    when: { detect: card }\n    then: allow\n',
      ...args,
    )
    assert.equal(status, 2, said)
    assert.match(said, /policy-rules\.yaml:5: rules\[1\]\.when\.detect: not built yet in this version/)
  })
}

const BAD = resolve(import.meta.dirname, 'bad-settings')
for (const name of readdirSync(BAD)) {
  test(`bad settings, ${name}: all problems at once, each with the one file and line it is in`, (t) => {
    const place = mkdtempSync(join(tmpdir(), 'gatehouse-policy-bad-'))
    t.after(() => rmSync(place, { recursive: true }))
    cpSync(join(BAD, name), place, { recursive: true })
    writeFileSync(join(place, 'policy.secret'), 'x\n', { mode: 0o600 })
    const expected = readFileSync(join(place, 'expected.txt'), 'utf8').trimEnd().split('\n')
    for (const args of [['--check'], []]) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args, join(place, 'policy.yaml')], {
        encoding: 'utf8',
      })
      assert.deepEqual([status, stdout], [2, ''])
      const told = stderr.trimEnd().replaceAll(`${place}/`, '').split('\n')
      assert.deepEqual(told, expected)
    }
  })
}

test('--commands tells what can be asked, in the language wanted', () => {
  const { status, stdout } = spawnSync(process.execPath, [MAIN, '--commands', '--language', 'de'], { encoding: 'utf8' })
  assert.equal(status, 0)
  const said = JSON.parse(stdout) as { commands: { name: string; help: string }[] }
  assert.deepEqual(
    said.commands.map(({ name }) => name),
    ['policy rules', 'policy journal', 'policy stats', 'policy explain'],
  )
  assert.match(said.commands[0]?.help ?? '', /^Zeigt/)
})

test('the help of `policy stats` explains every name that it shows, in both languages', () => {
  for (const language of ['en', 'de']) {
    const { stdout } = spawnSync(process.execPath, [MAIN, '--commands', '--language', language], { encoding: 'utf8' })
    const said = JSON.parse(stdout) as { commands: { name: string; help: string }[] }
    const help = said.commands.find(({ name }) => name === 'policy stats')?.help ?? ''
    const names = [...Object.keys(new Tally(openMetrics('policy')).counts), 'questions_in_work', 'characters_in_work']
    const explained = new Set(
      help
        .split('\n')
        .slice(1)
        .flatMap((line) => (line.split(/ {2,}/)[0] ?? '').split(', ')),
    )
    assert.deepEqual(
      names.filter((name) => !explained.has(name)),
      [],
    )
  }
})
