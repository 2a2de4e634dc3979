// SPDX-License-Identifier: Apache-2.0
// Writes 2,000 questions a second into the journal, 20 commits a second, until it is told to stop: in a thread of its own, so that
// making them delays no search that is being timed.
import { setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { openJournal } from '../../components/kit/bus/file-journal.ts'
import { writeFact } from '../../components/kit/facts/entries.ts'
import type { Fact } from '../../components/kit/facts/facts.ts'
import { question, SOURCE } from './archive-questions.ts'

const { folder, from, perSecond } = workerData as { folder: string; from: number; perSecond: number }
const stop = new AbortController()
parentPort?.once('message', () => stop.abort())

const { sent, last } = await arrive()
parentPort?.postMessage({ sent, last })

async function arrive(): Promise<{ sent: number; last: number }> {
  await using journal = await openJournal(folder, { maxBytes: 64 * 2 ** 30 })
  const began = performance.now()
  let sent = 0
  while (!stop.signal.aborted) {
    const due = Math.floor(((performance.now() - began) / 1000) * perSecond)
    const facts: Fact[] = []
    for (; sent < due; sent++) facts.push(question(from + sent, Number.POSITIVE_INFINITY))
    facts.push({ kind: 'done', source: SOURCE, to: from + sent - 1 })
    await journal.append(facts.map(writeFact))
    await setTimeout(50, undefined, { signal: stop.signal }).catch(() => {})
  }
  return { sent, last: (await journal.state()).last }
}
