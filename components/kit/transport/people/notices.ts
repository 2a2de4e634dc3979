// SPDX-License-Identifier: Apache-2.0
// What the servers of a network say to one of our people, and to nobody else: notices, warnings, refusals of what was thought done. It comes
// from the address of the network, passes the rules like all that crosses, and is bounded, because servers can talk a lot.
import type { Network } from '../network.ts'
import type { Asking } from '../rooms/house.ts'
import type { Sessions } from '../sessions.ts'
import { askAbout } from '../words.ts'

export type NoticesOptions = {
  domain: string
  network: Network
  sessions: Pick<Sessions, 'of'>
  asker: Pick<Asking, 'ask'>
  send(xml: string): boolean
  now(): number
}

export type Notices = {
  /** `by`: whose words they are, where not those of a server. */
  tell(owner: string, network: string, text: string, by?: string): void
  readonly counts: Readonly<Record<'told' | 'refused' | 'withheld' | 'left', number>>
}

/** Of one person on one network: so many at once, then one each time. */
const BURST = 10
const EACH_MS = 15_000
/** The same words are said once in that time. */
const AGAIN_MS = 10 * 60_000
const PLACES = 20_000

type Place = { left: number; at: number; said: Map<string, number> }

export function openNotices({ domain, network, sessions, asker, send, now }: NoticesOptions): Notices {
  const counts = { told: 0, refused: 0, withheld: 0, left: 0 }
  const places = new Map<string, Place>()

  function mayTell(key: string, text: string): boolean {
    const at = now()
    const place = places.get(key) ?? { left: BURST, at, said: new Map() }
    places.delete(key)
    places.set(key, place)
    const [oldest] = places.keys()
    if (places.size > PLACES && oldest !== undefined) places.delete(oldest)
    for (const [words, last] of place.said) if (at - last > AGAIN_MS) place.said.delete(words)
    if (place.said.has(text)) return false
    const come = Math.floor((at - place.at) / EACH_MS)
    if (come > 0) {
      place.left = Math.min(BURST, place.left + come)
      place.at += come * EACH_MS
    }
    if (place.left === 0) return false
    place.left--
    place.said.set(text, at)
    return true
  }

  return {
    counts,
    tell(owner, of, text, by = of) {
      // What is said before he is in is about coming in; what goes wrong there is told otherwise.
      if (text.trim() === '' || sessions.of(owner, of)?.isUp !== true) return
      if (!mayTell(`${owner} ${of}`, text)) {
        counts.left++
        return
      }
      const said = { owner, network: of, text, who: { nick: by }, order: `notices ${owner} ${of}` }
      void askAbout({ domain, network, asker }, said).then((passed) => {
        if (typeof passed === 'string') {
          counts[passed === 'outage' ? 'withheld' : 'refused']++
          return
        }
        counts.told++
        const { from, to, id, payload } = passed
        send(
          `<message from='${from}' to='${to}' type='headline' id='${id}'>${payload}<no-store xmlns='urn:xmpp:hints'/></message>`,
        )
      })
    },
  }
}
