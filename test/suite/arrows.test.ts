// SPDX-License-Identifier: Apache-2.0
// A rule that never failed is not known to work: each rule of .ci/arrows.cjs is broken once by planted files.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, before, suite, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')
const CONFIG = join(ROOT, '.ci/arrows.cjs')

type Violation = { from: string; to: string; rule: { name: string } }
type Cruise = { summary: { totalCruised: number; violations: Violation[] }; modules: { source: string }[] }
type Case = { rule: string; says: string; from: string; imports?: string; type?: true }

const cases: readonly Case[] = [
  {
    rule: 'kit-knows-no-component',
    says: 'a kit part names a component',
    from: 'kit/xml/names.ts',
    imports: 'ping/domain/echo.ts',
  },
  {
    rule: 'components-are-strangers',
    says: 'a component imports another',
    from: 'pong/domain/strange.ts',
    imports: 'ping/domain/echo.ts',
  },
  { rule: 'kit-points-down', says: 'xml imports xmpp', from: 'kit/xml/up.ts', imports: 'kit/xmpp/jid.ts' },
  {
    rule: 'kit-points-down',
    says: 'a type is an import too',
    from: 'kit/xmpp/up.ts',
    imports: 'kit/xep/disco.ts',
    type: true,
  },
  {
    rule: 'kit-points-down',
    says: 'store imports its neighbour yaml',
    from: 'kit/store/side.ts',
    imports: 'kit/yaml/yaml.ts',
  },
  {
    rule: 'kit-points-down',
    says: 'bus imports process',
    from: 'kit/bus/up.ts',
    imports: 'kit/process/log.ts',
    type: true,
  },
  {
    rule: 'kit-points-down',
    says: 'router imports privilege',
    from: 'kit/router/up.ts',
    imports: 'kit/privilege/privileges.ts',
    type: true,
  },
  {
    rule: 'kit-points-down',
    says: 'privilege imports its neighbour transport',
    from: 'kit/privilege/side.ts',
    imports: 'kit/transport/transport.ts',
  },
  {
    rule: 'kit-points-down',
    says: 'privilege logs by itself',
    from: 'kit/privilege/logs.ts',
    imports: 'kit/process/log.ts',
  },
  {
    rule: 'storage-speaks-domain',
    says: 'a store asks the server',
    from: 'ping/storage/rosters.ts',
    imports: 'kit/privilege/privileges.ts',
  },
  {
    rule: 'kit-points-down',
    says: 'a part that the order does not list',
    from: 'kit/novel/novel.ts',
    imports: 'kit/xml/element.ts',
  },
  {
    rule: 'domain-is-pure',
    says: 'a domain imports the store',
    from: 'ping/domain/keeps.ts',
    imports: 'ping/storage/store.ts',
  },
  { rule: 'domain-is-pure', says: 'a domain imports a Node module', from: 'ping/domain/reads.ts', imports: 'node:fs' },
  { rule: 'domain-is-pure', says: 'a domain imports a library', from: 'ping/domain/checks.ts', imports: 'zod' },
  {
    rule: 'protocol-does-no-io',
    says: 'a codec imports its store',
    from: 'ping/protocol/keeps.ts',
    imports: 'ping/storage/store.ts',
  },
  {
    rule: 'protocol-does-no-io',
    says: 'a codec imports a Node module',
    from: 'ping/protocol/reads.ts',
    imports: 'node:fs',
  },
  {
    rule: 'storage-speaks-domain',
    says: 'a store imports a codec',
    from: 'ping/storage/wire.ts',
    imports: 'ping/protocol/echo.ts',
  },
  {
    rule: 'storage-speaks-domain',
    says: 'a store imports stanzas',
    from: 'ping/storage/stanza.ts',
    imports: 'kit/xml/element.ts',
  },
  { rule: 'sockets-at-the-edge', says: 'a socket in the middle', from: 'ping/sockets.ts', imports: 'node:net' },
  { rule: 'sockets-at-the-edge', says: 'dns/promises is dns', from: 'kit/bus/names.ts', imports: 'node:dns/promises' },
  { rule: 'main-is-the-top', says: 'somebody imports a main.ts', from: 'ping/top.ts', imports: 'ping/main.ts' },
  { rule: 'only-main-starts', says: 'a component logs by itself', from: 'ping/logs.ts', imports: 'kit/process/log.ts' },
  {
    rule: 'only-main-starts',
    says: 'settings.ts takes the log',
    from: 'ping/settings.ts',
    imports: 'kit/process/log.ts',
  },
  {
    rule: 'code-knows-no-tests',
    says: 'code imports a test',
    from: 'ping/tested.ts',
    imports: '../test/harness/scene.ts',
  },
  {
    rule: 'code-knows-no-tests',
    says: 'the demo imports a test',
    from: '../deploy/demo/tested.ts',
    imports: '../test/harness/scene.ts',
  },
  { rule: 'library-behind-our-word', says: 'a component imports a library', from: 'ping/library.ts', imports: 'zod' },
  {
    rule: 'library-behind-our-word',
    says: "yaml's place imports another library",
    from: 'kit/yaml/other.ts',
    imports: 'zod',
  },
  { rule: 'no-circles', says: 'two files import each other', from: 'ping/circle-a.ts', imports: 'ping/circle-b.ts' },
  { rule: 'no-orphans', says: 'a file that nobody imports', from: 'ping/lonely.ts' },
]

