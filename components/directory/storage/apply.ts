// SPDX-License-Identifier: Apache-2.0
// Carries out the plan that stands in the store: one transaction makes one version of what is provisioned.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'

/** `by`: JSON: who said so. */
export type Apply = { hash: string; at: number; by: string }

/** A version with more changes is handed on as a whole. */
const MOST_STEPS = 20_000
/** Versions that are remembered, and steps of all of them together. */
const MOST_VERSIONS = 1_000
const MOST_KEPT_STEPS = 100_000

/** The new version; null when the plan is not the one that was meant. Throws, and then nothing is changed, where an address would change hands. */
export function apply(db: DatabaseSync, { hash, at, by }: Apply): { seq: number } | null {
  const plan = statement(db, 'SELECT hash, counts FROM plan').get()
  if (plan === undefined || plan.hash !== hash) return null
  const seq = Number(statement(db, 'SELECT seq FROM state').get()?.seq) + 1
  const rows = Number(statement(db, "SELECT count(*) AS rows FROM planned WHERE kind <> 'roster'").get()?.rows)
  const steps = rows > MOST_STEPS ? 0 : rows
  if (steps > 0) keepSteps(db, seq)
  givePeople(db, at)
  for (const [kind, table] of [
    ['group', 'team'],
    ['wall', 'wall'],
  ]) {
    statement(
      db,
      `INSERT INTO ${table} (id, body) SELECT id, body FROM planned WHERE kind = '${kind}' AND change <> 'remove'
        ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
    ).run()
    db.exec(`DELETE FROM ${table} WHERE id IN (SELECT id FROM planned WHERE kind = '${kind}' AND change = 'remove')`)
  }
  statement(db, 'INSERT INTO version (seq, at, plan, made_by, counts, steps) VALUES (?, ?, ?, ?, ?, ?)').run(
    seq,
    at,
    hash,
    by,
    String(plan.counts),
    steps,
  )
  statement(db, 'UPDATE state SET seq = ?').run(seq)
  db.exec('DELETE FROM plan; DELETE FROM planned')
  forget(db, seq)
  return { seq }
}

function keepSteps(db: DatabaseSync, seq: number): void {
  statement(
    db,
    `INSERT INTO step (seq, number, kind, id, before, after) SELECT ?, number, kind, id,
      ifnull(CASE kind WHEN 'person' THEN (SELECT body FROM person WHERE person.id = planned.id)
        WHEN 'wall' THEN (SELECT body FROM wall WHERE wall.id = planned.id)
        ELSE (SELECT body FROM team WHERE team.id = planned.id) END, ''), body
      FROM planned WHERE kind <> 'roster'`,
  ).run(seq)
}

function givePeople(db: DatabaseSync, at: number): void {
  db.exec("DELETE FROM person WHERE id IN (SELECT id FROM planned WHERE kind = 'person' AND change = 'remove')")
  statement(
    db,
    `INSERT INTO person (id, jid, memberships, body)
      SELECT id, jid, memberships, body FROM planned WHERE kind = 'person' AND change <> 'remove'
      ON CONFLICT (id) DO UPDATE SET jid = excluded.jid, memberships = excluded.memberships, body = excluded.body`,
  ).run()
  tellReturned(db)
  const given = "kind = 'person' AND change IN ('add', 'readdress')"
  statement(
    db,
    `INSERT INTO address (jid, person, since, until, name) SELECT jid, id, ?, NULL, name FROM planned WHERE ${given}
      ON CONFLICT (jid) DO UPDATE SET until = NULL, name = excluded.name WHERE person = excluded.person`,
  ).run(at)
  const stolen = statement(
    db,
    `SELECT p.jid FROM planned p JOIN address a ON a.jid = p.jid WHERE ${given} AND a.person <> p.id LIMIT 1`,
  ).get()
  if (stolen !== undefined) throw new Error(`the address ${String(stolen.jid)} belongs to somebody else for ever`)
  statement(
    db,
    `UPDATE address SET until = ? WHERE until IS NULL
      AND person IN (SELECT id FROM planned WHERE kind = 'person' AND change IN ('remove', 'readdress'))
      AND NOT EXISTS (SELECT 1 FROM person WHERE person.jid = address.jid)`,
  ).run(at)
  tellMoved(db)
}

const READDRESSED = "p.kind = 'person' AND p.change = 'readdress'"

/** Who is given an address again that he had: it leads nowhere else any more. Before addresses are given. */
function tellReturned(db: DatabaseSync): void {
  db.exec(`INSERT INTO moved (old, new) SELECT p.jid, '' FROM planned p JOIN address a ON a.jid = p.jid
    WHERE ${READDRESSED} AND a.until IS NOT NULL ON CONFLICT (old) DO UPDATE SET new = ''`)
}

/** All former addresses of somebody lead to the one he has now. */
function tellMoved(db: DatabaseSync): void {
  db.exec(`INSERT INTO moved (old, new) SELECT a.jid, p.jid FROM planned p JOIN address a ON a.person = p.id
    WHERE ${READDRESSED} AND a.jid <> p.jid ON CONFLICT (old) DO UPDATE SET new = excluded.new`)
}

function forget(db: DatabaseSync, seq: number): void {
  statement(db, 'DELETE FROM version WHERE seq <= ?').run(seq - MOST_VERSIONS)
  const upTo = statement(
    db,
    `SELECT max(seq) AS seq FROM (SELECT seq, sum(steps) OVER (ORDER BY seq DESC) AS kept FROM version) WHERE kept > ?`,
  ).get(MOST_KEPT_STEPS)
  const oldest = Math.max(Number(upTo?.seq ?? 0), seq - MOST_VERSIONS)
  statement(db, 'DELETE FROM step WHERE seq <= ?').run(oldest)
  statement(db, 'UPDATE version SET steps = 0 WHERE seq <= ? AND steps > 0').run(oldest)
}
