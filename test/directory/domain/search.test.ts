// SPDX-License-Identifier: Apache-2.0
// Finding people: what fits, in which spelling, and that nobody learns of whom he may not see.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Person } from '../../../components/directory/domain/person.ts'
import { type Findable, SearchIndex, type Sight, type Wanted } from '../../../components/directory/domain/search.ts'

const person = (local: string, name: string, more: Partial<Person> = {}): Person => {
  const [given = '', ...family] = name.split(' ')
  return {
    id: `ad:${local}`,
    dn: `cn=${name}`,
    jid: `${local}@corp.example`,
    name,
    given,
    family: family.join(' '),
    mail: [`${local}@mail.example`],
    phone: [],
    groups: [],
    disabled: false,
    identities: {},
    ...more,
  }
}

const people = [
  person('jurgen', 'Jürgen Müller', { department: 'Research & Development', phone: ['+49 (30) 123-4567'] }),
  person('gross', 'Ilse Großmann', { department: 'Forschung Süd', phone: ['0049 30 765 4321'] }),
  person('soren', 'Søren Åkesson', { nick: 'zack' }),
  person('lukasz', 'Łukasz Żółw'),
  person('li', '李 小龙', { given: '小龙', family: '李' }),
  person('anna', 'Anna-Maria Schmidt', { mail: ['anna.schmidt@mail.example', 'am@other.example'] }),
  person('anna2', 'Anna Schmidt'),
  person('mueller', 'Paul Mueller'),
  person('gone', 'Anna Gone', { disabled: true }),
]
const index = new SearchIndex()
for (const one of people) index.put(one)

const localsOf = (wanted: Wanted, see: (person: Findable) => Sight = () => 'all', most = 100) =>
  index.find(wanted, see, most)?.hits.map(({ jid }) => jid.split('@')[0]) ?? null

describe('who is found', () => {
  const cases: [string, Wanted, string[] | null][] = [
    ['a start of a name', { any: 'schm' }, ['anna2', 'anna']],
    ['starts of words in any order', { any: 'schmidt ann' }, ['anna2', 'anna']],
    ['not the middle of a word', { any: 'chmidt' }, []],
    ['without the accent', { any: 'jurgen muller' }, ['jurgen']],
    ['as people write it who have none', { any: 'juergen mueller' }, ['jurgen']],
    ['with the umlaut, who has none himself', { last: 'Müller' }, ['jurgen', 'mueller']],
    ['in decomposed letters', { any: 'Ju\u0308rgen' }, ['jurgen']],
    ['ß as ss, in capitals', { any: 'GROSSMANN' }, ['gross']],
    ['ø and å', { any: 'soren akesson' }, ['soren']],
    ['ø and å the other way', { any: 'soeren aakesson' }, ['soren']],
    ['ł and ż', { any: 'lukasz zolw' }, ['lukasz']],
    ['one Chinese letter', { any: '李' }, ['li']],
    ['a part of a double name', { first: 'maria' }, ['anna']],
    ['by given name only', { first: 'schmidt' }, []],
    ['by nick', { nick: 'Zac' }, ['soren']],
    ['by department, a later word', { department: 'development' }, ['jurgen']],
    ['by department without its umlaut', { department: 'sud' }, ['gross']],
    ['by mail, whole', { mail: 'anna.schmidt@mail.example' }, ['anna']],
    ['by mail, its start, in capitals', { mail: 'Anna.S' }, ['anna']],
    ['by mail, a word in it', { mail: 'other' }, ['anna']],
    ['by a number with its country', { phone: '+49 30 1234567' }, ['jurgen']],
    ['by a number with 00', { phone: '0049301234567' }, ['jurgen']],
    ['by a number with 0', { phone: '030 123' }, ['jurgen']],
    ['by an extension', { phone: '4321' }, ['gross']],
    ['by a number in the one field', { any: '123-45 67' }, ['jurgen']],
    ['by a department in the one field', { any: 'forschung' }, ['gross']],
    ['a word for each', { any: 'ilse forschung' }, ['gross']],
    ['several fields, all of which fit', { last: 'schmidt', mail: 'am' }, ['anna']],
    ['several fields, one of which does not', { last: 'schmidt', department: 'research' }, []],
    ['with the star that other servers want', { any: 'ann*' }, ['anna2', 'anna']],
    ['nobody', { any: 'zzz' }, []],
    ['nothing said', {}, null],
    ['nothing but blanks and stars', { any: ' ** ' }, null],
    ['one letter', { any: 'a' }, null],
    ['two digits', { phone: '12' }, null],
    ['a pattern, which is none here', { any: 'a.*' }, null],
    ['a word that must not become a pattern', { any: 'sch(midt' }, []],
    ['who is disabled', { any: 'gone' }, []],
    ['an essay', { any: 'one two three four five six seven eight nine' }, null],
  ]
  for (const [title, wanted, locals] of cases) it(title, () => assert.deepEqual(localsOf(wanted), locals))

  it('sorted by name, at most so many, and that there are more', () => {
    const found = index.find({ any: 'schmidt' }, () => 'all', 1)
    assert.deepEqual([found?.hits.map(({ jid }) => jid), found?.more], [['anna2@corp.example'], true])
    assert.equal(index.find({ any: 'schmidt' }, () => 'all', 2)?.more, false)
  })

  it('who was changed, disabled or removed', () => {
    const own = new SearchIndex()
    const one = person('a', 'Berta Alt')
    own.put(one)
    own.put({ ...one, name: 'Berta Neu', family: 'Neu' })
    const locals = (any: string) => own.find({ any }, () => 'all', 9)?.hits.length
    assert.deepEqual([locals('alt'), locals('neu'), own.size], [0, 1, 1])
    own.put({ ...one, disabled: true })
    assert.deepEqual([locals('berta'), own.size], [0, 0])
    own.put(one)
    own.remove(one.id)
    assert.equal(locals('berta'), 0)
  })
})

