// SPDX-License-Identifier: Apache-2.0
// What a screen was told of accounts: that one was made, met or removed, and the mark of the one that logs in.
import assert from 'node:assert/strict'
import { RawClient } from '../../harness/raw-client.ts'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { HOST, type House, soon } from './house.ts'

/** A virtual host to which anybody logs in as nobody. */
export const GUESTS = 'guests.example'

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

/** Somebody comes and goes at GUESTS, by a name that the server makes up or his own; what the screen was told of his session, when it has ended. */
export async function guestLogin(
  { ports }: House,
  screen: AllowScreen,
  user = '',
): Promise<{ jid: string; started: string }> {
  const login = { address: '127.0.0.1', port: ports.c2s, domain: GUESTS, user, password: 'any', resource: 'desk' }
  const guest = await RawClient.login({ ...login, anonymous: user === '' })
  const of = (event: string) => new RegExp(`<session jid='${user || '[^@]+'}@${GUESTS}/[^']*'[^>]*event='${event}'`)
  await soon(screen.saw(of('started')), 'the login of a guest')
  await guest.close()
  await soon(screen.saw(of('ended')), 'the end of his session')
  const started = logins(screen).findLast((element) => element.includes(`@${GUESTS}/`)) ?? assert.fail('no login')
  return { jid: /jid='([^'/]+)/.exec(started)?.[1] ?? assert.fail(started), started }
}
