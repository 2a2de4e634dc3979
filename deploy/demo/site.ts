// SPDX-License-Identifier: Apache-2.0
// What a company's XMPP server is like, whichever it is: hosts, rooms and components, and where Gatehouse's module is loaded.
import {
  type Ejabberd,
  type EjabberdSettings,
  ejabberdVersion,
  type Modules,
  startEjabberd,
  type Value,
} from './ejabberd.ts'
import { lua, type Prosody, type ProsodyHost, type ProsodySettings, prosodyVersion, startProsody } from './prosody.ts'
import type { Server, ServerKind } from './server.ts'

/** Options of mod_gatehouse by their names without `gatehouse_`, such as `{ screen: 'policy.gatehouse.internal', try: 0.5 }`. */
export type GatehouseOptions = Readonly<Record<string, Value>>

export type Site = {
  /** Everything the server writes goes below this folder; it is made if missing, and what it holds is kept. */
  folder: string
  /** What the server keeps: accounts, rooms, what the helper has on disk; default in the folder. */
  data?: string
  address?: string
  /** Only the named services are opened. */
  ports: { c2s?: number; component?: number; s2s?: number; http?: number }
  /** Where `gatehouse` is given mod_gatehouse is loaded; where `directory` is, mod_gatehouse_directory for the component of this name. */
  hosts: readonly { name: string; gatehouse?: GatehouseOptions; directory?: string }[]
  /** A room service; on ejabberd the module of its host sees to it, on Prosody a module of its own with these options. */
  rooms?: {
    /** On Prosody 13 only those of its own hosts and admins may make rooms that stay: a component is one here. */
    admins?: readonly string[]
    name: string
    gatehouse?: GatehouseOptions
    archive?: boolean
    createdBy?: 'everybody' | 'people of the host'
  }
  /** Connected by XEP-0114; `hidden` from service discovery. */
  components?: readonly { name: string; secret: string; hidden?: boolean }[]
  accounts?: readonly { jid: string; password: string }[]
  /** XEP-0313 for everybody. */
  archive?: boolean
  /** true: STARTTLS with the certificate certs/HOST.{crt,key} below the folder; false: it is not even offered. */
  tls?: boolean
  /** Largest stanzas taken, in bytes. */
  limits?: { client: number; component: number }
  logLevel?: 'debug' | 'info'
  environment?: Readonly<Record<string, string>>
  wrapper?: readonly string[]
  /** What only the one server understands, beside the rest. */
  prosody?: Partial<Pick<ProsodySettings, 'modules' | 'global' | 'pluginPaths'>> & {
    hostLines?: readonly string[]
    /** Of every component that connects. */
    componentLines?: readonly string[]
    roomModules?: readonly string[]
  }
  ejabberd?: Partial<Pick<EjabberdSettings, 'modules' | 'options' | 'listeners' | 'sources' | 'nameServer' | 'cluster'>>
}

export const SERVERS: Readonly<Record<ServerKind, { title: string; version(): Promise<string | null> }>> = {
  prosody: { title: 'Prosody', version: prosodyVersion },
  ejabberd: { title: 'ejabberd', version: ejabberdVersion },
}

/** In whose name is asked: on Prosody each host and room service that has the module, on ejabberd virtual hosts alone. */
export function askingHosts(kind: ServerKind, hosts: readonly string[], rooms: string | null): string[] {
  return [...hosts, ...(rooms === null || kind === 'ejabberd' ? [] : [rooms])]
}

/** Starts the one or the other; resolves when every named port is open. */
export function startServer(kind: ServerKind, site: Site): Promise<Server> {
  return kind === 'prosody' ? startProsodySite(site) : startEjabberdSite(site)
}

