// SPDX-License-Identifier: Apache-2.0
// A real Prosody with mod_gatehouse, a screen that answers by markers, and people on bare sockets.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { type Prosody, type ProsodySettings, startProsody } from '../../../deploy/demo/prosody.ts'
import { type Login, type Managed, RawClient } from '../../harness/raw-client.ts'
import { type AllowScreen, type AllowSettings, openAllowScreen } from './allow-screen.ts'

export const HOST = 'corp.example'
export const SCREEN = 'policy.gatehouse.internal'
const SECRET = 'gate'
const WITHIN_MS = 20_000

export type Person = {
  client: RawClient
  inbox: string[]
  acknowledged: string[]
  /** The first stanza that fits, among those come and those to come. */
  got(pattern: RegExp): Promise<string>
  say(to: string, body: string, more?: string): void
}

export type Gated = AsyncDisposable & {
  prosody: Prosody
  folder: string
  ports: { c2s: number; component: number; s2s?: number }
  screen(domain?: string, more?: Partial<AllowSettings>): Promise<AllowScreen>
  /** Resolves when questions are asked over the given screen. */
  asking(more?: Partial<AllowSettings>): Promise<AllowScreen>
  login(
    user: string,
    options?: { resource?: string; host?: string; management?: 'no' | 'count' | 'resume'; previous?: Managed },
  ): Promise<Person>
  shell(command: string): Promise<string>
}

export type GatedOptions = {
  lines?: readonly string[]
  host?: string
  settings?: Partial<ProsodySettings>
  folder?: string
  s2s?: boolean
  keepFolder?: boolean
}

export async function openGated(options: GatedOptions = {}): Promise<Gated> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'gatehouse-prosody-')))
  const host = options.host ?? HOST
  const address = options.settings?.address ?? '127.0.0.1'
  const ports = {
    c2s: await freePort(address),
    component: await freePort(address),
    ...(options.s2s ? { s2s: 5269 } : {}),
  }
  const settings: ProsodySettings = {
    folder,
    ports,
    ...options.settings,
    hosts: [{ name: host, lines: gate(options.lines) }, ...(options.settings?.hosts ?? [])],
    components: [{ name: SCREEN, secret: SECRET }, ...(options.settings?.components ?? [])],
    accounts: [
      ...['alice', 'bob', 'carol'].map((user) => ({ jid: `${user}@${host}`, password: 'secret' })),
      ...(options.settings?.accounts ?? []),
    ],
  }
  const prosody = await startProsody(settings)
  const people: Person[] = []
  const screens: AllowScreen[] = []
  const screen = async (domain = SCREEN, more: Partial<AllowSettings> = {}) => {
    const opened = await openAllowScreen({
      port: ports.component,
      address,
      domain,
      secret: SECRET,
      markers: true,
      keep: true,
      ...more,
    })
    screens.push(opened)
    return opened
  }
  return {
    prosody,
    folder,
    ports,
    screen,
    asking: async (more) => {
      const opened = await screen(SCREEN, more)
      // The third good answer opens the way; the fence is a question of which the answer is seen.
      await soon(opened.saw(/<mark/), 'the first word of the helper')
      await soon(prosody.logged(/questions are asked/), 'the helper asking')
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
    shell: (command) => prosody.shell(command),
    [Symbol.asyncDispose]: async () => {
      for (const person of people) person.client.break()
      for (const one of screens) await one.close()
      await prosody.stop()
      if (!options.keepFolder) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The lines of a host that asks the screen. */
export function gate(lines: readonly string[] = [], screen = SCREEN): string[] {
  return ['modules_enabled = { "gatehouse" }', `gatehouse_screen = "${screen}"`, ...lines]
}

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
