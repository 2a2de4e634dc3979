// SPDX-License-Identifier: Apache-2.0
// A folder with settings for the process directory, and a slapd beside it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { askCommand, type Row } from '../harness/ask-command.ts'
import { type Component, startComponent } from '../harness/component.ts'
import { BRANCHES, ROOT_DN, type Slapd, type SlapdOptions, SUFFIX, startSlapd } from '../harness/slapd.ts'

const ARMED_MAIN = resolve(import.meta.dirname, 'mains/main.ts')

export type Place = AsyncDisposable & {
  folder: string
  slapd: Slapd
  /** The place where directory's snapshot is. */
  snapshot: string
  journal: string
  /** Writes the settings anew; `yaml`: beside or in the place of what stands there. */
  settings(said: Readonly<Record<string, unknown>>): void
  /** What gatehouse.yaml says besides folders and people. */
  shared(said: Readonly<Record<string, unknown>>): void
  start(): Promise<Component>
  /** Starts it with a main that ends the process at this point; gives the point at which it ended. */
  crash(point: string): Promise<string>
  ask(command: string, args?: Readonly<Record<string, unknown>>): Promise<Row[]>
}

/** People and groups below ou=people and ou=groups of the suffix. */
export async function openPlace(
  said: Readonly<Record<string, unknown>> = {},
  slapdOptions: SlapdOptions = {},
): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-directory-'))
  const slapd = await startSlapd(folder, slapdOptions)
  const run = join(folder, 'run')
  const settings = (more: Readonly<Record<string, unknown>>) => {
    const all = { ...defaults(slapd), ...said, ...more }
    writeFileSync(join(folder, 'directory.yaml'), JSON.stringify(all))
  }
  settings({})
  const shared = (more: Readonly<Record<string, unknown>>) => {
    const folders = { state: 'state', run: 'run', journals: 'journals' }
    const people = { operators: [{ user: userInfo().username }] }
    writeFileSync(join(folder, 'gatehouse.yaml'), JSON.stringify({ folders, people, ...more }))
  }
  shared({})
  const start = (more: Partial<Parameters<typeof startComponent>[0]>) =>
    startComponent({ name: 'directory', file: join(folder, 'directory.yaml'), logFolder: folder, ...more })
  return {
    folder,
    slapd,
    snapshot: join(folder, 'journals', 'directory'),
    journal: join(folder, 'journals', 'directory-log'),
    settings,
    shared,
    start: () => start({}),
    async crash(point) {
      const mark = join(folder, 'crashed')
      rmSync(mark, { force: true })
      const environment = { CRASH_AT: point, CRASH_MARK: mark }
      // Perhaps before it is ready.
      const started = await start({ main: ARMED_MAIN, environment }).catch(() => null)
      await started?.exited
      return readFileSync(mark, 'utf8')
    },
    ask: (command, args) => askCommand(run, `directory ${command}`, args),
    async [Symbol.asyncDispose]() {
      await slapd[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function defaults(slapd: Slapd): Record<string, unknown> {
  return {
    hosts: ['corp.example'],
    jid: '{uid}@corp.example',
    // Only what a test asks for happens.
    poll: { every: '1 h', sweep_every: '1 s' },
    metrics: { port: 0 },
    directories: [
      {
        name: 'corp',
        preset: 'openldap',
        servers: [slapd.url],
        bind: { dn: ROOT_DN, password_file: slapd.passwordFile },
        bases: { people: [`ou=people,${SUFFIX}`], groups: [`ou=groups,${SUFFIX}`] },
      },
    ],
  }
}

export function person(uid: string, name: string, more = ''): string {
  return `
dn: uid=${uid},ou=people,${SUFFIX}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${name}
sn: ${name.split(' ').at(-1)}
mail: ${uid}@mail.example
${more}`
}

/** `members`: uids, or DNs. */
export function group(name: string, members: readonly string[], more = ''): string {
  const dns = members.map((member) => (member.includes('=') ? member : `uid=${member},ou=people,${SUFFIX}`))
  return `
dn: cn=${name},ou=groups,${SUFFIX}
objectClass: groupOfNames
cn: ${name}
${dns.map((dn) => `member: ${dn}`).join('\n')}
${more}`
}

/** Five people and two groups. */
export const FIVE = [
  BRANCHES,
  person('alice', 'Alice Arnold', 'departmentNumber: Trading\n'),
  person('bob', 'Bob Baker'),
  person('carol', 'Carol Clark'),
  person('dave', 'Dave Dunn'),
  person('erin', 'Erin Evans'),
  group('traders', ['alice', 'bob', 'carol']),
  group('research', ['dave', 'erin']),
].join('\n')
