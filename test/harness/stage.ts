// SPDX-License-Identifier: Apache-2.0
// A world with people on it: real clients who log in by name, and an officer who looks into the archive.
import { setTimeout } from 'node:timers/promises'
import type { Row } from './ask-command.ts'
import { type Slixmpp, type SlixmppClient, startSlixmpp } from './slixmpp.ts'
import { HOST, startWorld, type World, type WorldOptions } from './world.ts'

export type Stage = AsyncDisposable & {
  readonly world: World
  readonly slixmpp: Slixmpp
  /** Logs in as NAME@corp.example/RESOURCE (desk). */
  person(name: string, options?: { resource?: string; management?: boolean; host?: string }): Promise<SlixmppClient>
  /** Waits until the archive has a record that holds these words, settled as said; gives the records, newest first. */
  recorded(words: string, settlement?: string): Promise<Row[]>
}

const RECORDED_WITHIN_MS = 30_000

export async function openStage(options: WorldOptions = {}): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const world = opened.use(await startWorld(options))
  const slixmpp = opened.use(startSlixmpp())
  let nudger: SlixmppClient | undefined
  const nudge = async () => {
    const host = options.hosts?.[0] ?? HOST
    nudger ??= await slixmpp.login({ jid: `nudger@${host}/x`, address: world.address, port: world.ports.c2s })
    await nudger.send(`<message xmlns='jabber:client' to='nudger@${host}'><body>nudge</body></message>`)
  }
  const all = opened.move()
  return {
    world,
    slixmpp,
    person: (name, { resource = 'desk', management = false, host = HOST } = {}) =>
      slixmpp.login({ jid: `${name}@${host}/${resource}`, address: world.address, port: world.ports.c2s, management }),
    async recorded(words, settlement) {
      const until = Date.now() + RECORDED_WITHIN_MS
      for (let round = 0; ; round++) {
        const rows = await world.ask('archive search', { words, reason: 'test' })
        const [row] = rows
        if (row !== undefined && (settlement === undefined || row.settlement === settlement)) return rows
        if (Date.now() > until) {
          throw new Error(`no record of "${words}" that is ${settlement ?? 'there'}; found: ${JSON.stringify(rows)}`)
        }
        // A settlement travels with the next question, or with a mark every few seconds: ask one.
        if (settlement !== undefined && round % 5 === 0) await nudge()
        // The archive follows the journal; nothing tells a test of its commits but asking.
        await setTimeout(50)
      }
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
