// SPDX-License-Identifier: Apache-2.0
// The made-up company: its folder, its settings files, its people, and the processes that make it work.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { programOf } from '../command.ts'
import { type Company, startCompany } from './company.ts'
import { type Row, readRows } from './complete.ts'
import { type Ircd, inspircdLack, startIrcd } from './inspircd.ts'
import { type Part, startPart } from './part.ts'
import { freePorts, portNear } from './ports.ts'
import type { Server, ServerKind } from './server.ts'
import { askingHosts, startServer } from './site.ts'
import { ROOT_DN, SUFFIX } from './slapd.ts'

const HOST = 'corp.example'
const ROOMS = 'rooms.corp.example'
const SCREEN = 'policy.gatehouse.internal'
const DIRECTORY = 'directory.corp.example'
const IRC = 'irc.corp.example'
const NETWORK = 'irc.example.org'
const CHANNEL = '#lobby'
const CHECKOUT = resolve(import.meta.dirname, '../..')
/** The archive looks once a second. */
const LOOKS_MS = 2000
const run = promisify(execFile)

export type Account = { jid: string; password: string }
/** A word that no employee may send, one that is masked, and one that does not go to other networks. */
export const WORDS = { refused: 'Nightingale', masked: 'damn', inside: 'Falcon' }

/** A channel of the network outside: its name there, the port of that network's server, and the room that it is here. */
export type IrcOfHouse = { channel: string; port: number; room: string }

export type House = {
  readonly folder: string
  readonly server: ServerKind
  /** The certificate of the made-up host. */
  readonly certificate: string
  readonly port: number
  readonly people: { alice: Account; bob: Account; carol: Account; nora: Account }
  readonly room: string
  /** Null where no IRC server is installed. */
  readonly irc: IrcOfHouse | null
  /** What ldapmodify needs. */
  readonly company: { url: string; dn: string; passwordFile: string }
  readonly logs: string
  /** Runs `gatehouse WORDS` as the person at this terminal. */
  gatehouse(...words: string[]): Promise<{ exit: number; out: string; err: string }>
  /** The rows of a call with --json; throws when it does not end with 0. */
  rows(...words: string[]): Promise<Row[]>
  /** So long after a number was told of, the archive has found that its record is missing. */
  readonly foundAfterMs: number
  /** The same call as it would be typed in the checkout. */
  typed(...words: string[]): string
  startServer(): Promise<Server>
  /** The company's LDAP server. */
  startCompany(): Promise<Company>
  /** The network outside. */
  startIrcd(): Promise<Ircd>
  startPart(name: 'policy' | 'archive' | 'directory' | 'transport-irc'): Promise<Part>
}

/** Lays out the folder (made anew by the caller) and chooses ports; starts nothing. */
export async function buildHouse(folder: string, server: ServerKind): Promise<House> {
  const config = join(folder, 'config')
  const logs = join(folder, 'logs')
  for (const place of [config, logs, join(folder, server, 'certs')]) await mkdir(place, { recursive: true })
  const port = await portNear(15222)
  const [component = 0, ldap = 0] = await freePorts(2)
  const secret = randomBytes(24).toString('hex')
  const company = { port: ldap, password: randomBytes(12).toString('hex') }
  const irc =
    inspircdLack() === null
      ? { channel: CHANNEL, port: await portNear(15667), room: `${CHANNEL}%${NETWORK}@${IRC}` }
      : null
  await writeSettings(config, component, secret, askingHosts(server, [HOST], ROOMS), irc !== null)
  await writeDirectory(config, secret, company)
  if (irc !== null) await writeTransport(config, secret, irc.port)
  const certificate = await makeCertificate(join(folder, server, 'certs'))
  const person = (name: string): Account => ({ jid: `${name}@${HOST}`, password: `${name}-demo` })
  const people = { alice: person('alice'), bob: person('bob'), carol: person('carol'), nora: person('nora') }
  const shownConfig = relative(CHECKOUT, config)
  return {
    folder,
    server,
    certificate,
    port,
    people,
    room: `tea@${ROOMS}`,
    irc,
    company: { url: `ldap://127.0.0.1:${ldap}`, dn: ROOT_DN, passwordFile: join(config, 'ldap.password') },
    logs,
    typed: (...words) =>
      ['npm run -s gatehouse -- --config', shownConfig.startsWith('..') ? config : shownConfig, ...words].join(' '),
    gatehouse: (...words) => commandLine(['--config', config, '--language', 'en', ...words]),
    async rows(...words) {
      const { exit, out, err } = await commandLine(['--config', config, '--language', 'en', ...words])
      if (exit !== 0) throw new Error(`${words.join(' ')} ended with ${exit}: ${err}`)
      return readRows(out)
    },
    foundAfterMs: 1000 + LOOKS_MS,
    startServer: () =>
      startIt(server, join(folder, server), { c2s: port, component }, secret, Object.values(people), irc !== null),
    startCompany: () => startCompany(folder, company),
    startIrcd: () => startIrcd(folder, { name: NETWORK, port: irc?.port ?? 0 }),
    startPart: (name) => startPart(name, join(config, `${name}.yaml`), logs),
  }
}

