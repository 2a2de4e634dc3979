// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fields, keyOf, type PeopleItem, readItem, writeItem } from '../../../components/kit/facts/people.ts'

const lines = readFileSync(new URL('../../golden/people-1.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const items = lines.map((line) => JSON.parse(line) as PeopleItem)

test('the golden people of version 1 are read and written again byte for byte', () => {
  for (const [index, item] of items.entries()) {
    const read = readItem({ key: keyOf(item), kind: item.kind, version: 1, body: lines[index] ?? '' })
    assert.deepEqual(writeItem(read as PeopleItem), {
      key: keyOf(item),
      kind: item.kind,
      version: 1,
      body: lines[index],
    })
  }
})

test('golden file and PEOPLE.md have every kind and every field', () => {
  const page = readFileSync(new URL('../../../components/kit/facts/PEOPLE.md', import.meta.url), 'utf8')
  for (const [kind, wanted] of fields) {
    const seen = new Set(items.filter((item) => item.kind === kind).flatMap((item) => Object.keys(item)))
    const section = page.split('\n## ').find((part) => part.startsWith(`${kind}\n`)) ?? ''
    for (const [name, optional] of wanted) {
      assert.ok(seen.has(name), `no example of ${kind}.${name}`)
      const row = section.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? ''
      assert.equal(row.includes('optional'), optional, `${kind}.${name}: "${row}"`)
    }
  }
})

test('unknown kinds, later versions and unknown fields are left alone', () => {
  assert.deepEqual(readItem({ key: 'x', kind: 'badge', version: 1, body: 'no JSON' }), { kind: 'unknown', of: 'badge' })
  const [alice = '', group = ''] = [lines[0], lines[2]]
  const later = readItem({ key: 'person/x', kind: 'person', version: 2, body: alice })
  assert.deepEqual(later, { kind: 'unknown', of: 'person' })
  const more = group.replace('{', '{"colour":"blue",')
  const key = keyOf(JSON.parse(group))
  assert.equal(writeItem(readItem({ key, kind: 'group', version: 1, body: more }) as PeopleItem).body, more)
})

test('a malformed item is a fault that names key and field', () => {
  const body = (change: object) => JSON.stringify({ ...items[0], ...change })
  const key = keyOf(items[0] as PeopleItem)
  const read =
    (text: string, kind = 'person', as = key) =>
    () =>
      readItem({ key: as, kind, version: 1, body: text })
  assert.throws(read('['), /person\/corp:.*: a JSON object is wanted/)
  assert.throws(read('null'), /of kind person is wanted/)
  assert.throws(read(body({ kind: 'group' })), /of kind person is wanted/)
  assert.throws(read(body({ jid: '' })), /jid: a text that is not empty is wanted/)
  assert.throws(read(body({ groups: 'Traders' })), /groups: a list of texts is wanted/)
  assert.throws(read(body({ disabled: undefined })), /disabled: true or false is wanted/)
  assert.throws(read(body({ identities: { irc: 1 } })), /identities: an object of texts is wanted/)
  assert.throws(read(body({ department: null })), /department: a text is wanted/)
  assert.throws(read(body({}), 'person', 'person/other'), /person\/other: it says that it is person\/corp:/)
  const wall = { ...items[5], except: [{ jids: ['a@b'], until: 'tomorrow' }] }
  assert.throws(read(JSON.stringify(wall), 'wall', keyOf(items[5] as PeopleItem)), /except: a list of \{jids, until\}/)
})
