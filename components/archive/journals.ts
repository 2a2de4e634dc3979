// SPDX-License-Identifier: Apache-2.0
// All journals that are followed, each by itself: one that is missing or broken holds up nothing of the others.
import { setTimeout as delay } from 'node:timers/promises'
import { openFollower } from '../kit/bus/file-follower.ts'
import { type Follower, JournalFault } from '../kit/bus/journal.ts'
import { orAborted } from '../kit/bus/or-aborted.ts'
import { type FollowOptions, openFollowing } from './follow.ts'

export const NOT_OPENED = 'not opened yet'

export type JournalView = {
  name: string
  /** What keeps it from being followed; null when all is well. */
  wrong: string | null
  /** 0 before it is open. */
  position: number
  /** Entries that are written and not kept yet. */
  behind: number
  /** How long ago the oldest of them at most was written; 0 when there are none. */
  lagMs: number
}

export type Journals = AsyncDisposable & {
  views(): readonly JournalView[]
  /** Looks at the journals' ends; gives up to which time everything written is kept, null while that is not known. */
  look(now: number): Promise<number | null>
  /** The name of the journal with this id if it still holds the position, or cannot say; null when it is gone, or not followed. */
  holds(journal: string, position: number): Promise<string | null>
  /** Asks the writer of the journal with this id to part with everything up to the position. */
  release(journal: string, position: number): Promise<void>
  /** Resolves when what they hold now is kept, or when the signal aborts. */
  caughtUp(signal: AbortSignal): Promise<void>
}

export type JournalsOptions = Omit<FollowOptions, 'follower' | 'journal' | 'cursor'> & {
  followed: readonly { name: string; folder: string }[]
  cursorOf(journal: string): Promise<number>
  failed(name: string, error: unknown): void
}

const FOLLOWER = 'archive'
const AGAIN_MS = 5000

type Track = {
  view: JournalView
  /** Resolves when it is open for the first time, or is not there yet. */
  tried: PromiseWithResolvers<void>
  open: {
    id: string
    state(): Promise<{ first: number; last: number }>
    release(position: number): Promise<void>
    position(): number
    lastAt(): number | null
    caughtUp(signal: AbortSignal): Promise<boolean>
  } | null
}

export function openJournals(options: JournalsOptions): Journals {
  const stop = new AbortController()
  const { signal } = stop
  const tracks: Track[] = options.followed.map(({ name }) => ({
    view: { name, wrong: NOT_OPENED, position: 0, behind: 0, lagMs: 0 },
    open: null,
    tried: Promise.withResolvers<void>(),
  }))
  const running = tracks.map((track, index) => followForEver(track, options.followed[index]?.folder ?? ''))
  return {
    views: () => tracks.map(({ view, open }) => ({ ...view, position: open?.position() ?? view.position })),
    async look(now) {
      let asOf: number | null = now
      for (const { view, open } of tracks) {
        if (!open) continue
        const { last } = await open.state()
        view.position = open.position()
        view.behind = Math.max(0, last - view.position)
        const lastAt = open.lastAt()
        view.lagMs = view.behind === 0 || lastAt === null ? 0 : Math.max(0, now - lastAt)
        if (view.behind === 0) continue
        asOf = lastAt === null || asOf === null ? null : Math.min(asOf, lastAt)
      }
      return asOf
    },
    async holds(journal, position) {
      for (const { view, open } of tracks) {
        // A journal that cannot be read now may be the one.
        if (open === null && view.wrong !== NOT_OPENED) return view.name
        if (open?.id === journal && (await open.state()).first <= position) return view.name
      }
      return null
    },
    async release(journal, position) {
      for (const { open } of tracks) if (open?.id === journal) await open.release(position)
    },
    async caughtUp(within) {
      const either = AbortSignal.any([within, signal])
      await Promise.all(
        tracks.map(async (track) => {
          await orAborted(track.tried.promise, either)
          await track.open?.caughtUp(either)
        }),
      )
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(running)
    },
  }

  async function followForEver(track: Track, folder: string): Promise<void> {
    while (!signal.aborted) {
      try {
        await followOnce(track, folder)
      } catch (error) {
        if (signal.aborted) return
        track.tried.resolve()
        track.view.wrong = error instanceof Error ? error.message : String(error)
        options.failed(track.view.name, error)
        await delay(AGAIN_MS, undefined, { signal }).catch(() => {})
      } finally {
        track.open = null
      }
    }
  }

  async function followOnce(track: Track, folder: string): Promise<void> {
    await using follower = await openNow(folder).catch((error: unknown) => {
      if (!(error instanceof JournalFault)) throw error
      track.tried.resolve()
      return openFollower(folder, FOLLOWER, { waitFor: signal })
    })
    const { id } = await follower.state()
    const following = openFollowing({ ...options, follower, journal: id, cursor: await options.cursorOf(id) })
    track.open = {
      id,
      state: () => follower.state(),
      release: (position) => follower.release(position),
      position: () => following.position,
      lastAt: () => following.lastAt,
      caughtUp: (within) => following.caughtUp(within),
    }
    track.view.wrong = null
    track.tried.resolve()
    await following.run(signal)
  }
}

/** Rejects with JournalFault when its writer has not made it yet. */
function openNow(folder: string): Promise<Follower> {
  return openFollower(folder, FOLLOWER)
}
