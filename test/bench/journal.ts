// SPDX-License-Identifier: Apache-2.0
// Measures the journal's engine `file`: entries of 1,000 bytes, calls of 1 to 64 entries, several calls under way. Prints figures.
// node test/bench/journal.ts [seconds per case]
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFollower } from '../../components/kit/bus/file-follower.ts'
import { openJournal } from '../../components/kit/bus/file-journal.ts'
import type { Entry, Journal } from '../../components/kit/bus/journal.ts'

const BODY_BYTES = 1000

if (process.send === undefined) await measure(Number(process.argv[2] ?? 3))
else await followOnly(process.argv[2] ?? '')

async function measure(seconds: number): Promise<void> {
  console.log(`node ${process.version}, ${cpus().length} cores, entries of ${BODY_BYTES} bytes, ${seconds} s each`)
  for (const [perCall, window, followed] of [
    [1, 1, false],
    [1, 16, false],
    [1, 256, false],
    [8, 16, false],
    [64, 8, false],
    [8, 16, true],
    [64, 8, true],
  ] as const) {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
    const journal = await openJournal(folder, { maxBytes: 10 * 2 ** 30 })
    try {
      await runCase(folder, journal, { perCall, window, followed, seconds })
    } finally {
      await journal[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    }
  }
  await measureLone(seconds)
}

type Case = { perCall: number; window: number; followed: boolean; seconds: number }

async function runCase(folder: string, journal: Journal, { perCall, window, followed, seconds }: Case): Promise<void> {
  const follower = followed ? fork(new URL(import.meta.url), [folder]) : undefined
  if (follower !== undefined) await new Promise((resolve) => follower.once('message', resolve))
  const entries: Entry[] = Array.from({ length: perCall }, () => ({
    kind: 'ask',
    version: 1,
    body: 'x'.repeat(BODY_BYTES),
  }))
  const waits: number[] = []
  let inAppendMs = 0
  let calls = 0
  const end = performance.now() + seconds * 1000
  const cpu = process.cpuUsage()
  const thread = process.threadCpuUsage()
  const start = performance.now()
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      const asked = performance.now()
      const appended = journal.append(entries)
      inAppendMs += performance.now() - asked
      await appended
      waits.push(performance.now() - asked)
      calls++
    }
  }
  await Promise.all(Array.from({ length: window }, one))
  const elapsed = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)
  const onMain = process.threadCpuUsage(thread)
  waits.sort((a, b) => a - b)
  const at = (part: number): string => (waits[Math.floor(waits.length * part)] ?? 0).toFixed(2)
  const count = calls * perCall
  let lag = ''
  if (follower !== undefined) {
    const { last } = await journal.state()
    const told = performance.now()
    follower.send({ upTo: last })
    const heard = await new Promise<{ p50: number; p99: number; cpuUs: number }>((resolve) =>
      follower.once('message', resolve as never),
    )
    lag = `, follower done ${(performance.now() - told).toFixed(0)} ms later, age p50 ${heard.p50} p99 ${heard.p99} ms, ${(heard.cpuUs / count).toFixed(1)} us CPU/entry`
  }
  console.log(
    `${perCall}/call, ${window} in flight: ${Math.round(count / elapsed)} entries/s, wait p50 ${at(0.5)} p99 ${at(0.99)} p99.9 ${at(0.999)} ms, ` +
      `append() ${((inAppendMs * 1000) / count).toFixed(2)}, main thread ${((onMain.user + onMain.system) / count).toFixed(1)}, process ${((used.user + used.system) / count).toFixed(1)} us CPU/entry${lag}`,
  )
}

/** One entry every 20 ms: what a lone append waits, and how soon a follower in another process has it. */
async function measureLone(seconds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  const journal = await openJournal(folder, { maxBytes: 10 * 2 ** 30 })
  const follower = fork(new URL(import.meta.url), [folder])
  await new Promise((resolve) => follower.once('message', resolve))
  const waits: number[] = []
  const count = Math.round(seconds * 50)
  for (let n = 0; n < count; n++) {
    const asked = performance.now()
    await journal.append([
      { kind: 'ask', version: 1, body: String(performance.timeOrigin + performance.now()).padEnd(BODY_BYTES) },
    ])
    waits.push(performance.now() - asked)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  waits.sort((a, b) => a - b)
  follower.send({ upTo: count })
  const heard = await new Promise<{ p50: number; p99: number }>((resolve) => follower.once('message', resolve as never))
  console.log(
    `1 every 20 ms: wait p50 ${(waits[count >> 1] ?? 0).toFixed(2)} p99 ${(waits[Math.floor(count * 0.99)] ?? 0).toFixed(2)} ms, follower has it after p50 ${heard.p50} p99 ${heard.p99} ms`,
  )
  await journal[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
}

async function followOnly(folder: string): Promise<void> {
  await using follower = await openFollower(folder, 'bench')
  process.send?.('ready')
  let upTo = Number.POSITIVE_INFINITY
  const stop = new AbortController()
  let position = 0
  const ages: number[] = []
  const finish = (): void => {
    if (position >= upTo) stop.abort()
  }
  process.on('message', (told: { upTo: number }) => {
    upTo = told.upTo
    finish()
  })
  const cpu = process.cpuUsage()
  for await (const batch of follower.follow(0, { limit: 1000, signal: stop.signal })) {
    const now = performance.timeOrigin + performance.now()
    for (const { at, body } of batch) ages.push(now - (Number.parseFloat(body) || at))
    position = batch.at(-1)?.position ?? position
    await follower.acknowledge(position)
    finish()
  }
  const used = process.cpuUsage(cpu)
  ages.sort((a, b) => a - b)
  const at = (part: number): number => Math.round((ages[Math.floor(ages.length * part)] ?? 0) * 10) / 10
  process.send?.({ p50: at(0.5), p99: at(0.99), cpuUs: used.user + used.system })
  process.disconnect()
}
