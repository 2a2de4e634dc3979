// SPDX-License-Identifier: Apache-2.0
// An Active Directory of our own in a folder: Samba as a domain controller, of which only LDAP is started. Its ports cannot be chosen
// (389, 636, 3268, 3269), so it has a loopback address for itself.
import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { listening } from '../../deploy/demo/slapd.ts'
import { makeAuthority } from './certificates.ts'

const run = promisify(execFile)

export const SAMBA_BASE = 'DC=corp,DC=example'
export const SAMBA_ADMIN = `CN=Administrator,CN=Users,${SAMBA_BASE}`
const PASSWORD = 'Samba-of-the-tests-1'

export type Samba = AsyncDisposable & {
  /** ldaps://127.x.y.z. */
  url: string
  caFile: string
  /** Holds the password of SAMBA_ADMIN. */
  passwordFile: string
  add(ldif: string): Promise<void>
  /** LDIF with changetype lines. */
  modify(ldif: string): Promise<void>
}

/** What is missing here; null when nothing is. */
export function sambaLack(): string | null {
  if (process.getuid?.() !== 0) return 'a domain controller listens on port 389, and we are not root'
  for (const file of [
    '/usr/sbin/samba',
    '/usr/bin/samba-tool',
    '/usr/bin/ldapmodify',
    '/usr/share/samba/setup/provision',
  ]) {
    if (!existsSync(file) && !existsSync(`${file}.ldif`)) return `${file} is not installed`
  }
  return null
}

export async function startSamba(folder: string): Promise<Samba> {
  const place = join(folder, 'samba')
  await mkdir(join(place, 'pid'), { recursive: true })
  const passwordFile = join(place, 'password')
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 })
  const address = `127.${randomInt(16, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`
  const options = [
    '--realm=CORP.EXAMPLE',
    '--domain=CORP',
    '--server-role=dc',
    '--dns-backend=NONE',
    `--targetdir=${place}`,
  ]
  await run('samba-tool', ['domain', 'provision', ...options, `--adminpass=${PASSWORD}`])
  const { caFile, sign } = await makeAuthority(place)
  const { cert, key } = await sign('dc', '/CN=dc.corp.example', ['DNS:dc.corp.example', `IP:${address}`])
  const config = join(place, 'etc/smb.conf')
  const own = {
    interfaces: `${address}/8`,
    'bind interfaces only': 'yes',
    'server services': 'ldap',
    'disable netbios': 'yes',
    'log file': join(place, 'log'),
    'pid directory': join(place, 'pid'),
    'ncalrpc dir': join(place, 'ncalrpc'),
    'winbindd socket directory': join(place, 'winbindd'),
    'ntp signd socket directory': join(place, 'ntp'),
    // What is lost at a power cut is made anew.
    'ldb:nosync': 'true',
    'tls certfile': cert,
    'tls keyfile': key,
    'tls cafile': caFile,
  }
  const lines = Object.entries(own).map(([name, value]) => `\t${name} = ${value}\n`)
  const made = (await readFile(config, 'utf8')).replace(
    /^\t(interfaces|bind interfaces only|server services|log file) = .*\n/gm,
    '',
  )
  await writeFile(config, made.replace('[global]\n', `[global]\n${lines.join('')}`))
  const end = await start(config, address)

  const change = async (program: string, text: string): Promise<void> => {
    const ldif = join(place, `${program}.ldif`)
    await writeFile(ldif, text)
    await run(program, ['-x', '-H', `ldaps://${address}`, '-D', SAMBA_ADMIN, '-y', passwordFile, '-f', ldif], {
      env: { ...process.env, LDAPTLS_CACERT: caFile },
      maxBuffer: 100_000_000,
    })
  }
  return {
    url: `ldaps://${address}`,
    caFile,
    passwordFile,
    add: (text) => change('ldapadd', text),
    modify: (text) => change('ldapmodify', text),
    [Symbol.asyncDispose]: end,
  }
}

async function start(config: string, address: string): Promise<() => Promise<void>> {
  const child = spawn('/usr/sbin/samba', ['-i', '-M', 'single', '-s', config], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-10_000)
    })
  }
  const ended = once(child, 'close').then(() => {
    throw new Error(`samba ended:\n${said}`)
  })
  await listening([636], ended, address)
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGTERM')
    await closed
  }
}