async function writeSettings(
  config: string,
  component: number,
  secret: string,
  hosts: readonly string[],
  isIrc: boolean,
): Promise<void> {
  const me = userInfo().username
  const file = (name: string, text: string, mode = 0o644) => writeFile(join(config, name), text, { mode })
  await file(
    'gatehouse.yaml',
    `# Written by the demo. One person plays operator and officer here; in a company they are two.
server: { port: ${component} }
folders: { state: ../state, run: ../run, journals: ../journals }
people:
  operators: [{ user: ${me} }]
  officers: [{ user: ${me} }]
`,
  )
  const [asking, networks] = isIrc ? [[...hosts, IRC], `networks: [{ network: irc, domain: ${IRC} }]\n`] : [hosts, '']
  await file(
    'policy.yaml',
    `secret_file: policy.secret\nhosts: [${asking.join(', ')}]\n${networks}metrics: { port: 0 }\n`,
  )
  await file('archive.yaml', 'metrics: { port: 0 }\nmissing: { tries: 1, try_within: 1 s, margin: 0 s }\n')
  await file('policy.secret', `${secret}\n`, 0o600)
  await file(
    'policy-rules.yaml',
    `version: 1
otherwise: allow
rules:
  - id: no-nightingale
    when: { direction: sent, words: [${WORDS.refused}] }
    then:
      refuse:
        text:
          en: The name ${WORDS.refused} must not leave your desk.
          de: Der Name ${WORDS.refused} darf Ihren Schreibtisch nicht verlassen.
  - id: stays-in-the-house
    when: { network: irc, direction: sent, words: [${WORDS.inside}] }
    then:
      refuse:
        text:
          en: The name ${WORDS.inside} stays in the house, and this goes to IRC.
          de: Der Name ${WORDS.inside} bleibt im Haus, und dies geht an IRC.
  - id: mind-your-language
    when: { words: [${WORDS.masked}] }
    then: { replace: { mask: '*' } }
`,
  )
}

async function writeDirectory(
  config: string,
  secret: string,
  company: { port: number; password: string },
): Promise<void> {
  const file = (name: string, text: string, mode = 0o644) => writeFile(join(config, name), text, { mode })
  await file(
    'directory.yaml',
    `secret_file: directory.secret
hosts: [${HOST}]
jid: '{uid}@${HOST}'
directories:
  - name: corp
    preset: openldap
    servers: ['ldap://127.0.0.1:${company.port}']
    bind: { dn: '${ROOT_DN}', password_file: ldap.password }
    bases: { people: ['ou=people,${SUFFIX}'], groups: ['ou=groups,${SUFFIX}'] }
poll: { every: 2 s, sweep_every: 2 s }
metrics: { port: 0 }
`,
  )
  await file('directory.secret', `${secret}\n`, 0o600)
  await file('ldap.password', company.password, 0o600)
}

async function writeTransport(config: string, secret: string, port: number): Promise<void> {
  const file = (name: string, text: string, mode = 0o644) => writeFile(join(config, name), text, { mode })
  // In clear, because it is this machine; no network outside is reached so.
  await file(
    'transport-irc.yaml',
    `secret_file: transport-irc.secret
hosts: [${HOST}]
networks: [{ name: ${NETWORK}, servers: ['irc://127.0.0.1:${port}'], allow_plain: true }]
secrets: { key_file: transport-irc.key }
stays: true
metrics: { port: 0 }
`,
  )
  await file('transport-irc.secret', `${secret}\n`, 0o600)
  await file('transport-irc.key', `${randomBytes(32).toString('hex')}\n`, 0o600)
}

/** A certificate for the made-up host, trusted by this process; a real client will ask whether to trust it. */
async function makeCertificate(folder: string): Promise<string> {
  const [key, certificate] = [join(folder, `${HOST}.key`), join(folder, `${HOST}.crt`)]
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '365'],
    ...[
      '-subj',
      `/CN=${HOST}`,
      '-addext',
      `subjectAltName=DNS:${HOST},DNS:${ROOMS}`,
      '-keyout',
      key,
      '-out',
      certificate,
    ],
  ])
  const text = await readFile(certificate, 'utf8')
  // ejabberd reads both from one file.
  await writeFile(join(folder, `${HOST}.pem`), `${text}${await readFile(key, 'utf8')}`, { mode: 0o600 })
  setDefaultCACertificates([...getCACertificates('default'), text])
  return certificate
}

function startIt(
  kind: ServerKind,
  folder: string,
  ports: { c2s: number; component: number },
  secret: string,
  accounts: readonly Account[],
  isIrc: boolean,
): Promise<Server> {
  const gatehouse = { screen: SCREEN, ...(isIrc ? { transports: [IRC] } : {}) }
  return startServer(kind, {
    folder,
    ports,
    tls: true,
    limits: { client: 256 * 1024, component: 2 * 1024 * 1024 },
    hosts: [{ name: HOST, gatehouse, directory: DIRECTORY }],
    rooms: { name: ROOMS, gatehouse, createdBy: 'people of the host' },
    components: [SCREEN, DIRECTORY, ...(isIrc ? [IRC] : [])].map((name) => ({ name, secret })),
    accounts,
  })
}

async function commandLine(words: readonly string[]): Promise<{ exit: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [programOf('cli'), ...words], (fault, out, err) => {
      resolve({ exit: typeof fault?.code === 'number' ? fault.code : fault === null ? 0 : 1, out, err })
    })
  })
}
