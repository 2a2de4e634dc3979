// SPDX-License-Identifier: Apache-2.0
// What servers told of the accounts behind addresses, in the book. Records name addresses; which identity it was follows from the
// time, so that what is told late or twice ends in the same.
import type { DatabaseSync } from 'node:sqlite'
import type { AccountEvent } from '../../kit/facts/facts.ts'
import { statement } from '../../kit/store/statement.ts'
import { bareOf, domainOf } from '../../kit/xmpp/jid.ts'
import { holderAt, isNeedless, type Period, periodsOf, type Word, writeIdentity } from '../domain/identity.ts'
import type { Hosts, Identity, ShownTry } from '../domain/record.ts'
import { type Names, nameNumber } from './names.ts'
import { openPersons, type Persons } from './persons.ts'

/** `id`: opaque; `toldBy`: who knows accounts by it. */
export type Told = { jid: string; id: string; toldBy: 'server'; event: AccountEvent; at: number }

/** True when the address had an identity before this one, which is new. */
export function keepAccount(db: DatabaseSync, names: Names, { jid, id, toldBy, event, at }: Told): boolean {
  const address = names.number(db, jid)
  if (address === null) return false
  const known = statement(db, 'SELECT number FROM identity WHERE jid = ? AND told_by = ? AND id = ?').get(
    address,
    toldBy,
    id,
  )
  const identity = known ? Number(known.number) : addIdentity(db, address, toldBy, id)
  statement(db, 'INSERT OR IGNORE INTO identity_word (identity, event, at) VALUES (?, ?, ?)').run(identity, event, at)
  // At each login something is said; only what begins or ends is kept.
  const words = wordsOf(db, address)
  for (const [place, word] of words.entries())
    if (isNeedless(words[place - 1], word, words[place + 1])) {
      statement(db, 'DELETE FROM identity_word WHERE number = ?').run(word.number)
      break
    }
  return !known && ordinalOf(db, identity) > 1
}

function addIdentity(db: DatabaseSync, address: number, toldBy: string, id: string): number {
  const sql = `INSERT INTO identity (jid, ordinal, id, told_by)
    VALUES (:address, (SELECT ifnull(max(ordinal), 0) + 1 FROM identity WHERE jid = :address), :id, :toldBy)`
  return Number(statement(db, sql).run({ address, id, toldBy }).lastInsertRowid)
}

function ordinalOf(db: DatabaseSync, identity: number): number {
  return Number(statement(db, 'SELECT ordinal FROM identity WHERE number = ?').get(identity)?.ordinal)
}

function wordsOf(book: DatabaseSync, address: number): (Word & { number: number })[] {
  const sql = `SELECT w.number, i.ordinal, w.event, w.at FROM identity i JOIN identity_word w ON w.identity = i.number
    WHERE i.jid = ? ORDER BY w.at, w.number`
  return statement(book, sql)
    .all(address)
    .map(({ number, ordinal, event, at }) => ({
      number: Number(number),
      ordinal: Number(ordinal),
      event: String(event) as AccountEvent,
      at: Number(at),
    }))
}

/** Nothing where no server told of the address. */
export function periodsFor(book: DatabaseSync, address: string): Period[] {
  const number = nameNumber(book, address)
  return number === undefined ? [] : periodsOf(wordsOf(book, number))
}

const MOST_REMEMBERED = 10_000

export type Identities = ((address: string, at: number) => Identity | null) & { persons: Persons }

/** Remembers what it has read: for one answer. */
export function openIdentities(book: DatabaseSync): Identities {
  const known = new Map<string, Period[]>()
  const identityAt = (address: string, at: number): Identity | null => {
    const bare = bareOf(address)
    let periods = known.get(bare)
    if (periods === undefined) {
      if (known.size >= MOST_REMEMBERED) known.clear()
      periods = periodsFor(book, bare)
      known.set(bare, periods)
    }
    const holder = holderAt(periods, at)
    if (holder === null) return null
    const several = periods.some(({ ordinal }) => ordinal !== periods[0]?.ordinal) || holder.ordinal === 0
    return { name: writeIdentity(bare, holder.ordinal), sure: holder.sure, several }
  }
  return Object.assign(identityAt, { persons: openPersons(book) })
}

/** Sender and recipient as they were when it was sent: their identities, and who they were. */
export function identified(identities: Identities, shown: ShownTry): ShownTry {
  const at = shown.at ?? shown.recordedAt
  const from = identities(shown.from, at)
  // Whoever speaks has logged in, and that was told: another one would be known.
  const fromIdentity = from && { ...from, sure: from.sure || shown.via === 'c2s' }
  const { persons } = identities
  return {
    ...shown,
    fromIdentity,
    toIdentity: identities(shown.to, at),
    fromPerson: persons.byHash(shown.fromWho),
    toPerson: persons.byHash(shown.toWho),
  }
}

export type KnownIdentity = { identity: string; toldBy: string; id: string } & Omit<Period, 'ordinal'>

/** Oldest first; without an address those of addresses that had several. */
export function identitiesOf(
  book: DatabaseSync,
  { address, limit, hosts }: { address: string; limit: number; hosts: Hosts },
): KnownIdentity[] {
  const sql = `SELECT number, text FROM name WHERE ${address ? 'text = :address' : 'number IN (SELECT jid FROM identity WHERE ordinal > 1)'}
    ORDER BY number DESC LIMIT :limit`
  const about = 'SELECT ordinal, id, told_by FROM identity WHERE jid = ?'
  const found: KnownIdentity[] = []
  for (const { number, text } of statement(book, sql).all({ limit, ...(address ? { address } : {}) })) {
    if (hosts !== null && !hosts.includes(domainOf(String(text)).toLowerCase())) continue
    const told = new Map(
      statement(book, about)
        .all(Number(number))
        .map((row) => [Number(row.ordinal), { toldBy: String(row.told_by), id: String(row.id) }]),
    )
    for (const { ordinal, ...period } of periodsOf(wordsOf(book, Number(number))))
      found.push({
        identity: writeIdentity(String(text), ordinal),
        ...(told.get(ordinal) ?? { toldBy: '', id: '' }),
        ...period,
      })
  }
  return found.slice(0, limit)
}

/** Addresses that had more than one. */
export function reopened(book: DatabaseSync): number {
  return Number(
    statement(book, 'SELECT count(DISTINCT jid) AS value FROM identity WHERE ordinal > 1').get()?.value ?? 0,
  )
}
