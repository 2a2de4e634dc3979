// SPDX-License-Identifier: Apache-2.0
// Processes of an ejabberd under test, kept from running or waited for: a race is made with these, not left to luck.
import type { Ejabberd } from '../../../deploy/demo/ejabberd.ts'
import { SCREEN, soon } from '../both/house.ts'

type Gated = { ejabberd: Ejabberd }

/** The process on the way to the screen. */
export const LINK = `whereis(gatehouse_link:name_of(<<"${SCREEN}">>))`

/** Keeps processes, given as Erlang expressions, from running until the returned function is called. */
export async function suspended({ ejabberd }: Gated, ...processes: string[]): Promise<() => Promise<string>> {
  await ejabberd.evaluate(
    `Ps = [${processes.join(', ')}], S = self(), _ = spawn(fun() -> register(keeper, self()),
     lists:foreach(fun(P) -> erlang:suspend_process(P) end, Ps), S ! kept, receive go -> ok end end), receive kept -> ok end.`,
  )
  return () => ejabberd.evaluate('keeper ! go.')
}

/** Resolves when the Erlang expression is true. */
export async function until({ ejabberd }: Gated, expression: string): Promise<void> {
  const loop = `F = fun F() -> case ${expression} of true -> ok; _ -> receive after 10 -> F() end end end, F().`
  await soon(ejabberd.evaluate(loop), expression)
}
