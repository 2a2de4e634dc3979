// SPDX-License-Identifier: Apache-2.0
// Nothing is lost, unrecorded, invented, doubled or out of order, whatever is killed under load: the tests, for either server.
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { SERVERS } from '../../deploy/demo/site.ts'
import { serverLack } from '../e2e/servers.ts'
import { listen } from '../harness/listener.ts'
import { HOST, startWorld } from '../harness/world.ts'
import { smallDisk } from '../kit/small-disk.ts'
import {
  crashAt,
  type FaultStage,
  type FaultsResult,
  faults,
  finish,
  type Mode,
  openFaults,
  POINTS,
  UNDER_WAY,
} from './faults.ts'
import { reportLines } from './report.ts'
import { readTrace, straceLack } from './trace.ts'

const LONG = process.env.GATEHOUSE_LONG === '1'

/** A file of its own calls it for each server: both in one would take too long. */
export function killing(server: ServerKind): void {
  describe(`faults on ${SERVERS[server].title}`, { skip: serverLack(server) ?? false }, () => {
    const shape = LONG
      ? { server, rounds: 200, pointRounds: 10, messages: 50_000 }
      : { server, rounds: server === 'prosody' ? 20 : 5, pointRounds: 1 }

    test(`closed: each named point, a policy that hangs, ${shape.rounds} kills at random`, async (t) => {
      const hung = hangs('closed', shape.pointRounds)
      clean(await faults({ mode: 'closed', ...shape, say: (line) => t.diagnostic(line) }), { hung })
    })

    test('open: the spool survives a kill before and after its write', async (t) => {
      // The long form goes through every point in this mode as well, and kills at random.
      if (LONG) {
        const hung = hangs('open', shape.pointRounds)
        return clean(await faults({ mode: 'open', ...shape, say: (line) => t.diagnostic(line) }), { hung })
      }
      const stage = await openFaults({ mode: 'open', server })
      await using _all = stage
      const points = POINTS.filter((point) => point.closed === null)
      for (const point of points) await crashAt(stage, point)
      // Each is reached while policy is away: what was released last, and what is under way, nobody was told of.
      clean(await finish(stage), { hung: points.length })
    })

    test('closed: a full disk under the journal refuses, and takes again when there is room', (t) => {
      if (server === 'ejabberd' && !LONG)
        return t.skip('the journal is the same beside either server: in the long form')
      return onSmallDisk(t, 16, async (folder) => {
        const stage = await openFaults({ mode: 'closed', server, journal: join(folder, 'journal') })
        await using _all = stage
        const filler = join(folder, 'filler')
        await refusesWhileFull(stage, filler)
        clean(await finish(stage), { atLeast: 10 })
      })
    })

    test('open: a full disk under the server, with policy and without: what cannot be kept is refused, and it takes again', (t) =>
      onSmallDisk(t, 4, async (folder) => {
        const stage = await openFaults({ mode: 'open', server, data: folder })
        await using _all = stage
        const filler = join(folder, 'filler')
        // With policy: the numbers that are reserved on the disk run out.
        await refusesWhileFull(stage, filler)
        // Without: what passes unscreened goes to the spool, until that cannot be written.
        stage.world.policy?.kill('SIGKILL')
        await stage.world.policy?.exited
        await stage.load.flowing(30_000)
        fill(filler)
        await stage.load.refusing(30_000)
        rmSync(filler)
        await stage.world.startPolicy()
        await stage.load.flowing(45_000)
        const result = await finish(stage)
        clean(result)
        const stats = await stage.world.ask('archive stats')
        const unscreened = Number(stats.find((row) => row.what === 'settled unscreened')?.value)
        assert.ok(unscreened > 0, JSON.stringify(stats))
      }))

    test('the journal is synced to disk after the message is written to it and before the answer leaves', async (t) => {
      const missing = straceLack()
      if (missing !== null) return t.skip(missing)
      const folder = await mkdtemp(join(tmpdir(), 'gatehouse-trace-'))
      t.after(() => rm(folder, { recursive: true }))
      const file = join(folder, 'policy.trace')
      const calls = 'read,recvfrom,recvmsg,pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync'
      // A write is a page of the journal at most, and what is newest stands at its end.
      const wrapper = ['strace', '-f', '-y', '-s', '16384', '-e', `trace=${calls}`, '-o', file]
      await using world = await startWorld({ server, archive: false, policy: { wrapper } })
      await world.server.logged(/answers; questions are asked/)
      const login = { address: world.address, port: world.ports.c2s, domain: HOST, password: 'x', resource: 'r' }
      const alice = await listen({ ...login, user: 'alice' })
      const bob = await listen({ ...login, user: 'bob' })
      for (let i = 0; i < 5; i++) {
        alice.client.send(`<message type='chat' to='${bob.jid}' id='s${i}'><body>tracedword${i}</body></message>`)
        await bob.next(new RegExp(`id='s${i}'`))
      }
      await world.policy?.stop()
      for (let i = 0; i < 5; i++) {
        const { written, synced, answered } = readTrace(readFileSync(file, 'utf8'), `tracedword${i}`)
        assert.ok(
          written >= 0 && synced > written && answered > synced,
          JSON.stringify({ i, written, synced, answered }),
        )
      }
    })
  })
}

/** How often the server is killed with all on it that the clients may have under way, since policy hangs. */
function hangs(mode: Mode, pointRounds: number): number {
  return pointRounds * POINTS.filter((point) => point[mode] === 'silence' || point[mode] === 'after-silence').length
}

/** `atLeast`: so many must have been delivered, so that there was something to go wrong. `hung`: see hangs(). */
function clean(result: FaultsResult, { atLeast = 100, hung = 0 } = {}): void {
  const { counted, unexplained, errorTexts, folder } = result
  const { lost, unrecorded, phantom, doubled, disordered, unsettled } = counted
  assert.deepEqual(
    { lost, unrecorded, phantom, doubled, disordered, unsettled, unexplained },
    { lost: 0, unrecorded: 0, phantom: 0, doubled: 0, disordered: 0, unsettled: 0, unexplained: [] },
    JSON.stringify({ counted, folder, said: reportLines(result), errorTexts }, null, 1),
  )
  assert.ok(counted.delivered >= atLeast, JSON.stringify(counted))
  // What a kill leaves open is a moment's work, not all that a source did.
  assert.ok((counted.tail - hung * UNDER_WAY) * 5 <= counted.archived, JSON.stringify(counted))
}

/** The body gets the folder of a disk of so many MiB; skipped where there cannot be one. */
async function onSmallDisk(t: TestContext, mebibytes: number, body: (folder: string) => Promise<void>): Promise<void> {
  const disk = smallDisk(mebibytes)
  if (typeof disk === 'string') return t.skip(disk)
  try {
    await body(disk.folder)
  } finally {
    disk.remove()
  }
}

async function refusesWhileFull(stage: FaultStage, filler: string): Promise<void> {
  fill(filler)
  await stage.load.refusing(30_000)
  rmSync(filler)
  await stage.load.flowing(30_000)
}

function fill(file: string): void {
  let bytes = 1 << 20
  const part = Buffer.alloc(bytes, 1)
  while (bytes >= 512) {
    try {
      writeFileSync(file, part.subarray(0, bytes), { flag: 'a' })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      bytes >>= 1
    }
  }
}
