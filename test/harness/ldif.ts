// SPDX-License-Identifier: Apache-2.0
// LDIF (RFC 2849): every value in base64, so that none can be misread.

export type LdifValues = Readonly<Record<string, string | Buffer | readonly (string | Buffer)[]>>

/** One entry, to be added. */
export function ldifEntry(dn: string, values: LdifValues): string {
  return `${line('dn', dn)}${lines(values)}\n`
}

/** One change of each attribute named: its values afterwards; none: the attribute goes. */
export function ldifReplace(dn: string, values: LdifValues): string {
  const parts = Object.entries(values).map(([name, value]) => `replace: ${name}\n${lines({ [name]: value })}-\n`)
  return `${line('dn', dn)}changetype: modify\n${parts.join('')}\n`
}

export function ldifDelete(dn: string): string {
  return `${line('dn', dn)}changetype: delete\n\n`
}

export function ldifRename(dn: string, rdn: string, under?: string): string {
  const moved = under === undefined ? '' : line('newsuperior', under)
  return `${line('dn', dn)}changetype: modrdn\n${line('newrdn', rdn)}deleteoldrdn: 1\n${moved}\n`
}

function lines(values: LdifValues): string {
  return Object.entries(values)
    .flatMap(([name, value]) => [value].flat().map((one) => line(name, one)))
    .join('')
}

function line(name: string, value: string | Buffer): string {
  return `${name}:: ${Buffer.from(value).toString('base64')}\n`
}
