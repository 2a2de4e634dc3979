// SPDX-License-Identifier: Apache-2.0
// Tables of what the domain decides: addresses, the brake, whose roster a group stands in, walls, and the time of the whole reading.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type BrakeSettings, holdBack, NO_COUNTS, type PlanCounts } from '../../../components/directory/domain/brake.ts'
import { Company, type PersonMark } from '../../../components/directory/domain/company.ts'
import { differencePerson, movedBetween } from '../../../components/directory/domain/difference.ts'
import { addressOf, escapeLocal, readJidTemplate } from '../../../components/directory/domain/jid-template.ts'
import { readParted } from '../../../components/directory/domain/parted.ts'
import type { ProvisionedPerson } from '../../../components/directory/domain/provisioned.ts'
import { leftOut } from '../../../components/directory/domain/roster.ts'
import { namePattern, type RosterGroup, rosterRules } from '../../../components/directory/domain/roster-rules.ts'
import { groupIds, NO_LISTS, settle } from '../../../components/directory/domain/settle.ts'
import { provisionWall } from '../../../components/directory/domain/walls.ts'
import { nextAt } from '../../../components/directory/schedule.ts'
import { madeUp } from '../company.ts'

const HOSTS = new Set(['corp.example'])
const NOBODY = { ownerOf: () => undefined }

describe('an address from a template', () => {
  const cases: readonly [template: string, attributes: Record<string, string>, jid: string | null][] = [
    ['{uid}@corp.example', { uid: 'Alice' }, 'alice@corp.example'],
    ['{given}.{sn}@corp.example', { given: 'Ann Mary', sn: "O'Hara" }, 'ann\\20mary.o\\27hara@corp.example'],
    ['{uid}@corp.example', { uid: 'a@b' }, 'a\\40b@corp.example'],
    ['{mail}', { mail: 'alice+x@corp.example' }, 'alice+x@corp.example'],
    ['{mail}', { mail: 'a/b@CORP.example' }, 'a\\2fb@corp.example'],
    ['{mail}', { mail: 'alice@elsewhere.example' }, null],
    ['{mail}', { mail: 'alice' }, null],
    ['{uid}@{domain}', { uid: 'a', domain: 'corp.example' }, 'a@corp.example'],
    ['{uid}@{domain}', { uid: 'a', domain: 'corp.example/x' }, null],
    ['{uid}@corp.example', { uid: '  ' }, null],
    ['{uid}@corp.example', {}, null],
    ['{uid}@corp.example', { uid: 'x'.repeat(1_024) }, null],
    ['{constructor}@corp.example', {}, null],
    ['x-{uid}@corp.example', { uid: 'Straße' }, 'x-strasse@corp.example'],
  ]
  for (const [template, attributes, jid] of cases)
    test(`${template} of ${JSON.stringify(attributes).slice(0, 60)}: ${jid}`, () => {
      const read = readJidTemplate(template)
      assert.ok(read)
      const found = addressOf(read, attributes, HOSTS)
      assert.equal('jid' in found ? found.jid : null, jid)
    })

  test('what is no template', () => {
    for (const text of ['alice@corp.example', '{uid', '{}@corp.example', '{a b}@x', '{uid}@a@{b}@c']) {
      assert.equal(readJidTemplate(text), null, text)
    }
  })

  // XEP-0106 §5.1 and its tables.
  test('escaping', () => {
    const pairs = [
      ['space cadet', 'space\\20cadet'],
      ['call me "ishmael"', 'call\\20me\\20\\22ishmael\\22'],
      ['at&t guy', 'at\\26t\\20guy'],
      ['/.fanboy', '\\2f.fanboy'],
      ['::foo::', '\\3a\\3afoo\\3a\\3a'],
      ['<foo>', '\\3cfoo\\3e'],
      ['c:\\net', 'c\\3a\\net'],
      ['c:\\cool stuff', 'c\\3a\\cool\\20stuff'],
      ['c:\\5commas', 'c\\3a\\5c5commas'],
    ]
    for (const [text = '', escaped] of pairs) assert.equal(escapeLocal(text), escaped)
  })
})

