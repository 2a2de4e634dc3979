// SPDX-License-Identifier: Apache-2.0
// A real Prosody with mod_gatehouse, and around it what test/servers/both/house.ts has.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { type Prosody, type ProsodySettings, prosodyConfig, startProsody } from '../../../deploy/demo/prosody.ts'
import { accountsOf, around, HOST, type House, SCREEN, SECRET } from '../both/house.ts'

export type Gated = House & {
  prosody: Prosody
  shell(command: string): Promise<string>
  /** Writes the config with other lines of the first host, or another screen, and has it read. */
  configure(lines: readonly string[], screen?: string): Promise<void>
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
  const { host = HOST, settings: more = {} } = options
  const address = more.address ?? '127.0.0.1'
  const [c2s = 0, component = 0] = await freePorts(2, address)
  const ports = { c2s, component, ...(options.s2s ? { s2s: 5269 } : {}), ...more.ports }
  const first = (lines: readonly string[] = [], screen = SCREEN) => ({ name: host, lines: gate(lines, screen) })
  const settings: ProsodySettings = {
    folder,
    ...more,
    ports,
    hosts: [first(options.lines), ...(more.hosts ?? [])],
    components: [{ name: SCREEN, secret: SECRET }, ...(more.components ?? [])],
    accounts: accountsOf(host, more.accounts),
  }
  const prosody = await startProsody(settings)
  return {
    ...around(prosody, { folder, ports, address, host, keepFolder: options.keepFolder === true }),
    prosody,
    shell: (command) => prosody.shell(command),
    configure: async (lines, screen) => {
      const hosts = [first(lines, screen), ...(more.hosts ?? [])]
      await writeFile(prosody.configFile, prosodyConfig({ ...settings, hosts }), { mode: 0o600 })
      await prosody.shell('config:reload()')
      await prosody.shell(`module:reload("gatehouse", "${host}")`)
    },
  }
}

/** The lines of a host that asks the screen. */
export function gate(lines: readonly string[] = [], screen = SCREEN): string[] {
  return ['modules_enabled = { "gatehouse" }', `gatehouse_screen = "${screen}"`, ...lines]
}
