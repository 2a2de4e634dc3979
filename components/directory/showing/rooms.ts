// SPDX-License-Identifier: Apache-2.0
// Rooms of groups: which there are to be, and the way there from those that are. Never destroyed: without its group a room is retired.
import { createHash } from 'node:crypto'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import { readParted, withoutParted } from '../domain/parted.ts'
import type { ProvisionedGroup } from '../domain/provisioned.ts'
import { nameRoom, type Room, type RoomRule, roomLocal, roomNames } from '../domain/room.ts'
import { walledByRoom, wallsOf } from '../parted-rooms.ts'
import type { DirectoryStore } from '../storage/directory-store.ts'
import { changeMembers, makeRoom, markOfWords, membersOf, type RoomWire, type RoomWords, tellRoom } from './one-room.ts'
import { openWaking, wokenOrAfter } from './waiting.ts'

export type RoomsOptions = RoomWire & {
  store: DirectoryStore
  rule: RoomRule
  /** How a room is called whose group is gone. */
  retiredName(name: string): string
  isUp(): boolean
  now(): number
  signal: AbortSignal
  log: Record<'info' | 'warn' | 'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
  /** Rooms of these groups are there, are gone, or are called otherwise. */
  changed(groups: readonly string[]): Promise<void>
}

export type Rooms = {
  /** The groups or their members may have changed. */
  notice(): void
  /** As notice, and what the rooms say of their members counts, not what we remember. */
  compare(): void
  /** Those that are made, of these groups. */
  of(groups: readonly string[]): readonly { jid: string; name: string }[]
  run(): Promise<void>
}

const PAUSES_MS = [2_000, 10_000, 60_000, 300_000]

