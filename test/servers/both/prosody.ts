// SPDX-License-Identifier: Apache-2.0
// Prosody, as tests that hold on both servers ask for it.
import type { ProsodySettings } from '../../../deploy/demo/prosody.ts'
import { gate, type Gated as OnlyProsody, openGated } from '../prosody/gated.ts'
import type { Gated, GatedOptions, Kind, Option, Options } from './gated.ts'
import { HOST, SECRET } from './house.ts'

export const prosody: Kind = { name: 'prosody', skip: false, openGated: openProsody }

/** What only Prosody understands: settings beside ours, and lines of the first host. */
export type OnProsody = Partial<ProsodySettings> & { lines?: readonly string[] }

export async function openProsody(
  given: GatedOptions = {},
  more: OnProsody = {},
): Promise<Gated & Pick<OnlyProsody, 'prosody' | 'shell'>> {
  const { options = {}, hosts = [], neighbours = {}, components = [], accounts = [], address, ...rest } = given
  const { lines = [], ...settings } = more
  const gated = await openGated({
    ...rest,
    lines: [...linesOf(options), ...lines],
    settings: {
      ...settings,
      ...(address === undefined ? {} : { address }),
      global: [...(given.s2s === true ? ['modules_disabled = { "tls" }'] : []), ...(settings.global ?? [])],
      hosts: [
        ...hosts.map((name) => ({ name, lines: gate() })),
        ...Object.entries(neighbours).map(([name, screen]) => ({ name, lines: gate([], screen) })),
      ],
      components: [
        ...[...components, ...Object.values(neighbours)].map((name) => ({ name, secret: SECRET })),
        ...(settings.components ?? []),
      ],
      accounts: accounts.map((jid) => ({ jid, password: 'secret' })),
    },
  })
  const module = async (what: string, host: string) => {
    const said = await gated.shell(`module:${what}("gatehouse", "${host}")`)
    if (!said.includes('OK')) throw new Error(said)
  }
  return {
    ...gated,
    server: gated.prosody,
    configure: ({ screen, ...options }: Options) =>
      gated.configure([...linesOf(options), ...lines], screen === undefined ? undefined : String(screen)),
    load: (host: string) => module('load', host),
    unload: (host: string) => module('unload', host),
    reload: (host: string) => module('reload', host),
    heldBytes: async () => {
      const said = await gated.shell(
        "> collectgarbage() collectgarbage() return 'RESULT '..math.floor(collectgarbage('count') * 1024)",
      )
      return Number(/RESULT (\d+)/.exec(said)?.[1])
    },
  }
}

/** The lines of a host, or of a component that asks as one, with these options of the module. */
export function linesOf(options: Options): string[] {
  return Object.entries(options).map(([name, value]) => `gatehouse_${name} = ${lua(value)}`)
}

/** A room service that asks. Its rooms keep what is said in them (XEP-0313). */
export function roomsOfProsody(name = `rooms.${HOST}`, options: Options = {}) {
  const lines = [...gate(linesOf(options)), 'modules_enabled = { "gatehouse", "muc_mam" }', 'muc_log_by_default = true']
  return { name, module: 'muc', lines }
}

const lua = (value: Option): string => {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? JSON.stringify(value) : `{ ${value.map(lua).join(', ')} }`
}
