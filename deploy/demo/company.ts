// SPDX-License-Identifier: Apache-2.0
// The made-up company's directory: who works there, in an OpenLDAP of its own.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ACCESS_LINES, change, commonLines, databaseLines, loadLdif, runSlapd, SUFFIX } from './slapd.ts'

export type Company = AsyncDisposable & {
  readonly pid: number
  readonly port: number
  /** Holds the password of ROOT_DN. */
  readonly passwordFile: string
  add(ldif: string): Promise<void>
  modify(ldif: string): Promise<void>
}

export async function startCompany(
  folder: string,
  { port, password }: { port: number; password: string },
): Promise<Company> {
  const place = join(folder, 'slapd')
  const data = join(place, 'data')
  await mkdir(data, { recursive: true })
  const passwordFile = join(place, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  const config = join(place, 'slapd.conf')
  const lines = [...commonLines(place), ...databaseLines(data, password), ...ACCESS_LINES, '']
  await writeFile(config, lines.join('\n'), { mode: 0o600 })
  await loadLdif(config, place, COMPANY)
  const server = await runSlapd(config, `ldap://127.0.0.1:${port}`, [port])
  const wire = { place, port, passwordFile }
  return {
    pid: server.pid,
    port,
    passwordFile,
    add: (text) => change('ldapadd', text, wire),
    modify: (text) => change('ldapmodify', text, wire),
    [Symbol.asyncDispose]: () => server.end('SIGTERM'),
  }
}

/** LDIF of a person of the company. */
export function employee(uid: string, given: string, family: string, department: string): string {
  return `dn: uid=${uid},ou=people,${SUFFIX}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${given} ${family}
givenName: ${given}
sn: ${family}
displayName: ${given} ${family}
mail: ${uid}@corp.example
telephoneNumber: +49 30 0000 ${100 + uid.length}
ou: ${department}

`
}

function team(name: string, ...members: string[]): string {
  return `dn: cn=${name},ou=groups,${SUFFIX}
objectClass: groupOfNames
cn: ${name}
${members.map((uid) => `member: uid=${uid},ou=people,${SUFFIX}`).join('\n')}

`
}

const COMPANY = `dn: ${SUFFIX}
objectClass: organization
objectClass: dcObject
o: Corp
dc: corp

dn: ou=people,${SUFFIX}
objectClass: organizationalUnit
ou: people

dn: ou=groups,${SUFFIX}
objectClass: organizationalUnit
ou: groups

${employee('alice', 'Alice', 'Archer', 'Sales')}${employee('bob', 'Bob', 'Baker', 'Research')}${employee('carol', 'Carol', 'Carter', 'Research')}${team('Sales', 'alice')}${team('Research', 'bob', 'carol')}${team('Everybody', 'alice', 'bob', 'carol')}`
