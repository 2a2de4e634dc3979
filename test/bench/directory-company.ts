// SPDX-License-Identifier: Apache-2.0
// The company of the directory bench, as LDIF: people in groups of 100, and beside them (of the same number of people) one group for each
// thing that is measured on servers.
import { SUFFIX } from '../harness/slapd.ts'

export const MEMBERS = 100
export const PEOPLE = `ou=people,${SUFFIX}`
export const GROUPS = `ou=groups,${SUFFIX}`
/** Everybody of it has all others as contacts: one more than a roster has. */
export const CONTACTS = 'contacts'
/** The group that somebody joins, and whose members come online together. */
export const MATES = 'mates'
export const JOINER = 'joiner'

export type Company = {
  people: number
  groups: number
  /** Members of CONTACTS: contact0 and so on. */
  contacts: number
  /** Members of MATES: mate0 and so on. */
  mates: number
}

export const contact = (number: number): string => `contact${number}`
export const mate = (number: number): string => `mate${number}`
export const dnOf = (uid: string): string => `uid=${uid},${PEOPLE}`

export function companyLdif({ people, groups, contacts, mates }: Company): string {
  const parts = [
    `dn: ${SUFFIX}\nobjectClass: organization\nobjectClass: dcObject\no: Corp\ndc: corp\n`,
    `dn: ${PEOPLE}\nobjectClass: organizationalUnit\nou: people\n`,
    `dn: ${GROUPS}\nobjectClass: organizationalUnit\nou: groups\n`,
  ]
  const special = [...numbered(contacts, contact), ...numbered(mates, mate), ...(mates > 0 ? [JOINER] : [])]
  const users = people - special.length
  for (const [number, uid] of [...numbered(users, (at) => `user${at}`), ...special].entries())
    parts.push(personLdif(uid, number, users))
  for (let number = 0; number < groups; number += 1) {
    const members = Array.from({ length: MEMBERS }, (_, at) => `user${(number * MEMBERS + at * 499) % users}`)
    parts.push(groupLdif(`group${number}`, members))
  }
  if (contacts > 0) parts.push(groupLdif(CONTACTS, numbered(contacts, contact)))
  if (mates > 0) parts.push(groupLdif(MATES, numbered(mates, mate)))
  return parts.join('\n')
}

function personLdif(uid: string, number: number, users: number): string {
  const [given, family] = [`First${number}`, `Last${number % 977}`]
  return (
    `dn: ${dnOf(uid)}\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${given} ${family}\nsn: ${family}\ngivenName: ${given}\n` +
    `displayName: ${given} ${family}\nmail: ${uid}@corp.example\ntelephoneNumber: +49 30 ${number}\ndepartmentNumber: Department ${number % 97}\n` +
    `title: Engineer\nl: Berlin\nmanager: ${dnOf(`user${number % Math.min(500, users)}`)}\n`
  )
}

function groupLdif(name: string, members: readonly string[]): string {
  const lines = [...new Set(members)].map((uid) => `member: ${dnOf(uid)}\n`)
  return `dn: cn=${name},${GROUPS}\nobjectClass: groupOfNames\ncn: ${name}\ndescription: The ${name}\n${lines.join('')}`
}

function numbered(count: number, name: (number: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => name(at))
}
