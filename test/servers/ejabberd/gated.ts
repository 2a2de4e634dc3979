// SPDX-License-Identifier: Apache-2.0
// A real ejabberd with mod_gatehouse, a screen that answers by markers, and people on bare sockets.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Ejabberd,
  type EjabberdSettings,
  ejabberdConfig,
  ejabberdVersion,
  type Modules,
  startEjabberd,
  type Value,
} from '../../../deploy/demo/ejabberd.ts'
import { freePorts } from '../../../deploy/demo/ports.ts'
import type { Managed } from '../../harness/raw-client.ts'
import { type AllowScreen, type AllowSettings, openAllowScreen } from '../prosody/allow-screen.ts'
import { enter, HOST, type Person, SCREEN, soon } from '../prosody/gated.ts'

export { bodies, HOST, type Person, soon } from '../prosody/gated.ts'

const SECRET = 'gate'
const version = await ejabberdVersion()
export const noEjabberd = version === null ? 'ejabberd is not installed' : false
/** XEP-0356 as this ejabberd speaks it; from 24.10 on the newer one, with IQs. */
export const PRIVILEGE = Number(version?.slice(0, 5)) >= 24.1 ? 'urn:xmpp:privilege:2' : 'urn:xmpp:privilege:1'

export type Gated = AsyncDisposable & {
  ejabberd: Ejabberd
  folder: string
  ports: { c2s: number; component: number; s2s?: number }
  screen(domain?: string, more?: Partial<AllowSettings>): Promise<AllowScreen>
  /** Resolves when questions are asked over the given screen. */
  asking(more?: Partial<AllowSettings>): Promise<AllowScreen>
  login(
    user: string,
    options?: { resource?: string; host?: string; management?: 'no' | 'count' | 'resume'; previous?: Managed },
  ): Promise<Person>
  /** Writes the config with other options of mod_gatehouse (null: without the module), or other hosts beside, and has it read. */
  reload(options: Options | null, more?: { hosts?: EjabberdSettings['hosts'] }): Promise<void>
}

export type Options = Readonly<Record<string, Value>>

export type GatedOptions = {
  /** Of mod_gatehouse. */
  options?: Options
  host?: string
  modules?: Modules
  components?: readonly string[]
  settings?: Partial<EjabberdSettings>
  folder?: string
  /** False: mod_gatehouse is not in the config until `reload` puts it there. */
  withModule?: boolean
  s2s?: boolean
  keepFolder?: boolean
}

/** mod_gatehouse with its screen, and more options. */
export function gate(options: Options = {}, screen = SCREEN): Modules {
  return { mod_gatehouse: { screen, ...options } }
}

export async function openGated(given: GatedOptions = {}): Promise<Gated> {
  const folder = given.folder ?? (await mkdtemp(join(tmpdir(), 'gatehouse-ejabberd-')))
  const { host = HOST, settings: more = {} } = given
  const address = more.address ?? '127.0.0.1'
  const [c2s = 0, component = 0] = await freePorts(2, address)
  const ports = { c2s, component, ...(given.s2s ? { s2s: 5269 } : {}), ...more.ports }
  const settings: EjabberdSettings = {
    folder,
    ...more,
    ports,
    hosts: [
      { name: host, modules: { ...(given.withModule === false ? {} : gate(given.options)), ...given.modules } },
      ...(more.hosts ?? []),
    ],
    components: [SCREEN, ...(given.components ?? [])].map((name) => ({ name, secret: SECRET })),
    accounts: [
      ...['alice', 'bob', 'carol'].map((user) => ({ jid: `${user}@${host}`, password: 'secret' })),
      ...(more.accounts ?? []),
    ],
  }
  const ejabberd = await startEjabberd(settings)
  const people: Person[] = []
  const screens: AllowScreen[] = []
  const screen = async (domain = SCREEN, also: Partial<AllowSettings> = {}) => {
    const opened = await openAllowScreen({
      port: ports.component,
      address,
      domain,
      secret: SECRET,
      markers: true,
      keep: true,
      ...also,
    })
    screens.push(opened)
    return opened
  }
  return {
    ejabberd,
    folder,
    ports,
    screen,
    asking: async (also) => {
      const opened = await screen(SCREEN, also)
      await soon(opened.saw(/<mark/), 'the first word of the helper')
      await soon(ejabberd.logged(/questions are asked/), 'the helper asking')
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
    reload: async (options, { hosts = more.hosts ?? [] } = {}) => {
      const first = { name: host, modules: { ...(options === null ? {} : gate(options)), ...given.modules } }
      const config = ejabberdConfig({ ...settings, hosts: [first, ...hosts] })
      await writeFile(ejabberd.configFile, config, { mode: 0o600 })
      await ejabberd.shell('reload_config')
    },
    [Symbol.asyncDispose]: async () => {
      for (const person of people) person.client.break()
      for (const one of screens) await one.close()
      // A good end takes a second.
      await (given.keepFolder ? ejabberd.stop() : ejabberd.end())
      if (!given.keepFolder) await rm(folder, { recursive: true, force: true })
    },
  }
}
