// SPDX-License-Identifier: Apache-2.0
// A real server, whichever is installed, that grants and delegates to one component; people on bare sockets.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPrivilegedRouter } from '../../../components/kit/privilege/privileged-router.ts'
import type { PrivilegeOptions, Privileges } from '../../../components/kit/privilege/privileges.ts'
import type { Router, RouterOptions } from '../../../components/kit/router/router.ts'
import { openStream } from '../../../components/kit/stream/open-stream.ts'
import type { StreamOptions } from '../../../components/kit/stream/options.ts'
import type { Stream } from '../../../components/kit/stream/stream.ts'
import { ejabberdVersion, startEjabberd } from '../../../deploy/demo/ejabberd.ts'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { prosodyVersion, startProsody } from '../../../deploy/demo/prosody.ts'
import type { Server, ServerKind } from '../../../deploy/demo/server.ts'
import { RawClient } from '../../harness/raw-client.ts'

export const HOST = 'corp.example'
export const DOMAIN = 'directory.corp.example'
/** A component without any privilege. */
export const OTHER = 'eve.corp.example'
/** What is delegated: one that no server has of its own, and one that every server has. */
export const OWN = 'urn:test:own'
export const VCARD = 'vcard-temp'
/** Privileged IQs, besides VERSION and VCARD: an old mod_privilege advertises each inside the one before. */
export const ASKED = 'urn:test:asked'
export const TOLD = 'urn:test:told'
/** What each server answers by itself. */
export const VERSION = 'jabber:iq:version'
const SECRET = 'gate'
const WITHIN_MS = 15_000

/** What is known of a server by its version, where servers differ. */
export type Kind = {
  kind: ServerKind
  version: string | null
  /** Namespaces it speaks. */
  privilege: 1 | 2
  delegation: 1 | 2
  rosterSet: boolean
  /** What `subscription` a contact has after it was set so. */
  keepsSubscription: boolean
  /** ejabberd 24.10 to 24.12: an IQ of a privileged component that is no privileged one goes nowhere, its answers included. */
  dropsIqs: boolean
  /** ejabberd from 24.10 on: so does an IQ to an address without a resource from who has no privilege there. */
  dropsStrangers: boolean
}

export async function servers(): Promise<Kind[]> {
  const [prosody, ejabberd] = [await prosodyVersion(), await ejabberdVersion()]
  const [year = 0, month = 0] =
    /^(\d+)\.(\d+)/
      .exec(ejabberd ?? '')
      ?.slice(1)
      .map(Number) ?? []
  const since = (y: number, m: number) => year > y || (year === y && month >= m)
  return [
    {
      kind: 'prosody',
      version: prosody,
      privilege: 2,
      delegation: 2,
      rosterSet: true,
      keepsSubscription: true,
      dropsIqs: false,
      dropsStrangers: false,
    },
    {
      kind: 'ejabberd',
      version: ejabberd,
      privilege: since(24, 10) ? 2 : 1,
      delegation: 1,
      rosterSet: since(23, 10),
      keepsSubscription: false,
      dropsStrangers: since(24, 10),
      dropsIqs: since(24, 10) && !since(25, 3),
    },
  ]
}

export type Line = { event: string; fields: Readonly<Record<string, unknown>> }

export type Part = {
  router: Router<Stream>
  privileges: Privileges
  lines: Line[]
  /** The first line that fits, among those logged and those to come. */
  logged(fits: (line: Line) => boolean): Promise<Line>
}

export type Person = {
  jid: string
  inbox: string[]
  send(stanza: string): void
  /** The first stanza that fits, among those come and those to come. */
  got(pattern: RegExp): Promise<string>
}

export type House = AsyncDisposable & {
  server: Server
  restart(): Promise<void>
  part(
    privilege?: Partial<PrivilegeOptions>,
    more?: Partial<RouterOptions>,
    domain?: string,
    stream?: Partial<StreamOptions>,
  ): Part
  /** A part that has been told all that its host gives it. */
  granted(privilege?: Partial<PrivilegeOptions>, more?: Partial<RouterOptions>): Promise<Part>
  login(user: string): Promise<Person>
}

