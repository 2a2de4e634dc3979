// SPDX-License-Identifier: Apache-2.0
// Search (XEP-0055): who may look for whom, and what he is shown.
import type { IqRoute } from '../../kit/router/router.ts'
import type { Catalogue } from '../../kit/text/catalogue.ts'
import { pageOf, RESULT_SETS, writePage } from '../../kit/xep/result-sets.ts'
import { SEARCH } from '../../kit/xep/search.ts'
import { bareOf, domainOf } from '../../kit/xmpp/jid.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import { NO_WALLS, readParted, type Walled } from '../domain/parted.ts'
import type { ProvisionedGroup, ProvisionedPerson } from '../domain/provisioned.ts'
import { namePattern } from '../domain/roster-rules.ts'
import { type Findable, type Hit, SearchIndex, type Sight } from '../domain/search.ts'
import { wallsOf } from '../parted-rooms.ts'
import { readQuery, type SearchLabels, writeFields, writeHits } from '../protocol/search-query.ts'
import type { DirectoryStore } from '../storage/directory-store.ts'

/** Who sees what. `hidden`: patterns of names of groups whose members are found only by one another. `most`: of one search. */
export type SightRules = {
  outsiders: Exclude<Sight, 'all'>
  /** What accounts of our hosts are of which the directory knows nothing. */
  unknown: 'outsiders' | 'colleagues'
  walledOff: Exclude<Sight, 'all'>
  hidden: readonly string[]
  most: number
}

export type SearchingOptions = {
  store: DirectoryStore
  hosts: ReadonlySet<string>
  rules: SightRules
  text: Pick<Catalogue, 'say' | 'inAll'>
}

export type Searching = {
  readonly routes: readonly IqRoute[]
  readonly features: readonly string[]
  readonly size: number
  /** Everything up to this version can be found. */
  notice(seq: number): Promise<void>
  /** In a group of which nobody else is to know. */
  isHidden(groups: readonly string[]): boolean
  /** What somebody (bare address) may see of a person. */
  sightOf(asker: string): Promise<(person: Findable) => Sight>
}

/** Items of a page, whoever asks for more. */
const MOST_OF_PAGE = 100
const BATCH = 1_000

export function openSearching({ store, hosts, rules, text }: SearchingOptions): Searching {
  const patterns = rules.hidden.map(namePattern)
  let walls = NO_WALLS
  let hidden: ReadonlySet<string> = new Set()
  let index = new SearchIndex(() => false)
  let last = -1
  const labelsFor = (language: string): SearchLabels => ({
    title: text.say('directory-search-title', language),
    instructions: text.say('directory-search-instructions', language),
    of: (name) => text.say(`directory-search-${name}`, language),
  })
  const route = (type: 'get' | 'set', answer: IqRoute['answer']): IqRoute => ({
    type,
    namespace: SEARCH,
    name: 'query',
    order: 'sender',
    answer,
  })
  return {
    routes: [
      route('get', async ({ from, language }) => {
        admit(await askerOf(from))
        return writeFields(labelsFor(language))
      }),
      route('set', async ({ from, language, payload }) => {
        const asker = await askerOf(from)
        admit(asker)
        const { kind, wanted, paging } = readQuery(payload, MOST_OF_PAGE)
        const found = index.find(wanted, sightFor(asker), rules.most)
        if (found === null) throw new StanzaError('modify', 'not-acceptable', text.inAll('directory-search-too-little'))
        const ids = found.hits.map(({ jid }) => jid)
        const page = paging === null ? { from: 0, to: ids.length } : pageOf(paging, ids)
        if (page === null) throw new StanzaError('cancel', 'item-not-found')
        const shown = await described(found.hits.slice(page.from, page.to))
        return writeHits(kind, shown, labelsFor(language), paging === null ? '' : writePage(page, ids))
      }),
    ],
    features: [RESULT_SETS],
    get size() {
      return index.size
    },
    async notice(seq) {
      if (last === seq) return
      const version = await store.read('version', seq)
      const isNext = last === seq - 1 && version !== null && version.steps > 0
      if (!isNext || !(await followed(seq))) await readAll()
      last = seq
    },
    isHidden,
    sightOf: async (asker) => sightFor(await askerOf(asker)),
  }

  function isHidden(groups: readonly string[]): boolean {
    return groups.some((group) => hidden.has(group))
  }

  /** Null: an outsider. */
  async function askerOf(from: string): Promise<Walled | null> {
    if (!hosts.has(domainOf(from))) return null
    const jid = bareOf(from)
    const body = await store.read('bodyAt', jid)
    if (body === null) return rules.unknown === 'colleagues' ? { jid, groups: [] } : null
    return { jid, groups: (JSON.parse(body) as ProvisionedPerson).groups }
  }

  function admit(asker: Walled | null): void {
    if (asker !== null || rules.outsiders !== 'nothing') return
    throw new StanzaError('auth', 'forbidden', text.inAll('directory-search-not-for-you'))
  }

  function sightFor(asker: Walled | null): (person: Findable) => Sight {
    if (asker === null) return ({ groups }) => (isHidden(groups) ? 'nothing' : rules.outsiders)
    const own = new Set(asker.groups)
    return (person) => {
      if (person.jid === asker.jid) return 'all'
      const inHidden = person.groups.filter((group) => hidden.has(group))
      if (inHidden.length > 0 && !inHidden.some((group) => own.has(group))) return 'nothing'
      return walls.between(asker, person) ? rules.walledOff : 'all'
    }
  }

  /** As they are now, if they still are who they were when they were found. */
  async function described(hits: readonly Hit[]): Promise<{ hit: Hit; person: ProvisionedPerson }[]> {
    const bodies = await store.read(
      'bodiesOf',
      hits.map(({ id }) => id),
    )
    const people = new Map(bodies.map((body) => JSON.parse(body) as ProvisionedPerson).map((one) => [one.id, one]))
    return hits.flatMap((hit) => {
      const person = people.get(hit.id)
      return person === undefined || person.jid !== hit.jid || person.disabled ? [] : [{ hit, person }]
    })
  }

  /** False: a group has come, gone or changed its name, or a wall has, which may change who sees whom. */
  async function followed(seq: number): Promise<boolean> {
    for await (const steps of store.stream('steps', seq, { batch: BATCH }))
      for (const { kind, id, after } of steps) {
        if (kind !== 'person') return false
        if (after === '') index.remove(id)
        else index.put(JSON.parse(after) as ProvisionedPerson)
      }
    return true
  }

  async function readAll(): Promise<void> {
    const teams = (await store.read('teams', null)).map((body) => JSON.parse(body) as ProvisionedGroup)
    walls = readParted(await wallsOf(store))
    hidden = new Set(teams.filter(({ name }) => patterns.some((one) => one.test(name))).map(({ id }) => id))
    const anew = new SearchIndex((group) => hidden.has(group) || walls.groups.has(group))
    for await (const bodies of store.stream('bodies', null, { batch: BATCH }))
      for (const body of bodies) anew.put(JSON.parse(body) as ProvisionedPerson)
    index = anew
  }
}
