// SPDX-License-Identifier: Apache-2.0
// bench directory: a slapd with 50,000 people in 2,000 groups, read and planned by the process as it is installed; then asked while nothing
// changes, and while one person does. Beside it ldapsearch reads the same entries, which is as fast as they come.
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openPlace, type Place } from '../directory/place.ts'
import { asInstalled, type Component, startComponent } from '../harness/component.ts'
import { ldifReplace } from '../harness/ldif.ts'
import { usage } from '../harness/meter.ts'
import { ROOT_DN, SUFFIX, slapdLack } from '../harness/slapd.ts'

const run = promisify(execFile)

const SHAPE = {
  quick: { people: 5_000, groups: 200, rounds: 1, polls: 5 },
  normal: { people: 50_000, groups: 2_000, rounds: 3, polls: 20 },
  long: { people: 50_000, groups: 2_000, rounds: 7, polls: 50 },
} as const
const MEMBERS = 100
const PEOPLE = `ou=people,${SUFFIX}`
const GROUPS = `ou=groups,${SUFFIX}`

type Round = { readS: number; readPlanS: number; rssMb: number; pollMs: number; changeMs: number }

export async function directory({ form }: { form: keyof typeof SHAPE }): Promise<number> {
  const lack = slapdLack()
  if (lack !== null) {
    process.stderr.write(`directory: ${lack}\n`)
    return 2
  }
  const { people, groups, rounds, polls } = SHAPE[form]
  const slapd = {
    ldif: company(people, groups),
    overlays: ['syncprov'] as const,
    indexed: ['entryUUID', 'modifyTimestamp'],
  }
  const all: Round[] = []
  let peer = Number.POSITIVE_INFINITY
  for (let round = 1; round <= rounds; round += 1) {
    await using place = await openPlace({ apply: 'by_hand', brake: { touch: 10_000_000 } }, slapd)
    peer = Math.min(peer, await ldapsearch(place))
    const one = await measure(place, polls)
    all.push(one)
    process.stdout.write(
      `round ${round}: read ${one.readS.toFixed(2)} s, with the plan ${one.readPlanS.toFixed(2)} s, peak ${one.rssMb.toFixed(0)} MB, nothing changed ${one.pollMs.toFixed(1)} ms, one changed ${one.changeMs.toFixed(1)} ms\n`,
    )
  }
  const middle = (of: (round: Round) => number): number => median(all.map(of))
  process.stdout.write(
    `${people} people, ${groups} groups of ${MEMBERS}; median of ${rounds}; ldapsearch needs ${peer.toFixed(2)} s for all entries; main ${asInstalled('directory').main.replace(process.cwd(), '.')}, ` +
      `Node ${process.version}, ${availableParallelism()} cores\n`,
  )
  const figures = {
    bench: 'directory',
    people,
    read_s: rounded(
      middle(({ readS }) => readS),
      2,
    ),
    read_plan_s: rounded(
      middle(({ readPlanS }) => readPlanS),
      2,
    ),
    rss_mb: Math.round(Math.max(...all.map(({ rssMb }) => rssMb))),
    poll_ms: rounded(
      middle(({ pollMs }) => pollMs),
      1,
    ),
    change_ms: rounded(
      middle(({ changeMs }) => changeMs),
      1,
    ),
    ldapsearch_s: rounded(peer, 2),
  }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  return 0
}

/** First reading and plan of a process that has never run here, then polls as `directory sync --now` makes them, command included. */
async function measure(place: Place, polls: number): Promise<Round> {
  const begun = performance.now()
  await using component = await start(place)
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
  for (let change = 0; change < polls; change += 1) {
    await place.slapd.modify(ldifReplace(`uid=user${change * 7},${PEOPLE}`, { title: `Changed ${change}` }))
    changes.push(await timed(() => place.ask('sync', { now: true })))
  }
  // The reading may have begun before the line `ready`; never before the process did.
  return {
    readS: readMs / 1_000,
    readPlanS: Math.min(planAt - begun, readMs + planAt - readAt) / 1_000,
    rssMb: peakRssMb,
    pollMs: median(times),
    changeMs: median(changes),
  }
}

function start({ folder }: Place): Promise<Component> {
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

/** LDIF: everybody is in as many groups as everybody else. */
function company(people: number, groups: number): string {
  const parts = [
    `dn: ${SUFFIX}\nobjectClass: organization\nobjectClass: dcObject\no: Corp\ndc: corp\n`,
    `dn: ${PEOPLE}\nobjectClass: organizationalUnit\nou: people\n`,
    `dn: ${GROUPS}\nobjectClass: organizationalUnit\nou: groups\n`,
  ]
  for (let number = 0; number < people; number += 1) {
    const [given, family] = [`First${number}`, `Last${number % 977}`]
    parts.push(
      `dn: uid=user${number},${PEOPLE}\nobjectClass: inetOrgPerson\nuid: user${number}\ncn: ${given} ${family}\nsn: ${family}\ngivenName: ${given}\n` +
        `displayName: ${given} ${family}\nmail: user${number}@corp.example\ntelephoneNumber: +49 30 ${number}\ndepartmentNumber: Department ${number % 97}\n` +
        `title: Engineer\nl: Berlin\nmanager: uid=user${number % 500},${PEOPLE}\n`,
    )
  }
  for (let number = 0; number < groups; number += 1) {
    const members = Array.from(
      { length: MEMBERS },
      (_, at) => `member: uid=user${(number * MEMBERS + at * 499) % people},${PEOPLE}\n`,
    )
    parts.push(
      `dn: cn=group${number},${GROUPS}\nobjectClass: groupOfNames\ncn: group${number}\ndescription: Group ${number}\n${[...new Set(members)].join('')}`,
    )
  }
  return parts.join('\n')
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
