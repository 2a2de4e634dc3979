// SPDX-License-Identifier: Apache-2.0
// The command line from outside, over the test program: help, exit codes, check and status.

import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { World } from '../../components/cli/call.ts'
import { gatehouse } from '../../components/cli/gatehouse.ts'
import { configFolder } from '../../components/cli/settings.ts'
import { programOf } from '../../deploy/command.ts'
import { GATEHOUSE, openPlace, runCli, runToEnd, startProbe } from '../kit/process/probe.ts'

const PROGRAMS = fileURLToPath(new URL('../kit/process/programs/', import.meta.url))
const REAL = programOf('cli')

describe('help', () => {
  it('of a stopped process comes from its program, of a running one from its socket, and is the same', async () => {
    using place = openPlace()
    const stopped = await runCli(place, 'probe', '--help')
    assert.equal(stopped.exit, 0)
    assert.match(
      stopped.out,
      /^probe: a process that only tests start\.\n\n {2}probe count TO +Counts to a number\.\n(.*\n)* {2}probe odd … +Says what/,
    )
    await using _probe = await startProbe(place)
    assert.deepEqual(await runCli(place, 'probe', '--help'), stopped)
  })

  it('of one command names its parameters, their types and defaults, and the right', async () => {
    using place = openPlace()
    const { out } = await runCli(place, 'probe', 'odd', '--help')
    assert.match(out, /^gatehouse probe odd \[WORDS\] \[--since TIME\] \[--file PATH\] \[--loud\]\n/)
    assert.match(out, /\n {2}--since TIME +Words, in one text\.\n/)
    assert.match(out, /The right needed: operator\.\n$/)
  })

  it('of what stands behind `help`, as with --help', async () => {
    using place = openPlace()
    assert.deepEqual(await runCli(place, 'help', 'probe'), await runCli(place, 'probe', '--help'))
    for (const own of ['check', 'status']) {
      const { exit, out } = await runCli(place, own, '--help')
      assert.equal(exit, 0)
      assert.match(out, new RegExp(`^gatehouse ${own} .*\n\n[^]*Anyone may`))
      assert.deepEqual(await runCli(place, 'help', own), { exit, out, err: '' })
    }
    assert.deepEqual(await runCli(place, 'help', 'probe', 'odd'), await runCli(place, 'probe', 'odd', '--help'))
    assert.equal((await runCli(place, 'help', 'porbe')).exit, 2)
  })

  it('lists the components and the exit codes, in German for a German terminal', async () => {
    using place = openPlace()
    const english = await runCli(place, '--help')
    assert.match(english.out, /\n {2}probe +a process that only tests start\.\n/)
    assert.match(english.out, /Exit codes: 0 done, 1 a fault, 2 wrong usage or bad settings, 3 .*, 4 .*, 5 not found\./)
    const german = await runToEnd(process.execPath, [GATEHOUSE, '--config', place.config, '--help'], {
      ...process.env,
      LC_ALL: 'de_AT.UTF-8',
    })
    assert.match(german.out, /\n {2}probe +ein Prozess, den nur Prüfungen starten\.\n/)
    const nothing = await runCli(place)
    assert.deepEqual([nothing.exit, nothing.out], [2, english.out])
  })

  it('of the real components: each is listed, and each can be asked', async () => {
    const { exit, out } = await runToEnd(process.execPath, [REAL, '--help'], {
      ...process.env,
      LC_ALL: 'C',
      GATEHOUSE_CONFIG: '/nonexistent',
    })
    assert.equal(exit, 0)
    for (const name of ['archive', 'policy']) assert.match(out, new RegExp(`\\n {2}${name} +\\S`))
    assert.doesNotMatch(out, /cannot be asked/)
  })
})

describe('a word that other programs have', () => {
  it('is understood as the one that is meant', async () => {
    for (const [said, meant] of [
      ['find', 'search'],
      ['cat', 'show'],
      ['delete', 'erase'],
    ]) {
      const { exit, err } = await runToEnd(process.execPath, [REAL, 'archive', said ?? '', 'x'], {
        ...process.env,
        LC_ALL: 'C',
        GATEHOUSE_CONFIG: tmpdir(),
      })
      assert.deepEqual([exit, err], [2, `There is no command archive ${said}. Is archive ${meant} meant?\n`])
    }
  })
})

