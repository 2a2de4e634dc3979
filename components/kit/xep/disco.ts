// SPDX-License-Identifier: Apache-2.0
// XEP-0030: Service Discovery (2.5.0)
import type { Element } from '../xml/element.ts'
import { escapeAttribute } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'

export type Identity = { category: string; type: string; name?: string }
export type DiscoInfo = { identities: readonly Identity[]; features: readonly string[] }
export type DiscoItem = { jid: string; node?: string; name?: string }

/** The node that a query asks about; null for none. */
export function readNode(query: Element): string | null {
  return query.attrs.node ?? null
}

/** Payload of a disco#info result. Features are given once each, in order. */
export function writeInfo({ identities, features }: DiscoInfo, node: string | null = null): string {
  const said = identities.map(
    ({ category, type, name }) =>
      `<identity${attributes({ category, type, ...(name === undefined ? {} : { name }) })}/>`,
  )
  const known = [...new Set(features)].sort().map((feature) => `<feature${attributes({ var: feature })}/>`)
  return `<query xmlns='${NS.discoInfo}'${nodeOf(node)}>${said.join('')}${known.join('')}</query>`
}

/** Payload of a disco#items result. */
export function writeItems(items: readonly DiscoItem[], node: string | null = null): string {
  return `<query xmlns='${NS.discoItems}'${nodeOf(node)}>${items.map((item) => `<item${attributes(item)}/>`).join('')}</query>`
}

function nodeOf(node: string | null): string {
  return node === null ? '' : attributes({ node })
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}='${escapeAttribute(value)}'`)
    .join('')
}
