// SPDX-License-Identifier: Apache-2.0
// Free ports: different ones, none that somebody listens on, and none that an outgoing connection or another process could take meanwhile.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { platform } from 'node:process'
import { test } from 'node:test'
import { freePorts, portNear } from '../../deploy/demo/ports.ts'
import { startProsody } from '../../deploy/demo/prosody.ts'
import { serverLack } from '../e2e/servers.ts'

const RANGE = '/proc/sys/net/ipv4/ip_local_port_range'

test('ports are different, and below those of outgoing connections', {
  skip: !existsSync(RANGE) && 'needs Linux',
}, async () => {
  const ports = await freePorts(200)
  assert.equal(new Set(ports).size, 200)
  const lowest = Number(readFileSync(RANGE, 'utf8').split('\t')[0])
  assert.ok(lowest < 1024 || ports.every((port) => port < lowest), `${Math.max(...ports)} is not below ${lowest}`)
})

test('what one process was given no other is given while it lives, though nobody listens there yet', {
  skip: platform !== 'linux' && 'needs Linux',
}, async () => {
  const ours = await freePorts(1000)
  const ports = import.meta.resolve('../../deploy/demo/ports.ts')
  const other = `console.log(JSON.stringify(await (await import('${ports}')).freePorts(1000)))`
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', other], { encoding: 'utf8' })
  const theirs = new Set(JSON.parse(said) as number[])
  assert.deepEqual([theirs.size, ours.filter((port) => theirs.has(port))], [1000, []])
})

test('a port on which somebody listens is not taken', async () => {
  const [taken = 0] = await freePorts(1)
  await using server = createServer()
  await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve))
  assert.notEqual(await portNear(taken), taken)
})

test('a Prosody that cannot have its port is no Prosody that has started', {
  skip: serverLack('prosody') ?? false,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ports-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [taken = 0] = await freePorts(1)
  await using server = createServer()
  await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve))
  const starting = startProsody({ folder, ports: { c2s: taken }, hosts: [{ name: 'corp.example' }] })
  await assert.rejects(starting, new RegExp(`did not start[^]*port ${taken}`))
})
