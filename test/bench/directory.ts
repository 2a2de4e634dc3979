// SPDX-License-Identifier: Apache-2.0
// npm run bench -- directory: a slapd with 50,000 people, 2,000 groups and 200,000 memberships; how it is read and planned, what people
// feel of it on each server beside the server's own way, and what it costs policy. The last line is one flat JSON object.
import { availableParallelism } from 'node:os'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { asInstalled } from '../harness/component.ts'
import { slapdLack } from '../harness/slapd.ts'
import { MEMBERS } from './directory-company.ts'
import { openPeoplePlace, type PeopleFigures, type PeopleShape, peopleFigures } from './directory-people.ts'
import { type PolicyFigures, policyFigures } from './directory-policy.ts'
import { type Reading, type ReadingShape, readingFigures } from './directory-reading.ts'
import type { Form } from './peers.ts'

const COMPANY = { people: 50_000, groups: 2_000, contacts: 2_001, mates: 1_000 }
const PEOPLE = { ...COMPANY, colleagues: 200, joins: 6, online: 20, logins: 15, crowd: 200 }
const SHAPE: Record<Form, { reading: ReadingShape; people: PeopleShape }> = {
  quick: {
    reading: { people: 5_000, groups: 200, rounds: 1, polls: 5 },
    people: { ...PEOPLE, people: 5_000, groups: 200, mates: 300, colleagues: 50, joins: 3, logins: 5, crowd: 100 },
  },
  normal: { reading: { people: 50_000, groups: 2_000, rounds: 3, polls: 20 }, people: PEOPLE },
  long: { reading: { people: 50_000, groups: 2_000, rounds: 7, polls: 50 }, people: { ...PEOPLE, crowd: 1_000 } },
}
const SERVERS: readonly ServerKind[] = ['prosody', 'ejabberd']

type Goal = { name: string; figure: keyof Figures; atMost: number }
const GOALS: readonly Goal[] = [
  { name: 'first reading and plan, s', figure: 'read_plan_s', atMost: 2.5 },
  { name: 'peak RSS until then, MB', figure: 'rss_mb', atMost: 250 },
  { name: 'poll while nothing changes, ms', figure: 'poll_ms', atMost: 100 },
  { name: 'who joins is seen, p99, s', figure: 'join_seen_p99_s', atMost: 1 },
  { name: 'login with 2,000 contacts / mod_groups', figure: 'login_2000_over_native_prosody', atMost: 1 },
  { name: 'login with 2,000 contacts / mod_shared_roster_ldap', figure: 'login_2000_over_native_ejabberd', atMost: 1 },
  { name: 'ping meanwhile, p99, ms', figure: 'ping_p99_ms', atMost: 50 },
  { name: 'ping while a crowd comes online, at most, ms', figure: 'crowd_ping_max_ms', atMost: 100 },
  { name: 'policy: memory of the people, MB', figure: 'policy_people_mb', atMost: 60 },
  { name: 'policy: ready with the people, s', figure: 'policy_ready_s', atMost: 2 },
]

export type Figures = ReturnType<typeof figuresOf>

export async function directory({ form }: { form: Form }): Promise<number> {
  const lack = slapdLack()
  if (lack !== null) {
    process.stderr.write(`directory: ${lack}\n`)
    return 2
  }
  const told = (line: string) => void process.stdout.write(`${line}\n`)
  const { reading: readingShape, people: shape } = SHAPE[form]
  told(
    `${readingShape.people} people, ${readingShape.groups} groups of ${MEMBERS}; main ${asInstalled('directory').main.replace(process.cwd(), '.')}, ` +
      `Node ${process.version}, ${availableParallelism()} cores`,
  )
  const reading = await readingFigures(readingShape, told)
  told(`ldapsearch needs ${reading.ldapsearchS.toFixed(2)} s for all entries`)
  const people: Partial<Record<ServerKind, PeopleFigures>> = {}
  await using place = await openPeoplePlace(shape)
  for (const kind of SERVERS) {
    const found = await peopleFigures(kind, place, shape, told)
    if (found === null) told(`${kind} is not installed: nothing is measured there`)
    else {
      people[kind] = found
      tellPeople(found, shape, told)
    }
  }
  const policy = await policyFigures(place.snapshot, shape.people)
  const figures = figuresOf(shape, reading, people, policy)
  for (const line of table(figures)) told(line)
  told(JSON.stringify(figures))
  return 0
}

