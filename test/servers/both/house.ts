// SPDX-License-Identifier: Apache-2.0
// What stands around a server with mod_gatehouse in these tests: a screen that answers by markers, and people on bare sockets.
import { rm } from 'node:fs/promises'
import { freePorts } from '../../../deploy/demo/ports.ts'
import type { Server } from '../../../deploy/demo/server.ts'
import { type Login, type Managed, RawClient } from '../../harness/raw-client.ts'
import { type AllowScreen, type AllowSettings, openAllowScreen } from '../prosody/allow-screen.ts'

export const HOST = 'corp.example'
export const SCREEN = 'policy.gatehouse.internal'
/** Of the screen and of every other component. */
export const SECRET = 'gate'
const WITHIN_MS = 20_000

export type Person = {
  client: RawClient
  inbox: string[]
  acknowledged: string[]
  /** The first stanza that fits, among those come and those to come. */
  got(pattern: RegExp): Promise<string>
  say(to: string, body: string, more?: string): void
}

export type Ports = { c2s: number; component: number; s2s?: number; http?: number }

export type House = AsyncDisposable & {
  folder: string
  ports: Ports
  /** A component's own stream: that of the screen, or of another domain. */
  screen(domain?: string, more?: Partial<AllowSettings>): Promise<AllowScreen>
  /** Resolves when questions are asked over the given screen. */
  asking(more?: Partial<AllowSettings>): Promise<AllowScreen>
  login(
    user: string,
    options?: { resource?: string; host?: string; management?: 'no' | 'count' | 'resume'; previous?: Managed },
  ): Promise<Person>
}

type Place = { folder: string; ports: Ports; address: string; host: string; keepFolder: boolean }

/** Everything of a test around the server that runs: with it all of it ends, the server too. */
export function around(server: Server, { folder, ports, address, host, keepFolder }: Place): House {
  const people: Person[] = []
  const screens: AllowScreen[] = []
  const screen = async (domain = SCREEN, more: Partial<AllowSettings> = {}) => {
    const place = { port: ports.component, address, domain, secret: SECRET }
    const opened = await openAllowScreen({ ...place, markers: true, keep: true, ...more })
    screens.push(opened)
    return opened
  }
  return {
    folder,
    ports,
    screen,
    asking: async (more) => {
      const opened = await screen(SCREEN, more)
      // The third good answer opens the way; the fence is a question of which the answer is seen.
      await soon(opened.saw(/<mark/), 'the first word of the helper')
      await soon(server.logged(/questions are asked/), 'the helper asking')
      return opened
    },
    login: async (user, { resource = 'r', host: domain = host, management = 'no', previous } = {}) => {
      const person = await enter(
        { address, port: ports.c2s, domain, user, password: 'secret', resource, management },
        previous,
      )
      people.push(person)
      return person
    },
    [Symbol.asyncDispose]: async () => {
      for (const person of people) person.client.break()
      for (const one of screens) await one.close()
      // A good end takes a second.
      await (keepFolder ? server.stop() : server.end())
      if (!keepFolder) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Alice, Bob and Carol at the host, and whoever is there beside. */
export function accountsOf(host: string, more: readonly Account[] = []): Account[] {
  return [...['alice', 'bob', 'carol'].map((user) => ({ jid: `${user}@${host}`, password: 'secret' })), ...more]
}

type Account = { jid: string; password: string }

export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), WITHIN_MS)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Logs in, and returns when the own presence has come back. */
export async function enter(login: Login, previous?: Managed): Promise<Person> {
  const person = listening()
  person.client = await RawClient.login(login, person.told, previous ?? null)
  const { user, domain, resource } = login
  if (!person.client.resumed) await person.got(new RegExp(`<presence[^>]*from='${user}@${domain}/${resource}'`))
  return person
}

type Listening = Person & { told: { stanza(stanza: string): void; acknowledged(stanza: string): void } }

function listening(): Listening {
  const inbox: string[] = []
  const acknowledged: string[] = []
  const waiting = new Set<(stanza: string) => void>()
  const tell = (list: string[], stanza: string) => {
    list.push(stanza)
    for (const one of waiting) one(stanza)
  }
  const person: Listening = {
    client: undefined as unknown as RawClient,
    inbox,
    acknowledged,
    got: (pattern) => {
      const found = [...inbox, ...acknowledged].find((stanza) => pattern.test(stanza))
      if (found !== undefined) return Promise.resolve(found)
      const { promise, resolve } = Promise.withResolvers<string>()
      const one = (stanza: string) => {
        if (!pattern.test(stanza)) return
        waiting.delete(one)
        resolve(stanza)
      }
      waiting.add(one)
      return soon(promise, `${pattern} at ${person.client?.jid}`)
    },
    say: (to, body, more = '') =>
      person.client.send(
        `<message to='${to}' type='chat' id='${body.replaceAll(' ', '-')}'><body>${body}</body>${more}</message>`,
      ),
    told: { stanza: (stanza) => tell(inbox, stanza), acknowledged: (stanza) => tell(acknowledged, stanza) },
  }
  return person
}

/** What was delivered to a person as messages: the bodies, in order. */
export function bodies(person: Person): string[] {
  return person.inbox
    .filter((stanza) => stanza.startsWith('<message') && !/type='error'/.test(stanza))
    .map((stanza) => /<body>(.*?)<\/body>/s.exec(stanza)?.[1] ?? '')
    .filter((body) => body !== '')
}

export async function freePort(address = '127.0.0.1'): Promise<number> {
  const [port = 0] = await freePorts(1, address)
  return port
}
