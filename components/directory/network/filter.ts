// SPDX-License-Identifier: Apache-2.0
// RFC 4515: filters as text, from the settings.
import { isUtf8 } from 'node:buffer'
import { AndFilter, EqualityFilter, Filter, FilterParser, GreaterThanEqualsFilter, OrFilter } from 'ldapts'

/** White space between parts is taken, so that a filter may stand in lines. Throws what is wrong with it. */
export function readFilter(text: string): Filter {
  const parts = text.trim().replace(/(^|[()&|!])\s+(?=[()&|!]|$)/g, '$1')
  // ldapts closes what is left open.
  if (parts.split('(').length !== parts.split(')').length) throw new Error(`the brackets do not match: ${text}`)
  return FilterParser.parseString(withCharacters(parts))
}

/** What is wrong with a filter; null when it is one. */
export function wrongFilter(text: string): string | null {
  try {
    readFilter(text)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

export function all(...filters: readonly Filter[]): Filter {
  return new AndFilter({ filters: [...filters] })
}

/** One of the values in one of the attributes. */
export function anyEqual(attributes: readonly string[], values: readonly (string | Buffer)[]): Filter {
  return new OrFilter({
    filters: attributes.flatMap((attribute) => values.map((value) => new EqualityFilter({ attribute, value }))),
  })
}

export function atLeast(attribute: string, value: string): Filter {
  return new GreaterThanEqualsFilter({ attribute, value })
}

/** Members of a group and of the groups in it, found by the server: LDAP_MATCHING_RULE_IN_CHAIN, [MS-ADTS] §3.1.1.3.4.4.3. */
export function inChainFilter(groupDn: string): string {
  return `(memberOf:1.2.840.113556.1.4.1941:=${Filter.escape(groupDn)})`
}

/** Members of a group as the server keeps them with each person (OpenLDAP's overlay memberof, 389-ds and FreeIPA by themselves). */
export function memberOfFilter(groupDn: string): string {
  return `(memberOf=${Filter.escape(groupDn)})`
}

/** ldapts takes each escaped octet for a character of its own; those beyond ASCII are therefore put in as what they are. */
function withCharacters(text: string): string {
  return text.replace(/(?:\\[0-9a-f]{2})+/gi, (run) => {
    const octets = Buffer.from(run.replaceAll('\\', ''), 'hex')
    if (!isUtf8(octets)) throw new Error(`${run} is no UTF-8`)
    return Filter.escape(octets.toString('utf8'))
  })
}
