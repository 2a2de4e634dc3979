// SPDX-License-Identifier: Apache-2.0
// A world with people on it: real clients who log in by name, and an officer who looks into the archive.
import type { Row } from './ask-command.ts'
import { recorded } from './recorded.ts'
import { type Slixmpp, type SlixmppClient, startSlixmpp } from './slixmpp.ts'
import { HOST, startWorld, type World, type WorldOptions } from './world.ts'

export type Stage = AsyncDisposable & {
  readonly world: World
  readonly slixmpp: Slixmpp
  /** Logs in as NAME@corp.example/RESOURCE (desk). */
  person(name: string, options?: { resource?: string; management?: boolean; host?: string }): Promise<SlixmppClient>
  /** Waits until exactly so many records hold these words, settled as said, oldest first; gives them in that order. */
  recorded(words: string, ...settlements: string[]): Promise<Row[]>
  /** The same for everything that this person sent or received. */
  recordedOf(person: string, ...settlements: string[]): Promise<Row[]>
}

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
    recorded: (words, ...settlements) => recorded(world, { words }, settlements, nudge),
    recordedOf: (person, ...settlements) => recorded(world, { person }, settlements, nudge),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
