// SPDX-License-Identifier: Apache-2.0
// The demo holds on this machine: --check verifies each step, and the one that stays ends in good order and leaves no process.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { inspircdLack } from '../../deploy/demo/inspircd.ts'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { onServers } from '../e2e/servers.ts'

const DEMO = resolve(import.meta.dirname, '../../deploy/demo/main.ts')
/** Where the secret of the component and the passwords stand. */
const SECRETS: Readonly<Record<ServerKind, readonly string[]>> = {
  prosody: ['prosody.cfg.lua', 'data/*/accounts/*.dat'],
  ejabberd: ['ejabberd.yml', 'accounts.erl', 'home/.erlang.cookie', 'data/*'],
}

type Started = { child: ChildProcess; lines: string[]; said(pattern: RegExp): Promise<void> }

function start(...args: string[]): Started {
  const child = spawn(process.execPath, [DEMO, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  const waiting = new Map<RegExp, () => void>()
  if (child.stdout === null) throw new Error('no output')
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    for (const [pattern, resolve] of waiting) if (pattern.test(line)) resolve()
  })
  return {
    child,
    lines,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        waiting.set(pattern, resolve)
        child.once('close', () => reject(new Error(`the demo ended:\n${lines.join('\n')}`)))
      }),
  }
}

onServers('demo', null, (server) => {
  test('--check plays the main job and every step holds', async () => {
    const { child, lines } = start('--check', '--server', server)
    const [code] = await once(child, 'close')
    const steps = lines.filter((line) => line.startsWith('✔ '))
    assert.equal(lines.at(-1), `demo: ${steps.length} of ${steps.length} steps hold`, lines.join('\n'))
    assert.ok(steps.length >= 12)
    assert.equal(code, 0)
  })

  test('the demo that stays ends at a signal, in good order, and nothing runs on', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-demo-'))
    try {
      const { child, lines, said } = start('--folder', folder, '--server', server)
      t.after(() => child.kill())
      await said(/Ctrl-C stops/)
      const pids = [...lines.join('\n').matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid))
      assert.equal(pids.length, inspircdLack() === null ? 7 : 5)
      assert.ok(pids.every(runs))
      const secrets = SECRETS[server].flatMap((file) => globSync(join(server, file), { cwd: folder }))
      assert.ok(secrets.length >= SECRETS[server].length, secrets.join())
      for (const file of secrets) assert.equal(statSync(join(folder, file)).mode & 0o077, 0, file)
      const stores = globSync(['**/*.db', '**/*.secret', '**/*password', 'slapd/slapd.conf'], { cwd: folder })
      assert.ok(stores.includes('slapd/slapd.conf'))
      assert.ok(stores.some((file) => file.endsWith('archive.db')))
      for (const file of stores) assert.equal(statSync(join(folder, file)).mode & 0o007, 0, file)
      child.kill('SIGTERM')
      const [code] = await once(child, 'close')
      assert.equal(code, 0)
      assert.deepEqual(pids.filter(runs), [])
      for (const part of ['policy', 'archive', 'directory']) {
        assert.match(readFileSync(join(folder, 'logs', `${part}.log`), 'utf8'), /"exit":0,"event":"stopped"/)
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

function runs(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}