describe('who may not be seen', () => {
  it('is not found, by whatever', () => {
    const see = ({ jid }: Findable): Sight => (jid.startsWith('anna@') ? 'nothing' : 'all')
    assert.deepEqual(localsOf({ any: 'schmidt' }, see), ['anna2'])
    assert.deepEqual(localsOf({ mail: 'anna.schmidt' }, see), [])
    assert.equal(index.find({ any: 'schmidt' }, see, 1)?.more, false)
  })

  it('by name alone: not by department, mail or number, in any field', () => {
    const see = (): Sight => 'name'
    assert.deepEqual(
      index.find({ any: 'jurgen' }, see, 9)?.hits.map(({ sight }) => sight),
      ['name'],
    )
    const hidden: Wanted[] = [
      { department: 'research' },
      { mail: 'jurgen' },
      { phone: '1234567' },
      { any: 'research' },
      { any: '1234567' },
      { any: 'mail.example' },
      { last: 'müller', department: 'research' },
      { any: 'müller research' },
    ]
    for (const wanted of hidden) assert.deepEqual(localsOf(wanted, see), [], JSON.stringify(wanted))
  })
})

it('groups that decide nothing are not kept, the others are asked about', () => {
  const own = new SearchIndex((group) => group === 'ad:walled')
  own.put(person('a', 'Anna One', { groups: ['ad:lunch', 'ad:walled'] }))
  own.put(person('b', 'Anna Two', { groups: ['ad:lunch'] }))
  const asked: Findable[] = []
  const see = (one: Findable): Sight => {
    asked.push(one)
    return one.groups.length > 0 ? 'nothing' : 'all'
  }
  assert.deepEqual(
    own.find({ any: 'anna' }, see, 9)?.hits.map(({ jid }) => jid),
    ['b@corp.example'],
  )
  assert.deepEqual(
    asked.map(({ groups }) => groups),
    [['ad:walled'], []],
  )
})

it('50,000 people are looked through, and found', () => {
  const many = new SearchIndex()
  for (let n = 0; n < 50_000; n++)
    many.put(
      person(`p${n}`, `Given${n % 300} Family${n}`, {
        department: `Department ${n % 40}`,
        phone: [`+49 30 ${100_000 + n}`],
      }),
    )
  assert.deepEqual(
    many.find({ any: 'family49999' }, () => 'all', 10)?.hits.map(({ jid }) => jid),
    ['p49999@corp.example'],
  )
  assert.equal(many.find({ any: 'given7' }, () => 'all', 100)?.hits.length, 100)
  assert.equal(many.find({ phone: '149999' }, () => 'all', 10)?.hits.length, 1)
})
