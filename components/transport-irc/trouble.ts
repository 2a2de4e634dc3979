// SPDX-License-Identifier: Apache-2.0
// What an operator is told of when transport-irc runs and yet not everything is as it should be.

import type { Catalogue } from '../kit/text/catalogue.ts'
import type { Asker } from '../kit/transport/asker/asker.ts'
import type { Networks } from './sessions/networks.ts'
import type { TransportIrcSettings } from './settings.ts'

/** `stream`: to the server; `asker`: null where nobody is to be asked. */
export type Looked = {
  stream: { readonly state: string; readonly trouble: string | null }
  asker: Pick<Asker, 'state'> | null
  networks: Pick<Networks, 'connected'>
  settings: Pick<TransportIrcSettings, 'domain' | 'policy' | 'networks'>
  text: Catalogue
}

/** Why nothing can go on; null: it can. */
export function troubleOf({ stream, text }: Pick<Looked, 'stream' | 'text'>, language: string): string | null {
  if (stream.state === 'up') return null
  const said = text.say('transport-irc-no-server', language)
  return stream.trouble === null ? said : `${said} (${stream.trouble})`
}

export function warningsOf(looked: Looked, language: string): string[] {
  const { stream, asker, settings, text } = looked
  const noServer = troubleOf(looked, language)
  // Without the server policy cannot be asked either: what follows from that is no trouble of its own.
  const asked = stream.state === 'up' ? (asker?.state() ?? null) : null
  const rule = settings.policy?.onOutage ?? 'open'
  return [
    ...(noServer === null ? [] : [noServer]),
    ...(asked?.isStranger === true
      ? [text.say('transport-irc-policy-stranger', language, { domain: settings.domain })]
      : []),
    ...(asked === null || asked.asking
      ? []
      : [text.say(`transport-irc-policy-away-${rule}`, language, { withheld: asked.withheld })]),
    ...settings.networks.flatMap(({ name }) => networkWarning(looked, name, language)),
  ]
}

/** Where nobody's connection is up, with the cause of one that is not. */
function networkWarning({ networks, text }: Looked, name: string, language: string): string[] {
  const of = [...networks.connected()].filter(({ network }) => network === name)
  const down = of.find(({ fault }) => fault !== null)
  if (down === undefined || of.some(({ session }) => session.isUp)) return []
  const untrusted = down.fault?.why.reason === 'protection'
  const id = untrusted ? 'transport-irc-network-untrusted' : 'transport-irc-network-away'
  return [text.say(id, language, { network: name, cause: down.fault?.why.message ?? '-' })]
}
