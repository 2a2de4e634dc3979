// SPDX-License-Identifier: Apache-2.0
// A made-up company directory in memory: entries that a test changes, a clock of changes, and the ways in which a real one fails.
import type {
  Changes,
  Cursor,
  DirectorySource,
  Problem,
  ReadEntry,
  ReadGroup,
  ReadPerson,
} from '../../components/directory/domain/source.ts'
import { SourceFault } from '../../components/directory/domain/source.ts'

export type MadeUp = DirectorySource & {
  /** By the last part of their id. */
  person(uuid: string, more?: Partial<ReadPerson> & { uid?: string }): ReadPerson
  group(uuid: string, members: readonly string[], more?: Partial<ReadGroup>): ReadGroup
  drop(uuid: string): void
  problems: Problem[]
  /** Thrown by the next readings, until it is null. */
  fault: SourceFault | null
  /** So many entries are given before the fault comes. */
  faultAfter: number
  readings: { whole: number; changes: number; sweeps: number }
  /** False: it tells nothing of whether anything was written. */
  counts: boolean
}

export function madeUp(name = 'corp'): MadeUp {
  const entries = new Map<string, { entry: ReadPerson | ReadGroup; at: number }>()
  let clock = 0
  const put = (entry: ReadPerson | ReadGroup) => entries.set(entry.id, { entry, at: ++clock })
  const idOf = (uuid: string) => `${name}:${uuid}`
  const source: MadeUp = {
    name,
    problems: [],
    fault: null,
    faultAfter: 0,
    counts: true,
    readings: { whole: 0, changes: 0, sweeps: 0 },
    person(uuid, more = {}) {
      const uid = more.uid ?? uuid
      const entry: ReadPerson = {
        kind: 'person',
        id: idOf(uuid),
        dn: `uid=${uid},ou=people,dc=corp`,
        uid,
        name: `${uid[0]?.toUpperCase()}${uid.slice(1)}`,
        mail: [],
        phone: [],
        disabled: false,
        identities: {},
        template: { uid },
        ...more,
      }
      put(entry)
      return entry
    },
    group(uuid, members, more = {}) {
      const entry: ReadGroup = {
        kind: 'group',
        id: idOf(uuid),
        dn: `cn=${uuid},ou=groups,dc=corp`,
        name: uuid,
        memberDns: members.map((member) => (member.includes('=') ? member : `uid=${member},ou=people,dc=corp`)),
        memberUids: [],
        ...more,
      }
      put(entry)
      return entry
    },
    drop(uuid) {
      clock += 1
      entries.delete(idOf(uuid))
    },
    async *readAll() {
      source.readings.whole += 1
      const all: ReadEntry[] = [...entries.values()].map(({ entry }) => entry)
      if (source.fault !== null) {
        yield all.slice(0, source.faultAfter)
        throw source.fault
      }
      yield all
      yield [
        ...source.problems.map((problem) => ({ kind: 'problem' as const, problem })),
        { kind: 'end', cursor: String(clock) },
      ]
    },
    async changes(cursor: Cursor, { sweep }): Promise<Changes> {
      source.readings.changes += 1
      if (sweep) source.readings.sweeps += 1
      if (source.fault !== null) throw source.fault
      const changed = [...entries.values()].filter(({ at }) => at > Number(cursor)).map(({ entry }) => entry)
      const ids = (kind: 'person' | 'group') =>
        new Map(
          [...entries.values()].filter(({ entry }) => entry.kind === kind).map(({ entry }) => [entry.id, entry.dn]),
        )
      return {
        kind: 'changes',
        changed: [
          ...changed,
          ...source.problems
            .filter(({ id }) => changed.some((one) => one.id === id))
            .map((problem) => ({ kind: 'problem' as const, problem })),
        ],
        gone: [],
        ...(sweep && { ids: { people: ids('person'), groups: ids('group') } }),
        moved: !source.counts || clock > Number(cursor),
        cursor: String(clock),
      }
    },
    photo: async () => null,
    [Symbol.asyncDispose]: async () => {},
  }
  return source
}

export const AWAY = () => new SourceFault('away', 'nobody answers')
export const HALF = () => new SourceFault('half', 'it broke off')
