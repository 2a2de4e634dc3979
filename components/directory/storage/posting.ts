// SPDX-License-Identifier: Apache-2.0
// What has been published at people's accounts, who is to be looked at again, faces out of photos, and rooms.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { Face, FaceFault } from '../domain/face.ts'
import { AVATAR, type Due, type FaceRow, type PostedChange, UNSURE } from '../domain/posting.ts'
import type { Room } from '../domain/room.ts'
import { lists } from './lists.ts'

export const POSTING_TABLES = `
-- Up to which version changes are in due.
CREATE TABLE carried (seq INTEGER NOT NULL) STRICT;
INSERT INTO carried VALUES (-1);
-- Whose account is to be looked at, and when (Unix ms).
CREATE TABLE due (person TEXT PRIMARY KEY, host TEXT NOT NULL, at INTEGER NOT NULL, tries INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX due_at ON due (at);
-- What stands there by us: what it is, and a mark of what it says.
CREATE TABLE posted (person TEXT NOT NULL, what TEXT NOT NULL, jid TEXT NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (person, what)) STRICT, WITHOUT ROWID;
-- Pictures that were ever put there by us (SHA-1), noted before they are.
CREATE TABLE our_avatar (person TEXT NOT NULL, sha1 TEXT NOT NULL, PRIMARY KEY (person, sha1)) STRICT, WITHOUT ROWID;
-- Faces by the hash of their photo. tries: it was begun so often and did not come to an end.
CREATE TABLE face (
  photo TEXT PRIMARY KEY, tries INTEGER NOT NULL, fault TEXT NOT NULL, sha1 TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, bytes BLOB
) STRICT;
-- Rooms of groups; a room stays with its group for ever.
CREATE TABLE room (team TEXT PRIMARY KEY, jid TEXT NOT NULL UNIQUE, state TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL, said TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE room_member (room TEXT NOT NULL, jid TEXT NOT NULL, PRIMARY KEY (room, jid)) STRICT, WITHOUT ROWID;
`

/** Version 3: the settings by which accounts were looked at, so that other ones are seen at each. */
export const POSTING_SETTINGS = `ALTER TABLE carried ADD COLUMN settings TEXT NOT NULL DEFAULT '';`

const HOST = "substr(jid, instr(jid, '@') + 1)"
const PUT_DUE = `ON CONFLICT (person) DO UPDATE SET host = excluded.host, at = excluded.at, tries = 0`