function figuresOf(
  { people, crowd }: PeopleShape,
  reading: Reading,
  { prosody, ejabberd }: Partial<Record<ServerKind, PeopleFigures>>,
  policy: PolicyFigures,
) {
  const most = (of: (one: PeopleFigures) => number, digits: number) => {
    const found = [prosody, ejabberd].flatMap((one) => (one === undefined ? [] : [of(one)]))
    return found.length === 0 ? null : rounded(Math.max(...found), digits)
  }
  return {
    bench: 'directory',
    people,
    read_s: rounded(reading.readS, 2),
    read_plan_s: rounded(reading.readPlanS, 2),
    rss_mb: Math.round(reading.rssMb),
    rss_after_mb: Math.round(reading.rssAfterMb),
    poll_ms: rounded(reading.pollMs, 1),
    change_ms: rounded(reading.changeMs, 1),
    ldapsearch_s: rounded(reading.ldapsearchS, 2),
    join_seen_p99_s: most(({ joinSeenP99S }) => joinSeenP99S, 3),
    login_2000_over_native_prosody: prosody === undefined ? null : rounded(prosody.loginOverNative, 3),
    login_2000_over_native_ejabberd: ejabberd === undefined ? null : rounded(ejabberd.loginOverNative, 3),
    ping_p99_ms: most(({ pingP99Ms }) => pingP99Ms, 1),
    crowd,
    crowd_ping_p99_ms: most(({ crowdPingP99Ms }) => crowdPingP99Ms, 1),
    crowd_ping_max_ms: most(({ crowdPingMaxMs }) => crowdPingMaxMs, 1),
    crowd_seen_s: most(({ crowdSeenS }) => crowdSeenS, 1),
    policy_people_mb: Math.round(policy.peopleMb),
    policy_people_most_mb: Math.round(policy.peopleMostMb),
    policy_ready_s: rounded(policy.readyS, 2),
  }
}

function tellPeople(one: PeopleFigures, shape: PeopleShape, told: (line: string) => void): void {
  const ms = (value: number) => `${value.toFixed(1)} ms`
  told(
    `${one.server}: who joins ${shape.mates} is seen by ${shape.colleagues} after ${one.joinSeenP99S.toFixed(3)} s (p99, from the poll on); ` +
      `login with ${shape.contacts - 1} contacts ${ms(one.loginMs)}, by ${one.native} ${ms(one.nativeMs)}: ${one.loginOverNative.toFixed(3)} of it; ping meanwhile p99 ${ms(one.pingP99Ms)}`,
  )
  told(
    `${one.server}: ${shape.crowd} people with ${shape.mates - 1} contacts each are in after ${one.crowdInS.toFixed(1)} s and see each other after ${one.crowdSeenS.toFixed(1)} s; ` +
      `ping p99 ${ms(one.crowdPingP99Ms)}, at most ${ms(one.crowdPingMaxMs)}`,
  )
}

/** Every goal, and what is missed. */
export function table(figures: Figures): string[] {
  const width = Math.max(...GOALS.map(({ name }) => name.length))
  return GOALS.map(({ name, figure, atMost }) => {
    const value = figures[figure]
    if (typeof value !== 'number') return `${name.padEnd(width)}  not measured`
    return `${name.padEnd(width)}  ${String(value).padStart(7)}  wanted at most ${atMost}${value <= atMost ? '' : ': MISSED'}`
  })
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
