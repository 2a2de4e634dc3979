// SPDX-License-Identifier: Apache-2.0
// Settings have a version. The golden folder of each holds a file of every kind with a word on every setting, and what these
// mean. This program reads the golden files of its own version and of the one before; what a later one adds may be there too.
// `released-X.Y.Z` are those of a release, which never change: within a version settings are added, and none changes its meaning.
import assert from 'node:assert/strict'
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { suite, test } from 'node:test'
import { archiveSettings } from '../../components/archive/settings.ts'
import { directorySettings } from '../../components/directory/settings.ts'
import {
  readSettings,
  type SettingsShape,
  settingsSchema,
  sharedSchema,
} from '../../components/kit/process/settings.ts'
import { SETTINGS_VERSION } from '../../components/kit/process/shared-settings.ts'
import { readYaml } from '../../components/kit/yaml/yaml.ts'
import { readRules } from '../../components/policy/rules/rule-file.ts'
import { policySettings } from '../../components/policy/settings.ts'
import { transportIrcSettings } from '../../components/transport-irc/settings.ts'
import { inWords } from '../harness/in-words.ts'

const GOLDEN = resolve(import.meta.dirname, '../golden')
const kinds: Readonly<Record<string, SettingsShape<unknown>>> = {
  archive: archiveSettings,
  directory: directorySettings,
  policy: policySettings,
  'transport-irc': transportIrcSettings,
}

suite('settings', () => {
  const folders = [SETTINGS_VERSION, SETTINGS_VERSION - 1]
    .flatMap((version) => [`settings-${version}`, ...globSync(`released-*/settings-${version}`, { cwd: GOLDEN })])
    .filter((name) => existsSync(join(GOLDEN, name)))
  assert.ok(folders.length > 1)
  for (const name of folders) {
    test(`in ${name} mean what they meant when it was released`, (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'gatehouse-golden-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const golden = join(GOLDEN, name)
      cpSync(golden, folder, { recursive: true })
      writeFileSync(join(folder, 'secret'), 'hush: nobody is to know', { mode: 0o600 })
      for (const file of ['password', 'ca.pem', 'c.pem', 'k.pem'])
        writeFileSync(join(folder, file), 'there', { mode: 0o600 })
      const means = Object.fromEntries(
        Object.entries(kinds).flatMap(([kind, shape]) => {
          const file = join(folder, `${kind}.yaml`)
          if (!existsSync(file)) return []
          const read = readSettings(shape, file, {})
          assert.ok(read.ok, JSON.stringify(read))
          return [[kind, { settings: read.settings, shared: read.shared, common: read.common }]]
        }),
      )
      const rules = readRules(readFileSync(join(folder, 'rules.yaml')))
      assert.ok(rules.ok)
      // How rules are found and matched is nobody's contract.
      const { index: _index, matcher: _matcher, ...ruleSet } = rules.set
      const said = JSON.stringify({ ...means, rules: ruleSet }, listed, 1).replaceAll(folder, 'FOLDER')
      const file = join(golden, 'means.json')
      if (process.env.GATEHOUSE_WRITE_GOLDEN === '1' && !name.startsWith('released-')) writeFileSync(file, `${said}\n`)
      assert.partialDeepStrictEqual(JSON.parse(said), JSON.parse(readFileSync(file, 'utf8')))
    })
  }

  test('have a word on every setting in the golden files of this version, other than its default', () => {
    const golden = join(GOLDEN, `settings-${SETTINGS_VERSION}`)
    const schemas = {
      gatehouse: sharedSchema(),
      archive: settingsSchema(archiveSettings),
      directory: settingsSchema(directorySettings),
      policy: settingsSchema(policySettings),
      'transport-irc': settingsSchema(transportIrcSettings),
    }
    for (const [name, schema] of Object.entries(schemas)) {
      const read = readYaml(readFileSync(join(golden, `${name}.yaml`), 'utf8'))
      assert.ok(read.ok)
      assert.deepEqual(unsaid(schema as Schema, read.yaml.value), ['version'], `${name}.yaml`)
    }
  })

  test('of a version that is not known are refused', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-golden-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'archive.yaml')
    for (const version of [SETTINGS_VERSION + 1, 0, 1.5, "'1'"]) {
      writeFileSync(file, `version: ${version}\n`)
      const read = readSettings(archiveSettings, file, {})
      assert.ok(!read.ok)
      assert.match(inWords(read.problems[0]?.wanted), /^version \d+ is wanted; this program reads no/)
    }
  })
})

type Schema = { properties?: Record<string, Schema>; default?: unknown }

/** Names of settings that a file does not name, or names with their default. */
function unsaid(schema: Schema, said: unknown, path = ''): string[] {
  if (schema.properties === undefined) {
    return said === undefined || JSON.stringify(said) === JSON.stringify(schema.default) ? [path] : []
  }
  return Object.entries(schema.properties).flatMap(([name, below]) =>
    unsaid(below, (said as Record<string, unknown> | undefined)?.[name], path === '' ? name : `${path}.${name}`),
  )
}

function listed(_: string, value: unknown): unknown {
  return value instanceof Set ? [...value] : value
}
