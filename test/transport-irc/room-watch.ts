// SPDX-License-Identifier: Apache-2.0
// A client in a room who keeps account: who is there, what was said and how often, what came back.
import { type Listener, listen } from '../harness/listener.ts'
import { attribute, textOf } from '../harness/stanza-splitter.ts'
import { HOST, type World } from '../harness/world.ts'

export type Watch = {
  readonly listener: Listener
  readonly room: string
  readonly nick: string
  /** Enters; resolves with the subject, which comes last. */
  enter(): Promise<void>
  say(text: string): void
  /** Live messages of the room, in order: [nick, text]. */
  heard(): [string, string][]
  /** As `heard`, of what came as history (XEP-0203). */
  history(): [string, string][]
  /** Texts of messages of ours that came back as errors. */
  refused(): string[]
  /** Nicks that are there, as the presences say, sorted. */
  occupants(): string[]
  /** Resolves when what was seen fits; rejects after 30 s. */
  until(fits: (watch: Watch) => boolean, what: string): Promise<void>
  leave(): Promise<void>
}

const WITHIN_MS = 30_000

export async function watch(world: World, user: string, room: string, resource = 'desk'): Promise<Watch> {
  const { address, ports } = world
  const login = { address, port: ports.c2s, domain: HOST, user, password: 'x', resource }
  const listener = await listen(login)
  const { client, seen } = listener
  let from = 0
  let sent = 0
  const bodies = new Map<string, string>()
  const stanzas = () => seen.slice(from).filter((stanza) => attribute(stanza, 'from')?.startsWith(room) === true)
  const said = (isHistory: boolean) =>
    stanzas().flatMap((stanza): [string, string][] => {
      const text = textOf(stanza, 'body')
      const isLive = attribute(stanza, 'type') === 'groupchat' && !stanza.includes('urn:xmpp:delay')
      if (!stanza.startsWith('<message') || text === null || attribute(stanza, 'type') === 'error') return []
      return isLive === isHistory ? [] : [[attribute(stanza, 'from')?.slice(room.length + 1) ?? '', text]]
    })
  const one: Watch = {
    listener,
    room,
    nick: user,
    async enter() {
      // What an earlier stay showed is not what this one shows.
      from = seen.length
      client.send(`<presence to='${room}/${user}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
      await one.until(() => stanzas().some((stanza) => stanza.includes('<subject')), `${user} being in`)
    },
    say(text) {
      sent += 1
      bodies.set(`${user}-${sent}`, text)
      client.send(`<message type='groupchat' to='${room}' id='${user}-${sent}'><body>${text}</body></message>`)
    },
    heard: () => said(false),
    history: () => said(true),
    refused: () =>
      seen.flatMap((stanza) =>
        stanza.startsWith('<message') && attribute(stanza, 'type') === 'error'
          ? (bodies.get(attribute(stanza, 'id') ?? '') ?? [])
          : [],
      ),
    occupants() {
      const there = new Set<string>()
      for (const stanza of stanzas()) {
        if (!stanza.startsWith('<presence')) continue
        const nick = attribute(stanza, 'from')?.slice(room.length + 1) ?? ''
        if (attribute(stanza, 'type') === null) there.add(nick)
        else if (attribute(stanza, 'type') === 'unavailable') {
          there.delete(nick)
          // Who is out himself is told of nobody any more.
          if (/code=.110/u.test(stanza)) there.clear()
        }
      }
      return [...there].sort()
    },
    until(fits, what) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = () => {
        if (fits(one)) resolve()
      }
      // The listener tells of each stanza by a promise only: what it has seen is looked at a few times a second.
      const again = setInterval(look, 10)
      const late = setTimeout(
        () => reject(new Error(`${user}: ${what}: not within ${WITHIN_MS} ms; last: ${seen.slice(-4).join('\n')}`)),
        WITHIN_MS,
      )
      void client.ended.then(({ why }) => reject(new Error(`${user}: ${what}: the connection ended: ${why}`)))
      look()
      return promise.finally(() => {
        clearInterval(again)
        clearTimeout(late)
      })
    },
    leave: () => client.close(),
  }
  return one
}