describe('exit codes', () => {
  it('0 done, 1 a fault, 2 wrong usage, 5 not found; 3 when it does not run', async () => {
    using place = openPlace()
    {
      await using _probe = await startProbe(place)
      const cases: [string[], number, RegExp][] = [
        [['probe', 'count', '2'], 0, /^$/],
        [['probe', 'count', '--to', '-1'], 1, /The command failed/],
        [['probe', 'count', 'many'], 2, /--to: a number is wanted/],
        [['probe', 'count'], 2, /^TO is missing\. It is said like this: gatehouse probe count TO\n$/],
        [['probe', 'odd', '--since'], 2, /^--since needs a value\.\n$/],
        [['probe', 'cuont', '2'], 2, /Is probe count meant\?/],
        [['probe', 'whoami', '--limit', 'abc'], 2, /^--limit is not known here; this command has no options/],
        [['porbe', 'count', '2'], 2, /Is probe meant\?/],
        [['probe', 'count', '2', '--tow', '3'], 2, /--tow is not known here/],
        [['--frob'], 2, /--frob: not known here/],
        [['--lang', 'de', 'status'], 2, /^--lang: not known here; is --language meant\?\n$/],
        [['probe', '--lang', 'de'], 2, /^--lang: not known here; is --language meant\?\n$/],
        [['--config'], 2, /--config: not known here, or its value is missing/],
        [['status', 'probe'], 2, /^Too many words: probe\n$/],
        [['check', 'probe'], 2, /^Too many words: probe\n$/],
        [['probe', 'count', '0'], 5, /nothing to count/],
      ]
      for (const [args, exit, text] of cases) {
        const ended = await runCli(place, ...args)
        assert.equal(ended.exit, exit, args.join(' '))
        assert.match(ended.err, text)
      }
    }
    const stopped = await runCli(place, 'probe', 'count', '2')
    assert.equal(stopped.exit, 3)
    assert.match(
      stopped.err,
      /^probe does not run; the settings asked by are those in \/.* \(--config FOLDER names others\)\.\n$/,
    )
    const json = await runCli(place, 'probe', 'count', '2', '--json')
    assert.deepEqual(JSON.parse(json.err), { version: 1, exit: 3, text: stopped.err.trimEnd() })
  })

  it('a process that dies under a command is a fault that says so', async () => {
    using place = openPlace()
    await using probe = await startProbe(place)
    const asking = runCli(place, 'probe', 'wait')
    await probe.log.next('waiting')
    probe.kill('SIGKILL')
    const { exit, err } = await asking
    assert.deepEqual([exit, err], [1, 'The answer of probe was cut off.\n'])
  })

  it('a reader that leaves, such as head, is no fault that anybody sees', async () => {
    using place = openPlace()
    await using _probe = await startProbe(place)
    const { out, err } = await runToEnd('sh', [
      '-c',
      `${process.execPath} ${GATEHOUSE} --config ${place.config} probe count 100000 --json | head -n 1`,
    ])
    assert.equal(out.split('\n').length, 2)
    assert.equal(err, '')
  })
})

describe('a reader that has gone before a word', () => {
  it('ends a command, its refusal, and help with no word and no fault', async () => {
    using place = openPlace()
    await using _probe = await startProbe(place)
    const run = (...argv: string[]) => {
      // As a pipe whose other end is closed.
      const write = (_: unknown, __: unknown, done: (fault: Error) => void) =>
        void setImmediate(() => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })))
      const [out, err] = [new Writable({ highWaterMark: 1, write }), new PassThrough()]
      const said = text(err)
      const world = {
        components: PROGRAMS,
        environment: { LC_ALL: 'C' },
        folder: place.folder,
        software: '0',
        out,
        err,
      }
      const exit = gatehouse({ ...world, argv: ['--config', place.config, ...argv] })
      return exit.then((code) => {
        err.end()
        return said.then((words) => [code, words])
      })
    }
    for (const argv of [['probe', 'count', '3'], ['probe', 'count', '3', '--json'], ['status'], ['--help']])
      assert.deepEqual(await run(...argv), [0, ''], argv.join(' '))
    assert.deepEqual(await run('probe', 'count', '0'), [5, 'nothing to count\n'])
  })
})

