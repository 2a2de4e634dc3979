// SPDX-License-Identifier: Apache-2.0
// Each folder in bad-settings/ holds a config and the words it must be refused with: each line of expected.txt is the begin of
// one line on standard error, in that order, and there is no other line.
import assert from 'node:assert/strict'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { BadSettings, readSettings, shape } from '../../../components/kit/process/settings.ts'
import { readDuration, Secret } from '../../../components/kit/process/words.ts'
import { inWords, problemLines } from '../../harness/in-words.ts'
import { openPlace, runProbe } from './probe.ts'

const BAD = fileURLToPath(new URL('./bad-settings/', import.meta.url))

describe('bad settings', () => {
  for (const name of readdirSync(BAD)) {
    it(`${name}: all errors at once, with file and line, and exit code 2`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bad-'))
      try {
        cpSync(join(BAD, name), folder, { recursive: true })
        if (!existsSync(join(folder, 'probe.secret')))
          writeFileSync(join(folder, 'probe.secret'), 'hush', { mode: 0o600 })
        const expected = readFileSync(join(folder, 'expected.txt'), 'utf8').trimEnd().split('\n')
        const { exit, out, err } = await runProbe('--check', join(folder, 'probe.yaml'))
        const told = err.trimEnd().split('\n')
        assert.equal(exit, 2)
        assert.equal(out, '')
        assert.equal(told.length, expected.length, err)
        for (const [index, line] of told.entries()) {
          const wanted = join(folder, expected[index] ?? '')
          assert.equal(line.slice(0, wanted.length), wanted)
        }
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  }
})

describe('--check', () => {
  it('a start is refused with the same words and exit code', async () => {
    using place = openPlace('keep_for: soon\n')
    const started = await runProbe(place.file)
    assert.deepEqual(started, await runProbe('--check', place.file))
    assert.equal(started.exit, 2)
    assert.equal(existsSync(place.run), false)
  })

  it('says yes, with the merged result, and starts nothing', async () => {
    using place = openPlace('keep_for: 2 h\nhosts:\n  a.example:\nlog: { level: warn }\n')
    const { exit, out } = await runProbe('--check', place.file)
    assert.equal(exit, 0)
    const inForce = JSON.parse(out.slice(out.indexOf('{')))
    assert.deepEqual(inForce.hosts, { 'a.example': { on_outage: 'closed' } })
    assert.equal(inForce.keep_for, '2 h')
    assert.equal(inForce.secret_file, 'set')
    assert.deepEqual(inForce.log, { level: 'warn' })
    assert.deepEqual(inForce.metrics, { address: '127.0.0.1', port: 0 })
    assert.deepEqual(inForce.folders, { state: '../state', run: '../run', journals: '../journals' })
    assert.equal(existsSync(place.run), false)
  })

  it('--json gives one object, good or bad', async () => {
    using place = openPlace('keep_for: soon\n')
    const bad = await runProbe('--check', '--json', place.file)
    assert.equal(bad.exit, 2)
    assert.deepEqual(JSON.parse(bad.out), {
      version: 1,
      component: 'probe',
      file: place.file,
      ok: false,
      problems: [
        {
          file: place.file,
          line: 1,
          setting: 'keep_for',
          read: '"soon"',
          wanted: 'a length of time is wanted, such as 30 s, 5 min, 2 h or 30 days',
        },
      ],
    })
    writeFileSync(place.file, '')
    const good = await runProbe('--check', '--json', place.file)
    assert.equal(good.exit, 0)
    assert.equal(JSON.parse(good.out).ok, true)
  })
})

describe('what was said becomes what holds', () => {
  const file = (text: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-words-'))
    writeFileSync(join(folder, 'x.yaml'), text)
    return { path: join(folder, 'x.yaml'), folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
  }

  it('durations give ms and sizes bytes, in every unit', () => {
    const cases = {
      '250 ms': 250,
      '30 s': 30_000,
      '5 min': 300_000,
      '2 h': 7_200_000,
      '1 day': 86_400_000,
      '1.5 h': 5_400_000,
      '2 weeks': 1_209_600_000,
      '30s': 30_000,
    }
    for (const [said, ms] of Object.entries(cases)) assert.equal(readDuration(said), ms, said)
    for (const wrong of ['30', 's', '-1 s', '1 fortnight', '1e3 s', '1 s 2 s', '', '1 constructor'])
      assert.equal(readDuration(wrong), null, wrong)
  })

  it('a quantity out of its bounds is told with the bound', () => {
    using one = file('within: 2 min\n')
    const read = readSettings(
      shape({
        metricsPort: 0,
        fields: (words) => ({ within: words.duration({ default: '1 s', atMost: '1 min' }) }),
        hold: (said) => said,
      }),
      one.path,
      {},
    )
    assert.deepEqual(read.ok ? [] : read.problems.map((problem) => inWords(problem.wanted)), [
      'at most 1 min is wanted',
    ])
  })

  it('the second step tells of what was not said without calling it missing, and of other files', () => {
    using one = file('\n\na: 1\n')
    const declared = (throws: boolean) =>
      shape({
        metricsPort: 0,
        fields: (words) => ({
          a: words.whole({ min: 0, max: 9, default: 0 }),
          b: words.whole({ min: 0, max: 9, default: 0 }),
        }),
        hold(said, _shared, tell) {
          if (said.b < said.a) tell(['b'], 'kit-wanted-at-least', { bound: 'a' })
          if (throws)
            throw new BadSettings([
              { file: 'rules', line: 7, setting: null, read: null, wanted: { id: 'policy-wanted-rule' } },
            ])
          return said
        },
      })
    const lines = (throws: boolean) => {
      return problemLines(readSettings(declared(throws), one.path, {}))
    }
    assert.deepEqual(lines(false), [`${one.path}:3: b: at least a is wanted`])
    assert.deepEqual(lines(true), [
      `${one.path}:3: b: at least a is wanted`,
      'rules:7: a rule with id, when and then is wanted',
    ])
  })

  it('paths count from the folder of the file; an obligatory setting is told when it is missing', () => {
    using one = file('where: sub/x\n')
    const declared = shape({
      metricsPort: 0,
      fields: (words) => ({ where: words.path(), name: words.text() }),
      hold: (said) => said,
    })
    const read = readSettings(declared, one.path, {})
    assert.deepEqual(read.ok ? [] : read.problems.map((problem) => [problem.setting, inWords(problem.wanted)]), [
      ['name', 'is missing: a text is wanted'],
    ])
    writeFileSync(one.path, 'where: sub/x\nname: n\n')
    const good = readSettings(declared, one.path, {})
    assert.equal(good.ok && good.settings.where, join(one.folder, 'sub/x'))
  })

  it('a secret comes from the credentials of systemd before the path, is not readable by all, and never shows', () => {
    using one = file('key_file: /nowhere/key\n')
    const declared = shape({
      metricsPort: 0,
      fields: (words) => ({ key_file: words.secretFile() }),
      hold: (said) => said.key_file,
    })
    const credentials = join(one.folder, 'credentials')
    mkdirSync(credentials)
    writeFileSync(join(credentials, 'key'), 'from systemd\n', { mode: 0o400 })
    const read = readSettings(declared, one.path, { CREDENTIALS_DIRECTORY: credentials })
    assert.ok(read.ok)
    assert.equal(read.settings.reveal(), 'from systemd')
    for (const shown of [
      String(read.settings),
      JSON.stringify(read.settings),
      inspect(read.settings),
      JSON.stringify(read.inForce),
    ]) {
      assert.doesNotMatch(shown, /from systemd/)
      assert.match(shown, /set/)
    }
    assert.ok(read.settings instanceof Secret)
    // One that systemd was not told of: what its unit lacks is said.
    rmSync(join(credentials, 'key'))
    assert.match(
      problemLines(readSettings(declared, one.path, { CREDENTIALS_DIRECTORY: credentials })).join(),
      /LoadCredential=key:\/nowhere\/key/,
    )
    writeFileSync(join(credentials, 'key'), 'from systemd\n')
    chmodSync(join(credentials, 'key'), 0o444)
    const open = readSettings(declared, one.path, { CREDENTIALS_DIRECTORY: credentials })
    assert.match(problemLines(open).join(), /only its owner and group/)
  })

  it('a secret that was not given is not said to be set', () => {
    using one = file('')
    writeFileSync(join(dirname(one.path), 'other'), 'hush', { mode: 0o600 })
    const declared = shape({
      metricsPort: 0,
      fields: (words) => ({
        key_file: words.maybe(words.secretFile()),
        keys: words.map(words.group({ file: words.maybe(words.secretFile()) })),
      }),
      hold: (said) => said.key_file,
    })
    const without = readSettings(declared, one.path, {})
    assert.ok(without.ok)
    assert.equal(without.settings, undefined)
    assert.deepEqual([Object.hasOwn(without.inForce, 'key_file'), without.inForce.keys], [false, {}])
    writeFileSync(one.path, 'key_file: other\nkeys: { a: {}, b: { file: other } }\n')
    const given = readSettings(declared, one.path, {})
    assert.ok(given.ok)
    assert.deepEqual([given.inForce.key_file, given.inForce.keys], ['set', { a: {}, b: { file: 'set' } }])
  })

  it('no text makes the reader throw: it holds, or every problem has a line of the file', () => {
    using one = file('')
    const declared = shape({
      metricsPort: 0,
      fields: (words) => ({
        within: words.duration({ default: '1 s' }),
        size: words.size({ default: '1 B' }),
        hosts: words.map(words.group({ mode: words.choice(['a', 'b'], { default: 'a' }) })),
        names: words.list(words.person(['user', 'group']), { default: [] }),
        file: words.maybe(words.path()),
      }),
      hold: (said) => said,
    })
    const names = fc.constantFrom(
      'within',
      'size',
      'hosts',
      'names',
      'file',
      'log',
      'metrics',
      'shared',
      '__proto__',
      'constructor',
      'x.y',
      '? a',
      '- b',
    )
    const values = fc.oneof(
      fc.string(),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.constantFrom('', '1 s', '&a', '*a', '!!x', '|', '{', '[null]', '~', '1e999', '.nan'),
    )
    const lines = fc.array(
      fc.tuple(fc.nat(3), names, values).map(([deep, name, value]) => `${' '.repeat(deep)}${name}: ${value}`),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          lines.map((all) => all.join('\n')),
          fc.string(),
        ),
        (text) => {
          writeFileSync(one.path, text)
          const read = readSettings(declared, one.path, {})
          if (read.ok) return
          const count = text.split(/\r\n|\n|\r/).length
          assert.ok(read.problems.length > 0)
          for (const { line, wanted, file: where } of read.problems) {
            if (where !== one.path) continue
            assert.ok(Number.isInteger(line) && line >= 1 && line <= count + 1, `${line} of ${count}`)
            assert.match(inWords(wanted, 'de'), /\S/)
          }
        },
      ),
      { numRuns: process.env.GATEHOUSE_LONG === '1' ? 20_000 : 1_000 },
    )
    assert.equal(Object.hasOwn(Object.prototype, 'mode'), false)
  })

  it('--schema describes the file for editors, --shared-schema the shared one', async () => {
    const own = JSON.parse((await runProbe('--schema')).out)
    assert.deepEqual(Object.keys(own.properties), [
      'keep_for',
      'largest',
      'secret_file',
      'hosts',
      'behave',
      'mark',
      'version',
      'shared',
      'metrics',
      'log',
    ])
    assert.equal(own.properties.keep_for.default, '30 days')
    assert.equal(own.additionalProperties, false)
    const shared = JSON.parse((await runProbe('--shared-schema')).out)
    assert.ok(Object.keys(shared.properties).includes('people'), basename(BAD))
  })
})