export const writes = {
  /** All whom a version up to this one changed are due, those of changed managers too; with other `settings` everybody. True: some are. */
  dueUpTo(db: DatabaseSync, { seq, at, settings }: { seq: number; at: number; settings: string }): boolean {
    const carried = statement(db, 'SELECT seq, settings FROM carried').get()
    const isSame = carried?.settings === settings
    // Another bound may take what was too large.
    if (!isSame) db.exec("DELETE FROM face WHERE fault <> ''")
    const from = isSame ? Number(carried?.seq) : -1
    if (from === seq) return false
    const told = statement(db, 'SELECT count(*) AS told FROM version WHERE seq > ? AND seq <= ? AND steps > 0')
    if (from >= 0 && from < seq && Number(told.get(from, seq)?.told) === seq - from) dueBySteps(db, from, at)
    else {
      statement(db, `INSERT INTO due SELECT id, ${HOST}, ?, 0 FROM person WHERE true ${PUT_DUE}`).run(at)
      // Those who are gone have something posted at most.
      statement(
        db,
        `INSERT INTO due SELECT DISTINCT person, ${HOST}, ?, 0 FROM posted
          WHERE NOT EXISTS (SELECT 1 FROM person p WHERE p.id = posted.person) ${PUT_DUE}`,
      ).run(at)
    }
    statement(db, 'UPDATE carried SET seq = ?, settings = ?').run(seq, settings)
    return true
  },
  /** Accounts at which a picture of ours stood are due, and are asked what stands there now. */
  dueOurPictures(db: DatabaseSync, at: number) {
    const ours = `what = '${AVATAR}' AND mark LIKE 'ours %'`
    statement(db, `INSERT INTO due SELECT person, ${HOST}, ?, 0 FROM posted WHERE ${ours} ${PUT_DUE}`).run(at)
    statement(db, `UPDATE posted SET mark = '${UNSURE}' WHERE ${ours}`).run()
  },
  /** The members of these groups are due. */
  dueOf(db: DatabaseSync, { groups, at }: { groups: readonly string[]; at: number }) {
    statement(
      db,
      `INSERT INTO due SELECT DISTINCT p.id, substr(p.jid, instr(p.jid, '@') + 1), ?, 0 FROM person p, json_each(p.body, '$.groups') g
        WHERE g.value IN (SELECT value FROM json_each(?)) ${PUT_DUE}`,
    ).run(at, JSON.stringify(groups))
  },
  posted(db: DatabaseSync, { person, jid, put, drop, next, begunAt }: PostedChange) {
    const insert = statement(
      db,
      `INSERT INTO posted (person, what, jid, mark) VALUES (?, ?, ?, ?)
        ON CONFLICT (person, what) DO UPDATE SET jid = excluded.jid, mark = excluded.mark`,
    )
    const remove = statement(db, 'DELETE FROM posted WHERE person = ? AND what = ?')
    for (const [what, mark] of Object.entries(put)) insert.run(person, what, jid, mark)
    for (const what of drop) remove.run(person, what)
    // What came meanwhile is a later look, and stays.
    if (next === null) statement(db, 'DELETE FROM due WHERE person = ? AND at <= ?').run(person, begunAt)
    else
      statement(db, 'UPDATE due SET at = ?, tries = tries + 1 WHERE person = ? AND at <= ?').run(next, person, begunAt)
  },
  /** Of somebody who is gone; who has come back meanwhile is looked at. */
  forgetPosted(db: DatabaseSync, person: string) {
    if (statement(db, 'SELECT 1 FROM person WHERE id = ?').get(person) !== undefined) return
    for (const table of ['posted', 'our_avatar', 'due'])
      statement(db, `DELETE FROM ${table} WHERE person = ?`).run(person)
  },
  ourAvatar(db: DatabaseSync, { person, sha1 }: { person: string; sha1: string }) {
    statement(db, 'INSERT OR IGNORE INTO our_avatar VALUES (?, ?)').run(person, sha1)
  },
  /** How often this photo has been begun by now. */
  faceBegun(db: DatabaseSync, photo: string): number {
    const put = `INSERT INTO face VALUES (?, 1, '', '', 0, 0, NULL) ON CONFLICT (photo) DO UPDATE SET tries = tries + 1 RETURNING tries`
    return Number(statement(db, put).get(photo)?.tries)
  },
  facePut(db: DatabaseSync, { photo, made }: { photo: string; made: FaceRow }) {
    const [fault, sha1, width, height, bytes] =
      'fault' in made ? [made.fault, '', 0, 0, null] : ['', made.sha1, made.width, made.height, made.bytes]
    statement(db, `INSERT OR REPLACE INTO face VALUES (?, 0, ?, ?, ?, ?, ?)`).run(
      photo,
      fault,
      sha1,
      width,
      height,
      bytes,
    )
  },
  /** Faces of photos that nobody has any more. */
  forgetFaces(db: DatabaseSync, _: null): number {
    const used = `SELECT json_extract(body, '$.photo.hash') FROM person WHERE json_extract(body, '$.photo.hash') IS NOT NULL`
    return Number(statement(db, `DELETE FROM face WHERE photo NOT IN (${used})`).run().changes)
  },
  room(db: DatabaseSync, { group, jid, state, name, subject, said }: Room) {
    statement(db, 'INSERT OR REPLACE INTO room VALUES (?, ?, ?, ?, ?, ?)').run(group, jid, state, name, subject, said)
  },
  roomMembers(
    db: DatabaseSync,
    { room, add, remove }: { room: string; add: readonly string[]; remove: readonly string[] },
  ) {
    const [put, drop] = [
      'INSERT OR IGNORE INTO room_member VALUES (?, ?)',
      'DELETE FROM room_member WHERE room = ? AND jid = ?',
    ]
    for (const jid of add) statement(db, put).run(room, jid)
    for (const jid of remove) statement(db, drop).run(room, jid)
  },
}

