// SPDX-License-Identifier: Apache-2.0
// The other Debian of the long form: where its archive is, what is made anew, what a test sees in it, and what is said where there can be none.
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { inside } from '../debian/inside.ts'
import { belongsOnDebian } from '../debian/phase.ts'
import { archivesOf, prepareDebian } from '../debian/root.ts'
import { addTally, emptyTally, writeTally } from '../tally.ts'

const PROJECT = resolve(import.meta.dirname, '../..')
const RUN = join(PROJECT, 'test/run.ts')
const isRoot = process.getuid?.() === 0
const noNamespace =
  isRoot && spawnSync('unshare', ['--mount', '--propagation', 'private', 'true']).status === 0
    ? false
    : 'needs root and a mount namespace of its own'

suite('the Debian 13 of the long form', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-debian-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test("the archive is that of the machine's own apt", () => {
    const lists = [
      'vendor|vendor|https://packages.vendor.example/apt/',
      'Debian|Debian-Security|http://mirror.example/debian-security/',
      'Debian|Debian|http://mirror.example/debian/',
      'Debian|Debian|http://mirror.example/debian/',
    ]
    const [debian, security] = ['http://mirror.example/debian/', 'http://mirror.example/debian-security/']
    assert.deepEqual(archivesOf(lists.join('\n')), { debian, security })
    assert.deepEqual(archivesOf(lists.slice(2).join('\n')), { debian, security: null })
    assert.equal(archivesOf('Ubuntu|Ubuntu|http://mirror.example/ubuntu/'), null)
    // As apt writes them without lists of packages.
    assert.equal(archivesOf('$(ORIGIN)|$(LABEL)|http://mirror.example/debian/'), null)
  })

  test('the tests with real servers run there, and no other', () => {
    const files = ['test/e2e/same.test.ts', 'test/servers/ejabberd/link.test.ts', 'test/faults/prosody.test.ts']
    for (const file of [...files, 'test/kit/privilege/servers.test.ts']) assert.ok(belongsOnDebian(file), file)
    for (const file of ['test/kit/store/store.test.ts', 'test/suite/run.test.ts', 'test/bench/load.test.ts'])
      assert.ok(!belongsOnDebian(file), file)
    const listed = (...args: string[]) => execFileSync(process.execPath, [RUN, '--list', ...args], { encoding: 'utf8' })
    assert.equal(
      listed('--long', 'e2e/same', 'suite/run.test'),
      'test/e2e/same.test.ts\ntest/suite/run.test.ts\ntest/e2e/same.test.ts  (on Debian 13)\n',
    )
    assert.equal(listed('--debian', '13', 'e2e/same'), 'test/e2e/same.test.ts  (on Debian 13)\n')
    assert.equal(listed('e2e/same'), 'test/e2e/same.test.ts\n', 'the short form stays on the machine')
  })

  test('another Debian is refused', () => {
    const { status, stderr } = spawnSync(process.execPath, [RUN, '--debian', '11'], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [2, 'only Debian 13 is known here, not "11"\n'])
  })

  test('who is not root is told so: one skip, and nothing has passed', {
    skip: !isRoot && 'only root can become somebody else',
  }, (t) => {
    if (spawnSync(process.execPath, ['--version'], { uid: 65534, cwd: '/' }).status !== 0)
      return t.skip('nobody else may read this checkout')
    const { status, stdout } = spawnSync(process.execPath, [RUN, '--debian', '13', 'e2e/same'], {
      uid: 65534,
      encoding: 'utf8',
    })
    assert.match(stdout, /^skipped: 1 test files on Debian 13: only root can make it and run something in it$/m)
    assert.match(stdout, /\n0 passed, 0 failed, 1 skipped\n$/)
    assert.equal(status, 1)
  })

  test('what ran there says so in each name and is added to what ran here', async () => {
    const report = join(folder, 'tally.json')
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [RUN, '--on', 'Debian 13', '--report', report, 'kit/xml/writer'],
      { env },
    )
    assert.match(stdout, /^✔ .* on Debian 13 \(/m)
    assert.doesNotMatch(stdout, /passed, \d+ failed/)
    const tally = { ...emptyTally(), passed: 2, skipped: ['a: why'] }
    addTally(tally, readFileSync(report, 'utf8'))
    assert.ok(tally.passed > 2 && tally.failed === 0, JSON.stringify(tally))
    assert.deepEqual([...tally.seconds.keys()], ['test/kit/xml/writer.test.ts on Debian 13'])
    const bad = { ...emptyTally(), failed: 1, skipped: ['b: why'], faults: ['c'], seconds: new Map([['d', 1]]) }
    addTally(tally, writeTally(bad))
    assert.deepEqual(
      { failed: tally.failed, skipped: tally.skipped, faults: tally.faults, d: tally.seconds.get('d') },
      { failed: 1, skipped: ['a: why', 'b: why'], faults: ['c'], d: 1 },
    )
  })

  test('a command in it sees the same project and temporary folder, other compiled files, and leaves no mount behind', {
    skip: noNamespace,
  }, async () => {
    // This system once more in the place of another one: what is mounted is the same.
    const root = join(folder, 'root')
    mkdirSync(join(root, 'dev'), { recursive: true })
    mkdirSync(join(root, 'proc'))
    const bind = `for one in usr bin lib lib64 etc; do if [ -e /$one ]; then mkdir -p ${root}/$one && mount --bind /$one ${root}/$one; fi; done`
    writeFileSync(join(folder, 'seen'), 'from outside\n')
    const look =
      'pwd; cat "$1/seen"; echo inside > "$1/told"; touch .test/only-there; unshare -m mount -t tmpfs none /usr/share; "$2" -p 1+1; env | grep OF_TEST'
    const command = ['sh', '-c', look, 'sh', folder, process.execPath]
    process.env.OTHER_OF_TEST = 'something'
    process.env.GATEHOUSE_OF_TEST = 'something'
    const enter = inside(root, command)
    delete process.env.OTHER_OF_TEST
    delete process.env.GATEHOUSE_OF_TEST
    const { stdout } = await promisify(execFile)('unshare', [
      ...['--mount', '--propagation', 'private', 'sh', '-c', `${bind}; exec "$@"`, 'sh'],
      ...enter,
    ])
    assert.equal(stdout, `${PROJECT}\nfrom outside\n2\nGATEHOUSE_OF_TEST=something\n`)
    assert.equal(readFileSync(join(folder, 'told'), 'utf8'), 'inside\n')
    assert.ok(existsSync(join(root, 'var/lib/gatehouse-test/only-there')), 'it has a .test of its own')
    assert.ok(!existsSync(join(PROJECT, '.test/only-there')))
    assert.doesNotMatch(readFileSync('/proc/self/mounts', 'utf8'), new RegExp(root))
  })

  suite('made', () => {
    let commands: string[] = []
    let place = ''
    let archive = ''
    /** Stands for the machine's apt. */
    const apt = (lists: string) => {
      writeFileSync(join(folder, 'apt-get'), `#!/bin/sh\ncat <<'END'\n${lists}\nEND\n`, { mode: 0o755 })
      const proxy = 'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::Languages "none";'
      writeFileSync(join(folder, 'apt-config'), `#!/bin/sh\ncat <<'END'\n${proxy}\nEND\n`, { mode: 0o755 })
    }
    /** Shows nothing and does of it what concerns files; what `fails` fits fails. */
    const run =
      (fails: (command: string) => boolean) =>
      async (command: readonly string[], environment: Readonly<Record<string, string>>): Promise<number> => {
        const line =
          command[0] === 'unshare' ? `inside ${command[8]}: ${command.slice(-3).join(' ')}` : command.join(' ')
        commands.push(`${line.replace(`${PROJECT}/`, '')} ${JSON.stringify(environment)}`)
        if (fails(line)) return 7
        const target = command[4] ?? ''
        if (command[0] === 'debootstrap')
          for (const path of ['etc/apt/apt.conf.d', 'usr/sbin']) mkdirSync(join(target, path), { recursive: true })
        if (command[0] === 'rm') await rm(command.at(-1) ?? '', { recursive: true })
        return 0
      }
    const prepare = (fails: (command: string) => boolean = () => false) => prepareDebian(run(fails), () => {}, place)

    beforeEach(() => {
      commands = []
      place = join(folder, 'debian-13')
      archive = `${folder}${delimiter}${process.env.PATH}`
      apt('Debian|Debian|http://mirror.example/debian/\nDebian|Debian-Security|http://mirror.example/security/')
    })

    async function withApt<T>(body: () => Promise<T>): Promise<T> {
      const before = process.env.PATH
      process.env.PATH = archive
      try {
        return await body()
      } finally {
        process.env.PATH = before
      }
    }

    test('by debootstrap from that archive, with the packages of the tests, and no service may start', async () => {
      assert.equal(await withApt(() => prepare()), null)
      const half = `${place}.${process.pid}`
      assert.deepEqual(commands, [
        `debootstrap --variant=minbase --components=main trixie ${half} http://mirror.example/debian/ {"http_proxy":"http://proxy.example:3128"}`,
        `inside ${half}: deploy/setup.mjs test --set-up-only {}`,
      ])
      const read = (path: string) => readFileSync(join(place, path), 'utf8')
      assert.equal(read('usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n')
      assert.equal(
        read('etc/apt/sources.list'),
        'deb http://mirror.example/debian/ trixie main\ndeb http://mirror.example/debian/ trixie-updates main\ndeb http://mirror.example/security/ trixie-security main\n',
      )
      assert.equal(read('etc/apt/apt.conf.d/80machine'), 'Acquire::http::Proxy "http://proxy.example:3128";')
      commands = []
      assert.equal(await withApt(() => prepare()), null)
      assert.deepEqual(commands, [`inside ${place}: deploy/setup.mjs test --set-up-only {}`], 'and not again')
    })

    test('what fails leaves nothing, and says so', async () => {
      const packages = await withApt(() => prepare((command) => command.startsWith('inside')))
      assert.equal(packages, 'the installation of its packages ended with 7')
      assert.equal(
        await withApt(() => prepare((command) => command.startsWith('debootstrap'))),
        'debootstrap ended with 7',
      )
      assert.deepEqual(await readdir(folder), ['apt-config', 'apt-get'])
      apt('vendor|vendor|http://mirror.example/')
      assert.equal(await withApt(() => prepare()), 'apt is configured with no archive of Debian')
    })

    test('a half that was left is removed, one that somebody is making is not; what cannot be completed is made anew', async () => {
      // No process has so large a number.
      for (const pid of [process.ppid, 2 ** 22 + 1]) mkdirSync(`${place}.${pid}`)
      mkdirSync(join(place, 'etc'), { recursive: true })
      writeFileSync(join(place, 'old'), '')
      assert.equal(await withApt(() => prepare((command) => command.startsWith(`inside ${place}:`))), null)
      const made = ['apt-config', 'apt-get', 'debian-13', `debian-13.${process.ppid}`]
      assert.deepEqual((await readdir(folder)).sort(), made)
      assert.ok(!existsSync(join(place, 'old')) && existsSync(join(place, 'etc/apt/sources.list')))
    })
  })
})
