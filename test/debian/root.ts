// SPDX-License-Identifier: Apache-2.0
// A Debian 13 of our own in a folder, for the servers of a later Debian than the machine's: made from the archive that the machine's own
// apt is configured with, kept until somebody removes it; no service of it is ever started. Needs root.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, delimiter, join, resolve } from 'node:path'
import { inside, type Run } from './inside.ts'

const PROJECT = resolve(import.meta.dirname, '../..')
const SUITE = 'trixie'
/** Where it stands once it is whole. */
export const PLACE = join(PROJECT, '.test/debian-13')
export const RELEASE = '13'

/** Addresses of package archives, without what stands behind `dists`. */
export type Archives = { debian: string; security: string | null }

/** Null where it is there or can be made, and can be entered; else the reason, for the skip. */
export function debianLack(place: string = PLACE): string | null {
  if (process.getuid?.() !== 0) return 'only root can make it and run something in it'
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  if (!/^ID(_LIKE)?=.*\bdebian\b/m.test(release)) return 'this is neither Debian nor made from it'
  if (/^ID="?debian"?$/m.test(release) && new RegExp(`^VERSION_ID="?${RELEASE}"?$`, 'm').test(release))
    return `the machine itself is Debian ${RELEASE}: the other tests ran on it`
  const entered = spawnSync('unshare', ['--mount', '--propagation', 'private', 'true'], { encoding: 'utf8' })
  if (entered.error !== undefined) return `unshare is not there: ${entered.error.message}`
  if (entered.status !== 0) return `no mount namespace can be had: ${entered.stderr.trim()}`
  if (existsSync(place)) return null
  return onPath('debootstrap') ? null : 'debootstrap is not installed'
}

/** Ready at `place`, with all packages that `npm test` needs; null, or what went wrong. `run` shows what it does. */
export async function prepareDebian(run: Run, say: (line: string) => void, place: string = PLACE) {
  for (const left of globSync(`${place}.*`)) {
    if (existsSync(join('/proc', basename(left).slice(basename(place).length + 1)))) continue
    say(`removing ${left}, of which only a half was made`)
    await remove(run, left)
  }
  if (existsSync(place)) {
    if ((await setUp(run, place)) === 0) return null
    say(`${place} cannot be completed and is made anew`)
    await remove(run, place)
  }
  const archives = await archivesHere(run)
  if (archives === null) return 'apt is configured with no archive of Debian'
  const half = `${place}.${process.pid}`
  const fault = await make(run, half, archives)
  if (fault !== null) {
    await remove(run, half)
    return fault
  }
  try {
    renameSync(half, place)
  } catch (error) {
    // Somebody else was faster.
    if (!existsSync(place)) throw error
    await remove(run, half)
  }
  return null
}

async function make(run: Run, half: string, { debian, security }: Archives): Promise<string | null> {
  mkdirSync(half, { recursive: true })
  const made = await run(['debootstrap', '--variant=minbase', '--components=main', SUITE, half, debian], proxies())
  if (made !== 0) return `debootstrap ended with ${made}`
  writeFileSync(join(half, 'etc/apt/sources.list'), sources(debian, security))
  writeFileSync(join(half, 'etc/apt/apt.conf.d/80machine'), aptSettings().join('\n'))
  writeFileSync(join(half, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const packages = await setUp(run, half)
  return packages === 0 ? null : `the installation of its packages ended with ${packages}`
}

/** What is missing there of what `npm test` wants; the same list as on the machine. */
function setUp(run: Run, place: string): Promise<number> {
  copyFileSync('/etc/resolv.conf', join(place, 'etc/resolv.conf'))
  const command = [process.execPath, join(PROJECT, 'deploy/setup.mjs'), 'test', '--set-up-only']
  return run(inside(place, command), {})
}

function sources(debian: string, security: string | null): string {
  const lines = [`deb ${debian} ${SUITE} main`, `deb ${debian} ${SUITE}-updates main`]
  if (security !== null) lines.push(`deb ${security} ${SUITE}-security main`)
  return `${lines.join('\n')}\n`
}

/** Asks apt again after an update, since a machine may have no lists of packages. */
async function archivesHere(run: Run): Promise<Archives | null> {
  const known = archivesOf(indexTargets())
  if (known !== null) return known
  await run(['apt-get', 'update'], {})
  return archivesOf(indexTargets())
}

function indexTargets(): string {
  const format = '$(ORIGIN)|$(LABEL)|$(REPO_URI)'
  return spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], { encoding: 'utf8' }).stdout
}

/** From lines such as `Debian|Debian-Security|http://…/debian-security/`, as `apt-get indextargets` writes them; null: no archive of Debian. */
export function archivesOf(targets: string): Archives | null {
  const address = (label: string) => {
    const line = targets.split('\n').find((one) => one.startsWith(`Debian|${label}|`))
    return line?.split('|')[2] ?? null
  }
  const debian = address('Debian')
  return debian === null ? null : { debian, security: address('Debian-Security') }
}

/** How this machine's apt gets through to the archive. */
function aptSettings(): string[] {
  const said = spawnSync('apt-config', ['dump', '--no-empty', '--format', '%f "%v";%n', 'Acquire'], {
    encoding: 'utf8',
  })
  return said.stdout.split('\n').filter((line) => /^Acquire::https?::/.test(line))
}

/** The same for debootstrap, which does not read apt's settings. */
function proxies(): Record<string, string> {
  const found: Record<string, string> = {}
  for (const line of aptSettings()) {
    const [, scheme, address] = /^Acquire::(https?)::Proxy "(.*)";$/i.exec(line) ?? []
    if (scheme !== undefined && address !== undefined && address !== 'DIRECT') found[`${scheme}_proxy`] = address
  }
  return found
}

function remove(run: Run, folder: string): Promise<number> {
  // What is mounted there is not ours to remove, whoever mounted it.
  return run(['rm', '-rf', '--one-file-system', folder], {})
}

function onPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)))
}
