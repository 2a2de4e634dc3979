// SPDX-License-Identifier: Apache-2.0
// Free ports: different ones, none that somebody listens on, and none that an outgoing connection could take meanwhile.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { freePorts, portNear } from '../../deploy/demo/ports.ts'

const RANGE = '/proc/sys/net/ipv4/ip_local_port_range'

test('ports are different, and below those of outgoing connections', {
  skip: !existsSync(RANGE) && 'needs Linux',
}, async () => {
  const ports = await freePorts(200)
  assert.equal(new Set(ports).size, 200)
  const lowest = Number(readFileSync(RANGE, 'utf8').split('\t')[0])
  assert.ok(lowest < 1024 || ports.every((port) => port < lowest), `${Math.max(...ports)} is not below ${lowest}`)
})

test('a port on which somebody listens is not taken', async () => {
  const [taken = 0] = await freePorts(1)
  await using server = createServer()
  await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve))
  assert.notEqual(await portNear(taken), taken)
})