export const reads = {
  /** Who is due now, the longest first; not of these hosts. */
  due(db: DatabaseSync, { now, limit, but }: { now: number; limit: number; but: readonly string[] }): Due[] {
    const sql = `SELECT d.person, d.at, d.tries, ifnull(p.body, '') AS body,
        (SELECT json_group_array(json_array(what, jid, mark)) FROM posted WHERE posted.person = d.person) AS posted,
        (SELECT json_group_array(sha1) FROM our_avatar a WHERE a.person = d.person) AS ours,
        ifnull((SELECT m.body FROM person m WHERE p.body IS NOT NULL AND m.id = json_extract(p.body, '$.manager')), '') AS manager
      FROM due d LEFT JOIN person p ON p.id = d.person
      WHERE d.at <= ? AND d.host NOT IN (SELECT value FROM json_each(?)) ORDER BY d.at LIMIT ?`
    return statement(db, sql)
      .all(now, JSON.stringify(but), limit)
      .map((row) => ({
        person: String(row.person),
        at: Number(row.at),
        tries: Number(row.tries),
        body: String(row.body),
        posted: JSON.parse(String(row.posted)) as [string, string, string][],
        ours: JSON.parse(String(row.ours)) as string[],
        manager: String(row.manager),
      }))
  },
  /** When the next one is due; null: nobody. */
  nextDue(db: DatabaseSync, but: readonly string[]): number | null {
    const sql = 'SELECT min(at) AS at FROM due WHERE host NOT IN (SELECT value FROM json_each(?))'
    const at = statement(db, sql).get(JSON.stringify(but))?.at
    return at === null || at === undefined ? null : Number(at)
  },
  postingCounts(
    db: DatabaseSync,
    _: null,
  ): { due: number; posted: number; faces: number; photos_wrong: number; rooms: number } {
    const one = (sql: string) => Number(statement(db, `SELECT count(*) AS count FROM ${sql}`).get()?.count)
    return {
      due: one('due'),
      posted: one('posted'),
      faces: one("face WHERE sha1 <> ''"),
      photos_wrong: one("face WHERE fault <> ''"),
      rooms: one("room WHERE state = 'made'"),
    }
  },
  /** Null: never made, or begun and not ended. */
  face(db: DatabaseSync, photo: string): FaceRow | null {
    const row = statement(db, 'SELECT fault, sha1, width, height, bytes FROM face WHERE photo = ?').get(photo)
    if (row === undefined) return null
    if (row.fault !== '') return { fault: row.fault as FaceFault }
    if (!(row.bytes instanceof Uint8Array)) return null
    return { sha1: String(row.sha1), width: Number(row.width), height: Number(row.height), bytes: row.bytes }
  },
  /** What is provisioned of these people, in the order asked; those who are gone are left out. */
  bodiesOf(db: DatabaseSync, ids: readonly string[]): string[] {
    const sql = 'SELECT p.body FROM json_each(:ids) i JOIN person p ON p.id = i.value ORDER BY i.key'
    return [...lists(db, sql, { ids: JSON.stringify(ids) })].map(([body]) => String(body))
  },
  bodyAt(db: DatabaseSync, jid: string): string | null {
    const body = statement(db, 'SELECT body FROM person WHERE jid = ?').get(jid)?.body
    return body === undefined ? null : String(body)
  },
  /** Those who have these addresses now and may log in, and their groups. */
  groupsAt(db: DatabaseSync, jids: readonly string[]): { jid: string; groups: string[] }[] {
    const sql = `SELECT p.jid, json_extract(p.body, '$.groups') AS groups FROM json_each(:jids) j JOIN person p ON p.jid = j.value
      WHERE json_extract(p.body, '$.disabled') = 0`
    return [...lists(db, sql, { jids: JSON.stringify(jids) })].map(([jid, groups]) => ({
      jid: String(jid),
      groups: JSON.parse(String(groups)) as string[],
    }))
  },
  /** What is wanted for a card: who has this address now, his manager, his face. */
  cardAt(
    db: DatabaseSync,
    jid: string,
  ): { body: string; manager: string; face: Face | null; isOwnPicture: boolean } | null {
    const sql = `SELECT p.body, ifnull(m.body, '') AS manager, ifnull(a.mark, '') AS mark,
        f.sha1, f.width, f.height, f.bytes FROM person p
      LEFT JOIN person m ON m.id = json_extract(p.body, '$.manager')
      LEFT JOIN posted a ON a.person = p.id AND a.jid = p.jid AND a.what = ?
      LEFT JOIN face f ON f.photo = json_extract(p.body, '$.photo.hash') WHERE p.jid = ?`
    const row = statement(db, sql).get(AVATAR, jid)
    if (row === undefined) return null
    const { bytes } = row
    return {
      body: String(row.body),
      manager: String(row.manager),
      face:
        bytes instanceof Uint8Array
          ? { sha1: String(row.sha1), width: Number(row.width), height: Number(row.height), bytes }
          : null,
      isOwnPicture: String(row.mark).startsWith('own '),
    }
  },
  /** Where an entry stands in its directory, as last read; null: it is gone. */
  dnOf(db: DatabaseSync, id: string): { source: string; dn: string } | null {
    const source = id.slice(0, id.indexOf(':'))
    const sql = `SELECT json_extract(e.body, '$.dn') AS dn FROM source s JOIN entry e ON e.source = s.name AND e.reading = s.reading
      WHERE s.name = ? AND e.id = ?`
    const dn = statement(db, sql).get(source, id)?.dn
    return dn === undefined || dn === null ? null : { source, dn: String(dn) }
  },
  rooms(db: DatabaseSync, _: null): Room[] {
    return statement(db, 'SELECT team, jid, state, name, subject, said FROM room ORDER BY team')
      .all()
      .map((row) => ({
        group: String(row.team),
        jid: String(row.jid),
        state: String(row.state) as Room['state'],
        name: String(row.name),
        subject: String(row.subject),
        said: String(row.said),
      }))
  },
  roomMembersOf(db: DatabaseSync, room: string): string[] {
    return statement(db, 'SELECT jid FROM room_member WHERE room = ?')
      .all(room)
      .map(({ jid }) => String(jid))
  },
}

