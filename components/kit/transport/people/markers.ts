// SPDX-License-Identifier: Apache-2.0
// How far somebody has read in a room at another program of his network, for his XMPP clients: XEP-0490, in his name. It only goes forward.
import { DISPLAYED, DISPLAYED_OPTIONS, readDisplayed, writeDisplayed } from '../../xep/displayed.ts'
import { bareOf } from '../../xmpp/jid.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { OwnNodes } from './own-nodes.ts'

export type ReadUpTo = {
  /** The room, and its id of the newest message that was read. */
  jid: string
  id: string
  /** Whether a message of this room is older than that; null: it is not known any more. */
  isBehind(id: string): Promise<boolean | null>
}

export type MarkersOptions = {
  nodes: OwnNodes
  log: Record<'warn' | 'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
}

export type Markers = {
  /** Does nothing where it is not granted. Of what comes faster than it is written the newest is. Never rejects. */
  read(owner: string, upTo: ReadUpTo): Promise<void>
}

export function openMarkers({ nodes, log }: MarkersOptions): Markers {
  /** By owner and room, what is still to be written. */
  const due = new Map<string, ReadUpTo>()

  async function write(owner: string, key: string): Promise<void> {
    await nodes.inTurn(owner, async (own) => {
      const upTo = due.get(key)
      due.delete(key)
      if (upTo === undefined) return
      const item = await own.read(DISPLAYED, upTo.jid)
      const before = item === null ? null : readDisplayed(item)
      if (before === upTo.id) return
      // One that is not known here is older than what is, or of a room of that name before: ours is the later word.
      if (before !== null && (await upTo.isBehind(before)) === false) return
      await own.publish(DISPLAYED, upTo.jid, writeDisplayed(upTo.jid, upTo.id), DISPLAYED_OPTIONS)
    })
  }

  return {
    async read(owner, upTo) {
      if (!nodes.are(owner)) return
      const key = `${bareOf(owner)} ${upTo.jid}`
      const isWaiting = due.has(key)
      due.set(key, upTo)
      if (isWaiting) return
      try {
        await write(owner, key)
      } catch (error) {
        due.delete(key)
        if (error instanceof StanzaError)
          log.warn('what was read elsewhere was not told', { condition: error.condition, error: error.cause })
        else log.error('what was read elsewhere was not told', { error })
      }
    },
  }
}