describe('the folder of settings', () => {
  it('that was named must be there for every command but help: 2 where it is not', async () => {
    using place = openPlace()
    const gone = join(place.folder, 'gone')
    for (const args of [['status'], ['check'], ['probe', 'count', '2']]) {
      const { exit, err } = await runToEnd(process.execPath, [GATEHOUSE, '--config', gone, ...args])
      assert.deepEqual([exit, err], [2, `There is no folder ${gone} with settings.\n`])
    }
    const named = await runToEnd(process.execPath, [GATEHOUSE, 'status'], { ...process.env, GATEHOUSE_CONFIG: gone })
    assert.equal(named.exit, 2)
    const help = await runToEnd(process.execPath, [GATEHOUSE, '--config', gone, 'probe', '--help'])
    assert.equal(help.exit, 0)
  })

  it('is the one of the system, and ./config only where that is not there', () => {
    using place = openPlace()
    const world = { environment: {}, folder: place.folder } as World
    const expected = existsSync('/etc/gatehouse') ? '/etc/gatehouse' : place.config
    assert.deepEqual(configFolder(world, undefined), { folder: expected, missing: false })
    rmSync(place.config, { recursive: true })
    assert.deepEqual(configFolder(world, undefined), { folder: '/etc/gatehouse', missing: false })
    const elsewhere = { ...world, environment: { GATEHOUSE_CONFIG: 'elsewhere' } } as World
    assert.deepEqual(configFolder(elsewhere, undefined), { folder: join(place.folder, 'elsewhere'), missing: true })
    assert.deepEqual(configFolder(elsewhere, 'said'), { folder: join(place.folder, 'said'), missing: true })
  })
})

describe('arguments', () => {
  it('paths count from where the person stands, also under npm run', async () => {
    using place = openPlace()
    await using _probe = await startProbe(place)
    const { out } = await runToEnd(process.execPath, [GATEHOUSE, 'probe', 'odd', '--file', 'x/y', '--json'], {
      ...process.env,
      INIT_CWD: place.folder,
      GATEHOUSE_CONFIG: 'config',
    })
    assert.equal(JSON.parse(out.split('\n')[1] ?? '').args.file, join(place.folder, 'x/y'))
  })

  it('several words reach the command as one text', async () => {
    using place = openPlace()
    await using _probe = await startProbe(place)
    const { out } = await runCli(place, 'probe', 'odd', 'red', 'wine', '--json', '--loud')
    assert.deepEqual(JSON.parse(out.split('\n')[1] ?? '').args, { words: 'red wine', loud: true })
  })
})

