// SPDX-License-Identifier: Apache-2.0
// The named operations of a transport's store; they run in its worker threads (kit/store).
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Migration } from '../../store/migrations.ts'
import { statement } from '../../store/statement.ts'

export type StoredSeat = {
  owner: string
  network: string
  /** `Network.key` of the name. */
  key: string
  room: string
  nick: string
  /** Sealed; null: none, or not kept. */
  password: string | null
  /** Full addresses, each with the room's bare address as that client writes it. */
  clients: readonly (readonly [client: string, room: string])[]
}

/** A message as the room told it, without the addresses, which differ from person to person. */
export type StoredMessage = {
  /** XEP-0359, by the room. */
  id: string
  at: number
  nick: string
  /** Who of ours sent it, bare; null: somebody else. */
  owner: string | null
  /** The id its sender gave it; of foreign messages the same as `id`. */
  mid: string
  body: string
  /** The children, serialised. */
  payload: string
  /** Ids of the network, one for each part it was cut into; known when the network has told them. */
  foreign: readonly string[]
}

/** n grows with each message of the store: its place. */
export type PlacedMessage = StoredMessage & { n: number }

export type Wanted = {
  room: string
  start?: number
  end?: number
  nick?: string
  ids?: readonly string[]
  afterId?: string
  beforeId?: string
  max: number
  page: { from: 'start' } | { from: 'after' | 'before'; id: string }
}

/** `missing`: an id that the query speaks of is not there. */
export type Found =
  | { missing: true }
  | { missing?: never; messages: readonly PlacedMessage[]; complete: boolean; count: number; index: number }

export const MIGRATIONS: readonly Migration[] = [
  `CREATE TABLE seats (
     owner TEXT NOT NULL, network TEXT NOT NULL, key TEXT NOT NULL, room TEXT NOT NULL, nick TEXT NOT NULL, password TEXT,
     clients TEXT NOT NULL, PRIMARY KEY (owner, network, key)
   ) WITHOUT ROWID;
   CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
   CREATE TABLE messages (
     n INTEGER PRIMARY KEY AUTOINCREMENT, room INTEGER NOT NULL REFERENCES rooms, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,
     nick TEXT NOT NULL, owner TEXT, mid TEXT NOT NULL, body TEXT NOT NULL, payload TEXT NOT NULL
   );
   CREATE INDEX messages_of_room ON messages (room, n);
   CREATE INDEX messages_by_age ON messages (at);
   CREATE INDEX messages_by_sender ON messages (room, mid);
   CREATE TABLE foreign_ids (
     room INTEGER NOT NULL, id TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (room, id)
   ) WITHOUT ROWID;
   CREATE INDEX foreign_ids_by_place ON foreign_ids (n);`,
  `CREATE TABLE ahead (applied INTEGER NOT NULL); INSERT INTO ahead (applied) VALUES (0)`,
  // What comes at the same time lies side by side, whatever room it is in: a commit writes the pages of all rooms otherwise.
  `DROP INDEX messages_by_sender;
   CREATE INDEX messages_by_sender ON messages (mid, room) WHERE owner IS NOT NULL;
   CREATE TABLE foreign_ids_by_id (
     id TEXT NOT NULL, room INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (id, room)
   ) WITHOUT ROWID;
   INSERT INTO foreign_ids_by_id (id, room, n) SELECT id, room, n FROM foreign_ids ORDER BY id, room;
   DROP TABLE foreign_ids;
   ALTER TABLE foreign_ids_by_id RENAME TO foreign_ids;
   CREATE INDEX foreign_ids_by_place ON foreign_ids (n)`,
]

/** `keep` the same message again keeps it once; `link`: its ids of the network, as they are known later; `replace`: XEP-0424 §5.3. */
export type Note =
  | { note: 'keep'; room: string; message: StoredMessage }
  | { note: 'link'; room: string; id: string; foreign: readonly string[] }
  | { note: 'replace'; id: string; payload: string }
  | { note: 'seat'; seat: StoredSeat }
  | { note: 'unseat'; seat: Pick<StoredSeat, 'owner' | 'network' | 'key'> }

export type TransportOperations = typeof operations

