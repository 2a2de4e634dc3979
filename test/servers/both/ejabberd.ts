// SPDX-License-Identifier: Apache-2.0
// ejabberd, as tests that hold on both servers ask for it.
import type { EjabberdSettings, Modules } from '../../../deploy/demo/ejabberd.ts'
import { gate, noEjabberd, type Gated as OnlyEjabberd, openGated } from '../ejabberd/gated.ts'
import type { Gated, GatedOptions, Kind } from './gated.ts'
import { HOST } from './house.ts'

export const ejabberd: Kind = { name: 'ejabberd', skip: noEjabberd, openGated: openEjabberd }

/** What only ejabberd understands: settings beside ours, and modules of the first host. */
export type OnEjabberd = Omit<Partial<EjabberdSettings>, 'modules'> & { modules?: Modules }

export async function openEjabberd(
  given: GatedOptions = {},
  more: OnEjabberd = {},
): Promise<Gated & Pick<OnlyEjabberd, 'ejabberd'>> {
  const { options = {}, hosts = [], neighbours = {}, components = [], accounts = [], address, ...rest } = given
  const { modules = {}, ...settings } = more
  const gated = await openGated({
    ...rest,
    options,
    components: [...components, ...Object.values(neighbours)],
    modules,
    settings: {
      ...settings,
      ...(address === undefined ? {} : { address }),
      hosts: [
        ...hosts.map((name) => ({ name, modules: gate() })),
        ...Object.entries(neighbours).map(([name, screen]) => ({ name, modules: gate({}, screen) })),
      ],
      accounts: accounts.map((jid) => ({ jid, password: 'secret' })),
    },
  })
  const without = new Set<string>()
  const first = given.host ?? HOST
  /** By the configuration, as an operator does it. */
  const write = () =>
    gated.configure(without.has(first) ? null : options, {
      hosts: hosts.map((name) => (without.has(name) ? { name } : { name, modules: gate() })),
    })
  return {
    ...gated,
    server: gated.ejabberd,
    load: async (host: string) => {
      without.delete(host)
      await write()
    },
    unload: async (host: string) => {
      without.add(host)
      await write()
    },
    reload: async (host: string) => {
      const options = `gen_mod:get_module_opts(<<"${host}">>, mod_gatehouse)`
      await gated.ejabberd.evaluate(`mod_gatehouse:reload(<<"${host}">>, ${options}, ${options}).`)
    },
    heldBytes: async () => Number(await gated.ejabberd.evaluate(HELD_BYTES)),
  }
}

/** What lasts: the least of some looks, when the sessions that have been closed are gone. */
const HELD_BYTES = `
  Gone = fun F(0) -> ok; F(N) -> case ejabberd_sm:connected_users_number() of 0 -> ok; _ -> timer:sleep(100), F(N - 1) end end,
  Gone(50),
  Look = fun(_) -> timer:sleep(100), [erlang:garbage_collect(P) || P <- processes()], erlang:memory(total) end,
  lists:min(lists:map(Look, lists:seq(1, 5))).`
