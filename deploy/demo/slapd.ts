// SPDX-License-Identifier: Apache-2.0
// An OpenLDAP server of our own: configuration and data in a folder, on loopback, without ldapi. Needs the Debian packages slapd and
// ldap-utils.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const SUFFIX = 'dc=corp,dc=example'
export const ROOT_DN = `cn=admin,${SUFFIX}`
/** LDIF of what people and groups stand below. */
export const BRANCHES = `
dn: ou=people,${SUFFIX}
objectClass: organizationalUnit
ou: people

dn: ou=groups,${SUFFIX}
objectClass: organizationalUnit
ou: groups
`

/** Of slapd.conf, all above the database: the schemas of people and groups. */
export function commonLines(place: string): string[] {
  return [
    ...['core', 'cosine', 'nis', 'inetorgperson'].map((schema) => `include /etc/ldap/schema/${schema}.schema`),
    `pidfile ${join(place, 'slapd.pid')}`,
    `argsfile ${join(place, 'slapd.args')}`,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
  ]
}

/** The database of SUFFIX, which ROOT_DN may write with this password. */
export function databaseLines(data: string, password: string): string[] {
  return [
    'database mdb',
    'maxsize 4294967296',
    `suffix "${SUFFIX}"`,
    `rootdn "${ROOT_DN}"`,
    `rootpw ${password}`,
    `directory ${data}`,
    'dbnosync',
    'index objectClass eq',
  ]
}

export const ACCESS_LINES: readonly string[] = [
  'access to attrs=userPassword by anonymous auth by * none',
  'access to * by users read by anonymous auth',
]

/** slapadd: quick, while no server runs on these data. */
export async function loadLdif(config: string, place: string, text: string): Promise<void> {
  const file = join(place, 'start.ldif')
  await writeFile(file, text)
  await run('/usr/sbin/slapadd', ['-q', '-f', config, '-b', SUFFIX, '-l', file])
}

/** ldapadd or ldapmodify, as ROOT_DN. */
export async function change(
  program: 'ldapadd' | 'ldapmodify',
  text: string,
  { place, port, passwordFile }: { place: string; port: number; passwordFile: string },
): Promise<void> {
  const file = join(place, `${program}.ldif`)
  await writeFile(file, text)
  await run(program, ['-x', '-H', `ldap://127.0.0.1:${port}`, '-D', ROOT_DN, '-y', passwordFile, '-f', file])
}

/** Resolves when every port answers; gives the process and what ends it. */
export async function runSlapd(
  config: string,
  urls: string,
  ports: readonly number[],
): Promise<{ pid: number; end(signal: NodeJS.Signals): Promise<void> }> {
  const child = spawn('/usr/sbin/slapd', ['-f', config, '-h', urls, '-d', '0'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-10_000)
  })
  const ended = once(child, 'close').then(() => {
    throw new Error(`slapd ended:\n${said}`)
  })
  await listening(ports, ended)
  return {
    pid: child.pid ?? 0,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      const closed = once(child, 'close')
      child.kill(signal)
      await closed
    },
  }
}

/** Resolves when all of them listen, rejects when `ended` does. */
export async function listening(ports: readonly number[], ended: Promise<never>, host = '127.0.0.1'): Promise<void> {
  let over = false
  ended.catch(() => {
    over = true
  })
  const answers = async (port: number): Promise<void> => {
    while (!over) {
      const socket = net.connect(port, host)
      try {
        await once(socket, 'connect')
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20))
      } finally {
        socket.destroy()
      }
    }
  }
  await Promise.race([Promise.all(ports.map(answers)), ended])
}
