// SPDX-License-Identifier: Apache-2.0
// The worker thread of a file journal: takes everything that is queued into one commit, answers, then tidies up.
import { once } from 'node:events'
import { receiveMessageOnPort, Worker } from 'node:worker_threads'
import { takeSeat } from '../store/seat.ts'
import { workerUrl } from '../store/worker-url.ts'
import type { Ask, FoldAsk, FoldTold, Told, WorkerSettings } from './file-messages.ts'
import { FileWriter } from './file-writer.ts'
import { JournalFault } from './journal.ts'
import { whyNotOpened } from './owner.ts'
import { unpack } from './parcel.ts'

/** A commit takes no more entries than this at once: bounds the wait of the first call. */
const MAX_GROUP_ENTRIES = 4096

const seat = takeSeat()
if (seat === null) throw new JournalFault('file-worker.ts is started by openJournal()')
const { port } = seat
const settings = seat.data as WorkerSettings
const tell = (told: Told): void => port.postMessage(told)
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Started when there is something to fold for the first time: a journal that hardly grows is spared a thread and its memory. */
let folder: Worker | undefined
let folded: (told: FoldTold) => void = () => {}
const askFold = (ask: FoldAsk): void => {
  if (folder === undefined) {
    const url = workerUrl(new URL('./fold-worker.ts', import.meta.url))
    folder = new Worker(url, { name: 'journal folder', resourceLimits: { maxYoungGenerationSizeMb: 2 } })
    folder.on('message', (told: FoldTold) => folded(told))
  }
  folder.postMessage(ask)
}

try {
  serve(new FileWriter(settings, (level, fill) => tell({ told: 'level', level, fill }), askFold))
} catch (error) {
  tell({ told: 'unable', message: whyNotOpened(settings.folder, error) })
  folder?.postMessage({ fold: 'stop' } satisfies FoldAsk)
  port.close()
}

function serve(writer: FileWriter): void {
  folded = (told) => {
    try {
      writer.folded(told)
    } catch (error) {
      tell({ told: 'fault', message: textOf(error) })
    }
  }
  let trimming: Promise<unknown> = Promise.resolve()
  const inTurn = (step: () => Promise<void>): void => {
    trimming = trimming.then(step, step).catch((error: unknown) => tell({ told: 'fault', message: textOf(error) }))
  }
  const timer = setInterval(() => inTurn(() => writer.tick()), settings.trimEveryMs)
  port.on('message', (first: Ask) => {
    let ask: Ask | undefined = first
    while (ask !== undefined) ask = ask.ask === 'append' ? appendFrom(writer, ask) : answer(ask)
  })
  tell({ told: 'ready', last: writer.last })

  function answer(ask: Exclude<Ask, { ask: 'append' }>): undefined {
    if (ask.ask === 'trim') {
      const { id } = ask
      inTurn(async () => {
        try {
          tell({ told: 'trimmed', id, removed: await writer.trim(true) })
        } catch (error) {
          tell({ told: 'failed', id, message: textOf(error) })
        }
      })
    } else if (ask.ask === 'state') {
      try {
        tell({ told: 'state', id: ask.id, state: writer.state() })
      } catch (error) {
        tell({ told: 'failed', id: ask.id, message: textOf(error) })
      }
    } else {
      clearInterval(timer)
      inTurn(async () => {
        if (folder !== undefined) {
          const ended = once(folder, 'exit')
          folder.postMessage({ fold: 'stop' } satisfies FoldAsk)
          await ended
        }
        // The end of the port says that everything is closed.
        writer.close()
        port.close()
      })
    }
  }
}

/** One commit for this call and all that are queued behind it; gives the first message that is not an append, if it met one. */
function appendFrom(writer: FileWriter, first: Extract<Ask, { ask: 'append' }>): Ask | undefined {
  const group = { sizes: [...first.parcel.sizes], cells: [...unpack(first.parcel)] }
  const used = [first.parcel.bodies.buffer]
  let other: Ask | undefined
  while (other === undefined && group.cells.length < MAX_GROUP_ENTRIES * 3) {
    const next = receiveMessageOnPort(port)?.message as Ask | undefined
    if (next === undefined) break
    if (next.ask === 'append') {
      for (const size of next.parcel.sizes) group.sizes.push(size)
      for (const cell of unpack(next.parcel)) group.cells.push(cell)
      used.push(next.parcel.bodies.buffer)
    } else other = next
  }
  const settled = writer.append(group)
  port.postMessage({ told: 'settled', settled, used } satisfies Told, used)
  try {
    writer.tidy()
  } catch (error) {
    tell({ told: 'fault', message: textOf(error) })
  }
  return other
}
