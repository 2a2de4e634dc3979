// SPDX-License-Identifier: Apache-2.0
// XEP-0055, XEP-0059: literal bytes, and what clients send.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pageOf, readPaging, writePage } from '../../../components/kit/xep/result-sets.ts'
import { readSearch, writeFound, writeSearchForm } from '../../../components/kit/xep/search.ts'
import { parse } from '../../../components/kit/xml/parse.ts'

const S = `xmlns='jabber:iq:search'`
const X = `xmlns='jabber:x:data'`
const R = `xmlns='http://jabber.org/protocol/rsm'`

describe('XEP-0055', () => {
  test('§2.1, §3: what can be asked for, for clients with data forms and without', () => {
    const fields = [
      { var: 'x-any', label: 'Anything', description: 'A & B' },
      { var: 'last', label: `Family's` },
      { var: 'first', label: 'Given' },
    ]
    assert.equal(
      writeSearchForm({ title: 'People', instructions: 'Say < who', fields }),
      `<query ${S}><instructions>Say &lt; who</instructions><first/><last/><x ${X} type='form'><title>People</title><instructions>Say &lt; who</instructions>` +
        `<field var='FORM_TYPE' type='hidden'><value>jabber:iq:search</value></field>` +
        `<field var='x-any' type='text-single' label='Anything'><desc>A &amp; B</desc></field>` +
        `<field var='last' type='text-single' label='Family&apos;s'/><field var='first' type='text-single' label='Given'/></x></query>`,
    )
  })

  const asked: [string, string, { kind: string; said: [string, string][] }][] = [
    [
      'plain fields, as Pidgin fills them in',
      `<first/><last> Capulet </last><nick></nick>`,
      { kind: 'plain', said: [['last', 'Capulet']] },
    ],
    ['nothing', '', { kind: 'plain', said: [] }],
    [
      'a form, as Gajim submits it: hidden type, blanks for what is empty',
      `<x ${X} type='submit'><field var='FORM_TYPE' type='hidden'><value>jabber:iq:search</value></field><field var='last' type='text-single'><value>Capulet</value></field><field var='first'><value/></field></x>`,
      { kind: 'form', said: [['last', 'Capulet']] },
    ],
    [
      'a form without its type, as older clients submit it, and fields of nobody',
      `<x ${X} type='submit'><field var='last'><value>Cap</value></field><field var='x-gender'><value>male</value></field><field><value>u</value></field></x>`,
      {
        kind: 'form',
        said: [
          ['last', 'Cap'],
          ['x-gender', 'male'],
        ],
      },
    ],
    ['fields of another namespace', `<last xmlns='u:x'>Capulet</last>`, { kind: 'plain', said: [] }],
  ]
  for (const [title, inside, wanted] of asked)
    test(`is read: ${title}`, () => {
      const { kind, said } = readSearch(parse(`<query ${S}>${inside}</query>`))
      assert.deepEqual({ kind, said: [...said] }, wanted)
    })

  const refused: [string, string][] = [
    [
      'a form of another type',
      `<x ${X} type='submit'><field var='FORM_TYPE'><value>jabber:iq:register</value></field></x>`,
    ],
    ['a form that is no answer', `<x ${X} type='form'/>`],
    ['too long a text', `<last>${'a'.repeat(2_001)}</last>`],
    ['too many fields', `<x ${X} type='submit'>${`<field var='a'/>`.repeat(33)}</x>`],
  ]
  for (const [title, inside] of refused)
    test(`is refused: ${title}`, () => {
      assert.throws(() => readSearch(parse(`<query ${S}>${inside}</query>`)), { condition: 'bad-request' })
    })

  const columns = [
    { var: 'jid', label: 'Address' },
    { var: 'last', label: 'Family' },
  ]
  const found = [{ jid: 'juliet@capulet.example', values: { last: 'C<pulet', email: 'j@c.example' } }]

  test('§3: what was found, as a form: FORM_TYPE, reported, items', () => {
    assert.equal(
      writeFound('form', columns, found, '<set/>'),
      `<query ${S}><x ${X} type='result'><field var='FORM_TYPE' type='hidden'><value>jabber:iq:search</value></field>` +
        `<reported><field var='jid' type='jid-single' label='Address'/><field var='last' type='text-single' label='Family'/></reported>` +
        `<item><field var='jid'><value>juliet@capulet.example</value></field><field var='last'><value>C&lt;pulet</value></field></item></x><set/></query>`,
    )
  })

  test('§2.1: what was found, with plain fields; of nothing an empty query', () => {
    assert.equal(
      writeFound('plain', columns, found),
      `<query ${S}><item jid='juliet@capulet.example'><first></first><last>C&lt;pulet</last><nick></nick><email>j@c.example</email></item></query>`,
    )
    assert.equal(writeFound('plain', columns, []), `<query ${S}></query>`)
  })
})

describe('XEP-0059', () => {
  const ids = ['a', 'b', 'c', 'd', 'e']
  const pages: [string, string, string[] | null][] = [
    ['§2.1 a limit', `<max>2</max>`, ['a', 'b']],
    ['§2.1 no more than we give', `<max>1000</max>`, ['a', 'b', 'c']],
    ['§2.1 no limit', ``, ['a', 'b', 'c']],
    ['§2.2 forwards', `<max>2</max><after>b</after>`, ['c', 'd']],
    ['§2.2 behind the last', `<max>2</max><after>e</after>`, []],
    ['§2.3 backwards', `<max>2</max><before>d</before>`, ['b', 'c']],
    ['§2.3 backwards at the start', `<max>2</max><before>b</before>`, ['a']],
    ['§2.4 an item that is not there', `<after>z</after>`, null],
    ['§2.5 the last page', `<max>2</max><before/>`, ['d', 'e']],
    ['§2.6 out of order', `<max>2</max><index>3</index>`, ['d', 'e']],
    ['§2.6 beyond all', `<index>6</index>`, null],
    ['§2.7 only the count', `<max>0</max>`, []],
  ]
  for (const [title, inside, wanted] of pages)
    test(title, () => {
      const paging = readPaging(parse(`<query><set ${R}>${inside}</set></query>`), 3)
      assert.ok(paging !== null)
      const page = pageOf(paging, ids)
      assert.deepEqual(page === null ? null : ids.slice(page.from, page.to), wanted)
    })

  test('without a set nothing is said; what is none is refused', () => {
    assert.equal(readPaging(parse(`<query><set/></query>`), 3), null)
    for (const inside of [
      '<max>-1</max>',
      '<max>many</max>',
      '<index>1.5</index>',
      '<after>a</after><before>b</before>',
    ])
      assert.throws(() => readPaging(parse(`<query><set ${R}>${inside}</set></query>`), 3), {
        condition: 'bad-request',
      })
  })

  test('what a page says of itself', () => {
    assert.equal(
      writePage({ from: 1, to: 3 }, ['a', '<', 'c', 'd']),
      `<set ${R}><first index='1'>&lt;</first><last>c</last><count>4</count></set>`,
    )
    assert.equal(writePage({ from: 0, to: 0 }, ['a']), `<set ${R}><count>1</count></set>`)
  })
})
