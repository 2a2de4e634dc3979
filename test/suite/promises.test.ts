// SPDX-License-Identifier: Apache-2.0
// The two promise rules are errors: planted files prove it, with the very config and flags of check:promises.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, suite, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')

const planted = {
  'floating.ts': 'async function keep(): Promise<void> {}\nkeep()\n',
  'misused.ts': 'async function keep(): Promise<boolean> {\n  return true\n}\nif (keep()) console.log(1)\n',
  'sound.ts': 'async function keep(): Promise<void> {}\nawait keep()\nexport {}\n',
}

type Report = { filePath: string; messages: { ruleId: string | null; severity: number; line: number }[] }[]

suite('promises', () => {
  let folder = ''
  let code = 0
  let report: Report = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-promises-'))
    for (const [name, text] of Object.entries(planted)) await writeFile(join(folder, name), text)
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    await writeFile(
      join(folder, 'tsconfig.json'),
      '{"compilerOptions":{"strict":true,"module":"nodenext","target":"es2024","types":[],"noEmit":true},"include":["."]}',
    )
    const scripts: { scripts: Record<string, string> } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    const [program, ...flags] = (scripts.scripts['check:promises'] ?? '').split(' ')
    assert.equal(program, 'eslint')
    assert.deepEqual(flags.splice(-3), ['components', 'deploy', 'test'])
    const args = [
      ...[join(ROOT, 'node_modules/eslint/bin/eslint.js')],
      ...flags.map((flag) => (flag.startsWith('.ci/') ? join(ROOT, flag) : flag)),
      ...['--format', 'json', '.'],
    ]
    await new Promise<void>((resolve) => {
      execFile(process.execPath, args, { cwd: folder }, (fault, stdout) => {
        code = typeof fault?.code === 'number' ? fault.code : 0
        report = JSON.parse(stdout)
        resolve()
      })
    })
  })
  after(() => rm(folder, { recursive: true }))

  const errorsIn = (name: string) =>
    report
      .filter(({ filePath }) => filePath.endsWith(name))
      .flatMap(({ messages }) => messages.map(({ ruleId, severity, line }) => ({ ruleId, severity, line })))

  test('a promise nobody waits for is an error', () => {
    assert.deepEqual(errorsIn('floating.ts'), [
      { ruleId: '@typescript-eslint/no-floating-promises', severity: 2, line: 2 },
    ])
  })
  test('a promise as a condition is an error', () => {
    assert.deepEqual(errorsIn('misused.ts'), [
      { ruleId: '@typescript-eslint/no-misused-promises', severity: 2, line: 4 },
    ])
  })
  test('a promise that is waited for is none', () => {
    assert.deepEqual(errorsIn('sound.ts'), [])
  })
  test('the check ends with an error', () => {
    assert.equal(code, 1)
  })
})
