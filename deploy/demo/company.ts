// SPDX-License-Identifier: Apache-2.0
// The made-up company's directory: who works there, in an OpenLDAP of its own.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { ACCESS_LINES, BRANCHES, change, commonLines, databaseLines, loadLdif, runSlapd, SUFFIX } from './slapd.ts'

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
  await loadLdif(config, place, await everybody())
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

/** LDIF of a person of the company, with a face: the initial in a colour. */
export async function employee(uid: string, given: string, family: string, department: string): Promise<string> {
  const hue = [...uid].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 360
  const face = `<svg xmlns="http://www.w3.org/2000/svg" width="192" height="192"><rect width="192" height="192" fill="hsl(${hue},60%,45%)"/><text x="96" y="140" font-size="128" font-family="sans-serif" text-anchor="middle" fill="white">${given.slice(0, 1)}</text></svg>`
  const photo = (await sharp(Buffer.from(face)).jpeg().toBuffer()).toString('base64')
  return `dn: uid=${uid},ou=people,${SUFFIX}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${given} ${family}
givenName: ${given}
sn: ${family}
displayName: ${given} ${family}
mail: ${uid}@corp.example
telephoneNumber: +49 30 0000 ${100 + hue}
ou: ${department}
jpegPhoto:: ${photo}

`
}

function team(name: string, ...members: string[]): string {
  return `dn: cn=${name},ou=groups,${SUFFIX}
objectClass: groupOfNames
cn: ${name}
${members.map((uid) => `member: uid=${uid},ou=people,${SUFFIX}`).join('\n')}

`
}

async function everybody(): Promise<string> {
  const people = [
    await employee('alice', 'Alice', 'Archer', 'Sales'),
    await employee('bob', 'Bob', 'Baker', 'Research'),
    await employee('carol', 'Carol', 'Carter', 'Research'),
  ]
  const teams = [team('Sales', 'alice'), team('Research', 'bob', 'carol'), team('Everybody', 'alice', 'bob', 'carol')]
  return `${TOP}${BRANCHES}\n${people.join('')}${teams.join('')}`
}

const TOP = `dn: ${SUFFIX}
objectClass: organization
objectClass: dcObject
o: Corp
dc: corp
`
