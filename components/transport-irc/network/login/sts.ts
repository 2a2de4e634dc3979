// SPDX-License-Identifier: Apache-2.0
// IRCv3 STS: a server says on a clear connection where TLS is, and on one with TLS for how long nothing else may be used.
import type { StsPolicy } from '../irc.ts'

export type StsSaid = { port: number | null; durationMs: number | null }

/** The value of the capability `sts`; keys that we do not know are for others. */
export function readSts(value: string): StsSaid {
  const said: StsSaid = { port: null, durationMs: null }
  for (const part of value.split(',')) {
    const [key, number = ''] = part.split('=')
    if (!/^[0-9]{1,12}$/.test(number)) continue
    if (key === 'port' && Number(number) >= 1 && Number(number) <= 65_535) said.port = Number(number)
    if (key === 'duration') said.durationMs = Number(number) * 1000
  }
  return said
}

/**
 * What to keep after this was said on a connection with TLS at `port`; `undefined`: nothing new. A duration of 0 ends the policy.
 * On a clear connection the duration means nothing: anybody could have said it.
 */
export function stsToKeep(said: StsSaid, port: number, now: number): StsPolicy | null | undefined {
  if (said.durationMs === null) return undefined
  return said.durationMs === 0 ? null : { port, until: now + said.durationMs }
}
