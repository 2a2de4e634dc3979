// SPDX-License-Identifier: Apache-2.0
// The helpers in the servers, one for each virtual host: each is asked what it holds and handed what it lacks; one transfer at a time.
import { setTimeout as delay } from 'node:timers/promises'
import type { Element } from '../kit/xml/element.ts'
import { StanzaError } from '../kit/xmpp/stanza-error.ts'
import type { ProvisionedWall } from './domain/walls.ts'
import { changesOf, everything } from './hand-over.ts'
import { leavesOwnRooms, partsPeople } from './own-rooms.ts'
import { wallsOf } from './parted-rooms.ts'
import { writeMoved } from './protocol/publish.ts'
import { writeLeave } from './protocol/rooms.ts'
import {
  ASK_STATE,
  type HelperPolicy,
  type HelperState,
  readHelperState,
  type Transfer,
  writeParts,
} from './protocol/state.ts'
import { findRefused } from './refused-addresses.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

export type HelpersOptions = {
  hosts: readonly string[]
  store: DirectoryStore
  /** Names what is handed over; another one makes every helper take all of it anew. */
  stateId: string
  policy: HelperPolicy
  /** What is said to those whom a wall puts out of a room. */
  wallReason: string
  request(host: string, payload: string, type: 'get' | 'set', timeoutMs: number): Promise<Element>
  /** The version that is provisioned. */
  current(): number
  told: HelperEvents
  now(): number
  signal: AbortSignal
}

export type HelperEvents = {
  handed(host: string, kind: 'whole' | 'changes', seq: number, parts: number, ms: number): void
  failed(host: string, error: StanzaError): void
  /** The server takes these for no addresses; nothing is said of them there. */
  leftOut(host: string, addresses: readonly string[]): void
  /** So many were put out of rooms that people made, because walls part them from others in there. */
  putOut(host: string, count: number): void
  /** The room has more people than the helper tells of. */
  cutRoom(host: string, room: string): void
}

export type HelperView = {
  host: string
  /** What it said last. */
  state: HelperState | null
  /** Since when, and why, it has not what it should have; null: it has. */
  trouble: { since: number; error: StanzaError | null } | null
  /** Addresses that its server does not take. */
  refused: readonly string[]
}

export type Helpers = AsyncDisposable & {
  /** There may be something new, or the stream is up again. */
  wake(): void
  views(): readonly HelperView[]
  /** Resolves when this host has this version; rejects when the signal aborts. */
  has(host: string, seq: number, signal: AbortSignal): Promise<void>
  /** Who leaves which room that people made when these walls stand; `cause`: why that cannot be told of this host. */
  leaving(
    walls: readonly ProvisionedWall[],
  ): AsyncIterable<{ host: string; room: string; jid: string } | { host: string; cause: StanzaError }>
}

/** A part is written to the helper's disk before it is answered. */
const PART_WITHIN_MS = 30_000
const ASK_WITHIN_MS = 10_000
const PAUSE = { leastMs: 1_000, mostMs: 60_000 }
/** A helper that came to harm while the stream stayed up is noticed after this. */
const LOOK_AGAIN_MS = 60_000

export function openHelpers(options: HelpersOptions): Helpers {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const links = options.hosts.map((host) => openHelper(host, { ...options, signal }))
  return {
    wake() {
      for (const link of links) link.wake()
    },
    views: () => links.map(({ view }) => view()),
    async has(host, seq, until) {
      await links.find((link) => link.host === host)?.has(seq, until)
    },
    async *leaving(walls) {
      for (const link of links)
        try {
          for await (const { room, jids } of link.leaving(walls))
            for (const jid of jids) yield { host: link.host, room, jid }
        } catch (cause) {
          if (!(cause instanceof StanzaError)) throw cause
          yield { host: link.host, cause }
        }
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(links.map(({ ended }) => ended))
    },
  }
}

