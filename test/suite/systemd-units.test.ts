// SPDX-License-Identifier: Apache-2.0
// The units say what the manual pages say, keep their sandbox, and systemd's own tools accept them.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { componentCommand, IDLE, NODE_ENVIRONMENT, programOf } from '../../deploy/command.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const UNITS = join(ROOT, 'deploy/systemd')
// The command line runs for a person, not under systemd.
const components = globSync('components/*/main.ts', { cwd: ROOT })
  .map((file) => dirname(file).slice('components/'.length))
  .filter((name) => name !== 'cli')

function lines(name: string): string[] {
  return readFileSync(join(UNITS, name), 'utf8').split('\n')
}

const run = (tool: string, ...args: string[]) => spawnSync(tool, args, { encoding: 'utf8' })

function lacks(tool: string): string | false {
  const tried = run(tool, '--version')
  return tried.error === undefined ? false : `${tool} is not installed`
}

describe('units', () => {
  it('there is one for each component, and no other', () => {
    assert.deepEqual(
      globSync('*.service', { cwd: UNITS }).sort(),
      components.map((name) => `gatehouse-${name}.service`).sort(),
    )
  })

  for (const name of components) {
    const unit = () => lines(`gatehouse-${name}.service`)
    it(`${name}: says what its manual page says`, () => {
      const manual = spawnSync(process.execPath, [programOf(name), '--help'], {
        encoding: 'utf8',
      }).stdout
      assert.ok(unit().includes(`Description=Gatehouse ${manual.split('\n')[0]}`), manual.split('\n')[0])
      assert.match(manual, /\b2 on bad settings/)
      assert.ok(unit().includes('RestartPreventExitStatus=2'))
    })

    it(`${name}: starts what the demo and the bench start`, () => {
      const command = componentCommand(name, true).join(' ').replace(ROOT, '/usr/lib/gatehouse')
      const node = '/usr/lib/gatehouse/node_modules/.bin/node'
      assert.ok(unit().includes(`ExecStart=${node} ${command} /etc/gatehouse/${name}.yaml`), command)
      const set = Object.entries(NODE_ENVIRONMENT).map(([variable, value]) => `Environment=${variable}=${value}`)
      assert.equal(unit().includes('CPUSchedulingPolicy=idle'), IDLE.includes(name))
      // Nothing else: a secret would be readable there.
      assert.deepEqual(
        unit().filter((line) => line.startsWith('Environment')),
        set,
      )
    })

    it(`${name}: has its own fixed user, its sandbox, and nothing that would break it`, () => {
      const wanted = [
        `User=gatehouse-${name}`,
        'NoNewPrivileges=yes',
        'ProtectSystem=strict',
        'RestrictNamespaces=yes',
        'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6',
        'UMask=0027',
        'CapabilityBoundingSet=',
        'Restart=on-failure',
        `StateDirectory=gatehouse/${name}`,
      ]
      for (const line of wanted) assert.ok(unit().includes(line), line)
      for (const line of unit()) assert.doesNotMatch(line, /^(MemoryDenyWriteExecute|PrivateUsers|RestrictSUIDSGID)/)
      assert.ok(lines('sysusers.conf').some((line) => new RegExp(`^u gatehouse-${name} `).test(line)))
      const folder = new RegExp(`^d /var/lib/gatehouse/journals/${name} +2770 gatehouse-${name} +gatehouse-journal `)
      assert.ok(lines('tmpfiles.conf').some((line) => folder.test(line)))
    })
  }

  it('systemd takes them and finds them closed', { skip: lacks('systemd-analyze') }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-units-'))
    try {
      cpSync(join(UNITS, 'gatehouse.target'), join(folder, 'gatehouse.target'))
      for (const name of components) {
        // Verified for a machine on which the suite and its users are not installed.
        const here = lines(`gatehouse-${name}.service`)
          .map((line) => line.replace(/^ExecStart=.*/, 'ExecStart=/bin/true').replace(/^(User|Group)=.*/, '$1=root'))
          .filter((line) => !line.startsWith('SupplementaryGroups='))
        writeFileSync(join(folder, `gatehouse-${name}.service`), here.join('\n'))
      }
      for (const unit of globSync('*', { cwd: folder })) {
        const verified = run('systemd-analyze', 'verify', '--man=no', join(folder, unit))
        assert.deepEqual([verified.status, verified.stderr], [0, ''], unit)
        if (!unit.endsWith('.service')) continue
        // 0 is closed, 100 is open; a unit without a sandbox has 96.
        const rated = run('systemd-analyze', 'security', '--offline=true', '--threshold=25', join(folder, unit))
        assert.equal(rated.status, 0, rated.stdout)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('systemd hands over what was written before, and the README has a check behind the start', {
    skip: process.getuid?.() !== 0 ? 'needs root' : lacks('systemd-tmpfiles'),
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tmpfiles-'))
    try {
      mkdirSync(join(folder, 'etc'))
      mkdirSync(join(folder, 'var/lib/gatehouse/journals/policy'), { recursive: true })
      const before = join(folder, 'var/lib/gatehouse/journals/policy/journal-1.db')
      writeFileSync(before, '', { mode: 0o640 })
      assert.equal(run('systemd-sysusers', `--root=${folder}`, join(UNITS, 'sysusers.conf')).status, 0)
      const made = run('systemd-tmpfiles', '--create', `--root=${folder}`, join(UNITS, 'tmpfiles.conf'))
      assert.deepEqual([made.status, made.stderr], [0, ''])
      const idIn = (file: string, name: string) =>
        Number(new RegExp(`^${name}:[^:]*:(\\d+)`, 'm').exec(readFileSync(join(folder, 'etc', file), 'utf8'))?.[1])
      const { uid, gid, mode } = statSync(before)
      assert.deepEqual([uid, gid], [idIn('passwd', 'gatehouse-policy'), idIn('group', 'gatehouse-journal')])
      assert.equal((mode & 0o777).toString(8), '640')
    } finally {
      rmSync(folder, { recursive: true })
    }
    const readme = lines('README.md')
    const start = readme.findIndex((line) => line.includes('systemctl daemon-reload'))
    for (const name of components) assert.ok(readme[start]?.includes(`gatehouse-${name}`), `${name} is enabled`)
    // Behind it, and not before they could have answered: a status that fails does not keep back what systemd says.
    assert.match(readme[start + 1] ?? '', /^sleep 5; gatehouse status;/)
  })

  it('systemd makes the users and groups', {
    skip: process.getuid?.() !== 0 ? 'needs root' : lacks('systemd-sysusers'),
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-users-'))
    try {
      mkdirSync(join(folder, 'etc'))
      const made = run('systemd-sysusers', `--root=${folder}`, join(UNITS, 'sysusers.conf'))
      assert.equal(made.status, 0, made.stderr)
      const users = readFileSync(join(folder, 'etc/passwd'), 'utf8')
      const groups = readFileSync(join(folder, 'etc/group'), 'utf8')
      for (const name of components) {
        assert.match(users, new RegExp(`^gatehouse-${name}:.*:/usr/sbin/nologin$`, 'm'))
        for (const group of ['gatehouse', 'gatehouse-journal']) {
          assert.match(groups, new RegExp(`^${group}:.*[:,]gatehouse-${name}(,|$)`, 'm'))
        }
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
