// SPDX-License-Identifier: Apache-2.0
// An OpenLDAP server of our own in a folder: own configuration, free ports on loopback, own certificate authority, no ldapi.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../../deploy/demo/ports.ts'
import { makeAuthority } from './certificates.ts'

const run = promisify(execFile)

export const SUFFIX = 'dc=corp,dc=example'
export const ROOT_DN = `cn=admin,${SUFFIX}`
const PASSWORD = 'slapd-of-the-tests'

export type Slapd = AsyncDisposable & {
  port: number
  tlsPort: number
  /** ldap://127.0.0.1:PORT and ldaps://127.0.0.1:PORT. */
  url: string
  tlsUrl: string
  /** PEM of the authority that signed its certificate, and a certificate of a client by the same. */
  caFile: string
  clientCert: string
  clientKey: string
  /** Holds the password of ROOT_DN. */
  passwordFile: string
  /** Adds entries, over the wire, as LDIF without the lines of the base entry. */
  add(ldif: string): Promise<void>
  /** LDIF with changetype lines. */
  modify(ldif: string): Promise<void>
  /** Ends it at once, as a dead machine would. */
  kill(): Promise<void>
  /** Up again with what it held. */
  restart(): Promise<void>
}

export type SlapdOptions = {
  /** Loaded by slapadd before it starts: quick for many entries. The base entry must be among them. */
  ldif?: string
  overlays?: readonly ('memberof' | 'refint' | 'syncprov' | 'ppolicy')[]
  /** Lines for the database, such as a limit. */
  lines?: readonly string[]
  /** Attributes that are indexed besides objectClass. */
  indexed?: readonly string[]
}

const BASE = `dn: ${SUFFIX}
objectClass: organization
objectClass: dcObject
o: Corp
dc: corp
`

/** What is missing here; null when nothing is. */
export function slapdLack(): string | null {
  if (!existsSync('/usr/sbin/slapd')) return 'slapd is not installed'
  return globSync('/usr/bin/ldapmodify').length === 0 ? 'ldap-utils is not installed' : null
}

export async function startSlapd(folder: string, options: SlapdOptions = {}): Promise<Slapd> {
  const place = join(folder, 'slapd')
  const data = join(place, 'data')
  await mkdir(data, { recursive: true })
  const passwordFile = join(place, 'password')
  await writeFile(passwordFile, PASSWORD)
  const certificates = await makeCertificates(place)
  const config = join(place, 'slapd.conf')
  await writeFile(config, configOf(place, data, options))
  const ldif = join(place, 'start.ldif')
  await writeFile(ldif, options.ldif ?? BASE)
  await run('/usr/sbin/slapadd', ['-q', '-f', config, '-b', SUFFIX, '-l', ldif])
  const [port = 0, tlsPort = 0] = await freePorts(2)
  const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`
  let end = await start(config, urls, [port, tlsPort])

  const change = async (program: string, text: string): Promise<void> => {
    const ldif = join(place, `${program}.ldif`)
    await writeFile(ldif, text)
    await run(program, ['-x', '-H', `ldap://127.0.0.1:${port}`, '-D', ROOT_DN, '-y', passwordFile, '-f', ldif])
  }
  return {
    port,
    tlsPort,
    url: `ldap://127.0.0.1:${port}`,
    tlsUrl: `ldaps://127.0.0.1:${tlsPort}`,
    passwordFile,
    ...certificates,
    add: (text) => change('ldapadd', text),
    modify: (text) => change('ldapmodify', text),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      end = await start(config, urls, [port, tlsPort])
    },
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  }
}

function configOf(place: string, data: string, { overlays = [], lines = [], indexed = [] }: SlapdOptions): string {
  const schemas = ['core', 'cosine', 'nis', 'inetorgperson']
  return [
    ...schemas.map((schema) => `include /etc/ldap/schema/${schema}.schema`),
    `pidfile ${join(place, 'slapd.pid')}`,
    `argsfile ${join(place, 'slapd.args')}`,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    ...overlays.map((overlay) => `moduleload ${overlay}`),
    `TLSCACertificateFile ${join(place, 'ca.pem')}`,
    `TLSCertificateFile ${join(place, 'server.pem')}`,
    `TLSCertificateKeyFile ${join(place, 'server.key')}`,
    'TLSVerifyClient try',
    // A client certificate is the person of that name below the suffix.
    `authz-regexp "cn=([^,]+),o=Gatehouse tests" "cn=$1,${SUFFIX}"`,
    'database mdb',
    'maxsize 4294967296',
    `suffix "${SUFFIX}"`,
    `rootdn "${ROOT_DN}"`,
    `rootpw ${PASSWORD}`,
    `directory ${data}`,
    'dbnosync',
    'index objectClass eq',
    ...indexed.map((attribute) => `index ${attribute} eq`),
    ...lines,
    ...overlays.map((overlay) => `overlay ${overlay}`),
    'access to attrs=userPassword by anonymous auth by * none',
    'access to * by users read by anonymous auth',
    '',
  ].join('\n')
}

async function start(
  config: string,
  urls: string,
  ports: readonly number[],
): Promise<(signal: NodeJS.Signals) => Promise<void>> {
  const child = spawn('/usr/sbin/slapd', ['-f', config, '-h', urls, '-d', '0'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-10_000)
  })
  const ended = once(child, 'close').then(() => {
    throw new Error(`slapd ended:\n${said}`)
  })
  await listening(ports, ended)
  return async (signal) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill(signal)
    await closed
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

async function makeCertificates(place: string): Promise<{ caFile: string; clientCert: string; clientKey: string }> {
  const { caFile, sign } = await makeAuthority(place)
  await sign('server', '/CN=ldap.corp.example', ['DNS:ldap.corp.example', 'IP:127.0.0.1'])
  const { cert, key } = await sign('client', '/O=Gatehouse tests/CN=reader')
  return { caFile, clientCert: cert, clientKey: key }
}