const writing = {
  /** Notes in order, one a line as JSON; `upTo` is the number of the last one. */
  apply(db: DatabaseSync, { lines, upTo }: { lines: string; upTo: number }): void {
    for (const line of lines.split('\n')) if (line !== '') take(db, JSON.parse(line) as Note)
    statement(db, 'UPDATE ahead SET applied = max(applied, ?)').run(upTo)
  },
  /** Forgets what is older, or too many of one room; at most so many at once. Gives how many went. */
  trim(
    db: DatabaseSync,
    { before, mostPerRoom, atOnce }: { before: number; mostPerRoom: number; atOnce: number },
  ): number {
    const old = statement(db, 'SELECT n FROM messages WHERE at < ? ORDER BY at LIMIT ?').all(before, atOnce)
    const gone = old.map((row) => Number(row.n))
    for (const { id } of statement(db, 'SELECT id FROM rooms').all()) {
      if (gone.length >= atOnce) break
      const edge = statement(db, 'SELECT n FROM messages WHERE room = ? ORDER BY n DESC LIMIT 1 OFFSET ?').get(
        id as number,
        mostPerRoom,
      )
      if (edge === undefined) continue
      const over = statement(db, 'SELECT n FROM messages WHERE room = ? AND n <= ? ORDER BY n LIMIT ?')
      for (const row of over.all(id as number, edge.n as number, atOnce - gone.length)) gone.push(Number(row.n))
    }
    for (const n of gone) {
      statement(db, 'DELETE FROM foreign_ids WHERE n = ?').run(n)
      statement(db, 'DELETE FROM messages WHERE n = ?').run(n)
    }
    return gone.length
  },
}

const reading = {
  /** The number of the last note that is here. */
  applied: (db: DatabaseSync, _: null): number =>
    Number(statement(db, 'SELECT applied FROM ahead').get()?.applied ?? 0),
  seats(db: DatabaseSync, _: null): StoredSeat[] {
    return statement(db, 'SELECT * FROM seats ORDER BY owner, network, key')
      .all()
      .map((row) => ({ ...(row as unknown as StoredSeat), clients: JSON.parse(String(row.clients)) }))
  },
  /** The newest, oldest first. */
  recent(db: DatabaseSync, { room, most }: { room: string; most: number }): PlacedMessage[] {
    const of = roomId(db, room, false)
    if (of === null) return []
    return rowsOf(
      db,
      statement(db, 'SELECT * FROM messages WHERE room = ? ORDER BY n DESC LIMIT ?').all(of, most),
    ).reverse()
  },
  byId(db: DatabaseSync, { room, id }: { room: string; id: string }): PlacedMessage | null {
    const of = roomId(db, room, false)
    if (of === null) return null
    return rowsOf(db, statement(db, 'SELECT * FROM messages WHERE room = ? AND id = ?').all(of, id))[0] ?? null
  },
  /** By the id its sender gave it: the newest of this person. */
  byMid(db: DatabaseSync, { room, owner, mid }: { room: string; owner: string; mid: string }): PlacedMessage | null {
    const of = roomId(db, room, false)
    if (of === null) return null
    const found = statement(
      db,
      'SELECT * FROM messages WHERE room = ? AND mid = ? AND owner = ? ORDER BY n DESC LIMIT 1',
    )
    return rowsOf(db, found.all(of, mid, owner))[0] ?? null
  },
  byForeign(db: DatabaseSync, { room, id }: { room: string; id: string }): PlacedMessage | null {
    const of = roomId(db, room, false)
    if (of === null) return null
    const found = statement(
      db,
      'SELECT m.* FROM foreign_ids f JOIN messages m ON m.n = f.n WHERE f.room = ? AND f.id = ?',
    )
    return rowsOf(db, found.all(of, id))[0] ?? null
  },
  find: (db: DatabaseSync, wanted: Wanted): Found => find(db, wanted),
  /** Oldest and newest of a room. */
  ends(db: DatabaseSync, { room }: { room: string }): { id: string; at: number }[] {
    const of = roomId(db, room, false)
    if (of === null) return []
    const one = (order: string) =>
      statement(db, `SELECT id, at FROM messages WHERE room = ? ORDER BY n ${order} LIMIT 1`).all(of)
    return [...one('ASC'), ...one('DESC')] as { id: string; at: number }[]
  },
}

/** All of it by the one thread that writes: a thread of its own for reading would cost more memory than all that is kept here. */
export const operations = { write: { ...writing, ...reading }, read: {}, stream: {} }

function take(db: DatabaseSync, note: Note): void {
  if (note.note === 'keep') keep(db, note.room, note.message)
  else if (note.note === 'link') link(db, note.room, note.id, note.foreign)
  else if (note.note === 'replace')
    statement(db, "UPDATE messages SET payload = ?, body = '' WHERE id = ?").run(note.payload, note.id)
  else if (note.note === 'seat') keepSeat(db, note.seat)
  else {
    const { owner, network, key } = note.seat
    statement(db, 'DELETE FROM seats WHERE owner = ? AND network = ? AND key = ?').run(owner, network, key)
  }
}