test('the brake', () => {
  const usual: BrakeSettings = { removeShare: 0.1, removeFew: 5, touch: 1_000 }
  const counts = (people: Partial<PlanCounts['people']>, groups: Partial<PlanCounts['groups']> = {}): PlanCounts => ({
    ...NO_COUNTS,
    people: { ...NO_COUNTS.people, ...people },
    groups: { ...NO_COUNTS.groups, ...groups },
  })
  const cases: readonly [PlanCounts, string[], BrakeSettings?][] = [
    [counts({ there: 0, added: 1_000 }), []],
    [counts({ there: 0, added: 1_001 }), ['touch']],
    [counts({ there: 100, removed: 10 }), []],
    [counts({ there: 100, removed: 11 }), ['people']],
    [counts({ there: 100, removed: 6, locked: 5 }), ['people']],
    [counts({ there: 20, removed: 5 }), []],
    [counts({ there: 9, removed: 5 }), ['people']],
    [counts({ there: 2, removed: 1 }), []],
    [counts({ there: 2, removed: 2 }), ['people']],
    [counts({ there: 1, removed: 1 }), []],
    [counts({}, { there: 100, removed: 11 }), ['groups']],
    [counts({ there: 100, removed: 1 }), ['people'], { removeShare: 0, removeFew: 0, touch: 10 }],
    [counts({ there: 50, changed: 1_001 }), ['touch']],
  ]
  for (const [count, held, settings] of cases)
    assert.deepEqual(
      holdBack(count, settings ?? usual).map(({ why }) => why),
      held,
      JSON.stringify(count),
    )
})

describe('groups in rosters', () => {
  test('the first rule of which a pattern fits decides', () => {
    const rules = rosterRules([
      { groups: ['team-*'], name: 'Team {name}', shown: 'everybody', to: [], order: 2 },
      { groups: ['secret*', 'Domain Users'], name: '{name}', shown: 'nobody', to: [], order: 0 },
      { groups: ['*'], name: '{name}', shown: 'groups', to: ['staff*'], order: 0 },
    ])
    assert.equal(rules.of('TEAM-a')?.shownAs, 'Team TEAM-a')
    assert.equal(rules.of('secret ones'), null)
    assert.equal(rules.of('domain users'), null)
    const rest = rules.of('x')
    assert.ok(rest && rules.isShownTo(rest.rule, 'Staff of Berlin') && !rules.isShownTo(rest.rule, 'x'))
    assert.ok(namePattern('a.*(b)').test('A.xyz(B)') && !namePattern('a.b').test('axb'))
  })

  test('a group that would take a roster over the cap is left out whole, and the next one is tried', () => {
    const corp = madeUp()
    const company = new Company({ template: readJidTemplate('{uid}@corp.example') ?? assert.fail(), hosts: HOSTS })
    for (let at = 0; at < 10; at++) company.put(corp.person(`p${at}`, at === 9 ? { disabled: true } : {}))
    const members = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `p${from + at}`)
    company.put(corp.group('a-small', members(0, 3)))
    company.put(corp.group('b-large', members(0, 8)))
    company.put(corp.group('c-again', members(0, 4)))
    company.put(corp.group('d-locked', ['p0', 'p9']))
    company.put(corp.group('e-hidden', members(0, 9)))
    const lists = settle(company, { ownerOf: () => undefined }, HOSTS, 0, NO_LISTS, () => {})
    const roster: RosterGroup = { name: 'x', shown: 'members', to: [], order: 0 }
    const rosterOf = (id: string): RosterGroup | undefined => (id === 'corp:e-hidden' ? undefined : roster)
    const isThere = (mark: PersonMark) => mark.jid !== null && !mark.disabled
    // p0..p2 would have 7 contacts with b, p3 too; p4..p7 have b only.
    assert.deepEqual(leftOut(lists, rosterOf, isThere, 6), [{ group: 'corp:b-large', members: 8, rosters: 8 }])
    assert.deepEqual(leftOut(lists, rosterOf, isThere, 7), [])
    const everybody = (id: string): RosterGroup | undefined =>
      id === 'corp:a-small' ? { ...roster, shown: 'everybody', order: 5 } : rosterOf(id)
    assert.deepEqual(leftOut(lists, everybody, isThere, 2), [
      { group: 'corp:a-small', members: 3, rosters: 6 },
      { group: 'corp:b-large', members: 8, rosters: 8 },
      { group: 'corp:c-again', members: 4, rosters: 4 },
    ])
    // A wall between those of a and all others of b: each side has room for its own, as the helper counts.
    company.put(corp.group('f-rest', members(3, 8)))
    const apart = settle(company, { ownerOf: () => undefined }, HOSTS, 0, lists, () => {})
    const walls = readParted([{ kind: 'wall', id: 'w', a: ['corp:a-small'], b: ['corp:f-rest'], except: [] }])
    assert.deepEqual(leftOut(apart, rosterOf, isThere, 4, walls), [])
    assert.deepEqual(leftOut(apart, rosterOf, isThere, 3, walls), [
      { group: 'corp:b-large', members: 8, rosters: 5 },
      { group: 'corp:f-rest', members: 5, rosters: 5 },
    ])
    assert.deepEqual(groupIds(lists, 0), [
      'corp:a-small',
      'corp:b-large',
      'corp:c-again',
      'corp:d-locked',
      'corp:e-hidden',
    ])
  })
})