export async function openHouse(kind: Kind, { delegates = true } = {}): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-privilege-'))
  const [c2s = 0, component = 0] = await freePorts(2)
  const start = (kind.kind === 'prosody' ? prosody : ejabberd)(kind, folder, { c2s, component }, delegates)
  let server = await start()
  const parts: Part[] = []
  const clients: RawClient[] = []
  const part: House['part'] = (privilege = {}, more = {}, domain = DOMAIN, stream = {}) => {
    const { lines, log, logged } = listening()
    const opened = createPrivilegedRouter(
      {
        domain,
        routes: [],
        identity: { category: 'component', type: 'generic' },
        software: { name: 'test', version: '1' },
        log,
        ...more,
      },
      { hosts: [HOST], log, ...privilege },
      (events) =>
        openStream(
          {
            host: '127.0.0.1',
            port: component,
            domain,
            secret: SECRET,
            log,
            backoff: { firstMs: 10, mostMs: 50 },
            ...stream,
          },
          events,
        ),
    )
    const one = { ...opened, lines, logged }
    parts.push(one)
    return one
  }
  return {
    get server() {
      return server
    },
    part,
    async restart() {
      await server.stop()
      server = await start()
    },
    async granted(privilege, more) {
      const one = part(privilege, more)
      await one.privileges.until(() => one.privileges.grants(HOST) !== null, AbortSignal.timeout(WITHIN_MS))
      return one
    },
    async login(user) {
      const inbox: string[] = []
      const waiting = new Set<() => void>()
      const client = await RawClient.login(
        { address: '127.0.0.1', port: c2s, domain: HOST, user, password: 'secret', resource: 'r' },
        {
          stanza(stanza) {
            inbox.push(stanza)
            for (const look of waiting) look()
          },
        },
      )
      clients.push(client)
      const jid = `${user}@${HOST}/r`
      const got = (pattern: RegExp) => seen(inbox, (one) => pattern.test(one), waiting, String(pattern))
      await got(new RegExp(`<presence[^>]*from=['"]${jid}`))
      return { jid, inbox, send: (stanza) => client.send(stanza), got }
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.break()
      await Promise.all(parts.map(({ router }) => router.stream.drain(AbortSignal.abort())))
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type Ports = { c2s: number; component: number }
const ACCOUNTS = ['alice', 'bob'].map((user) => ({ jid: `${user}@${HOST}`, password: 'secret' }))
const COMPONENTS = [DOMAIN, OTHER].map((name) => ({ name, secret: SECRET }))

function prosody(_: Kind, folder: string, ports: Ports, delegates: boolean): () => Promise<Server> {
  const iq = `iq = { ["${ASKED}"] = "both", ["${TOLD}"] = "set", ["${VERSION}"] = "both", ["${VCARD}"] = "get" }`
  const delegated = delegates ? [OWN, VCARD].map((one) => `["${one}"] = { jid = "${DOMAIN}" }`).join(', ') : ''
  return () =>
    startProsody({
      folder,
      ports,
      modules: ['privilege', 'delegation'],
      hosts: [
        {
          name: HOST,
          lines: [
            `privileged_entities = { ["${DOMAIN}"] = { roster = "both", message = "outgoing", presence = "managed_entity", ${iq} } }`,
            `delegations = { ${delegated} }`,
          ],
        },
      ],
      components: COMPONENTS.map((one) => ({ ...one, lines: ['modules_enabled = { "privilege", "delegation" }'] })),
      accounts: ACCOUNTS,
    })
}

function ejabberd({ privilege }: Kind, folder: string, ports: Ports, delegates: boolean): () => Promise<Server> {
  const access = { access: 'directory' }
  const iq = {
    iq: {
      [ASKED]: { both: 'directory' },
      [TOLD]: { set: 'directory' },
      [VERSION]: { both: 'directory' },
      [VCARD]: { get: 'directory' },
    },
  }
  return () =>
    startEjabberd({
      folder,
      ports,
      hosts: [{ name: HOST }],
      components: COMPONENTS,
      accounts: ACCOUNTS,
      options: {
        acl: { local: { user_regexp: '' }, directory: { server: DOMAIN } },
        access_rules: { local: { allow: 'local' }, directory: { allow: 'directory' } },
      },
      modules: {
        mod_privilege: {
          roster: { both: 'directory' },
          message: { outgoing: 'directory' },
          presence: { managed_entity: 'directory' },
          ...(privilege === 2 ? iq : {}),
        },
        mod_delegation: { namespaces: delegates ? { [OWN]: access, [VCARD]: access } : {} },
      },
    })
}

function listening(): Pick<Part, 'lines' | 'logged'> & { log: PrivilegeOptions['log'] } {
  const lines: Line[] = []
  const waiting = new Set<() => void>()
  const say = (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
    lines.push({ event, fields })
    for (const look of waiting) look()
  }
  return {
    lines,
    log: { info: say, warn: say, error: say },
    logged: (fits) => seen(lines, fits, waiting, `a log line among ${JSON.stringify(lines)}`),
  }
}

/** The first that fits among those there and those to come; who waits in vain says for what. */
function seen<T>(all: readonly T[], fits: (one: T) => boolean, waiting: Set<() => void>, what: string): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const look = () => {
    const found = all.find(fits)
    if (found !== undefined) resolve(found)
  }
  const timer = setTimeout(
    () =>
      reject(new Error(`waited in vain for ${what}; there are\n${all.map((one) => JSON.stringify(one)).join('\n')}`)),
    WITHIN_MS,
  )
  timer.unref()
  waiting.add(look)
  look()
  return promise.finally(() => {
    clearTimeout(timer)
    waiting.delete(look)
  })
}
