// SPDX-License-Identifier: Apache-2.0
// ejabberd, as tests that hold on both servers ask for it.
import { gate, noEjabberd, openGated } from '../ejabberd/gated.ts'
import type { Gated, GatedOptions, Kind } from './gated.ts'

export const ejabberd: Kind = { name: 'ejabberd', skip: noEjabberd, openGated: open }

async function open(given: GatedOptions = {}): Promise<Gated> {
  const { options = {}, hosts = [], components = [], accounts = [], ...rest } = given
  const gated = await openGated({
    ...rest,
    options,
    components,
    settings: {
      hosts: hosts.map((name) => ({ name, modules: gate() })),
      accounts: accounts.map((jid) => ({ jid, password: 'secret' })),
    },
  })
  const module = async (what: string, host: string) => {
    await gated.ejabberd.evaluate(`gen_mod:${what}(<<"${host}">>, mod_gatehouse).`)
  }
  return {
    ...gated,
    server: gated.ejabberd,
    load: (host) => module('start_module', host),
    unload: (host) => module('stop_module_keep_config', host),
    reload: async (host) => {
      const options = `gen_mod:get_module_opts(<<"${host}">>, mod_gatehouse)`
      await gated.ejabberd.evaluate(`mod_gatehouse:reload(<<"${host}">>, ${options}, ${options}).`)
    },
    heldBytes: async () =>
      Number(await gated.ejabberd.evaluate('[erlang:garbage_collect(P) || P <- processes()], erlang:memory(total).')),
    [Symbol.asyncDispose]: () => gated[Symbol.asyncDispose](),
  }
}
