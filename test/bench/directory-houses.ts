// SPDX-License-Identifier: Apache-2.0
// The servers of the directory bench: one host with our helper, and one with the server's own way to the same contacts.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ejabberd, ejabberdVersion, startEjabberd } from '../../deploy/demo/ejabberd.ts'
import { freePorts } from '../../deploy/demo/ports.ts'
import { prosodyVersion, startProsody } from '../../deploy/demo/prosody.ts'
import type { Server, ServerKind } from '../../deploy/demo/server.ts'
import { ROOT_DN, type Slapd } from '../harness/slapd.ts'
import { DIRECTORY } from '../servers/both/directory-house.ts'
import { HOST, type Ports, SECRET } from '../servers/both/house.ts'
import { CONTACTS, contact, GROUPS, PEOPLE } from './directory-company.ts'

export const NATIVE = 'native.example'

/** As the README of the helper says, for both ways. */
const COLLECTOR = 'gc = { mode = "incremental", threshold = 150, speed = 20 }'

export type BenchHouse = { server: Server; version: string; ports: Ports; native: string }

type Place = {
  folder: string
  slapd: Slapd
  /** Of HOST, and of NATIVE: those who log in; everybody's password is `secret`. */
  accounts: { ours: readonly string[]; native: readonly string[] }
  contacts: number
}

/** Null where the server is not installed. */
export const HOUSES: Record<ServerKind, (place: Place) => Promise<BenchHouse | null>> = {
  /** mod_groups: a file of groups, put into each roster when it is loaded. */
  async prosody({ folder, accounts, contacts }) {
    const version = await prosodyVersion()
    if (version === null) return null
    const file = join(folder, 'groups.txt')
    const lines = Array.from({ length: contacts }, (_, at) => `${contact(at)}@${NATIVE}=First${at} Last`)
    await writeFile(file, `[${CONTACTS}]\n${lines.join('\n')}\n`)
    const ports = await somePorts()
    const server = await startProsody({
      folder,
      ports,
      hosts: [
        {
          name: HOST,
          lines: ['modules_enabled = { "gatehouse_directory" }', `gatehouse_directory = "${DIRECTORY}"`],
        },
        { name: NATIVE, lines: ['modules_enabled = { "groups" }', `groups_file = ${JSON.stringify(file)}`] },
      ],
      components: [{ name: DIRECTORY, secret: SECRET }],
      accounts: accountsOf(accounts),
      global: [COLLECTOR],
    })
    return { server, version, ports, native: 'mod_groups' }
  },
  /** mod_shared_roster_ldap on the same slapd, with its caches; of its groups only the one that is looked at. */
  async ejabberd({ folder, slapd, accounts }) {
    const version = await ejabberdVersion()
    if (version === null) return null
    const ports = await somePorts()
    const server: Ejabberd = await startEjabberd({
      folder,
      ports,
      hosts: [
        { name: HOST, modules: { mod_gatehouse_directory: { component: DIRECTORY } } },
        { name: NATIVE, modules: { mod_shared_roster_ldap: sharedRosterLdap(slapd) } },
      ],
      components: [{ name: DIRECTORY, secret: SECRET }],
      accounts: accountsOf(accounts),
      modules: { mod_roster: { versioning: true } },
    })
    return { server, version, ports, native: 'mod_shared_roster_ldap' }
  },
}

function sharedRosterLdap(slapd: Slapd): Record<string, string | number | boolean | string[]> {
  return {
    ldap_servers: ['127.0.0.1'],
    ldap_port: slapd.port,
    ldap_rootdn: ROOT_DN,
    ldap_password: slapd.password,
    ldap_base: GROUPS.slice(GROUPS.indexOf(',') + 1),
    ldap_rfilter: `(&(objectClass=groupOfNames)(cn=${CONTACTS}))`,
    ldap_gfilter: '(&(objectClass=groupOfNames)(cn=%g))',
    ldap_ufilter: '(&(objectClass=inetOrgPerson)(uid=%u))',
    ldap_groupattr: 'cn',
    ldap_groupdesc: 'cn',
    ldap_memberattr: 'member',
    ldap_memberattr_format: `uid=%u,${PEOPLE}`,
    ldap_useruid: 'uid',
    ldap_userdesc: 'displayName',
    // Who has no account is a contact all the same, as with us.
    ldap_auth_check: false,
  }
}

async function somePorts(): Promise<{ c2s: number; component: number }> {
  const [c2s = 0, component = 0] = await freePorts(2)
  return { c2s, component }
}

function accountsOf({ ours, native }: Place['accounts']): { jid: string; password: string }[] {
  const of = (host: string) => (user: string) => ({ jid: `${user}@${host}`, password: 'secret' })
  return [...ours.map(of(HOST)), ...native.map(of(NATIVE))]
}
