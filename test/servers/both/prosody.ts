// SPDX-License-Identifier: Apache-2.0
// Prosody, as tests that hold on both servers ask for it.
import { gate, openGated } from '../prosody/gated.ts'
import type { Gated, GatedOptions, Kind, Option } from './gated.ts'

export const prosody: Kind = { name: 'prosody', skip: false, openGated: open }

async function open(given: GatedOptions = {}): Promise<Gated> {
  const { options = {}, hosts = [], components = [], accounts = [], ...rest } = given
  const gated = await openGated({
    ...rest,
    lines: Object.entries(options).map(([name, value]) => `gatehouse_${name} = ${lua(value)}`),
    settings: {
      hosts: hosts.map((name) => ({ name, lines: gate() })),
      components: components.map((name) => ({ name, secret: 'gate' })),
      accounts: accounts.map((jid) => ({ jid, password: 'secret' })),
    },
  })
  const module = async (what: string, host: string) => {
    await gated.shell(`module:${what}("gatehouse", "${host}")`)
  }
  return {
    ...gated,
    server: gated.prosody,
    load: (host) => module('load', host),
    unload: (host) => module('unload', host),
    reload: (host) => module('reload', host),
    heldBytes: async () => {
      const said = await gated.shell(
        "> collectgarbage() collectgarbage() return 'RESULT '..math.floor(collectgarbage('count') * 1024)",
      )
      return Number(/RESULT (\d+)/.exec(said)?.[1])
    },
    [Symbol.asyncDispose]: () => gated[Symbol.asyncDispose](),
  }
}

const lua = (value: Option) => (typeof value === 'number' ? String(value) : JSON.stringify(value))
