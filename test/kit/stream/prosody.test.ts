// SPDX-License-Identifier: Apache-2.0
// The stream on a real server: its own ping comes back, a server that stops answering is noticed, a restart is outlived.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { startProsody } from '../../../deploy/demo/prosody.ts'
import { serverLack } from '../../e2e/servers.ts'
import { heldClock } from './clock.ts'
import { DOMAIN, kitSubject, type Line, SECRET } from './subject.ts'

test('on Prosody: a silent connection is kept by pings, a stopped server is noticed within 60 s, a restart is outlived', {
  skip: serverLack('prosody') ?? false,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-stream-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const [port = 0] = await freePorts(1)
  const settings = {
    folder,
    ports: { component: port },
    hosts: [{ name: 'h.example' }],
    components: [{ name: DOMAIN, secret: SECRET }],
  }
  let prosody = await startProsody(settings)
  t.after(() => prosody.stop())
  const clock = heldClock()
  const lines: Line[] = []
  let down = Promise.withResolvers<Line>()
  let up = Promise.withResolvers<void>()
  const { stream, router } = kitSubject(
    port,
    (line) => {
      lines.push(line)
      if (line.event === 'stream down') down.resolve(line)
      if (line.event === 'stream up') up.resolve()
    },
    { clock },
  )
  t.after(() => stream.drain(AbortSignal.abort()))
  await up.promise
  // A request to ourselves goes through the server and back: once it is answered, so is the ping before it.
  const fence = () => router.request(DOMAIN, `<echo xmlns='urn:test'/>`, { timeoutMs: 10_000 })
  for (let minute = 0; minute < 3; minute++)
    for (let part = 0; part < 3; part++) {
      clock.pass(20_000)
      await turn()
      await fence()
    }
  assert.equal(stream.state, 'up')
  prosody.kill('SIGSTOP')
  clock.pass(25_000)
  await turn()
  clock.pass(35_000)
  assert.match(String((await down.promise).fields?.reason), /silent/)
  prosody.kill('SIGCONT')
  up = Promise.withResolvers()
  clock.pass(50)
  await up.promise
  await fence()
  down = Promise.withResolvers()
  up = Promise.withResolvers()
  await prosody.stop()
  await down.promise
  prosody = await startProsody(settings)
  clock.pass(50)
  await up.promise
  await fence()
})
