// SPDX-License-Identifier: Apache-2.0
// deploy/setup.mjs in a checkout of its own: what it installs, when it refuses, and that it leaves nothing behind.
// npm, dpkg-query and apt-get are scripts that write down how they were called; the rest is real.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')
const LOCK = JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } })
/** What "test" wants installed. */
const ALL =
  'prosody prosody-modules lua-unbound lua-dbi-sqlite3 lua-check python3-slixmpp ejabberd erlang-base erlang-p1-oauth2 openssl strace stunnel4 gcc libc6-dev slapd ldap-utils samba-ad-dc samba-ad-provision 389-ds-base inspircd atheme-services ngircd gnutls-bin weechat-headless'
const isDebian = existsSync('/etc/debian_version')
const isRoot = process.getuid?.() === 0
const systemNode = nodeOutside()

/** The node that a bare machine has: the first one on PATH that no package brought. */
function nodeOutside(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  return folders.map((folder) => join(folder, 'node')).find((file) => existsSync(file)) ?? null
}

function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/usr/sbin'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

type Ended = { code: number | null; said: string }
type Run = { path?: string; uid?: number; before?: readonly string[] }

suite('setup', () => {
  let checkout = ''
  let tools = ''
  let calls = ''

  beforeEach(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'gatehouse-setup-'))
    tools = join(checkout, 'tools')
    calls = join(checkout, 'calls')
    await chmod(checkout, 0o777)
    for (const folder of ['tools', 'deploy', 'test', 'node_modules/.bin']) {
      await mkdir(join(checkout, folder), { recursive: true })
    }
    await copyFile(join(ROOT, 'deploy/setup.mjs'), join(checkout, 'deploy/setup.mjs'))
    await writeFile(join(checkout, 'package-lock.json'), LOCK)
    await writeFile(join(checkout, 'node_modules/.package-lock.json'), LOCK)
    await symlink(process.execPath, join(checkout, 'node_modules/.bin/node'))
    await writeFile(join(checkout, 'test/run.ts'), "console.log('started with ' + process.argv.slice(2))\n")
    await tool('npm', `echo "npm $*" >> ${calls}; cp package-lock.json node_modules/.package-lock.json`)
    await tool(
      'dpkg-query',
      `case " $(cat ${checkout}/installed 2>/dev/null) " in *" $4 "*) printf installed;; *) exit 1;; esac`,
    )
    await tool(
      'apt-get',
      `echo "apt-get $*" >> ${calls}; if [ -e /usr/sbin/policy-rc.d ]; then echo "services may not start: $(sh /usr/sbin/policy-rc.d; echo $?)" >> ${calls}; fi; exit $(cat ${checkout}/apt-ends-with 2>/dev/null || echo 0)`,
    )
    await unpacked()
  })
  afterEach(() => rm(checkout, { recursive: true }))

  /** An earlier run has unpacked what is not installed. */
  const unpacked = async () => {
    for (const one of ['lua-luv', 'ircd-hybrid']) await mkdir(join(checkout, '.test', one), { recursive: true })
  }

  async function tool(name: string, script: string): Promise<void> {
    await writeFile(join(tools, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  function start(args: readonly string[], { path, uid, before = [] }: Run = {}) {
    const [file = '', ...rest] = [
      ...before,
      systemNode ?? process.execPath,
      join(checkout, 'deploy/setup.mjs'),
      ...args,
    ]
    return spawn(file, rest, {
      cwd: checkout,
      env: { PATH: path ?? `${tools}:/usr/bin:/bin` },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    })
  }

  async function setup(args: readonly string[], how: Run = {}): Promise<Ended> {
    const child = start(args, how)
    let said = ''
    for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (chunk: Buffer) => (said += chunk))
    const [code] = await once(child, 'close')
    return { code, said }
  }

  const called = () => readFile(calls, 'utf8').catch(() => '')
  const installed = (text: string) => writeFile(join(checkout, 'installed'), text)

  test("--help on the system's own node", { skip: systemNode === null && 'no node on PATH but ours' }, async () => {
    const { code, said } = await setup(['--help'])
    assert.equal(code, 0)
    assert.match(said, /demo .*test .*bench .*faults /s)
    assert.equal(await called(), '')
  })

  test('an unknown command is refused', async () => {
    const { code, said } = await setup(['tset'])
    assert.equal(code, 2)
    assert.match(said, /"tset" is not one of demo, test, bench, faults/)
  })

  test('the program gets its arguments, and its exit code is passed on', async () => {
    await writeFile(join(checkout, 'test/run.ts'), 'console.log(process.argv.slice(2).join())\nprocess.exitCode = 7\n')
    const { code, said } = await setup(['test', '--as-is', '--long', 'name'])
    assert.equal(said, '--long,name\n')
    assert.equal(code, 7)
    assert.equal(await called(), '')
  })

  test('a signal reaches the program, and setup waits for its end', async () => {
    await writeFile(
      join(checkout, 'test/run.ts'),
      "process.on('SIGTERM', () => process.exit(9))\nsetInterval(() => {}, 1000)\nconsole.log('ready')\n",
    )
    const child = start(['test', '--as-is'])
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'close'), [9, null])
  })

  test('npm ci runs when what is installed is not what the lock file names', async () => {
    await writeFile(join(checkout, 'package-lock.json'), LOCK.replace('1.0.0', '1.0.1'))
    const first = await setup(['test', '--as-is'])
    assert.match(first.said, /\$ npm ci\n(.*\n)*started with/)
    assert.equal(await called(), 'npm ci --no-audit --no-fund\n')
    await setup(['test', '--as-is'])
    assert.equal(await called(), 'npm ci --no-audit --no-fund\n', 'and not again')
  })

  test('a Node that is too old is refused', async () => {
    await rm(join(checkout, 'node_modules/.bin/node'))
    await writeFile(join(checkout, 'node_modules/.bin/node'), '#!/bin/sh\necho v20.19.0\n', { mode: 0o755 })
    const { code, said } = await setup(['test', '--as-is'])
    assert.equal(code, 2)
    assert.match(said, /says "v20.19.0"; 24.15 or newer is wanted/)
  })

  test('not root: says what to install, installs nothing, exits 2', {
    skip: !isRoot && 'only root can become somebody else',
  }, async () => {
    await installed('prosody gcc')
    const { code, said } = await setup(['test'], { uid: 65534 })
    assert.equal(code, 2)
    assert.match(said, /apt-get install -y --no-install-recommends .*\blua-unbound\b.*\bstrace\b/)
    assert.doesNotMatch(said, /install .*\bprosody /)
    assert.equal(await called(), '')
  })

  test('not Debian: says what is missing, exits 2', async () => {
    await rm(join(tools, 'dpkg-query'))
    const { code, said } = await setup(['demo'], { path: tools })
    assert.equal(code, 2)
    assert.match(said, /prosody +the XMPP server {2}\(missing\)/)
    assert.equal(await called(), '')
  })

  test('a bench installs what its server needs, and nothing of the other', async () => {
    await rm(join(tools, 'dpkg-query'))
    const { code, said } = await setup(['bench', 'gate', '--server', 'ejabberd'], { path: tools })
    assert.equal(code, 2)
    assert.match(said, /ejabberd +the other XMPP server {2}\(missing\)/)
    assert.match(said, /erlang-p1-sqlite3 +ejabberd's SQL archive, to compare with\n/)
    assert.doesNotMatch(said, /prosody/)
    assert.match((await setup(['bench', 'gate'], { path: tools })).said, /prosody .*lua-dbi-sqlite3 /s)
  })

  test('the demo needs the server that it is to run on, and no other', {
    skip: !isDebian && 'needs Debian',
  }, async () => {
    for (const [words, wanted] of [
      [[], 'prosody, lua-unbound'],
      [['--server', 'prosody'], 'prosody, lua-unbound'],
      [['--check', '--server', 'ejabberd'], 'ejabberd, erlang-base'],
      [['--server=ejabberd'], 'ejabberd, erlang-base'],
    ] as const) {
      const { code, said } = await setup(['demo', ...words], { uid: 65534 })
      assert.equal(code, 2)
      const install = /--no-install-recommends (.*)$/m.exec(said)?.[1]
      assert.equal(install, `${wanted}, openssl, slapd, ldap-utils, inspircd`.replaceAll(',', ''), words.join(' '))
    }
  })

  test('everything there: nothing is said or done', { skip: !isDebian && 'needs Debian' }, async () => {
    await installed(ALL)
    const { code, said } = await setup(['test'])
    assert.equal(said, 'started with \n')
    assert.equal(code, 0)
    assert.equal(await called(), '')
  })

  test('only set up: nothing starts', { skip: !isDebian && 'needs Debian' }, async () => {
    await installed(ALL)
    assert.deepEqual(await setup(['test', '--set-up-only']), { code: 0, said: '' })
    await rm(join(tools, 'dpkg-query'))
    assert.equal((await setup(['test', '--set-up-only'], { path: tools })).code, 2)
  })

  test('who is not root needs nothing to make another Debian: there will be none', {
    skip: !(isDebian && isRoot) && 'needs Debian, and only root can become somebody else',
  }, async () => {
    await installed(ALL)
    assert.deepEqual(await setup(['test', '--long'], { uid: 65534 }), { code: 0, said: 'started with --long\n' })
  })

  suite('what is unpacked for one test', { skip: !isDebian && 'needs Debian' }, () => {
    const options = () => `-o Debug::NoLocking=1 -o Dir::Cache::archives=${checkout}/.test/lua-luv.packages/`
    const download = () =>
      `apt-get -o DPkg::Lock::Timeout=600 ${options()} install -y --no-install-recommends --download-only lua-luv`

    beforeEach(async () => {
      await rm(join(checkout, '.test/lua-luv'), { recursive: true })
      await installed(ALL)
      await tool('dpkg-deb', `echo "dpkg-deb $*" >> ${calls}; mkdir -p $3; echo "$2" >> $3/came-from`)
    })

    /** An apt-get that has no list of packages before the given number of updates, and then brings the package and one more. */
    const apt = (updates: number) =>
      tool(
        'apt-get',
        `echo "apt-get $*" >> ${calls}
case "$*" in
*update*) echo >> ${checkout}/updates;;
*) test $(cat ${checkout}/updates 2>/dev/null | wc -l) -ge ${updates} || exit 100
   touch ${checkout}/.test/lua-luv.packages/lua-luv.deb ${checkout}/.test/lua-luv.packages/libuv1.deb;;
esac`,
      )

    test('is downloaded with what it needs, installed nowhere, and not again', async () => {
      await apt(0)
      const { code, said } = await setup(['test'])
      assert.equal(code, 0)
      assert.match(said, /setup: "lua-luv" \(.*\) is unpacked into .*\.test\/lua-luv, not installed/)
      const lines = (await called()).trimEnd().split('\n')
      assert.equal(lines[0], download())
      const from = (name: string) =>
        `dpkg-deb -x ${checkout}/.test/lua-luv.packages/${name} ${checkout}/.test/lua-luv.new`
      assert.deepEqual(lines.slice(1).sort(), [from('libuv1.deb'), from('lua-luv.deb')])
      assert.deepEqual((await readdir(join(checkout, '.test'))).sort(), ['ircd-hybrid', 'lua-luv'])
      await setup(['test'])
      assert.equal((await called()).trimEnd().split('\n').length, 3, 'and not again')
    })

    test('is not unpacked where it is installed, nor for another command, nor with --as-is', async () => {
      await apt(0)
      await setup(['test', '--as-is'])
      await setup(['demo'])
      await installed(`${ALL} lua-luv`)
      assert.equal((await setup(['test'])).code, 0)
      assert.equal(await called(), '')
      assert.equal(existsSync(join(checkout, '.test/lua-luv')), false)
    })

    test('asks for the lists first where they are missing', { skip: !isRoot && 'only root may' }, async () => {
      await apt(1)
      assert.equal((await setup(['test'])).code, 0)
      const update = 'apt-get -o DPkg::Lock::Timeout=600 update'
      assert.deepEqual((await called()).split('\n').slice(0, 3), [download(), update, download()])
    })

    test('that it cannot be had ends with 2 and leaves no half of it', async () => {
      await apt(9)
      const { code, said } = await setup(['test'])
      assert.equal(code, 2)
      assert.match(said, /run "apt-get update" as root, or give --as-is/)
      assert.doesNotMatch(said, /started/)
      assert.equal(existsSync(join(checkout, '.test/lua-luv')), false)
    })
  })

  const noNamespace = isDebian && isRoot && canUnshare() ? false : 'needs Debian, root and a mount namespace of its own'
  suite('as root on Debian, with an empty /usr/sbin', { skip: noNamespace }, () => {
    const before = [
      'unshare',
      '-m',
      'sh',
      '-c',
      'mount -t tmpfs none /usr/sbin; "$@"; code=$?; ls /usr/sbin; exit $code',
      '-',
    ]

    test('installs what is missing, starts no service, leaves nothing behind', async () => {
      await installed(
        'prosody prosody-modules lua-unbound lua-dbi-sqlite3 ejabberd erlang-base erlang-p1-oauth2 openssl strace stunnel4 gcc libc6-dev slapd ldap-utils samba-ad-dc samba-ad-provision 389-ds-base inspircd atheme-services ngircd gnutls-bin weechat-headless',
      )
      const { code, said } = await setup(['test'], { before })
      assert.equal(code, 0)
      assert.match(said, /setup: {3}lua-check .*\nsetup: {3}python3-slixmpp /)
      const apt = 'apt-get -o DPkg::Lock::Timeout=600'
      assert.equal(
        await called(),
        `${apt} update\nservices may not start: 101\n${apt} install -y --no-install-recommends lua-check python3-slixmpp\nservices may not start: 101\n`,
      )
      for (const line of (await called()).split('\n').filter((line) => line.startsWith('apt-get'))) {
        assert.ok(said.includes(`$ DEBIAN_FRONTEND=noninteractive ${line}\n`), 'every command is said before it runs')
      }
      assert.ok(said.endsWith('started with \n'), 'the program starts, and /usr/sbin is as empty as before')
    })

    test('root gets what makes another Debian, for the long form and where that alone is wanted', async () => {
      await installed(ALL)
      for (const words of [['--long'], ['--debian', '13', 'e2e'], ['--debian=13']]) {
        await rm(calls, { force: true })
        const { code, said } = await setup(['test', ...words], { before })
        assert.equal(code, 0)
        assert.match(await called(), / install -y --no-install-recommends debootstrap\n/)
        assert.match(said, new RegExp(`started with ${words.join()}\n`))
      }
      await rm(calls)
      await setup(['test'], { before })
      assert.equal(await called(), '')
    })

    test('an installation that fails ends with 2 and leaves nothing behind', async () => {
      await writeFile(join(checkout, 'apt-ends-with'), '100')
      const { code, said } = await setup(['test'], { before })
      assert.equal(code, 2)
      assert.ok(said.endsWith('removed /usr/sbin/policy-rc.d\n'))
      assert.doesNotMatch(said, /started/)
    })

    test("a policy of the machine's own is left alone", async () => {
      const own = before.map((part) =>
        part.replace('none /usr/sbin;', "none /usr/sbin; printf '#!/bin/sh\\nexit 104\\n' > /usr/sbin/policy-rc.d;"),
      )
      const { code, said } = await setup(['test'], { before: own })
      assert.equal(code, 0)
      assert.match(await called(), /services may not start: 104/)
      assert.ok(said.endsWith('policy-rc.d\n'), 'it is still there')
    })
  })
})
