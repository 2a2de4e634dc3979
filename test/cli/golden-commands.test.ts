// SPDX-License-Identifier: Apache-2.0
// What `--json` prints for every command of policy and archive has a version: each line carries it. The golden files hold the
// commands with their parameters, and a line of every kind they print (`archive tail` prints those of `archive search`). Those of a
// release (`released-X.Y.Z`) never change: within a version commands, parameters, fields and rows are added, and none goes.
import assert from 'node:assert/strict'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gatehouse } from '../../components/cli/gatehouse.ts'
import { describe as learn } from '../../components/cli/network/ask.ts'
import { openJournal } from '../../components/kit/bus/file-journal.ts'
import { startComponent } from '../harness/component.ts'
import { startStage } from '../policy/stage.ts'

const GOLDEN = resolve(import.meta.dirname, '../golden')
const COMPONENTS = fileURLToPath(new URL('../../components/', import.meta.url))
const ME = userInfo().username
const SOURCE = '4f3c2a1b0d9e8f7a6b5c4d3e2f1a0b9c'
const ALL_RIGHTS = `people: { operators: [{ user: ${ME} }], officers: [{ user: ${ME} }], auditors: [{ user: ${ME} }] }\n`

/** Fields, and rows called so, whose values differ from run to run; the type stays. */
const VARIES =
  /^(at|recorded_at|kept_at|clock_difference_ms|clock_alarm|skewed|uid|user|bytes|oldest|newest|loaded_at|hits_since|salt|seal|journal|journal .*|store_version)$/

async function run(config: string, ...argv: string[]): Promise<string> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const [outText, errText] = [text(out), text(err)]
  const world = { components: COMPONENTS, environment: { LC_ALL: 'C' }, folder: config, software: '0', out, err }
  await gatehouse({ ...world, argv: ['--config', config, ...argv, '--json'] })
  out.end()
  err.end()
  const lines = `${await outText}${await errText}`
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.ok(lines.every((line) => line.version === 1))
  const settled = lines.map((line) => JSON.stringify(settle(line)))
  return `== gatehouse ${argv.join(' ')} --json\n${settled.join('\n')}\n`.replaceAll(config, 'FOLDER')
}

function settle(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => settle(one))
  if (typeof value === 'object' && value !== null) {
    const what = 'what' in value && typeof value.what === 'string' ? value.what : ''
    const entries = Object.entries(value)
    return Object.fromEntries(entries.map(([key, one]) => [key, settle(one, key === 'value' ? what : key)]))
  }
  if (name === 'id' && typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)) return 'ID'
  if (VARIES.test(name)) return value === null ? null : typeof value
  return typeof value === 'string' ? value.replaceAll(ME, 'ME') : value
}

async function declared(name: string, folder: string): Promise<string> {
  const { commands } = await learn({ name, run: join(folder, 'run') }, 'en')
  const lines = commands.map(({ help: _, ...one }) =>
    JSON.stringify({ ...one, parameters: one.parameters.map(({ help: _help, ...rest }) => rest) }),
  )
  return `== commands\n${lines.join('\n')}\n`
}

function compare(name: string, said: string): void {
  const golden = join(GOLDEN, name)
  if (process.env.GATEHOUSE_WRITE_GOLDEN === '1') writeFileSync(golden, said)
  assert.equal(said, readFileSync(golden, 'utf8'))
  const released = globSync(`released-*/${name}`, { cwd: GOLDEN })
  assert.ok(released.length > 0)
  for (const file of released) stillSaid(sections(readFileSync(join(GOLDEN, file), 'utf8')), sections(said), file)
}

type Sections = ReadonlyMap<string, readonly unknown[]>

function sections(file: string): Sections {
  const parts = file.trimEnd().split(/^== /m).slice(1)
  return new Map(
    parts.map((part) => {
      const [head = '', ...lines] = part.trimEnd().split('\n')
      return [head, lines.map((line) => JSON.parse(line))]
    }),
  )
}

/** Each line that was printed then is printed now, with at least what stood in it. */
function stillSaid(then: Sections, now: Sections, file: string): void {
  for (const [head, lines] of then)
    for (const line of lines)
      assert.ok(
        now.get(head)?.some((one) => holds(one, line)),
        `${file}: ${head}: ${JSON.stringify(line)} is no more`,
      )
}

function holds(now: unknown, then: unknown): boolean {
  try {
    assert.partialDeepStrictEqual(now, then)
    return true
  } catch {
    return false
  }
}

describe('--json of the commands, version 1', () => {
  it('of policy', async () => {
    await using stage = await startStage({ shared: ALL_RIGHTS })
    const parts = [await declared('policy', stage.folder)]
    for (const command of ['rules', 'journal', 'stats']) parts.push(await run(stage.folder, 'policy', command))
    parts.push(await run(stage.folder, 'policy', 'nothing'))
    compare('policy-json-1.txt', parts.join(''))
  })

  it('of archive', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-golden-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(
      join(folder, 'gatehouse.yaml'),
      `folders: { state: state, run: run, journals: journals }\n${ALL_RIGHTS}`,
    )
    const file = join(folder, 'archive.yaml')
    writeFileSync(file, 'metrics: { port: 0 }\n')
    {
      await using journal = await openJournal(join(folder, 'journals', 'policy'), { maxBytes: 1 << 30 })
      const facts = readFileSync(join(GOLDEN, 'facts-1.jsonl'), 'utf8').trimEnd().split('\n')
      await journal.append(facts.map((body) => ({ kind: String(JSON.parse(body).kind), version: 1, body })))
    }
    await using archive = await startComponent({ name: 'archive', file, logFolder: folder })
    assert.ok(archive.pid > 0)
    const parts = [await declared('archive', folder)]
    const commands = [
      ['show', `${SOURCE.slice(0, 8)}-4711`, '--reason', 'case 17'],
      ['show', `${SOURCE.slice(0, 8)}-4712`],
      ['show', `${SOURCE.slice(0, 8)}-9`],
      ['search', 'soft'],
      ['search', 'nothing'],
      ['gaps', '--all'],
      ['access'],
      ['backup', join(folder, 'copy.db')],
      ['stats'],
    ]
    for (const command of commands) parts.push(await run(folder, 'archive', ...command))
    assert.ok(existsSync(join(folder, 'copy.db')))
    compare('archive-json-1.txt', parts.join(''))
  })
})
