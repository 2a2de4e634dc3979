// SPDX-License-Identifier: Apache-2.0
// What is published runs: packed as npm packs it, unpacked elsewhere, started as compiled JavaScript without any source.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { build, NODE_ENVIRONMENT, NODE_FLAGS, nodeFlags, scheduling } from '../../deploy/command.ts'
import { startComponent } from '../harness/component.ts'
import { startComponentServer } from '../harness/component-server.ts'
import { ask, screenOf } from '../policy/stage.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const DOMAIN = 'policy.gatehouse.internal'
const run = promisify(execFile)
const env = { ...process.env, PATH: [resolve(process.execPath, '..'), process.env.PATH].join(delimiter) }
const about: {
  bin: { gatehouse: string }
  scripts: Record<string, string>
  files: string[]
  dependencies: Record<string, string>
} = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

let folder = ''
let installed = ''
const main = (name: string) => join(installed, 'dist/components', name, 'main.js')
/** The command as a shell finds it after an installation. */
const gatehouse = (...args: string[]) =>
  run(join(installed, about.bin.gatehouse), ['--config', join(folder, 'config'), ...args], { env })

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-package-'))
  build()
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT, env })
  const [packed = ''] = globSync('*.tgz', { cwd: folder })
  await run('tar', ['-xzf', join(folder, packed), '-C', folder])
  installed = join(folder, 'package')
  await symlink(join(ROOT, 'node_modules'), join(installed, 'node_modules'))
})
after(() => rm(folder, { recursive: true, force: true }))

test('everything an operator installs is in the package, and no source', () => {
  for (const name of about.files) assert.ok(existsSync(join(installed, name)), name)
  const named = ['README.md', 'LICENSE', 'deploy/servers/prosody/mod_gatehouse/mod_gatehouse.lua']
  for (const name of [
    ...named,
    ...globSync('deploy/{servers,stunnel,systemd}/**/*.{md,conf,service,target}', { cwd: ROOT }),
  ])
    assert.ok(existsSync(join(installed, name)), name)
  assert.deepEqual(globSync(['components/**', 'test/**', '**/*.ts'], { cwd: installed }).filter(own), [])
  const texts = globSync('components/**/*.ftl', { cwd: ROOT }).sort()
  assert.ok(texts.length > 0)
  assert.deepEqual(globSync('components/**/*.ftl', { cwd: join(installed, 'dist') }).sort(), texts)
})

test('what runs needs nothing beside it but node and the one library that is apart, and says whose work is in it', () => {
  const dist = join(installed, 'dist')
  const files = globSync('**/*.js', { cwd: dist }).map((file) => readFileSync(join(dist, file), 'utf8'))
  const loaded = files.flatMap((text) => [...text.matchAll(/^(?:import|export)\b[^'"\n]*["']([^"']+)["'];$/gm)])
  const others = loaded.map(([, from = '']) => from).filter((from) => !from.startsWith('.') && !isBuiltin(from))
  assert.deepEqual([...new Set(others)], ['sharp'])
  const said = readFileSync(join(dist, 'LICENSES.txt'), 'utf8')
  const named = Object.keys(about.dependencies).filter((name) => name !== 'sharp')
  assert.deepEqual(
    named.filter((name) => !said.includes(`\n${name} ${about.dependencies[name]}: `)),
    [],
  )
})

const own = (file: string) => !file.startsWith('node_modules')

test('npm starts a component with the flags of its unit, and all that stays in the place of the shell', () => {
  const set = Object.entries(NODE_ENVIRONMENT).map(([name, value]) => `${name}=${value}`)
  // In the place of the shell, so that a signal to npm reaches it.
  for (const name of ['policy', 'archive', 'directory', 'transport-irc'])
    assert.equal(
      about.scripts[`start:${name}`],
      [...set, 'exec', ...scheduling(name), 'node', ...nodeFlags(name), `dist/components/${name}/main.js`].join(' '),
    )
  for (const name of ['demo', 'test', 'test:long', 'test:faults', 'bench'])
    assert.match(about.scripts[name] ?? '', /^exec node deploy\/setup\.mjs /)
})

test('the installed command line, policy and archive do the main job', async () => {
  await using server = await startComponentServer({ domain: DOMAIN, secret: 'ssh' })
  const config = join(folder, 'config')
  const me = `[{ user: ${userInfo().username} }]`
  await mkdir(config)
  await writeFile(join(config, 'policy.secret'), 'ssh\n', { mode: 0o600 })
  await writeFile(join(config, 'policy-rules.yaml'), 'version: 1\notherwise: allow\nrules: []\n')
  await writeFile(
    join(config, 'gatehouse.yaml'),
    `server: { port: ${server.port} }
folders: { state: ${folder}/state, run: ${folder}/run, journals: ${folder}/journals }
people: { operators: ${me}, officers: ${me}, auditors: [] }
`,
  )
  await writeFile(
    join(config, 'policy.yaml'),
    'secret_file: policy.secret\nhosts: [corp.example]\nmetrics: { port: 0 }\n',
  )
  await writeFile(join(config, 'archive.yaml'), 'metrics: { port: 0 }\n')

  const help = await gatehouse('--help')
  assert.match(help.stdout, /^ {2}archive .*\n {2}directory .*\n {2}policy .*\n {2}transport-irc /m)
  const check = await run(process.execPath, [main('policy'), '--check', join(config, 'policy.yaml')], { env })
  assert.match(check.stdout, /policy\.yaml: good/)
  assert.match((await gatehouse('check')).stdout, /archive\.yaml/)

  const start = (name: string) =>
    startComponent({
      name,
      file: join(config, `${name}.yaml`),
      logFolder: folder,
      flags: NODE_FLAGS,
      main: main(name),
    })
  await using _policy = await start('policy')
  const peer = await server.accepted()
  const answer = await peer.ask('set', screenOf(ask(1, 'the installed nightingale')), {
    from: 'corp.example',
    to: DOMAIN,
  })
  assert.equal(answer.attrs.type, 'result', answer.toString())
  await using _archive = await start('archive')
  const rows = async (...args: string[]): Promise<Record<string, unknown>[]> => {
    const { stdout } = await gatehouse(...args, '--json')
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
  const values = async (...args: string[]) =>
    Object.fromEntries((await rows(...args)).map(({ what, value }) => [what, value]))
  const found = (await rows('archive', 'search', 'nightingale')).filter((row) => 'from' in row)
  assert.deepEqual([found.length, found[0]?.from], [1, 'alice@corp.example/desk'])
  assert.ok(Number((await values('policy', 'journal')).last) >= 2, 'the rules and the question')
  assert.equal((await values('archive', 'stats')).records, 1)
})
