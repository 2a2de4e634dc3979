// SPDX-License-Identifier: Apache-2.0
// Who sender and recipient are, as it goes on record: an identity once before it is named, and again when it has changed.
import { createHash } from 'node:crypto'
import type { FactOf, WhoWas } from '../../kit/facts/facts.ts'
import type { People, Person } from '../domain/person.ts'
import type { Screened } from '../domain/screened.ts'

type Identity = Omit<FactOf<'identity'>, 'at'>

export class Identities {
  /** By person: the hash that was told last. */
  readonly #told = new Map<string, string>()
  #known = new WeakMap<Person, Identity>()
  #people: People | null = null
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Undefined where the directory names nobody of them. What is news goes to `news`, to stand before it on record. */
  whoOf({ people, sender: from, to }: Screened, news: FactOf<'identity'>[]): WhoWas | undefined {
    if (people === null) return undefined
    const [first = ''] = to
    const sender = this.#tell(people, from, news)
    const recipient = first === '' ? null : this.#tell(people, first, news)
    if (sender === null && recipient === null) return undefined
    return { ...(sender ? { from: sender } : {}), ...(recipient ? { to: recipient } : {}) }
  }

  /** Somebody is in a room and may read what is said there. */
  tell(people: People, bare: string, news: FactOf<'identity'>[]): void {
    this.#tell(people, bare, news)
  }

  /** What was told last is perhaps not on record. */
  forget(): void {
    this.#told.clear()
  }

  #tell(people: People, bare: string, news: FactOf<'identity'>[]): string | null {
    const person = people.find(bare)
    if (person === undefined) return null
    // Groups may have other names in another version.
    if (this.#people !== people) {
      this.#people = people
      this.#known = new WeakMap()
    }
    const identity = this.#known.get(person) ?? identityOf(person)
    this.#known.set(person, identity)
    if (this.#told.get(person.id) !== identity.hash) {
      this.#told.set(person.id, identity.hash)
      news.push({ ...identity, at: new Date(this.#now()).toISOString() })
    }
    return identity.hash
  }
}

function identityOf({ id, jid, name, mail, department, groups }: Person): Identity {
  const names = groups.map((group) => group.name).filter((group) => group !== '')
  const said = { id, jid, name, mail, ...(department === null ? {} : { department }), groups: names.sort() }
  const hash = createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 32)
  return { kind: 'identity', hash, ...said }
}
