// SPDX-License-Identifier: Apache-2.0
// Who has said nothing for long is let go, for networks dislike connections that nobody uses; and so is who may no more.
import type { Log } from '../kit/process/log.ts'
import type { Catalogue } from '../kit/text/catalogue.ts'
import type { Sessions } from '../kit/transport/sessions.ts'
import type { Networks } from './sessions/networks.ts'
import type { TransportIrcSettings } from './settings.ts'

/** How often they are looked for at most. */
const REAP_MS = 30_000

export type Reaped = {
  /** As they stand: others count after they were read again. */
  settings: Pick<TransportIrcSettings, 'limits'>
  networks: Pick<Networks, 'connected' | 'settings'>
  sessions: Pick<Sessions, 'close'>
  /** Why somebody may not use it, as an id of the catalogue; null: he may. */
  refusal(person: string): string | null
  say: Catalogue['say']
  /** Of the company: who is let go hears why in it. */
  language: string
  log: Log
  now(): number
}

export type Reaping = Disposable & {
  /** At once, and from now on as often as the settings say. */
  anew(): Promise<void>
}

export function openReaping(of: Reaped): Reaping {
  const nowAndThen = () => {
    const { idleMs } = of.settings.limits
    const everyMs = idleMs === 0 ? REAP_MS : Math.min(REAP_MS, Math.max(500, idleMs / 2))
    return setInterval(() => void reap(of), everyMs).unref()
  }
  let reaping = nowAndThen()
  return {
    async anew() {
      clearInterval(reaping)
      reaping = nowAndThen()
      await reap(of)
    },
    [Symbol.dispose]: () => clearInterval(reaping),
  }
}

async function reap({ settings, networks, sessions, refusal, say, language, log, now }: Reaped): Promise<void> {
  const { idleMs } = settings.limits
  const gone = [...networks.connected()].filter(
    ({ owner, network, activeAt }) =>
      refusal(owner) !== null || networks.settings(network) === null || (idleMs > 0 && now() - activeAt > idleMs),
  )
  for (const { owner, network } of gone) {
    const id =
      refusal(owner) ?? (networks.settings(network) === null ? 'transport-irc-no-network' : 'transport-irc-idle')
    try {
      await sessions.close(owner, network, say(id, language, { network }))
      log.info('connection ended', { network, why: id })
    } catch (error) {
      log.error('a connection could not be ended', { network, error })
    }
  }
}