export const streams = {
  /** What is provisioned of everybody. */
  *bodies(db: DatabaseSync, _: null): Iterable<string> {
    for (const [body] of lists(db, 'SELECT body FROM person')) yield String(body)
  },
  /** Of the rooms of these groups those members who stand on a side of a wall, and on which; by room, then address. */
  *walled(
    db: DatabaseSync,
    { groups, sides }: { groups: readonly string[]; sides: readonly string[] },
  ): Iterable<{ room: string; jid: string; sides: string[] }> {
    const sql = `SELECT r.jid AS room, p.jid, json_group_array(s.value) FROM person p, json_each(p.body, '$.groups') g
        JOIN room r ON r.team = g.value, json_each(p.body, '$.groups') s
      WHERE r.state = 'made' AND r.team IN (SELECT value FROM json_each(:groups)) AND json_extract(p.body, '$.disabled') = 0
        AND s.value IN (SELECT value FROM json_each(:sides)) GROUP BY r.jid, p.jid ORDER BY r.jid, p.jid`
    const values = { groups: JSON.stringify(groups), sides: JSON.stringify(sides) }
    for (const [room, jid, found] of lists(db, sql, values))
      yield { room: String(room), jid: String(jid), sides: JSON.parse(String(found)) as string[] }
  },
  /** Who is to be in a room of these groups and is not, and who is in one and is not to be; who is locked out is in none. */
  *roomMoves(db: DatabaseSync, groups: readonly string[]): Iterable<{ room: string; jid: string; joins: boolean }> {
    const wanted = `SELECT r.jid AS room, p.jid AS jid FROM person p, json_each(p.body, '$.groups') g JOIN room r ON r.team = g.value
      WHERE r.state = 'made' AND r.team IN (SELECT value FROM json_each(:groups)) AND json_extract(p.body, '$.disabled') = 0`
    const sql = `SELECT room, jid, 1 FROM (${wanted} EXCEPT SELECT room, jid FROM room_member)
      UNION ALL SELECT room, jid, 0 FROM (SELECT room, jid FROM room_member EXCEPT ${wanted})`
    for (const [room, jid, joins] of lists(db, sql, { groups: JSON.stringify(groups) }))
      yield { room: String(room), jid: String(jid), joins: joins === 1 }
  },
}

function dueBySteps(db: DatabaseSync, from: number, at: number): void {
  const changed = `SELECT id FROM step WHERE kind = 'person' AND seq > :from`
  const other = (field: string) =>
    `json_extract(iif(before = '', '{}', before), '$.${field}') IS NOT json_extract(iif(after = '', '{}', after), '$.${field}')`
  // What stands on the cards of others: a name, or nothing where the groups say that nobody is to know.
  const renamed = `${changed} AND before <> '' AND after <> '' AND (${other('name')} OR ${other('groups')})`
  statement(db, `INSERT INTO due SELECT id, ${HOST}, :at, 0 FROM person WHERE id IN (${changed}) ${PUT_DUE}`).run({
    from,
    at,
  })
  statement(
    db,
    `INSERT INTO due SELECT DISTINCT person, ${HOST}, :at, 0 FROM posted
      WHERE person IN (${changed}) AND NOT EXISTS (SELECT 1 FROM person p WHERE p.id = posted.person) ${PUT_DUE}`,
  ).run({ from, at })
  statement(
    db,
    `INSERT INTO due SELECT id, ${HOST}, :at, 0 FROM person WHERE json_extract(body, '$.manager') IN (${renamed}) ${PUT_DUE}`,
  ).run({ from, at })
  dueByRenamedGroups(db, from, at)
}

/** A group that is called otherwise may be one of which nobody is to know, or no more: its members stand on the cards of others. */
function dueByRenamedGroups(db: DatabaseSync, from: number, at: number): void {
  const renamed = statement(
    db,
    `SELECT DISTINCT id FROM step WHERE kind = 'group' AND seq > ? AND before <> '' AND after <> ''
      AND json_extract(before, '$.name') <> json_extract(after, '$.name')`,
  )
    .all(from)
    .map(({ id }) => String(id))
  if (renamed.length === 0) return
  const members = `SELECT m.id FROM person m, json_each(m.body, '$.groups') g WHERE g.value IN (SELECT value FROM json_each(:renamed))`
  statement(
    db,
    `INSERT INTO due SELECT id, ${HOST}, :at, 0 FROM person WHERE json_extract(body, '$.manager') IN (${members}) ${PUT_DUE}`,
  ).run({ at, renamed: JSON.stringify(renamed) })
}