function startProsodySite(site: Site): Promise<Prosody> {
  const { folder, ports, rooms, prosody = {} } = site
  const { hostLines = [], componentLines = [], roomModules = [], modules = [], global = [], ...rest } = prosody
  return startProsody({
    folder,
    ports,
    ...shared(site),
    hosts: site.hosts.map(
      ({ name, gatehouse, directory }): ProsodyHost => ({
        name,
        lines: [
          ...helper(gatehouse, directory === undefined ? [] : ['gatehouse_directory']),
          ...(directory === undefined ? [] : [`gatehouse_directory = ${lua(directory)}`]),
          ...hostLines,
        ],
      }),
    ),
    components: [
      ...(site.components ?? []).map(({ name, secret, hidden }) => ({
        name,
        secret,
        lines: [...(hidden === true ? ['disco_hidden = true'] : []), ...componentLines],
      })),
      ...(rooms === undefined
        ? []
        : [
            {
              name: rooms.name,
              module: 'muc',
              lines: [
                ...helper(rooms.gatehouse, [...(rooms.archive === true ? ['muc_mam'] : []), ...roomModules]),
                ...(rooms.createdBy === 'people of the host' ? ['restrict_room_creation = "local"'] : []),
                ...(rooms.admins === undefined ? [] : [`admins = { ${rooms.admins.map(lua).join(', ')} }`]),
                ...hostLines,
              ],
            },
          ]),
    ],
    modules: [...(site.archive === true ? ['mam'] : []), ...modules],
    global: [
      ...(site.archive === true ? ['storage = { archive = "memory" }', 'default_archive_policy = true'] : []),
      ...(site.tls !== false ? [] : [`modules_disabled = { "tls"${ports.s2s === undefined ? ', "s2s"' : ''} }`]),
      ...(site.limits === undefined
        ? []
        : [`c2s_stanza_size_limit = ${site.limits.client}`, `component_stanza_size_limit = ${site.limits.component}`]),
      ...global,
    ],
    ...rest,
  })
}

/** The module's lines of a host or component, beside other modules of it. */
function helper(options: GatehouseOptions | undefined, others: readonly string[] = []): string[] {
  const modules = [...(options === undefined ? [] : ['gatehouse']), ...others]
  return [
    ...(modules.length === 0 ? [] : [`modules_enabled = { ${modules.map(lua).join(', ')} }`]),
    ...Object.entries(options ?? {}).map(([name, value]) => `gatehouse_${name} = ${luaValue(value)}`),
  ]
}

function luaValue(value: Value): string {
  if (typeof value === 'string') return lua(value)
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `{ ${value.map(luaValue).join(', ')} }`
  const fields = Object.entries(value).map(([name, field]) => `[${lua(name)}] = ${luaValue(field)}`)
  return `{ ${fields.join(', ')} }`
}

function startEjabberdSite(site: Site): Promise<Ejabberd> {
  const { folder, ports, limits, rooms, ejabberd = {} } = site
  const modules: Modules = {
    ...(rooms === undefined
      ? {}
      : {
          mod_muc: {
            hosts: [rooms.name],
            ...(rooms.createdBy === 'people of the host' ? { access_create: 'local' } : {}),
            default_room_options: { mam: rooms.archive === true },
          },
        }),
    ...(site.archive === true || rooms?.archive === true
      ? { mod_mam: { default: site.archive === true ? 'always' : 'never', assume_mam_usage: true } }
      : {}),
    ...ejabberd.modules,
  }
  return startEjabberd({
    folder,
    ports,
    ...shared(site),
    hosts: site.hosts.map(({ name, gatehouse, directory }) => ({
      name,
      modules: {
        ...(gatehouse === undefined ? {} : { mod_gatehouse: gatehouse }),
        ...(directory === undefined ? {} : { mod_gatehouse_directory: { component: directory } }),
      },
    })),
    components: (site.components ?? []).map(({ name, secret }) => ({ name, secret })),
    ...ejabberd,
    modules,
    listeners: {
      ...ejabberd.listeners,
      c2s: {
        ...(limits === undefined ? {} : { max_stanza_size: limits.client }),
        ...(site.tls === true ? { starttls: true } : {}),
        ...ejabberd.listeners?.c2s,
      },
      component: {
        ...(limits === undefined ? {} : { max_stanza_size: limits.component }),
        ...ejabberd.listeners?.component,
      },
    },
  })
}

function shared({ data, address, accounts, logLevel, environment, wrapper }: Site) {
  return {
    ...(data === undefined ? {} : { data }),
    ...(address === undefined ? {} : { address }),
    ...(accounts === undefined ? {} : { accounts }),
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(environment === undefined ? {} : { environment }),
    ...(wrapper === undefined ? {} : { wrapper }),
  }
}
