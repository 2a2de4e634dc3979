// SPDX-License-Identifier: Apache-2.0
// An OpenLDAP server of our own in a folder: own configuration, free ports on loopback, own certificate authority, no ldapi.
import { existsSync, globSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../deploy/demo/ports.ts'
import {
  ACCESS_LINES,
  change,
  commonLines,
  databaseLines,
  loadLdif,
  runSlapd,
  SUFFIX,
} from '../../deploy/demo/slapd.ts'
import { makeAuthority } from './certificates.ts'

export { BRANCHES, ROOT_DN, SUFFIX } from '../../deploy/demo/slapd.ts'

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
  /** Of ROOT_DN, and the file that holds it. */
  password: string
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
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 })
  const certificates = await makeCertificates(place)
  const config = join(place, 'slapd.conf')
  await writeFile(config, configOf(place, data, options))
  await loadLdif(config, place, options.ldif ?? BASE)
  const [port = 0, tlsPort = 0] = await freePorts(2)
  const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`
  let server = await runSlapd(config, urls, [port, tlsPort])
  const wire = { place, port, passwordFile }
  return {
    port,
    tlsPort,
    url: `ldap://127.0.0.1:${port}`,
    tlsUrl: `ldaps://127.0.0.1:${tlsPort}`,
    password: PASSWORD,
    passwordFile,
    ...certificates,
    add: (text) => change('ldapadd', text, wire),
    modify: (text) => change('ldapmodify', text, wire),
    kill: () => server.end('SIGKILL'),
    async restart() {
      await server.end('SIGTERM')
      server = await runSlapd(config, urls, [port, tlsPort])
    },
    [Symbol.asyncDispose]: () => server.end('SIGTERM'),
  }
}

function configOf(place: string, data: string, { overlays = [], lines = [], indexed = [] }: SlapdOptions): string {
  return [
    ...commonLines(place),
    ...overlays.map((overlay) => `moduleload ${overlay}`),
    `TLSCACertificateFile ${join(place, 'ca.pem')}`,
    `TLSCertificateFile ${join(place, 'server.pem')}`,
    `TLSCertificateKeyFile ${join(place, 'server.key')}`,
    'TLSVerifyClient try',
    // A client certificate is the person of that name below the suffix.
    `authz-regexp "cn=([^,]+),o=Gatehouse tests" "cn=$1,${SUFFIX}"`,
    ...databaseLines(data, PASSWORD),
    ...indexed.map((attribute) => `index ${attribute} eq`),
    ...lines,
    ...overlays.map((overlay) => `overlay ${overlay}`),
    ...ACCESS_LINES,
    '',
  ].join('\n')
}

async function makeCertificates(place: string): Promise<{ caFile: string; clientCert: string; clientKey: string }> {
  const { caFile, sign } = await makeAuthority(place)
  await sign('server', '/CN=ldap.corp.example', ['DNS:ldap.corp.example', 'IP:127.0.0.1'])
  const { cert, key } = await sign('client', '/O=Gatehouse tests/CN=reader')
  return { caFile, clientCert: cert, clientKey: key }
}
