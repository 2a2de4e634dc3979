// SPDX-License-Identifier: Apache-2.0
// A real ejabberd with mod_gatehouse, and around it what test/servers/both/house.ts has.
import { mkdtemp, writeFile } from 'node:fs/promises'
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
import { accountsOf, around, HOST, type House, SCREEN, SECRET } from '../both/house.ts'

export const noEjabberd = (await ejabberdVersion()) === null ? 'ejabberd is not installed' : false

export type Gated = House & {
  ejabberd: Ejabberd
  /** Writes the config with other options of mod_gatehouse (null: without the module), or other hosts beside, and has it read. */
  configure(options: Options | null, more?: { hosts?: EjabberdSettings['hosts'] }): Promise<void>
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
  /** False: mod_gatehouse is not in the config until `configure` puts it there. */
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
  const first = (options: Options | null | undefined) => ({
    name: host,
    modules: { ...(options === null ? {} : gate(options)), ...given.modules },
  })
  const settings: EjabberdSettings = {
    folder,
    ...more,
    ports,
    hosts: [first(given.withModule === false ? null : given.options), ...(more.hosts ?? [])],
    components: [SCREEN, ...(given.components ?? [])].map((name) => ({ name, secret: SECRET })),
    accounts: accountsOf(host, more.accounts),
  }
  const ejabberd = await startEjabberd(settings)
  return {
    ...around(ejabberd, { folder, ports, address, host, keepFolder: given.keepFolder === true }),
    ejabberd,
    configure: async (options, { hosts = more.hosts ?? [] } = {}) => {
      const config = ejabberdConfig({ ...settings, hosts: [first(options), ...hosts] })
      await writeFile(ejabberd.configFile, config, { mode: 0o600 })
      await ejabberd.shell('reload_config')
    },
  }
}