describe('check', () => {
  it('asks every component that is set up, and nothing need run', async () => {
    using place = openPlace()
    const good = await runCli(place, 'check')
    assert.deepEqual([good.exit, good.out], [0, `probe: good: ${place.file}, ${place.shared}.\n`])
    writeFileSync(place.file, 'keep_for: soon\nkeep_fro: 1\n')
    const bad = await runCli(place, 'check')
    assert.equal(bad.exit, 2)
    assert.deepEqual(bad.out.split('\n').slice(0, 2), [
      'probe: 2 things are wrong:',
      `${place.file}:1: keep_for: "soon": a length of time is wanted, such as 30 s, 5 min, 2 h or 30 days`,
    ])
    const json = await runCli(place, 'check', '--json')
    assert.equal(json.exit, 2)
    const told = JSON.parse(json.out)
    assert.deepEqual([told.component, told.ok, told.problems.length], ['probe', false, 2])
  })

  it('says what is wrong in the language of the one who asks', async () => {
    using place = openPlace('keep_for: soon\nkeep_fro: 1\n')
    const { exit, out } = await runCli(place, 'check', '--language', 'de')
    assert.equal(exit, 2)
    assert.deepEqual(out.split('\n').slice(0, 3), [
      'probe: 2 Angaben sind falsch:',
      `${place.file}:1: keep_for: "soon": verlangt wird eine Zeitdauer, etwa 30 s, 5 min, 2 h oder 30 days`,
      `${place.file}:2: keep_fro: keine solche Einstellung; ist keep_for gemeint?`,
    ])
    const [told] = (await runCli(place, 'check', '--json', '--language', 'de')).out.split('\n')
    assert.match(JSON.parse(told ?? '').problems[0].wanted, /^verlangt wird eine Zeitdauer/)
    writeFileSync(place.file, 'keep_for: 400 days\n')
    assert.match((await runCli(place, 'check', '--language', 'de')).out, /: verlangt werden höchstens 365 Tage\n/)
    writeFileSync(place.file, 'mark: "x\n')
    assert.match(
      (await runCli(place, 'check', '--language', 'de')).out,
      /:1: ein Anführungszeichen ist hier .*: "mark: /,
    )
    writeFileSync(place.shared, 'folders: { runn: x }\n')
    const bad = await runCli(place, 'status', '--language', 'de')
    assert.deepEqual(
      [bad.exit, bad.err],
      [2, `${place.shared}:1: folders.runn: keine solche Einstellung; ist run gemeint?\n`],
    )
  })

  it('warns of people who are not known here, and of a shared file that is not there, and calls it no mistake', async () => {
    using place = openPlace(
      '',
      'people: { officers: [{ user: nobody-here }, { user: root }], auditors: [{ group: no-such }, { jid: a@b.example }, { jid: A@c.example }, { jid: a@c.example }, { jid: c.example }, { user: "0" }] }\nserver: { hosts: [c.example] }\n',
    )
    const warned = await runCli(place, 'check')
    assert.deepEqual(
      [warned.exit, warned.out.split('\n').slice(1)],
      [
        0,
        [
          `${place.shared}: people.officers: there is no user nobody-here on this machine.`,
          `${place.shared}: people.auditors: there is no group no-such on this machine.`,
          `${place.shared}: people.auditors: the host of a@b.example is not in server: hosts. It holds no right.`,
          `${place.shared}: people.auditors: A@c.example is not as the server writes it: a@c.example. It holds no right.`,
          `${place.shared}: people.auditors: c.example is no address of a person, such as olga@corp.example. It holds no right.`,
          `${place.shared}: people.auditors: there is no user 0 on this machine.`,
          '',
        ],
      ],
    )
    const rows = (await runCli(place, 'check', '--json')).out.trimEnd().split('\n')
    assert.equal(JSON.parse(rows[1] ?? '').warnings.length, 6)
    rmSync(place.shared)
    const without = await runCli(place, 'check')
    assert.deepEqual(
      [without.exit, without.out],
      [0, `probe: good: ${place.file}.\n${place.shared} is not there; its defaults hold, and only root has rights.\n`],
    )
  })

  it('says so when nothing is set up, and when the shared file is bad', async () => {
    using place = openPlace()
    rmSync(place.file)
    const nothing = await runCli(place, 'check')
    assert.equal(nothing.exit, 2)
    assert.ok(nothing.err.startsWith(`No settings file of a component is in ${place.config}. Copy `), nothing.err)
    writeFileSync(join(place.config, 'gatehouse.yaml'), 'folders: { runn: x }\n')
    const bad = await runCli(place, 'check')
    assert.deepEqual(
      [bad.exit, bad.err],
      [2, `${join(place.config, 'gatehouse.yaml')}:1: folders.runn: no such setting; is run meant?\n`],
    )
  })
})

describe('status', () => {
  it('shows what runs: 0 well, 3 stopped', async () => {
    using place = openPlace()
    const stopped = await runCli(place, 'status')
    assert.equal(stopped.exit, 3)
    assert.match(stopped.out, /\nprobe +stopped +- +-\n/)
    await using _probe = await startProbe(place)
    const well = await runCli(place, 'status', '--json')
    assert.equal(well.exit, 0)
    const { software, ...rest } = JSON.parse(well.out)
    assert.deepEqual(rest, { version: 1, component: 'probe', state: 'well', wrong: null })
    assert.match(software, /^\d+\.\d+\.\d+$/)
  })

  it('says so where nothing is set up', async () => {
    using place = openPlace()
    rmSync(place.file)
    const nothing = await runCli(place, 'status')
    assert.equal(nothing.exit, 2)
    assert.ok(nothing.err.startsWith(`No settings file of a component is in ${place.config}. Copy `), nothing.err)
  })

  it('says what is wrong in the language of the one who asks', async () => {
    using place = openPlace('behave: be ill\n')
    await using _probe = await startProbe(place)
    const wrong = async (...argv: string[]) => JSON.parse((await runCli(place, 'status', '--json', ...argv)).out).wrong
    assert.deepEqual([await wrong(), await wrong('--language', 'de')], ['planted illness', 'gepflanzte Krankheit'])
  })
})