test('what differs between two of one person', () => {
  const had: ProvisionedPerson = {
    kind: 'person',
    id: 'corp:1',
    jid: 'a@corp.example',
    oldJids: [],
    name: 'A',
    mail: [],
    phone: [],
    groups: ['g'],
    disabled: false,
    identities: {},
  }
  const cases: readonly [Partial<ProvisionedPerson>, string | null][] = [
    [{}, null],
    [{ groups: ['g', 'h'] }, 'groups'],
    [{ name: 'B', groups: [] }, 'change'],
    [{ disabled: true, name: 'B' }, 'lock'],
    [{ jid: 'b@corp.example', oldJids: ['a@corp.example'], disabled: true }, 'readdress'],
    [{ department: 'x' }, 'change'],
  ]
  for (const [more, change] of cases)
    assert.equal(differencePerson(had, { ...had, ...more })?.change ?? null, change, JSON.stringify(more))
  assert.equal(differencePerson({ ...had, disabled: true }, had)?.change, 'unlock')
  assert.equal(differencePerson(null, had)?.change, 'add')
  assert.equal(differencePerson(had, null)?.change, 'remove')
  assert.deepEqual(movedBetween(['a', 'b'], ['b', 'c']), { added: ['c'], removed: ['a'] })
})

test('a wall between groups by name; exceptions of one, of two, of several, and those that are over', () => {
  const corp = madeUp()
  const company = new Company({ template: readJidTemplate('{uid}@corp.example') ?? assert.fail(), hosts: HOSTS })
  for (const uid of ['a', 'b', 'c', 'd']) company.put(corp.person(uid))
  company.put(corp.group('1', ['a', 'b'], { name: 'Zürich ' }))
  company.put(corp.group('2', ['c', 'd'], { name: 'Other' }))
  const lists = settle(company, { ownerOf: () => undefined }, HOSTS, 0, NO_LISTS, () => {})
  const until = '2026-01-01T00:00:00.000Z'
  const pairs = (jids: readonly string[], now: number) =>
    provisionWall(
      { kind: 'wall', id: 'w', a: 'zu\u0308rich', b: 'OTHER', except: [{ jids, until }] },
      company,
      lists,
      { ownerOf: (jid) => (jid === 'before@corp.example' ? 'corp:c' : undefined) },
      now,
      () => assert.fail(),
    )?.except.map((pair) => pair.map((jid) => jid[0]).join(''))
  const before = Date.parse(until) - 1
  const jid = (uid: string) => `${uid}@corp.example`
  assert.deepEqual(pairs([jid('a')], before), ['ac', 'ad'])
  assert.deepEqual(pairs([jid('a'), jid('c')], before), ['ac'])
  assert.deepEqual(pairs([jid('a'), jid('c'), jid('d')], before), ['ac', 'ad', 'cd'])
  assert.deepEqual(pairs([jid('a')], before + 1), [])
  assert.deepEqual(pairs(['stranger@corp.example'], before), [])
  // Whoever had another address then; and what is no person's.
  assert.deepEqual(pairs([jid('a'), 'Before@corp.example'], before), ['ac'])
  assert.deepEqual(pairs([jid('a'), 'corp.example'], before), [])
  const many = Array.from({ length: 3_000 }, (_, at) => ({
    jids: [`person-${at}@corp.example`, 'c@corp.example'],
    until,
  }))
  let cut = ''
  const wall = { kind: 'wall' as const, id: 'w', a: 'Zürich', b: 'Other', except: many }
  const closed = provisionWall(wall, company, lists, NOBODY, before, (id) => {
    cut = id
  })
  assert.deepEqual([cut, closed?.except], ['w', []], 'too many to be handed over: the wall stands without them')
  const none = { kind: 'wall', id: 'w', a: 'Zürich', b: 'nobody', except: [] } as const
  assert.equal(
    provisionWall(none, company, lists, NOBODY, 0, () => {}),
    null,
  )
})

test('the next time that the clock says so', () => {
  const at = (text: string) => new Date(text).getTime()
  const three = { hour: 3, minute: 0 }
  assert.equal(nextAt(three, at('2026-11-22T02:59:59')), at('2026-11-22T03:00:00'))
  assert.equal(nextAt(three, at('2026-11-22T03:00:00')), at('2026-11-23T03:00:00'))
  assert.equal(nextAt(three, at('2026-12-31T12:00:00')), at('2027-01-01T03:00:00'))
})
