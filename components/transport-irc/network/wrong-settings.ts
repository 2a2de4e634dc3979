// SPDX-License-Identifier: Apache-2.0
import type { IrcSettings } from './irc.ts'
import { isPin } from './socket.ts'
import { encodingOf } from './wire/encoding.ts'
import { isOneLine } from './wire/line.ts'
import { wrongNick } from './wire/nick.ts'

/** Why no connection should be opened with these; null: it may. */
export function wrongSettings(settings: IrcSettings): string | null {
  if (settings.servers.length === 0) return 'no server'
  if (settings.servers.some(({ tls }) => tls === 'plain') && settings.servers.some(({ tls }) => tls !== 'plain'))
    return 'servers with TLS and without are mixed: that would be a fall-back to clear text'
  const wrong = wrongNick(settings.nick, 64)
  if (wrong !== null) return `nick: ${wrong}`
  const pin = settings.servers.flatMap(({ pins }) => pins ?? []).find((each) => !isPin(each))
  if (pin !== undefined) return `no SHA-256: ${pin}`
  if (settings.afterwards?.some((line) => !isOneLine(line)) === true) return 'afterwards: not one line'
  if (encodingOf(settings.encoding ?? 'utf-8', settings.fallback) === null) return 'unknown encoding'
  return null
}
