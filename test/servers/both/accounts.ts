// SPDX-License-Identifier: Apache-2.0
// What a screen was told of accounts: that one was made, met or removed, and the mark of the one that logs in.
import assert from 'node:assert/strict'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { HOST, type House, soon } from './house.ts'

export const told = (screen: AllowScreen) => screen.seen.flatMap((iq) => iq.match(/<account [^>]*>/g) ?? [])
export const logins = (screen: AllowScreen) =>
  screen.seen.flatMap((iq) => iq.match(/<session [^>]*event='started'[^>]*>/g) ?? [])
export const markOf = (element: string | undefined) =>
  /(?:account|id)='([0-9a-f]{32})'/.exec(element ?? '')?.[1] ?? assert.fail(`no mark in ${element}`)

/** Logs in, and gives the mark that the screen was told. */
export async function loginMark(gated: House, screen: AllowScreen, user: string, resource: string): Promise<string> {
  await gated.login(user, { resource })
  const jid = `${user}@${HOST}/${resource}`
  await soon(screen.saw(new RegExp(`<session jid='${jid}'[^>]*event='started'`)), `the login of ${jid}`)
  return markOf(logins(screen).find((element) => element.includes(`'${jid}'`)))
}