/** What the rules allow; here no rule but no-orphans may speak. */
const allowed: readonly Case[] = [
  { rule: '', says: '', from: 'ping/main.ts', imports: 'kit/process/log.ts' },
  { rule: '', says: '', from: 'pong/settings.ts', imports: 'kit/process/settings.ts' },
  { rule: '', says: '', from: 'ping/typed.ts', imports: 'kit/process/log.ts', type: true },
  { rule: '', says: '', from: 'ping/refuses.ts', imports: 'kit/process/command.ts' },
  { rule: '', says: '', from: 'cli/gatehouse.ts', imports: 'kit/process/settings.ts' },
  { rule: '', says: '', from: 'ping/network/wire.ts', imports: 'node:net' },
  { rule: '', says: '', from: 'ping/network/library.ts', imports: 'zod' },
  { rule: '', says: '', from: 'ping/storage/values.ts', imports: 'ping/domain/echo.ts' },
  { rule: '', says: '', from: 'ping/domain/addresses.ts', imports: 'kit/xmpp/jid.ts' },
  { rule: '', says: '', from: 'ping/protocol/codec.ts', imports: 'kit/xep/disco.ts' },
  { rule: '', says: '', from: 'kit/process/below.ts', imports: 'kit/bus/journal.ts' },
  { rule: '', says: '', from: 'kit/process/zod.ts', imports: 'zod' },
  { rule: '', says: '', from: 'kit/privilege/below.ts', imports: 'kit/router/router.ts' },
  { rule: '', says: '', from: 'kit/process/privileged.ts', imports: 'kit/privilege/privileges.ts' },
  { rule: '', says: '', from: 'ping/network/rosters.ts', imports: 'kit/privilege/privileges.ts' },
]

const leaves = [
  ...['kit/xml/element.ts', 'kit/xmpp/jid.ts', 'kit/xep/disco.ts', 'kit/yaml/yaml.ts', 'kit/bus/journal.ts'],
  ...['kit/router/router.ts', 'kit/privilege/privileges.ts', 'kit/transport/transport.ts'],
  ...['kit/process/log.ts', 'kit/process/settings.ts', 'kit/process/command.ts'],
  ...['ping/domain/echo.ts', 'ping/storage/store.ts', 'ping/protocol/echo.ts', '../test/harness/scene.ts'],
]

suite('arrows', () => {
  let folder = ''
  let found: Violation[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-arrows-'))
    for (const leaf of leaves) await plant(folder, leaf, 'export const leaf = 1\n')
    for (const one of [...cases, ...allowed]) await plant(folder, one.from, importOf(one))
    await plant(
      folder,
      'ping/circle-b.ts',
      importOf({ rule: '', says: '', from: 'ping/circle-b.ts', imports: 'ping/circle-a.ts' }),
    )
    await plant(folder, '../node_modules/zod/package.json', '{"name":"zod","version":"1.0.0","main":"index.js"}')
    await plant(folder, '../node_modules/zod/index.js', 'exports.leaf = 1\n')
    await plant(folder, '../package.json', '{"dependencies":{"zod":"1.0.0"}}')
    await cp(join(ROOT, 'tsconfig.json'), join(folder, 'tsconfig.json'))
    found = (await cruise(folder)).summary.violations
  })
  after(() => rm(folder, { recursive: true }))

  for (const one of cases) {
    test(`${one.rule}: ${one.says}`, () => {
      assert.ok(
        found.some(({ rule, from }) => rule.name === one.rule && from === place(one.from)),
        `no ${one.rule} for ${one.from}; found ${found.filter(({ from }) => from === place(one.from)).map(({ rule }) => rule.name)}`,
      )
    })
  }

  test('every rule of the file is provoked above', () => {
    const rules: { forbidden: { name: string }[] } = createRequire(import.meta.url)(CONFIG)
    assert.deepEqual(
      [...new Set(rules.forbidden.map(({ name }) => name))].sort(),
      [...new Set(cases.map(({ rule }) => rule))].sort(),
    )
  })

  test('what is allowed is left alone', () => {
    const places = allowed.map(({ from }) => place(from))
    const wrong = found.filter(({ rule, from }) => rule.name !== 'no-orphans' && places.includes(from))
    assert.deepEqual(wrong, [])
  })

  test('files are really looked at: every file of components/ and deploy/ is in the cruise', async () => {
    const { summary, modules } = await cruise(ROOT)
    assert.ok(summary.totalCruised > 0)
    const seen = new Set(modules.map(({ source }) => source))
    const files = globSync(['components/**/*.ts', 'deploy/**/*.ts'], { cwd: ROOT })
    assert.ok(files.length > 0)
    assert.deepEqual(
      files.filter((file) => !seen.has(file)),
      [],
    )
  })
})

function place(file: string): string {
  return join('components', file)
}

function importOf({ from, imports, type }: Case): string {
  if (imports === undefined) return 'export const alone = 1\n'
  const outside = imports === 'zod' || imports.startsWith('node:')
  const up = '../'.repeat(dirname(place(from)).split('/').length)
  const target = outside ? imports : `${up}${place(imports)}`
  return type === true
    ? `import type { leaf } from '${target}'\nexport type Planted = typeof leaf\n`
    : `import * as leaf from '${target}'\nexport const planted = leaf\n`
}

async function plant(folder: string, file: string, text: string): Promise<void> {
  const path = join(folder, place(file))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

function cruise(folder: string): Promise<Cruise> {
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
  const args = [program, '--config', CONFIG, '--output-type', 'json', 'components', 'deploy']
  return new Promise((resolve, reject) => {
    // Exits with the number of errors, so only the output counts.
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 256 * 2 ** 20 }, (fault, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr, { cause: fault }))
      else resolve(JSON.parse(stdout))
    })
  })
}
