// SPDX-License-Identifier: Apache-2.0
// The named operations of the directory's store; they run in its worker threads (kit/store).
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { Service } from '../../kit/store/serve.ts'
import { statement } from '../../kit/store/statement.ts'
import type { Held, PlanCounts } from '../domain/brake.ts'
import type { GroupChange } from '../domain/room.ts'
import type {
  EntryProblem,
  PlannedList,
  PlannedRow,
  Provisioned,
  Resume,
  Step,
  StoredPlan,
  Trouble,
  Version,
} from '../domain/state.ts'
import { apply } from './apply.ts'
import { find } from './find.ts'
import { lists } from './lists.ts'
import * as posting from './posting.ts'
import * as reading from './reading.ts'
import { DIRECTORY_ID, migrations } from './schema.ts'

export type DirectoryOperations = typeof operations

/** So much trouble is remembered. */
const MOST_TROUBLE = 500

export const operations = {
  write: {
    ...reading.writes,
    ...posting.writes,
    /** Forgets the plan that stood there. */
    planBegin(db: DatabaseSync, _: null) {
      db.exec('DELETE FROM plan; DELETE FROM planned')
    },
    planAdd(db: DatabaseSync, rows: readonly PlannedList[]) {
      const insert = statement(
        db,
        `INSERT INTO planned (kind, change, id, jid, name, memberships, shown, detail, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      for (const row of rows) insert.run(...row)
    },
    planEnd(db: DatabaseSync, { hash, at, counts, held }: StoredPlan) {
      statement(db, 'INSERT INTO plan (hash, at, counts, held) VALUES (?, ?, ?, ?)').run(
        hash,
        at,
        JSON.stringify(counts),
        JSON.stringify(held),
      )
    },
    apply,
    /** It was said. */
    movedDone(db: DatabaseSync, { old, now }: Moved) {
      statement(db, 'DELETE FROM moved WHERE old = ? AND new = ?').run(old, now)
    },
    trouble(db: DatabaseSync, { at, place, reason, message }: Trouble) {
      const put = statement(db, 'INSERT INTO trouble (at, place, reason, message) VALUES (?, ?, ?, ?)')
      const { lastInsertRowid } = put.run(at, place, reason, message)
      statement(db, 'DELETE FROM trouble WHERE number <= ?').run(Number(lastInsertRowid) - MOST_TROUBLE)
    },
  },
  read: {
    ...reading.reads,
    ...posting.reads,
    resume(db: DatabaseSync, _: null): Resume {
      const state = statement(db, 'SELECT id, seq FROM state').get()
      return {
        id: String(state?.id),
        seq: Number(state?.seq),
        sources: reading.sources(db),
        there: provisioned(db),
      }
    },
    provisioned: (db: DatabaseSync, _: null) => provisioned(db),
    plan: (db: DatabaseSync, _: null) => plan(db),
    find,
    versions(db: DatabaseSync, limit: number): Version[] {
      return statement(db, 'SELECT seq, at, plan, made_by, counts, steps FROM version ORDER BY seq DESC LIMIT ?')
        .all(limit)
        .map(versionOf)
    },
    version(db: DatabaseSync, seq: number): Version | null {
      const row = statement(db, 'SELECT seq, at, plan, made_by, counts, steps FROM version WHERE seq = ?').get(seq)
      return row === undefined ? null : versionOf(row)
    },
    teams(db: DatabaseSync, _: null): string[] {
      return statement(db, 'SELECT body FROM team ORDER BY id')
        .all()
        .map(({ body }) => String(body))
    },
    /** Groups that the plan makes, changes or removes. */
    plannedTeams(db: DatabaseSync, _: null): GroupChange[] {
      const sql = `SELECT id, name, change, json_extract(iif(body = '', '{}', body), '$.description') AS description
        FROM planned WHERE kind = 'group' ORDER BY number`
      return statement(db, sql)
        .all()
        .map(({ id, name, change, description }) => ({
          id: String(id),
          name: String(name),
          ...(description !== null && { description: String(description) }),
          isGone: change === 'remove',
        }))
    },
    /** Walls that the plan puts up, changes or (body '') takes down. */
    plannedWalls(db: DatabaseSync, _: null): { id: string; body: string }[] {
      return statement(db, "SELECT id, body FROM planned WHERE kind = 'wall' ORDER BY number")
        .all()
        .map(({ id, body }) => ({ id: String(id), body: String(body) }))
    },
    /** What is still to be said on former accounts of this host. */
    moved(db: DatabaseSync, host: string): Moved[] {
      return statement(
        db,
        "SELECT old, new FROM moved WHERE substr(old, instr(old, '@') + 1) = ? ORDER BY old LIMIT 1000",
      )
        .all(host)
        .map((row) => ({ old: String(row.old), now: String(row.new) }))
    },
    walls(db: DatabaseSync, _: null): string[] {
      return statement(db, 'SELECT body FROM wall ORDER BY id')
        .all()
        .map(({ body }) => String(body))
    },
    troubles(db: DatabaseSync, limit: number): Trouble[] {
      return statement(db, 'SELECT at, place, reason, message FROM trouble ORDER BY number DESC LIMIT ?')
        .all(limit)
        .map(({ at, place, reason, message }) => ({
          at: Number(at),
          place: String(place),
          reason: String(reason),
          message: String(message),
        }))
    },
    problems(db: DatabaseSync, limit: number): EntryProblem[] {
      const sql = `SELECT p.source, p.body FROM problem p JOIN source s ON s.name = p.source AND s.reading = p.reading
        ORDER BY p.source, p.number LIMIT ?`
      return statement(db, sql)
        .all(limit)
        .map(({ source, body }) => ({ ...JSON.parse(String(body)), source: String(source) }) as EntryProblem)
    },
  },
  stream: {
    ...posting.streams,
    entries: reading.entries,
    pairs: reading.pairs,
    *planned(db: DatabaseSync, { all }: { all: boolean }): Iterable<Omit<PlannedRow, 'body'>> {
      const sql = `SELECT kind, change, id, jid, name, memberships, shown, detail FROM planned ${all ? '' : 'WHERE shown = 1'} ORDER BY number`
      for (const row of db.prepare(sql).iterate())
        yield {
          kind: String(row.kind) as PlannedRow['kind'],
          change: String(row.change),
          id: String(row.id),
          jid: String(row.jid),
          name: String(row.name),
          memberships: Number(row.memberships),
          shown: row.shown === 1,
          detail: String(row.detail),
        }
    },
    *given(db: DatabaseSync, _: null): Iterable<{ id: string; jid: string }> {
      for (const [id, jid] of lists(db, 'SELECT id, jid FROM person')) yield { id: String(id), jid: String(jid) }
    },
    /** Every address ever given, and to whom. */
    *addresses(db: DatabaseSync, _: null): Iterable<{ jid: string; person: string }> {
      for (const [jid, person] of lists(db, 'SELECT jid, person FROM address'))
        yield { jid: String(jid), person: String(person) }
    },
    /**
     * One version, all of it, as of one moment: first its number; then groups and people (their items), addresses that are no more in use
     * (`text`: the name of who had it), memberships (`id`: the group, `text`: an address), those of a group together, and walls.
     */
    *whole(db: DatabaseSync, _: null): Iterable<WholeRow> {
      for (const [kind, id, text] of lists(db, WHOLE))
        yield { kind: String(kind) as WholeRow['kind'], id: String(id), text: String(text) }
    },
    *steps(db: DatabaseSync, seq: number): Iterable<Step> {
      const sql = 'SELECT kind, id, before, after FROM step WHERE seq = :seq ORDER BY number'
      for (const [kind, id, before, after] of lists(db, sql, { seq }))
        yield { kind: String(kind) as Step['kind'], id: String(id), before: String(before), after: String(after) }
    },
  },
}

/** `now` '': at the old address again. */
export type Moved = { old: string; now: string }

export type WholeRow = { kind: 'seq' | 'group' | 'person' | 'former' | 'member' | 'wall'; id: string; text: string }

/** One statement, so that no version is half of one and half of the next. */
const WHOLE = `SELECT 'seq', seq, '' FROM state
  UNION ALL SELECT * FROM (SELECT 'group', id, body FROM team ORDER BY id)
  UNION ALL SELECT * FROM (SELECT 'person', id, body FROM person ORDER BY id)
  UNION ALL SELECT * FROM (SELECT 'former', jid, name FROM address WHERE until IS NOT NULL ORDER BY jid)
  UNION ALL SELECT * FROM (
    SELECT 'member', g.value, p.jid FROM person p, json_each(p.body, '$.groups') g ORDER BY g.value, p.jid
  )
  UNION ALL SELECT * FROM (SELECT 'wall', id, body FROM wall ORDER BY id)`

/** What a worker of the directory's store serves. */
export function openService(): Service<DirectoryOperations> {
  return { migrations, applicationId: DIRECTORY_ID, operations }
}

function plan(db: DatabaseSync): StoredPlan | null {
  const row = statement(db, 'SELECT hash, at, counts, held FROM plan').get()
  if (row === undefined) return null
  return {
    hash: String(row.hash),
    at: Number(row.at),
    counts: JSON.parse(String(row.counts)) as PlanCounts,
    held: JSON.parse(String(row.held)) as Held[],
  }
}

function provisioned(db: DatabaseSync): Provisioned {
  const people = statement(
    db,
    'SELECT count(*) AS people, ifnull(sum(memberships), 0) AS memberships FROM person',
  ).get()
  const groups = statement(db, 'SELECT count(*) AS groups FROM team').get()
  const addresses = statement(db, 'SELECT count(*) AS addresses FROM address').get()
  return {
    people: Number(people?.people),
    memberships: Number(people?.memberships),
    groups: Number(groups?.groups),
    addresses: Number(addresses?.addresses),
  }
}

function versionOf({ seq, at, plan, made_by, counts, steps }: Record<string, SQLOutputValue>): Version {
  return {
    seq: Number(seq),
    at: Number(at),
    plan: String(plan),
    by: String(made_by),
    counts: JSON.parse(String(counts)) as PlanCounts,
    steps: Number(steps),
  }
}
