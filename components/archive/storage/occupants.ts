// SPDX-License-Identifier: Apache-2.0
// Who was in which room from when to when, as the server told of joining and leaving.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import { address, type Occupant, type OccupantEvent } from '../domain/record.ts'
import type { Names } from './names.ts'

export function keepOccupant(
  db: DatabaseSync,
  names: Names,
  told: Omit<OccupantEvent, 'at'> & { at: number | null },
): void {
  const room = names.number(db, address(told.room).bare) ?? 0
  const source = names.source(db, told.source)
  const here = statement(
    db,
    'SELECT number, source, joined_at FROM occupant WHERE room = ? AND nick = ? AND jid = ? AND left_at IS NULL',
  ).get(room, told.nick, told.jid)
  // The same run tells of the same joining again after a reconnect.
  if (told.event === 'joined' && here && Number(here.source) === source) return
  if (toldBefore(db, room, source, told, here ? Number(here.joined_at) : null)) return
  if (here) statement(db, 'UPDATE occupant SET left_at = ? WHERE number = ?').run(told.at, Number(here.number))
  if (told.event === 'left' && here) return
  const insert = 'INSERT INTO occupant (source, host, room, nick, jid, joined_at, left_at) VALUES (?, ?, ?, ?, ?, ?, ?)'
  const [joined, left] = told.event === 'joined' ? [told.at, null] : [null, told.at]
  statement(db, insert).run(source, names.number(db, told.host), room, told.nick, told.jid, joined, left)
}

/** Reports may come twice, together with those before them: what is on record already, or before the present stay, is no news. */
function toldBefore(
  db: DatabaseSync,
  room: number,
  source: number,
  { event, nick, jid, at }: { event: string; nick: string; jid: string; at: number | null },
  stayingSince: number | null,
): boolean {
  if (event === 'joined') {
    const same = 'SELECT 1 FROM occupant WHERE room = ? AND joined_at IS ? AND nick = ? AND jid = ? AND source = ?'
    return statement(db, same).get(room, at, nick, jid, source) !== undefined
  }
  // Only where nobody is known to have left does this look through the room.
  if (stayingSince !== null && at !== null && stayingSince < at) return false
  const same = 'SELECT 1 FROM occupant WHERE room = ? AND nick = ? AND jid = ? AND left_at IS ?'
  return statement(db, same).get(room, nick, jid, at) !== undefined
}

/** Those in the room at a time; who came before the archive knew has no time of joining. */
export function occupantsAt(db: DatabaseSync, room: number, at: number): Occupant[] {
  const sql = `SELECT nick, jid, joined_at, left_at, EXISTS (
      SELECT 1 FROM source o JOIN source s ON s.predecessor = o.id WHERE o.number = occupant.source AND s.at <= :at) AS restarted
    FROM occupant WHERE room = :room AND (joined_at IS NULL OR joined_at <= :at) AND (left_at IS NULL OR left_at > :at)
    ORDER BY joined_at, number LIMIT 10000`
  return statement(db, sql)
    .all({ room, at })
    .map((row) => ({
      nick: String(row.nick),
      jid: String(row.jid),
      identity: null,
      person: null,
      joinedAt: row.joined_at === null ? 0 : Number(row.joined_at),
      leftAt: row.left_at === null ? null : Number(row.left_at),
      sure: Number(row.restarted) === 0,
    }))
}