function openHelper(host: string, options: HelpersOptions) {
  const { store, stateId, policy, request, current, told, now, signal } = options
  let state: HelperState | null = null
  let trouble: HelperView['trouble'] = { since: now(), error: null }
  let waking = Promise.withResolvers<void>()
  const waiting = new Set<() => void>()
  const refused = new Set<string>()
  /** Somebody may be together with others in a room from whom a wall parts him; at a start nobody knows. */
  let unparted = true
  const hasAll = () => state?.id === stateId && state.seq === current()

  const wake = () => waking.resolve()
  const ended = work()
  return {
    host,
    wake,
    ended,
    leaving,
    view: (): HelperView => ({
      host,
      state,
      trouble: trouble ?? (hasAll() ? null : { since: now(), error: null }),
      refused: [...refused],
    }),
    async has(seq: number, until: AbortSignal) {
      while (!(state?.id === stateId && state.seq >= seq)) {
        until.throwIfAborted()
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        const aborted = () => reject(until.reason)
        until.addEventListener('abort', aborted, { once: true })
        waiting.add(resolve)
        await promise.finally(() => {
          waiting.delete(resolve)
          until.removeEventListener('abort', aborted)
        })
      }
    },
  }

  async function work(): Promise<void> {
    let pauseMs = PAUSE.leastMs
    // The stream says when it is up.
    await wokenOr(PAUSE.mostMs)
    while (!signal.aborted) {
      // What is said from here on wakes the next round.
      waking = Promise.withResolvers<void>()
      try {
        await bringUp()
        await tellMoved()
        await part()
        trouble = null
        pauseMs = PAUSE.leastMs
        await wokenOr(LOOK_AGAIN_MS)
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof StanzaError)) throw error
        if (trouble?.error?.message !== error.message) told.failed(host, error)
        trouble = { since: trouble?.since ?? now(), error }
        await wokenOr(pauseMs * (0.75 + Math.random() / 2))
        pauseMs = Math.min(PAUSE.mostMs, pauseMs * 2)
      }
    }
  }

  async function wokenOr(ms: number): Promise<void> {
    const woken = new AbortController()
    await Promise.race([
      delay(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) }),
      waking.promise,
    ]).catch(() => {})
    woken.abort()
  }

  /** Until it has what there is. */
  async function bringUp(): Promise<void> {
    heard(await ask())
    while (!hasAll() && !signal.aborted && current() > 0) {
      const began = now()
      const next = state?.id === stateId ? state.seq + 1 : null
      const version = next === null || next > current() ? null : await store.read('version', next)
      try {
        const kind = next !== null && version !== null && version.steps > 0 ? 'changes' : 'whole'
        const parts = kind === 'changes' ? await handChanges(next ?? 0) : await handAll()
        told.handed(host, kind, state?.seq ?? 0, parts, now() - began)
        if (kind === 'whole' || (await partsPeople(store, next ?? 0))) unparted = true
      } catch (error) {
        if (await isAboutAddresses(error)) continue
        // It holds something else than it said, or would rather begin anew.
        if (!(error instanceof StanzaError) || error.condition !== 'conflict' || next === null) throw error
        const parts = await handAll()
        told.handed(host, 'whole', state?.seq ?? 0, parts, now() - began)
        unparted = true
      }
    }
  }

  /** Puts those out of rooms that people made whom walls part from others in there. Done again where it was not done to the end. */
  async function part(): Promise<void> {
    if (!unparted || state?.features.includes('rooms') !== true) return
    const walls = await wallsOf(store)
    let count = 0
    let fault: StanzaError | null = null
    for await (const { room, jids, isCut } of leaving(walls)) {
      if (isCut) told.cutRoom(host, room)
      for (const jid of jids)
        try {
          if (await leave(room, jid)) count += 1
        } catch (error) {
          // One whom a room does not let go keeps no other.
          if (!(error instanceof StanzaError) || error.type === 'wait') throw error
          fault ??= error
        }
    }
    if (count > 0) told.putOut(host, count)
    if (fault !== null) throw fault
    unparted = false
  }

  /** False: the room, or the person, is gone meanwhile. */
  async function leave(room: string, jid: string): Promise<boolean> {
    try {
      await request(host, writeLeave(room, jid, options.wallReason), 'set', ASK_WITHIN_MS)
      return true
    } catch (error) {
      if (error instanceof StanzaError && error.condition === 'item-not-found') return false
      throw error
    }
  }

  function leaving(walls: readonly ProvisionedWall[]) {
    return leavesOwnRooms(store, walls, (payload) => request(host, payload, 'get', ASK_WITHIN_MS))
  }

  /** True: the server does not take some of the addresses; from now on nothing is said of those. */
  async function isAboutAddresses(error: unknown): Promise<boolean> {
    if (!(error instanceof StanzaError) || error.condition !== 'bad-request') return false
    const found = await findRefused(store, refused, (payload) => request(host, payload, 'get', ASK_WITHIN_MS))
    for (const jid of found) refused.add(jid)
    if (found.length > 0) told.leftOut(host, found)
    return found.length > 0
  }

  /** Says on former accounts where the person is now (XEP-0283). One of which there is no account has nobody to ask it. */
  async function tellMoved(): Promise<void> {
    if (state?.features.includes('publish') !== true) return
    for (const moved of await store.read('moved', host)) {
      try {
        await request(host, writeMoved(moved.old, moved.now), 'set', ASK_WITHIN_MS)
      } catch (error) {
        if (!(error instanceof StanzaError) || error.type === 'wait') throw error
        if (error.condition !== 'item-not-found') told.failed(host, error)
      }
      await store.write('movedDone', moved)
    }
  }

  async function handChanges(seq: number): Promise<number> {
    return send({ id: stateId, seq, base: seq - 1 }, await changesOf(store, seq, refused))
  }

  async function handAll(): Promise<number> {
    const steps = everything(store, policy, refused)
    const first = await steps.next()
    if (first.done === true || !('seq' in first.value)) throw new Error('the store has no version')
    return send({ id: stateId, seq: first.value.seq }, elementsOf(steps))
  }

  async function send(transfer: Transfer, children: AsyncIterable<string> | Iterable<string>): Promise<number> {
    let parts = 0
    let answer: Element | null = null
    for await (const part of writeParts(transfer, children)) {
      signal.throwIfAborted()
      answer = await request(host, part, 'set', PART_WITHIN_MS)
      parts += 1
    }
    // The last result says what is held now; one that does not is asked.
    heard((answer === null ? null : readHelperState(answer)) ?? (await ask()))
    if (state?.id !== transfer.id || state.seq !== transfer.seq)
      throw new StanzaError(
        'wait',
        'unexpected-request',
        {},
        { cause: `${host} took version ${transfer.seq} and does not hold it` },
      )
    return parts
  }

  async function ask(): Promise<HelperState> {
    const answer = readHelperState(await request(host, ASK_STATE, 'get', ASK_WITHIN_MS))
    if (answer === null)
      throw new StanzaError('cancel', 'bad-request', {}, { cause: `${host} answers without a state` })
    return answer
  }

  function heard(said: HelperState): void {
    state = said
    for (const resolve of waiting) resolve()
  }
}

async function* elementsOf(steps: AsyncIterable<{ seq: number } | { element: string }>): AsyncGenerator<string> {
  for await (const step of steps) if ('element' in step) yield step.element
}