export async function openRooms(options: RoomsOptions): Promise<Rooms> {
  const { store, signal, log } = options
  const nameOf = roomNames(options.rule)
  const made = new Map<string, { jid: string; name: string }>()
  remember(await store.read('rooms', null))
  const troubles = new Map<string, string>()
  let [isNew, isCompared] = [true, false]
  const waking = openWaking(signal)
  return {
    notice() {
      isNew = true
      waking.wake()
    },
    compare() {
      ;[isNew, isCompared] = [true, false]
      waking.wake()
    },
    of: (groups) => groups.flatMap((group) => made.get(group) ?? []),
    async run() {
      for (let failures = 0; !signal.aborted; ) {
        const waiting = waking.next
        if (!isNew || !options.isUp()) {
          await wokenOrAfter(waiting, isNew ? 1_000 : 3_600_000)
          continue
        }
        isNew = false
        // The first time, and whenever it is asked for, rooms are looked at as they are.
        const compared = isCompared
        isCompared = true
        if (await makeSo(!compared)) {
          failures = 0
          continue
        }
        isNew = true
        if (!compared) isCompared = false
        await wokenOrAfter(waiting, PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 0)
        failures += 1
      }
    },
  }

  function remember(rooms: readonly Room[]): void {
    made.clear()
    for (const { group, jid, state, name } of rooms) if (state === 'made') made.set(group, { jid, name })
  }

  /** True: all is as it is to be. What fails with one room keeps no other. */
  async function makeSo(compare: boolean): Promise<boolean> {
    const wanted = await wantedWords()
    const rooms = await planned(wanted)
    if (compare) for (const room of rooms) if (room.state !== 'planned') await attempt(room, () => lookAtMembers(room))
    let whole = true
    const changed: string[] = []
    for (const room of rooms) {
      if (signal.aborted) return true
      const words = wanted.get(room.group) ?? retired(room)
      if (words === null || room.said === markOfWords(words)) continue
      if (await attempt(room, () => tell(room, words))) changed.push(room.group)
      else whole = false
    }
    if (!(await moveMembers([...wanted.keys()]))) whole = false
    if (changed.length > 0) {
      remember(await store.read('rooms', null))
      await options.changed(changed)
    }
    return whole
  }

  async function wantedWords(): Promise<Map<string, RoomWords>> {
    const teams = (await store.read('teams', null)).map((body) => JSON.parse(body) as ProvisionedGroup)
    return new Map(
      teams.flatMap((group) => {
        const name = nameOf(group)
        if (name === null) return []
        return [[group.id, { name, subject: nameRoom(options.rule.subject, group), retired: false }]]
      }),
    )
  }

  /** Null: it was never made, so there is nothing to retire. */
  function retired({ state, name, subject }: Room): RoomWords | null {
    return state === 'planned' ? null : { name: options.retiredName(name), subject, retired: true }
  }

  /** All rooms that we know; a group without one is given an address, for ever. */
  async function planned(wanted: ReadonlyMap<string, RoomWords>): Promise<Room[]> {
    const rooms = await store.read('rooms', null)
    const taken = new Set(rooms.map(({ jid }) => jid))
    const there = new Set(rooms.map(({ group }) => group))
    for (const [group, { name, subject }] of wanted) {
      if (there.has(group)) continue
      const jid = addressOf(group, name, taken)
      const room: Room = { group, jid, state: 'planned', name, subject, said: '' }
      await store.write('room', room)
      taken.add(jid)
      rooms.push(room)
    }
    return rooms
  }

  function addressOf(group: string, name: string, taken: ReadonlySet<string>): string {
    const plain = `${roomLocal(name, '')}@${options.rule.service}`
    if (roomLocal(name, '') === roomLocal('', '') || taken.has(plain)) return markedAddress(group, name)
    return plain
  }

  function markedAddress(group: string, name: string): string {
    const mark = createHash('sha256').update(group).digest('hex').slice(0, 8)
    return `${roomLocal(name, mark)}@${options.rule.service}`
  }

  async function tell(room: Room, words: RoomWords): Promise<void> {
    const { group, jid, state, name } = room
    if (state !== 'planned') await tellRoom(options, jid, words)
    else if (!(await makeRoom(options, jid, words))) {
      const other = markedAddress(group, name)
      if (other === jid || !(await makeRoom(options, other, words)))
        throw new StanzaError('cancel', 'conflict', {}, { cause: 'rooms of others stand at both of its addresses' })
      room.jid = other
    }
    // The name as it was stays with a retired room, for the day when its group comes back.
    const kept = words.retired ? { name, subject: room.subject } : { name: words.name, subject: words.subject }
    await store.write('room', {
      ...room,
      ...kept,
      state: words.retired ? 'retired' : 'made',
      said: markOfWords(words),
    })
    log.info(words.retired ? 'room retired' : state === 'planned' ? 'room made' : 'room told anew', {
      room: room.jid,
      group,
    })
  }

  async function lookAtMembers({ jid }: Room): Promise<void> {
    const [there, known] = [new Set(await membersOf(options.request, jid)), await store.read('roomMembersOf', jid)]
    const held = new Set(known)
    await store.write('roomMembers', {
      room: jid,
      add: [...there].filter((one) => !held.has(one)),
      remove: known.filter((one) => !there.has(one)),
    })
  }

  async function moveMembers(groups: readonly string[]): Promise<boolean> {
    const moves = new Map<string, { add: string[]; remove: string[] }>()
    const moveOf = (room: string) => {
      const move = moves.get(room) ?? { add: [], remove: [] }
      moves.set(room, move)
      return move
    }
    const without = await parted(groups)
    for await (const rows of store.stream('roomMoves', groups, { batch: 2_000 }))
      for (const { room, jid, joins } of rows) {
        if (!joins) moveOf(room).remove.push(jid)
        else if (!without.get(room)?.has(jid)) moveOf(room).add.push(jid)
      }
    for (const [room, jids] of without)
      for (const jid of await store.read('roomMembersOf', room)) if (jids.has(jid)) moveOf(room).remove.push(jid)
    let whole = true
    for (const [room, move] of moves) {
      const change = () =>
        changeMembers(options.request, room, move, (part) => store.write('roomMembers', { room, ...part }))
      if (!(await attempt({ jid: room }, change))) whole = false
    }
    return whole
  }

  /** By room whom it is to do without, because a wall stands between him and others in it. */
  async function parted(groups: readonly string[]): Promise<Map<string, ReadonlySet<string>>> {
    const walls = await wallsOf(store)
    if (walls.length === 0) return new Map()
    const read = readParted(walls)
    const people = await walledByRoom(store, groups, read)
    const without = [...people].map(([room, those]) => [room, withoutParted(those, read)] as const)
    return new Map(without.filter(([, jids]) => jids.size > 0))
  }

  async function attempt({ jid }: { jid: string }, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      troubles.delete(jid)
      return true
    } catch (error) {
      if (signal.aborted) return false
      if (!(error instanceof StanzaError)) throw error
      const { condition, cause } = error
      const message = cause === undefined ? condition : `${condition}: ${String(cause)}`
      // The same again is one trouble.
      if (troubles.get(jid) === message) return false
      troubles.set(jid, message)
      log.warn('a room is not as it is to be, trying again', { room: jid, condition, error: cause })
      await store.write('trouble', { at: options.now(), place: jid, reason: 'room', message })
      return false
    }
  }
}
