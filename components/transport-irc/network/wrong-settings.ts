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
  const { user, realname, password, webirc, sasl } = settings
  // What stands before the last word of a line can hold no space.
  const words = [user, ...(webirc === undefined ? [] : [webirc.password, webirc.gateway, webirc.host, webirc.address])]
  if (words.some((word) => !/^[^\s:\0][^\s\0]*$/.test(word) && word !== webirc?.address))
    return 'user, webirc: a single word each'
  if (webirc !== undefined && !/^[0-9a-fA-F.:]+$/.test(webirc.address)) return 'webirc: no address'
  if ((realname !== '' && !isOneLine(realname)) || (password !== undefined && !isOneLine(password)))
    return 'realname, password: one line'
  if (sasl !== undefined && (sasl.account === '' || /[\0]/.test(`${sasl.account}${sasl.secret ?? ''}`)))
    return 'sasl: no account'
  if (encodingOf(settings.encoding ?? 'utf-8', settings.fallback) === null) return 'unknown encoding'
  return null
}
