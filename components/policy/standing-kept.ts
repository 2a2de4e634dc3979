// SPDX-License-Identifier: Apache-2.0
// Who stands in which room, kept on disk as long as there are walls: a restart must not let anybody through.
import { createHash } from 'node:crypto'
import { openSnapshotWriter } from '../kit/bus/file-snapshot.ts'
import { openSnapshotReader } from '../kit/bus/file-snapshot-reader.ts'
import type { Item, SnapshotWriter } from '../kit/bus/snapshot.ts'
import type { Known, Moved, Rooms, Told } from './gate/standing.ts'

/** One folder of its own: `occupant` items by room and nick, `host` items by host. Version 1. */
const VERSION = 1

export class StandingKept implements AsyncDisposable {
  readonly #folder: string
  readonly #rooms: Rooms
  #writer: SnapshotWriter | null = null
  #turn: Promise<unknown> = Promise.resolve()
  #behind = false

  constructor(folder: string, rooms: Rooms) {
    this.#folder = folder
    this.#rooms = rooms
  }

  /** Begins to keep, or stops it: what is not kept any more is forgotten on disk, since it will be wrong. Called for each rule set. */
  follow(walls: boolean): Promise<void> {
    return this.#inTurn(() => (walls ? this.#begin() : this.#end()))
  }

  /** Null where there is nothing to keep. Else resolves when it is on disk. */
  keep(told: Told | null): Promise<unknown> | null {
    const writer = this.#writer
    if (writer === null || (told === null && !this.#behind)) return null
    const kept = told === null || this.#behind ? this.#writeAll(writer) : this.#write(writer, told)
    return kept.catch((error: unknown) => {
      // What is told again is no news any more: the whole is written then.
      this.#behind = true
      throw error
    })
  }

  async #writeAll(writer: SnapshotWriter): Promise<void> {
    this.#behind = false
    await writer.replace(itemsOf([...this.#rooms.all()], this.#rooms.allKnown()))
  }

  async #write(writer: SnapshotWriter, { moved, known, emptied }: Told): Promise<void> {
    // A service that stands empty again is rare.
    if (emptied.length > 0) return this.#writeAll(writer)
    // Of what is told twice in one screen the last counts.
    const last = new Map(moved.map((one) => [keyOf(one), one]))
    const put = [...last.values()].filter(({ jid }) => jid !== null)
    const remove = [...last].filter(([, { jid }]) => jid === null).map(([key]) => key)
    await writer.put({ put: itemsOf(put, known), remove })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writer?.[Symbol.asyncDispose]()
      this.#writer = null
    })
  }

  async #begin(): Promise<void> {
    if (this.#writer !== null) return
    const writer = await openSnapshotWriter(this.#folder, { keepMs: 0, keepMost: 0 })
    // What this process has heard since its start counts more than what is on disk.
    if ((await writer.state()).seq > 0) await this.#restore()
    await writer.replace(itemsOf([...this.#rooms.all()], this.#rooms.allKnown()))
    this.#writer = writer
  }

  async #end(): Promise<void> {
    const writer = this.#writer ?? ((await hasSome(this.#folder)) ? await openSnapshotWriter(this.#folder) : null)
    this.#writer = null
    if (writer === null) return
    await writer.replace([])
    await writer[Symbol.asyncDispose]()
  }

  async #restore(): Promise<void> {
    await using reader = openSnapshotReader(this.#folder)
    const moved: Moved[] = []
    const known: Known[] = []
    for await (const step of reader.follow(null, { signal: new AbortController().signal })) {
      if (step.kind === 'commit') break
      if (step.kind === 'batch')
        for (const { kind, body } of step.put) {
          if (kind === 'occupant') moved.push(JSON.parse(body) as Moved)
          else if (kind === 'host') known.push(JSON.parse(body) as Known)
        }
    }
    this.#rooms.restore(known, moved)
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(step)
    this.#turn = done.catch(() => {})
    return done
  }
}

async function hasSome(folder: string): Promise<boolean> {
  await using reader = openSnapshotReader(folder)
  return ((await reader.state())?.items ?? 0) > 0
}

/** Addresses may be longer than a key. */
function keyOf({ room, nick }: Moved): string {
  const name = `${room}/${nick}`
  return `occupant/${name.length < 900 ? name : createHash('sha256').update(name).digest('hex')}`
}

function itemsOf(moved: readonly Moved[], known: readonly Known[]): Item[] {
  const item = (kind: string, key: string, value: Moved | Known) => {
    return { key, kind, version: VERSION, body: JSON.stringify(value) }
  }
  return [
    ...moved.map((one) => item('occupant', keyOf(one), one)),
    ...known.map((one) => item('host', `host/${one.host}`, one)),
  ]
}
