// SPDX-License-Identifier: Apache-2.0
// A 389 Directory Server of our own in a folder, made from the package's template as dscreate does it: dscreate itself writes to /etc and
// /var. LDAP on loopback without TLS, because its certificates live in a database of NSS; beside its schema a few words of FreeIPA's.
import { execFile, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../../deploy/demo/ports.ts'
import { listening, SUFFIX } from '../../deploy/demo/slapd.ts'

const run = promisify(execFile)

const SHARE = '/usr/share/dirsrv'
const PROGRAM = '/usr/sbin/ns-slapd'
export const DS389_ADMIN = 'cn=Directory Manager'
const PASSWORD = 'Ds-of-the-tests'

export type Ds389 = AsyncDisposable & {
  url: string
  passwordFile: string
  add(ldif: string): Promise<void>
  modify(ldif: string): Promise<void>
}

/** What is missing here; null when nothing is. */
export function ds389Lack(): string | null {
  if (process.getuid?.() !== 0) return '389-ds starts as root, and we are not'
  return existsSync(PROGRAM) && existsSync(SHARE) ? null : '389-ds-base is not installed'
}

export async function startDs389(folder: string): Promise<Ds389> {
  const place = join(folder, 'ds389')
  const at = (name: string): string => join(place, name)
  for (const name of ['config', 'db', 'log', 'run', 'lock', 'ldif', 'bak', 'inst'])
    await mkdir(at(name), { recursive: true })
  const [port = 0] = await freePorts(1)
  const values: Record<string, string> = {
    schema_dir: at('config/schema'),
    lock_dir: at('lock'),
    tmp_dir: at('run'),
    cert_dir: at('config'),
    config_dir: at('config'),
    db_dir: at('db'),
    db_home_dir: at('db'),
    db_lib: 'mdb',
    ldif_dir: at('ldif'),
    bak_dir: at('bak'),
    run_dir: at('run'),
    inst_dir: at('inst'),
    log_dir: at('log'),
    fqdn: 'localhost',
    ds_port: String(port),
    ds_user: 'dirsrv',
    ds_suffix: SUFFIX,
    rootdn: DS389_ADMIN,
    ds_passwd: `{SSHA512}${hash('sha512', PASSWORD, 'base64')}`,
    ldapi_enabled: 'off',
    ldapi: at('run/ldapi'),
    ldapi_autobind: 'off',
  }
  const template = await readFile(join(SHARE, 'data/template-dse.ldif'), 'utf8')
  const filled = template.replace(/%([a-z_]+)%/g, (whole, name: string) => values[name] ?? whole)
  await writeFile(
    at('config/dse.ldif'),
    filled.replace('nsslapd-port:', 'nsslapd-listenhost: 127.0.0.1\nnsslapd-port:'),
  )
  await cp(join(SHARE, 'schema'), at('config/schema'), { recursive: true })
  await cp('/etc/dirsrv/config/slapd-collations.conf', at('config/slapd-collations.conf'))
  await writeFile(at('config/schema/98ipa.ldif'), IPA_SCHEMA)
  const passwordFile = at('password')
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 })
  await chmod(folder, 0o755)
  await run('chown', ['-R', 'dirsrv:dirsrv', place])
  const end = await start(at('config'), at('run/pid'), port)
  const change = async (program: string, text: string): Promise<void> => {
    const ldif = at(`${program}.ldif`)
    await writeFile(ldif, text)
    await run(program, ['-x', '-H', `ldap://127.0.0.1:${port}`, '-D', DS389_ADMIN, '-y', passwordFile, '-f', ldif])
  }
  await change('ldapadd', BACKEND)
  return {
    url: `ldap://127.0.0.1:${port}`,
    passwordFile,
    add: (text) => change('ldapadd', text),
    modify: (text) => change('ldapmodify', text),
    [Symbol.asyncDispose]: end,
  }
}

async function start(config: string, pidFile: string, port: number): Promise<() => Promise<void>> {
  // With -d it stays in the foreground.
  const child = spawn(PROGRAM, ['-D', config, '-i', pidFile, '-d', '0'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-10_000)
  })
  const ended = once(child, 'close').then(() => {
    throw new Error(`ns-slapd ended:\n${said}`)
  })
  await listening([port], ended)
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGTERM')
    await closed
  }
}

const BACKEND = `dn: cn=userroot,cn=ldbm database,cn=plugins,cn=config
objectClass: extensibleObject
objectClass: nsBackendInstance
cn: userroot
nsslapd-suffix: ${SUFFIX}

dn: cn="${SUFFIX}",cn=mapping tree,cn=config
objectClass: extensibleObject
objectClass: nsMappingTree
cn: "${SUFFIX}"
nsslapd-state: backend
nsslapd-backend: userroot

dn: ${SUFFIX}
objectClass: domain
dc: corp
`

/** Names and OIDs as FreeIPA publishes them. */
const IPA_SCHEMA = `dn: cn=schema
attributeTypes: ( 2.16.840.1.113730.3.8.3.1 NAME 'ipaUniqueID' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributeTypes: ( 2.16.840.1.113719.1.301.4.6.1 NAME 'krbPrincipalExpiration' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
objectClasses: ( 2.16.840.1.113730.3.8.4.1 NAME 'ipaObject' SUP top AUXILIARY MUST ipaUniqueID MAY krbPrincipalExpiration )
objectClasses: ( 2.16.840.1.113730.3.8.4.3 NAME 'ipaUserGroup' SUP top AUXILIARY )
`
