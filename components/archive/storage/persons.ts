// SPDX-License-Identifier: Apache-2.0
// Who people were, in the book: each state of a person once, and from when on it held. Records name its hash, so that later renames change
// nothing; whom a record only has an address of, such as those in a room, is who had it at that time.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import { bareOf } from '../../kit/xmpp/jid.ts'
import type { PersonThen } from '../domain/record.ts'
import { type Names, nameNumber } from './names.ts'

export function keepPerson(db: DatabaseSync, names: Names, hash: string, person: PersonThen, at: number | null): void {
  const { id, jid, name, mail, department, groups } = person
  const address = names.number(db, jid)
  if (address === null) return
  const insert = `INSERT OR IGNORE INTO person (hash, id, jid, name, name_key, mail, department, groups)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
  const said = [hash, id, address, name, nameKey(name), JSON.stringify(mail), department, JSON.stringify(groups)]
  statement(db, insert).run(...said)
  const number = Number(statement(db, 'SELECT number FROM person WHERE hash = ?').get(hash)?.number)
  for (const one of mail)
    statement(db, 'INSERT OR IGNORE INTO person_mail (mail, person) VALUES (?, ?)').run(nameKey(one), number)
  if (at !== null) statement(db, 'INSERT OR IGNORE INTO person_since (person, at) VALUES (?, ?)').run(number, at)
}

export type Persons = {
  byHash(hash: string): PersonThen | null
  /** Who had this address then. */
  at(address: string, at: number): PersonThen | null
}

const MOST_REMEMBERED = 10_000
const SELECT = `SELECT p.id, (SELECT text FROM name WHERE number = p.jid) AS jid, p.name, p.mail, p.department, p.groups FROM person p`

/** Remembers what it has read: for one answer. */
export function openPersons(book: DatabaseSync): Persons {
  const known = new Map<string, PersonThen | null>()
  return {
    byHash(hash) {
      if (hash === '') return null
      const here = known.get(hash)
      if (here !== undefined) return here
      if (known.size >= MOST_REMEMBERED) known.clear()
      const read = readPerson(statement(book, `${SELECT} WHERE p.hash = ?`).get(hash))
      known.set(hash, read)
      return read
    },
    at(address, at) {
      const number = nameNumber(book, bareOf(address))
      if (number === undefined) return null
      const sql = `${SELECT} JOIN person_since s ON s.person = p.number WHERE p.jid = ? AND s.at <= ? ORDER BY s.at DESC LIMIT 1`
      return readPerson(statement(book, sql).get(number, at))
    },
  }
}

/** All addresses and hashes of those who ever had this name, address or mail address; none: nobody is known by it. */
export function knownAs(book: DatabaseSync, said: string): { addresses: string[]; hashes: string[] } {
  const key = nameKey(said)
  const address = nameNumber(book, bareOf(said)) ?? -1
  const ids = `SELECT id FROM person WHERE name_key = :key OR jid = :address
    OR number IN (SELECT person FROM person_mail WHERE mail = :key)`
  const sql = `SELECT hash, (SELECT text FROM name WHERE number = jid) AS jid FROM person WHERE id IN (${ids}) ORDER BY number LIMIT ${MOST_STATES}`
  const rows = statement(book, sql).all({ key, address })
  return {
    addresses: [...new Set(rows.map(({ jid }) => String(jid)))],
    hashes: rows.map(({ hash }) => String(hash)),
  }
}

/** So many go into one query of the index. */
const MOST_STATES = 500

function readPerson(row: Record<string, SQLOutputValue> | undefined): PersonThen | null {
  if (row === undefined) return null
  return {
    id: String(row.id),
    jid: String(row.jid),
    name: String(row.name),
    mail: JSON.parse(String(row.mail)) as string[],
    department: String(row.department),
    groups: JSON.parse(String(row.groups)) as string[],
  }
}

function nameKey(text: string): string {
  return text.normalize('NFC').trim().toLowerCase()
}
