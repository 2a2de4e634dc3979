// SPDX-License-Identifier: Apache-2.0
// What must be known of all entries at once to say who stands where: names, memberships, wanted addresses. The rest of an entry stays in
// the store, so that a large company costs memory once.
import { normalDn } from './dn.ts'
import { addressOf, type JidTemplate, type NoAddress } from './jid-template.ts'
import type { ReadGroup, ReadPerson } from './source.ts'

export type PersonMark = {
  readonly id: string
  readonly source: string
  dn: number
  uid: string
  token: string
  /** Number of a DN, or -1. */
  managerDn: number
  /** What the template gives. */
  wanted: { jid: string } | NoAddress
  disabled: boolean
  expiresAt: number | null
  /** The address as provisioned; null: not provisioned. */
  given: string | null
  /** The rest is what the last `settle` found. */
  jid: string | null
  wrong: AddressProblem | null
  manager: PersonMark | null
  /** Place in the lists of that time, or -1. */
  at: number
}

export type GroupMark = {
  readonly id: string
  readonly source: string
  dn: number
  name: string
  description: string | undefined
  memberDns: readonly number[]
  memberUids: readonly string[]
  token: string
  /** Named by the group and nobody here: outside the bases, or gone. */
  strangers: number
}

/** Why somebody does not have the address that he should have. `by`: id of the person to whom it was given first, or who wants it as well. */
export type AddressProblem = NoAddress | { wrong: 'taken' | 'shared'; address: string; by: string }

/** Every address ever given and to whom; it never changes hands. */
export type Addresses = { ownerOf(jid: string): string | undefined }

export type CompanyOptions = {
  template: JidTemplate
  hosts: ReadonlySet<string>
}

/** `dns`: numbers of DNs by their one spelling, of all sources together; dead ones stay until everything is read anew. */
type Source = { name: string; dns: Map<string, number> }

export class Company {
  readonly #options: CompanyOptions
  readonly people = new Map<string, PersonMark>()
  readonly groups = new Map<string, GroupMark>()
  /** By name: two directories may have the same DNs. */
  readonly #sources = new Map<string, Source>()
  #dnCount = 0

  constructor(options: CompanyOptions) {
    this.#options = options
  }

  /** A new entry, or in the place of the one with its id. */
  put(entry: ReadPerson | ReadGroup): void {
    if (entry.kind === 'person') this.#putPerson(entry)
    else this.#putGroup(entry)
  }

  /** True when it was there. */
  drop(id: string): boolean {
    return this.people.delete(id) || this.groups.delete(id)
  }

  /** The id of the entry with this DN. */
  idAt(source: string, dn: string): string | undefined {
    const number = this.#sources.get(source)?.dns.get(keyOf(dn))
    if (number === undefined) return undefined
    for (const marks of [this.people, this.groups])
      for (const mark of marks.values()) if (mark.dn === number) return mark.id
    return undefined
  }

  /** Whether this is its DN still. */
  isAt({ source, dn }: PersonMark | GroupMark, text: string): boolean {
    return this.#sources.get(source)?.dns.get(keyOf(text)) === dn
  }

  get dnCount(): number {
    return this.#dnCount
  }

  #putPerson(entry: ReadPerson): void {
    const { id, dn, uid, primaryGroupToken = '', managerDn, disabled, expiresAt = null, template } = entry
    const source = this.#source(id)
    const before = this.people.get(id)
    const wanted = addressOf(this.#options.template, template, this.#options.hosts)
    const mark: PersonMark = before ?? {
      id,
      source: source.name,
      dn: 0,
      uid: '',
      token: '',
      managerDn: -1,
      wanted,
      disabled: false,
      expiresAt: null,
      given: null,
      jid: null,
      wrong: null,
      manager: null,
      at: -1,
    }
    mark.dn = this.#number(source, dn)
    mark.uid = uid
    mark.token = primaryGroupToken
    mark.managerDn = managerDn === undefined ? -1 : this.#number(source, managerDn)
    mark.wanted = wanted
    mark.disabled = disabled
    mark.expiresAt = expiresAt
    if (before === undefined) this.people.set(id, mark)
  }

  #putGroup({ id, dn, name, description, memberDns, memberUids, primaryGroupToken = '' }: ReadGroup): void {
    const source = this.#source(id)
    this.groups.set(id, {
      id,
      source: source.name,
      dn: this.#number(source, dn),
      name,
      description,
      memberDns: memberDns.map((member) => this.#number(source, member)),
      memberUids,
      token: primaryGroupToken,
      strangers: 0,
    })
  }

  #source(id: string): Source {
    const name = sourceOf(id)
    let source = this.#sources.get(name)
    if (source === undefined) {
      source = { name, dns: new Map() }
      this.#sources.set(name, source)
    }
    return source
  }

  #number({ dns }: Source, dn: string): number {
    const key = keyOf(dn)
    const known = dns.get(key)
    if (known !== undefined) return known
    dns.set(key, this.#dnCount)
    this.#dnCount += 1
    return this.#dnCount - 1
  }
}

/** 'NAME:UUID' */
export function sourceOf(id: string): string {
  return id.slice(0, id.indexOf(':'))
}

/** A text that is no DN is itself. */
function keyOf(dn: string): string {
  return normalDn(dn) ?? dn
}
