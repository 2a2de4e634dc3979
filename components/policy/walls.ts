// SPDX-License-Identifier: Apache-2.0
// Walls in force: judged before the rules, published for the process directory, with what they know of rooms.
import { openSnapshotWriter } from '../kit/bus/file-snapshot.ts'
import { openSnapshotReader } from '../kit/bus/file-snapshot-reader.ts'
import { writeItem } from '../kit/facts/people.ts'
import type { Log } from '../kit/process/log.ts'
import type { Catalogue } from '../kit/text/catalogue.ts'
import { isMeant } from './domain/address-pattern.ts'
import type { Decide, Decision } from './domain/decide.ts'
import type { RuleSet, Texts } from './domain/rule.ts'
import type { Screen } from './domain/screen.ts'
import type { Screened } from './domain/screened.ts'
import type { Wall } from './domain/wall.ts'
import { type Walled, walledOff } from './domain/walls.ts'
import { Rooms } from './gate/standing.ts'
import type { RulesInForce } from './rules/rules-in-force.ts'
import type { PolicySettings } from './settings.ts'
import { StandingKept } from './standing-kept.ts'

const AGAIN_MS = 30_000

export type WallsOptions = {
  settings: Pick<PolicySettings, 'hosts' | 'rooms' | 'languages' | 'wallsFolder' | 'standingFolder'>
  log: Log
  text: Catalogue
  now(): number
  rules: Pick<RulesInForce, 'current'>
}

export type Walls = AsyncDisposable & {
  /** The decision of the rules with the walls of the same set before it. */
  judged(decide: Decide, set: RuleSet): Decide
  standing(host: string, screen: Screen<unknown>): Promise<unknown> | null
  /** Another rule set is in force. */
  follow(): Promise<void>
  /** The wall that a stanza would pass, by the rules in force. */
  check(asked: Screened): Walled | null
  warnings(language: string): readonly string[]
}

export async function openWalls({ settings, log, text, now, rules }: WallsOptions): Promise<Walls> {
  const rooms = new Rooms(now)
  const kept = new StandingKept(settings.standingFolder, rooms)
  let published: readonly Wall[] | null = null
  const inAll = (id: string): Texts =>
    Object.fromEntries(settings.languages.map((language) => [language, text.say(id, language)]))
  const words = { walled: inAll('policy-walled'), unknown: inAll('policy-wall-unknown') }

  let turn: Promise<void> = Promise.resolve()
  let again: NodeJS.Timeout | undefined
  /** A file and a signal may call for it at the same time. */
  const follow = (): Promise<void> => {
    turn = turn.then(put)
    return turn
  }
  /** The walls stand by the rules themselves: what cannot be written is told, and tried again. */
  async function put(): Promise<void> {
    const { walls } = rules.current().set
    if (walls === published) return
    clearTimeout(again)
    try {
      await kept.follow(walls.length > 0)
      await publish(settings.wallsFolder, walls)
      published = walls
      if (walls.length > 0) log.info('walls in force', { walls: walls.length })
    } catch (error) {
      log.error('walls not published', { folder: settings.wallsFolder, error })
      again = setTimeout(() => void follow(), AGAIN_MS).unref()
    }
  }

  await follow()
  return {
    judged: (decide, set) => (set.walls.length === 0 ? decide : (asked, units) => judge(asked, units, decide, set)),
    standing: (host, screen) => kept.keep(rooms.heard(host, screen)),
    follow,
    check: (asked) => walledOff(asked, rules.current().set.walls, rooms, now()),
    warnings(language) {
      if (rules.current().set.walls.length === 0) return []
      const unknown = [...settings.hosts].filter((host) => isMeant(host, settings.rooms) && !rooms.knows(host))
      return unknown.length === 0
        ? []
        : [text.say('policy-walls-rooms-unknown', language, { hosts: unknown.slice(0, 10).join(', ') })]
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(again)
      await turn
      await kept[Symbol.asyncDispose]()
    },
  }

  function judge(asked: Screened, units: number, decide: Decide, set: RuleSet): ReturnType<Decide> {
    const walled = walledOff(asked, set.walls, rooms, now())
    if (walled) return refuseBy(walled, asked, () => decide(asked, units))
    const decision = decide(asked, units)
    if (!asked.kinds.has('join')) return decision
    if (!(decision instanceof Promise)) return joining(asked, decision)
    return decision.then((later) => joining(asked, later))
  }

  /** Two that are asked about at the same time are not to meet. */
  function joining(asked: Screened, decision: Decision): Decision {
    const { room, nick, from } = asked
    if (decision.action !== 'refuse' && room !== null) rooms.expect(room, nick ?? '', from)
    return decision
  }

  function refuseBy({ wall, unknown }: Walled, asked: Screened, rest: () => ReturnType<Decide>): ReturnType<Decide> {
    const usual = asked.kinds.has('join') ? 'not-allowed' : 'policy-violation'
    const refuse = ({ tags, record, matched }: Partial<Decision>): Decision => ({
      action: 'refuse',
      rule: wall.id,
      condition: unknown ? 'resource-constraint' : usual,
      text: unknown ? words.unknown : (wall.text ?? words.walled),
      ...(tags ? { tags } : {}),
      ...(record ? { record } : {}),
      ...(matched ? { matched } : {}),
    })
    // What rules note of it, and how much is recorded, holds all the same; what they cannot tell is recorded whole.
    try {
      const noted = rest()
      return noted instanceof Promise ? noted.then(refuse, () => refuse({})) : refuse(noted)
    } catch {
      return refuse({})
    }
  }
}

/** Without walls, and where there never were any, nothing is made. */
async function publish(folder: string, walls: readonly Wall[]): Promise<void> {
  await using reader = openSnapshotReader(folder)
  if (walls.length === 0 && (await reader.state()) === null) return
  await using writer = await openSnapshotWriter(folder)
  await writer.replace(
    walls.map(({ id, a, b, except }) =>
      writeItem({
        kind: 'wall',
        id,
        a,
        b,
        except: except.map(({ jids, until }) => ({ jids, until: new Date(until).toISOString() })),
      }),
    ),
  )
}