function keepSeat(db: DatabaseSync, seat: StoredSeat): void {
  statement(
    db,
    'INSERT OR REPLACE INTO seats (owner, network, key, room, nick, password, clients) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ).run(seat.owner, seat.network, seat.key, seat.room, seat.nick, seat.password, JSON.stringify(seat.clients))
}

function keep(db: DatabaseSync, room: string, message: StoredMessage): void {
  const of = roomId(db, room, true)
  const { changes, lastInsertRowid } = statement(
    db,
    'INSERT OR IGNORE INTO messages (room, id, at, nick, owner, mid, body, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  ).run(of, message.id, message.at, message.nick, message.owner, message.mid, message.body, message.payload)
  if (changes !== 0) for (const id of message.foreign) keepForeign(db, of, id, lastInsertRowid)
}

function link(db: DatabaseSync, room: string, id: string, foreign: readonly string[]): void {
  const of = roomId(db, room, false)
  const n = statement(db, 'SELECT n FROM messages WHERE id = ?').get(id)?.n
  if (of === null || n == null) return
  statement(db, 'DELETE FROM foreign_ids WHERE n = ?').run(n)
  const keepNow = statement(db, 'INSERT OR REPLACE INTO foreign_ids (room, id, n) VALUES (?, ?, ?)')
  for (const one of foreign) keepNow.run(of, one, n)
}

function find(db: DatabaseSync, wanted: Wanted): Found {
  const of = roomId(db, wanted.room, false)
  const placeOf = (id: string): number | null =>
    of === null
      ? null
      : ((statement(db, 'SELECT n FROM messages WHERE room = ? AND id = ?').get(of, id)?.n as number) ?? null)
  const missing = { missing: true } as const
  const terms = ['room = ?']
  const values: SQLInputValue[] = [of]
  const add = (term: string, ...more: SQLInputValue[]) => {
    terms.push(term)
    values.push(...more)
  }
  if (wanted.start !== undefined) add('at >= ?', wanted.start)
  if (wanted.end !== undefined) add('at <= ?', wanted.end)
  if (wanted.nick !== undefined) add('nick = ?', wanted.nick)
  if (wanted.ids !== undefined) {
    for (const id of wanted.ids) if (placeOf(id) === null) return missing
    add('id IN (SELECT value FROM json_each(?))', JSON.stringify(wanted.ids))
  }
  for (const [id, sign] of [
    [wanted.afterId, '>'],
    [wanted.beforeId, '<'],
  ] as const) {
    if (id === undefined) continue
    const n = placeOf(id)
    if (n === null) return missing
    add(`n ${sign} ?`, n)
  }
  const all = terms.join(' AND ')
  const count = Number(statement(db, `SELECT count(*) AS c FROM messages WHERE ${all}`).get(...values)?.c ?? 0)
  const { page, max } = wanted
  const backwards = page.from === 'before'
  let edge: number | null = null
  if (page.from !== 'start' && !(backwards && page.id === '')) {
    edge = placeOf(page.id)
    if (edge === null) return missing
  }
  const bound = edge === null ? '' : ` AND n ${backwards ? '<' : '>'} ?`
  const rows = statement(
    db,
    `SELECT * FROM messages WHERE ${all}${bound} ORDER BY n ${backwards ? 'DESC' : 'ASC'} LIMIT ?`,
  ).all(...values, ...(edge === null ? [] : [edge]), max + 1)
  const complete = rows.length <= max
  const messages = rowsOf(db, rows.slice(0, max))
  if (backwards) messages.reverse()
  const first = messages[0]
  const index =
    first === undefined
      ? 0
      : Number(
          statement(db, `SELECT count(*) AS c FROM messages WHERE ${all} AND n < ?`).get(...values, first.n)?.c ?? 0,
        )
  return { messages, complete, count, index }
}

function keepForeign(db: DatabaseSync, room: number, id: string, n: number | bigint): void {
  statement(db, 'INSERT OR IGNORE INTO foreign_ids (room, id, n) VALUES (?, ?, ?)').run(room, id, n)
}

function roomId(db: DatabaseSync, name: string, make: true): number
function roomId(db: DatabaseSync, name: string, make: false): number | null
function roomId(db: DatabaseSync, name: string, make: boolean): number | null {
  const found = statement(db, 'SELECT id FROM rooms WHERE name = ?').get(name)
  if (found !== undefined) return Number(found.id)
  return make ? Number(statement(db, 'INSERT INTO rooms (name) VALUES (?)').run(name).lastInsertRowid) : null
}

function rowsOf(db: DatabaseSync, rows: readonly Record<string, unknown>[]): PlacedMessage[] {
  return rows.map((row) => ({
    n: Number(row.n),
    id: String(row.id),
    at: Number(row.at),
    nick: String(row.nick),
    owner: row.owner === null ? null : String(row.owner),
    mid: String(row.mid),
    body: String(row.body),
    payload: String(row.payload),
    foreign: statement(db, 'SELECT id FROM foreign_ids WHERE n = ?')
      .all(Number(row.n))
      .map(({ id }) => String(id)),
  }))
}
