// SPDX-License-Identifier: Apache-2.0
// Rooms of the network among somebody's bookmarks (XEP-0402), so that all his clients know where he is. Made once: who has a bookmark keeps his
// own, and who throws one of ours away gets no other.
import { BOOKMARK_OPTIONS, BOOKMARKS, writeBookmark } from '../../xep/bookmarks.ts'
import { bareOf } from '../../xmpp/jid.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Keep } from './keep.ts'
import type { OwnNodes } from './own-nodes.ts'

/** `name` as the network writes it; `jid`: the room's address. */
export type EnteredRoom = { network: string; name: string; jid: string; nick: string }

export type BookmarksOptions = {
  keep: Keep
  nodes: OwnNodes
  /** Whether this room is to be among his bookmarks. */
  wanted(owner: string, network: string, room: string): boolean
  now(): number
  log: Record<'warn' | 'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
}

export type Bookmarks = {
  /** Does nothing where it is not wanted, not granted, or was done before. Never rejects. */
  entered(owner: string, room: EnteredRoom): Promise<void>
  /** He left it for good: a bookmark of ours goes. Never rejects. */
  left(owner: string, network: string, jid: string): Promise<void>
  /** The same of all of a network. */
  leftAll(owner: string, network: string): Promise<void>
}

type Kept = { at: string; isOurs: boolean }
/** Of one person. */
const MOST = 1_000

export function openBookmarks({ keep, nodes, wanted, now, log }: BookmarksOptions): Bookmarks {
  const nameOf = (owner: string, network: string, jid: string) => `${bareOf(owner)} ${network} ${jid}`

  async function make(owner: string, { network, name, jid, nick }: EnteredRoom): Promise<void> {
    const kept = nameOf(owner, network, jid)
    await nodes.inTurn(owner, async (own) => {
      if (keep.read<Kept>('bookmark', kept) !== null) return
      const isOurs = (await own.read(BOOKMARKS, jid)) === null
      if (isOurs) await own.publish(BOOKMARKS, jid, writeBookmark({ name, autojoin: true, nick }), BOOKMARK_OPTIONS)
      await keep.set('bookmark', kept, { at: new Date(now()).toISOString(), isOurs } satisfies Kept)
    })
  }

  async function remove(owner: string, network: string, jid: string): Promise<void> {
    const kept = nameOf(owner, network, jid)
    const body = keep.read<Kept>('bookmark', kept)
    if (body === null) return
    await keep.set('bookmark', kept, null)
    if (!body.isOurs || !nodes.are(owner)) return
    await nodes.inTurn(owner, async (own) => {
      if ((await own.read(BOOKMARKS, jid)) !== null) await own.retract(BOOKMARKS, jid)
    })
  }

  async function quietly(network: string, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (error instanceof StanzaError)
        log.warn('a bookmark was not written', { network, condition: error.condition, error: error.cause })
      else log.error('a bookmark was not written', { network, error })
    }
  }

  const of = (prefix: string) => keep.list<Kept>('bookmark').filter(({ name }) => name.startsWith(prefix))

  return {
    async entered(owner, room) {
      if (!wanted(bareOf(owner), room.network, room.name) || !nodes.are(owner)) return
      if (keep.read<Kept>('bookmark', nameOf(owner, room.network, room.jid)) !== null) return
      if (of(`${bareOf(owner)} `).length >= MOST) return
      await quietly(room.network, () => make(owner, room))
    },
    left: (owner, network, jid) => quietly(network, () => remove(owner, network, jid)),
    async leftAll(owner, network) {
      const prefix = `${bareOf(owner)} ${network} `
      for (const { name } of of(prefix)) await this.left(owner, network, name.slice(prefix.length))
    },
  }
}
