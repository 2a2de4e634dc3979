// SPDX-License-Identifier: Apache-2.0
// Of the directory bench: a slapd read and planned by the process as it is installed; then asked while nothing changes, and while one
// person does. Beside it ldapsearch reads the same entries, which is as fast as they come.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openPlace, type Place } from '../directory/place.ts'
import { asInstalled, type Component, startComponent } from '../harness/component.ts'
import { ldifReplace } from '../harness/ldif.ts'
import { usage } from '../harness/meter.ts'
import { ROOT_DN, type SlapdOptions, SUFFIX } from '../harness/slapd.ts'
import { companyLdif, dnOf } from './directory-company.ts'
import { median } from './open-loop.ts'

const run = promisify(execFile)

/** Each takes a second. */
const CHANGES = 5

export type ReadingShape = { people: number; groups: number; rounds: number; polls: number }

export type Reading = {
  readS: number
  readPlanS: number
  /** High-water mark of the process from its start to the plan. */
  rssMb: number
  /** The same, to the end of all that follows: carried out, published, polled. */
  rssAfterMb: number
  pollMs: number
  changeMs: number
  ldapsearchS: number
}

/** Medians of the rounds, each with a new slapd and a process that has never run there; of memory the most. */
export async function readingFigures(shape: ReadingShape, told: (line: string) => void): Promise<Reading> {
  const { people, groups, rounds, polls } = shape
  const slapd = slapdOf(companyLdif({ people, groups, contacts: 0, mates: 0 }))
  const all: Reading[] = []
  for (let round = 1; round <= rounds; round += 1) {
    await using place = await openPlace({ apply: 'by_hand', brake: { touch: 10_000_000 } }, slapd)
    const one = { ldapsearchS: await ldapsearch(place), ...(await measure(place, polls)) }
    all.push(one)
    told(
      `round ${round}: read ${one.readS.toFixed(2)} s, with the plan ${one.readPlanS.toFixed(2)} s, peak ${one.rssMb.toFixed(0)} MB, nothing changed ${one.pollMs.toFixed(1)} ms, one changed ${one.changeMs.toFixed(1)} ms`,
    )
  }
  const middle = (of: (one: Reading) => number): number => median(all.map(of))
  return {
    readS: middle(({ readS }) => readS),
    readPlanS: middle(({ readPlanS }) => readPlanS),
    rssMb: Math.max(...all.map(({ rssMb }) => rssMb)),
    rssAfterMb: Math.max(...all.map(({ rssAfterMb }) => rssAfterMb)),
    pollMs: middle(({ pollMs }) => pollMs),
    changeMs: middle(({ changeMs }) => changeMs),
    ldapsearchS: Math.min(...all.map(({ ldapsearchS }) => ldapsearchS)),
  }
}

/** As an administrator of OpenLDAP has it for replication, and for whoever looks up people and groups by name. */
export function slapdOf(ldif: string): SlapdOptions {
  return { ldif, overlays: ['syncprov'], indexed: ['entryUUID', 'modifyTimestamp', 'uid', 'cn'] }
}

/** First reading and plan, then polls as `directory sync --now` makes them, command included. */
async function measure(place: Place, polls: number): Promise<Omit<Reading, 'ldapsearchS'>> {
  const begun = performance.now()
  await using component = await startDirectory(place)
  const read = await component.logged(({ event }) => event === 'directory read')
  const readAt = performance.now()
  // One turn after the other: this one is answered when the plan of the first is made, and adds a poll.
  await place.ask('sync', { now: true })
  const planAt = performance.now()
  const { peakRssMb } = usage(component.pid)
  const readMs = Number(read.ms)
  const [applied] = await place.ask('apply')
  if (applied?.people !== read.people)
    throw new Error(`${String(read.people)} people were read, and not all provisioned`)
  const times: number[] = []
  for (let poll = 0; poll < polls; poll += 1) times.push(await timed(() => place.ask('sync', { now: true })))
  const changes: number[] = []
  for (let change = 0; change < CHANGES; change += 1) {
    await place.slapd.modify(ldifReplace(dnOf(`user${change * 7}`), { title: `Changed ${change}` }))
    changes.push(await timed(() => place.ask('sync', { now: true })))
  }
  // The reading may have begun before the line `ready`; never before the process did.
  return {
    readS: readMs / 1_000,
    readPlanS: Math.min(planAt - begun, readMs + planAt - readAt) / 1_000,
    rssMb: peakRssMb,
    rssAfterMb: usage(component.pid).peakRssMb,
    pollMs: median(times),
    changeMs: median(changes),
  }
}

export function startDirectory({ folder }: Place): Promise<Component> {
  return startComponent({
    name: 'directory',
    file: join(folder, 'directory.yaml'),
    logFolder: folder,
    ...asInstalled('directory'),
  })
}

/** Seconds for every entry, in pages of the same size. */
async function ldapsearch({ slapd }: Place): Promise<number> {
  const asking = ['-x', '-LLL', '-E', 'pr=500/noprompt', '-H', slapd.url, '-D', ROOT_DN, '-y', slapd.passwordFile]
  const ms = await timed(() =>
    run('ldapsearch', [...asking, '-b', SUFFIX, '-o', 'ldif-wrap=no'], { maxBuffer: 2 ** 30 }),
  )
  return ms / 1_000
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}
