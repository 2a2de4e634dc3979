// SPDX-License-Identifier: Apache-2.0
// ngIRCd (Debian's ngircd): no IRCv3 but multi-prefix, CASEMAPPING ascii, nicks of nine characters if it is left at that.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../../deploy/demo/ports.ts'
import { makeAuthority } from './certificates.ts'
import { giveToDaemon, type Ircd, inDaemonFolder, programLack, startDaemon } from './ircd.ts'

const PROGRAM = '/usr/sbin/ngircd'
const OPER = { name: 'root', password: 'oper-of-the-tests' }

export type NgircdOptions = {
  address?: string
  tls?: boolean
  name?: string
  password?: string
  /** Default 30; the program's own default is 9. */
  nickLength?: number
  /** `default`: two seconds of penalty for what it thinks too much, as the package has it. Default none. */
  flood?: 'none' | 'default'
  webirc?: string
  /** Further sections of the configuration. */
  lines?: readonly string[]
}

/** Null when it can be used here. */
export function ngircdLack(): string | null {
  return programLack({ file: PROGRAM, package: 'ngircd' })
}

export function startNgircd(options: NgircdOptions = {}): Promise<Ircd> {
  return inDaemonFolder('ngircd', async (folder) => {
    const { address = '127.0.0.1', name = 'ng.gatehouse.test' } = options
    const [port = 0, tlsPort = 0] = await freePorts(2, address)
    const authority = options.tls === true ? await makeAuthority(folder) : null
    if (authority !== null) {
      await authority.sign('server', `/CN=${name}`, [`DNS:${name}`, 'DNS:localhost', `IP:${address}`])
      // Without a file of its own it computes a group at each start, for many seconds; this names a standard one (RFC 7919).
      await promisify(execFile)('certtool', ['--get-dh-params', '--outfile', join(folder, 'dh.pem')])
    }
    const config = join(folder, 'ngircd.conf')
    await writeFile(config, configOf(folder, { address, name, port, tlsPort }, options))
    await giveToDaemon(folder)
    const daemon = await startDaemon({
      title: 'ngIRCd',
      folder,
      command: PROGRAM,
      args: ['--nodaemon', '--config', config],
      address,
      ports: [port, ...(authority === null ? [] : [tlsPort])],
    })
    return Object.assign(daemon, {
      kind: 'ngircd' as const,
      ...{ name, address, port, oper: OPER },
      tlsPort: authority === null ? 0 : tlsPort,
      caFile: authority?.caFile ?? null,
    })
  })
}

type Place = { address: string; name: string; port: number; tlsPort: number }

function configOf(folder: string, { address, name, port, tlsPort }: Place, options: NgircdOptions): string {
  const at = (file: string): string => join(folder, file)
  return [
    '[Global]',
    `Name = ${name}`,
    'Info = Of the tests',
    'AdminInfo1 = Nobody',
    'AdminEMail = nobody@gatehouse.test',
    'Network = GatehouseTests',
    `Listen = ${address}`,
    `Ports = ${port}`,
    'MotdPhrase = Of the tests',
    `PidFile = ${at('ngircd.pid')}`,
    ...(options.password === undefined ? [] : [`Password = ${options.password}`]),
    '[Limits]',
    'MaxConnections = 0',
    'MaxConnectionsIP = 0',
    'MaxJoins = 0',
    `MaxNickLength = ${options.nickLength ?? 30}`,
    `MaxPenaltyTime = ${options.flood === 'default' ? -1 : 0}`,
    'MaxListSize = 10000',
    'PingTimeout = 120',
    'PongTimeout = 20',
    '[Options]',
    'DNS = no',
    'Ident = no',
    'PAM = no',
    'OperCanUseMode = yes',
    ...(options.webirc === undefined ? [] : [`WebircPassword = ${options.webirc}`]),
    ...(options.tls === true
      ? [
          '[SSL]',
          `CertFile = ${at('server.pem')}`,
          `KeyFile = ${at('server.key')}`,
          `DHFile = ${at('dh.pem')}`,
          `Ports = ${tlsPort}`,
        ]
      : []),
    '[Operator]',
    `Name = ${OPER.name}`,
    `Password = ${OPER.password}`,
    ...(options.lines ?? []),
    '',
  ].join('\n')
}
