// SPDX-License-Identifier: Apache-2.0
// What stands open beside the question: told by mod_gatehouse, and `gatehouse check` warns of it.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { it } from 'node:test'
import { gatehouse } from '../../../components/cli/gatehouse.ts'
import { startComponent } from '../../harness/component.ts'
import { HOST, soon } from '../both/house.ts'
import type { AllowScreen } from './allow-screen.ts'
import { type Gated, gate, openGated } from './gated.ts'

const COMPONENTS = join(import.meta.dirname, '../../../components')
const LAB = 'lab.example'

type Told = { host: string; off: string; modules: string[]; omitted: string }

/** What the screen was told so far by `host`, oldest first. */
function told(screen: AllowScreen): Told[] {
  return screen.seen.flatMap((iq) =>
    [...iq.matchAll(/^<iq type='set' from='([^']*)'.*<host at='[^']*'((?: [a-z]+='[^']*')*)\/>/g)].map(
      ([, host = '', said = '']) => {
        const of = (name: string) => new RegExp(` ${name}='([^']*)'`).exec(said)?.[1] ?? ''
        return { host, off: of('off'), modules: of('modules').split(' '), omitted: of('omitted') }
      },
    ),
  )
}

async function next(screen: AllowScreen, host: string, fits: (one: Told) => boolean): Promise<Told> {
  const before = told(screen).length
  const test = () =>
    told(screen)
      .slice(before)
      .some((one) => one.host === host && fits(one))
  await soon(screen.saw({ test } as unknown as RegExp), `the next word of ${host}`)
  return told(screen).findLast((one) => one.host === host && fits(one)) ?? assert.fail()
}

/** Options of the first host in the config file, read anew. */
async function setOptions(gated: Gated, change: (config: string) => string): Promise<void> {
  await writeFile(gated.prosody.configFile, change(await readFile(gated.prosody.configFile, 'utf8')))
  await gated.shell('config:reload()')
  await gated.shell(`module:reload("gatehouse", "${HOST}")`)
}

it('each host tells what is switched off and loaded: on it, on the server, on components that do not ask; and again when that changes', async () => {
  await using gated = await openGated({
    lines: ['gatehouse_ask = { "message", "join" }'],
    settings: {
      hosts: [{ name: LAB, lines: gate() }],
      components: [
        { name: `rooms.${HOST}`, module: 'muc', lines: gate() },
        { name: `bytes.${HOST}`, module: 'proxy65', lines: ['proxy65_ports = { }'] },
      ],
    },
  })
  const first = await gated.asking()
  const by = (host: string) => told(first).filter((one) => one.host === host)
  for (const host of [HOST, LAB, `rooms.${HOST}`]) await soon(first.saw(new RegExp(`from='${host}'.*<host `)), host)
  assert.deepEqual(
    by(HOST).map(({ off, omitted }) => [off, omitted]),
    [['error file iq pep room status subscription vcard', '']],
  )
  assert.deepEqual(
    by(LAB).map(({ off }) => off),
    [''],
  )
  const [own, lab, rooms] = [by(HOST)[0]?.modules, by(LAB)[0]?.modules, by(`rooms.${HOST}`)[0]?.modules]
  for (const name of ['gatehouse', 'roster', 'admin_shell', 'proxy65']) assert.ok(own?.includes(name), name)
  assert.ok(!own?.includes('muc'), 'that component speaks for itself')
  assert.ok(rooms?.includes('muc') && !rooms.includes('roster'))
  assert.ok(!lab?.includes('motd'))

  const loaded = next(first, LAB, ({ modules }) => modules.includes('motd'))
  await gated.shell(`module:load("motd", "${LAB}")`)
  await loaded
  const gone = next(first, LAB, ({ modules }) => !modules.includes('motd'))
  await gated.shell(`module:unload("motd", "${LAB}")`)
  await gone
  assert.equal(by(HOST).length, 1, 'nothing has changed for the others')

  const everywhere = [HOST, LAB].map((host) => next(first, host, ({ modules }) => modules.includes('http_errors')))
  await gated.shell('module:load("http", "*")')
  await gated.shell('module:load("http_errors", "*")')
  await Promise.all(everywhere)
  const onComponent = next(first, HOST, ({ modules }) => modules.includes('welcome'))
  await gated.shell(`module:load("welcome", "bytes.${HOST}")`)
  await onComponent

  const all = next(first, HOST, ({ off }) => off === '')
  await setOptions(gated, (config) => config.replace('gatehouse_ask = { "message", "join" }', ''))
  await all

  const before = told(first).length
  await gated.shell(`module:reload("version", "${HOST}")`)
  await first.close()
  const second = await gated.screen()
  for (const host of [HOST, LAB, `rooms.${HOST}`])
    await soon(second.saw(new RegExp(`from='${host}'.*<host `)), `${host} again`)
  assert.deepEqual(
    told(second)
      .map(({ host }) => host)
      .sort(),
    [HOST, LAB, `rooms.${HOST}`].sort(),
    'once each',
  )
  assert.equal(told(first).length, before, 'a reload changes nothing')
})

it('is at most 8 KiB, and says how many names had no room', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-many-'))
  const names = Array.from({ length: 150 }, (_, at) => `zz_${'x'.repeat(80)}_${at}`)
  for (const name of names) await writeFile(join(folder, `mod_${name}.lua`), '-- SPDX-License-Identifier: MIT\n')
  try {
    await using gated = await openGated({
      settings: { modules: names, pluginPaths: [folder] },
    })
    const screen = await gated.asking()
    const iq = await soon(screen.saw(/<host /), 'the report')
    const [report = ''] = /<host [^>]*>/.exec(iq) ?? []
    assert.ok(Buffer.byteLength(report) <= 8_192 && Buffer.byteLength(report) > 7_900, String(report.length))
    const [one] = told(screen)
    const named = one?.modules.filter((name) => name.startsWith('zz_')).length ?? 0
    assert.equal(named + Number(one?.omitted), names.length)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

it('`gatehouse check` warns of what stands open at a real server, and no more when it is closed', async () => {
  await using gated = await openGated({
    lines: ['gatehouse_ask = { "message", "error", "subscription", "join", "iq", "pep", "vcard", "room", "file" }'],
    settings: { modules: ['motd'], global: ['motd_text = "Good morning"', 'proxy65_ports = { }'] },
  })
  await writeFile(join(gated.folder, 'secret'), 'gate\n', { mode: 0o600 })
  await writeFile(join(gated.folder, 'rules.yaml'), 'version: 1\notherwise: allow\nrules: []\n')
  await writeFile(
    join(gated.folder, 'gatehouse.yaml'),
    `server: { port: ${gated.ports.component} }\nfolders: { run: ${gated.folder}/run, state: ${gated.folder}/state, journals: ${gated.folder}/journals }\n`,
  )
  const file = join(gated.folder, 'policy.yaml')
  await writeFile(file, `secret_file: secret\nhosts: [${HOST}]\nrules: rules.yaml\nmetrics: { port: 0 }\n`)
  await using policy = await startComponent({ name: 'policy', file, logFolder: gated.folder })
  const warnings = async () => {
    const { exit, lines } = await check(gated.folder)
    assert.equal(exit, 0)
    return lines
  }
  const until = async (what: string, fits: (lines: string[]) => boolean) => {
    const signal = AbortSignal.timeout(20_000)
    for (;;) {
      const lines = await warnings()
      if (fits(lines)) return lines
      signal.throwIfAborted()
      assert.ok(policy.pid, what)
    }
  }
  const [off, motd] = await until('both', (lines) => lines.length === 2)
  assert.match(off ?? '', /^policy: corp\.example: not asked about and not recorded are status: name them/)
  assert.match(motd ?? '', /^policy: corp\.example: mod_motd may speak in the name of the host/)
  // It is loaded, and only who has the machine gets at it: a line that everybody sees for ever teaches nobody.
  assert.ok(!(await check(gated.folder)).lines.some((line) => line.includes('mod_admin_shell')))
  await gated.shell('module:load("proxy65", "*")')
  await until('a global module', (lines) => lines.some((line) => line.includes('mod_proxy65 may move files')))
  await gated.shell('module:unload("proxy65", "*")')
  await gated.shell(`module:unload("motd", "${HOST}")`)
  await until('only the kind', (lines) => lines.length === 1 && lines[0] === off)
  await setOptions(gated, (config) => config.replace(/^ *gatehouse_ask = .*$/m, ''))
  assert.deepEqual(await until('nothing', (lines) => lines.length === 0), [])
})

async function check(folder: string): Promise<{ exit: number; lines: string[] }> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const said = text(out)
  const world = { components: COMPONENTS, environment: { LC_ALL: 'C' }, folder, software: '0', out, err }
  const exit = await gatehouse({ ...world, argv: ['--config', folder, 'check'] })
  out.end()
  return { exit, lines: (await said).split('\n').filter((line) => /^policy: (?!good)/.test(line)) }
}
