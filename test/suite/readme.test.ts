// SPDX-License-Identifier: Apache-2.0
// What the README says is so: scripts, options, commands, settings and links that it names are there.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { appendFile, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { readRules } from '../../components/policy/rules/rule-file.ts'
import { programOf } from '../../deploy/command.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const run = promisify(execFile)

function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(README)?.[1]
  assert.ok(found !== undefined, `README.md has a ${language} block`)
  return found
}

suite('README', () => {
  test('every npm script it names is there', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    )
    const named = [...README.matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)].map(([, name = '']) => name)
    assert.ok(named.length > 5)
    assert.deepEqual(
      named.filter((name) => scripts[name] === undefined),
      [],
    )
  })

  test('every option of the Prosody module that it names is one', () => {
    const module = globSync('deploy/servers/prosody/**/*.lua', { cwd: ROOT }).map((file) =>
      readFileSync(join(ROOT, file), 'utf8'),
    )
    const named = [...new Set(README.match(/gatehouse_\w+/g))]
    assert.ok(named.length > 1)
    assert.deepEqual(
      named.filter((option) => !module.some((text) => text.includes(`"${option}"`))),
      [],
    )
  })

  test('every command in its table is one, and open to whom it says', async () => {
    const known = new Map<string, readonly string[]>()
    for (const component of ['policy', 'archive', 'directory', 'transport-irc']) {
      const { stdout } = await run(process.execPath, [programOf(component), '--commands'])
      const described: { commands: { name: string; rights: string[] }[] } = JSON.parse(stdout)
      for (const { name, rights } of described.commands) known.set(name, rights)
    }
    const wrong = ['operator', 'officer', 'auditor'].flatMap((who) => {
      const row = new RegExp(`^\\| ${who} \\| (.*) \\|$`, 'm').exec(README)?.[1] ?? ''
      const named = [...row.matchAll(/`((?:policy|archive|directory|transport-irc) [a-z]+)/g)].map(
        ([, name = '']) => name,
      )
      assert.ok(named.length > 0, who)
      return named.filter((name) => !known.get(name)?.includes(who)).map((name) => `${who}: ${name}`)
    })
    assert.deepEqual(wrong, [])
  })

  test('the settings it shows are good settings', async () => {
    const [policy = '', shared = ''] = block('yaml').split(/^\s*# gatehouse\.yaml\n/m)
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-readme-'))
    try {
      await writeFile(join(folder, 'policy.yaml'), policy)
      await writeFile(join(folder, 'gatehouse.yaml'), shared)
      await writeFile(join(folder, 'policy.secret'), 'secret of this test\n', { mode: 0o640 })
      await copyFile(join(ROOT, 'config/policy-rules.yaml'), join(folder, 'policy-rules.yaml'))
      const { stdout } = await run(process.execPath, [
        programOf('policy'),
        '--check',
        '--json',
        join(folder, 'policy.yaml'),
      ])
      const checked: { ok: boolean } = JSON.parse(stdout)
      assert.equal(checked.ok, true)
      assert.match(stdout, /rooms\.corp\.example/)
      assert.match(stdout, /olga/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('after its step of settings, as it stands, `gatehouse check` calls nothing wrong', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-readme-'))
    try {
      const steps =
        /^ {3}```\n((?: {3}.*\n)*? {3}mkdir -p \/etc\/gatehouse && cp [\s\S]*?)^ {3}```/m.exec(README)?.[1] ?? ''
      await run('sh', ['-ec', steps.replaceAll('/etc/gatehouse', folder).replaceAll('/usr/lib/gatehouse', ROOT)])
      const [policy = '', shared = ''] = block('yaml').split(/^\s*# gatehouse\.yaml\n/m)
      await appendFile(join(folder, 'policy.yaml'), policy.replaceAll(/^ {3}/gm, ''))
      await appendFile(join(folder, 'gatehouse.yaml'), shared.replaceAll(/^ {3}/gm, ''))
      const gatehouse = [programOf('cli'), '--config', folder]
      const { stdout } = await run(process.execPath, [...gatehouse, 'check', '--language', 'en'])
      assert.match(stdout, /^policy: good: /m)
      assert.match(stdout, /^archive: good: /m)
      for (const other of ['directory', 'transport-irc'])
        assert.match(stdout, new RegExp(`^${other}: not set up `, 'm'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('the rules it shows are a good rule file', () => {
    const rules = /^ {3}```\n( {3}rules:\n[\s\S]*?)```/m.exec(README)?.[1] ?? ''
    const read = readRules(Buffer.from(`version: 1\notherwise: allow\n${rules.replaceAll(/^ {3}/gm, '')}`))
    assert.deepEqual(read.ok && read.set.rules.map(({ id }) => id), ['no-secrets'])
  })

  test('every file it links to is there', () => {
    const links = [...README.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link = '']) => link)
    assert.ok(links.length > 0)
    assert.deepEqual(
      links.filter((link) => !existsSync(join(ROOT, link))),
      [],
    )
  })
})
