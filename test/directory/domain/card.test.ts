// SPDX-License-Identifier: Apache-2.0
// The table from attributes of a person to fields of a card.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cardOf } from '../../../components/directory/domain/card.ts'
import type { Person } from '../../../components/directory/domain/person.ts'

const anna: Person = {
  id: 'ad:1',
  dn: 'cn=Anna',
  jid: 'anna@corp.example',
  name: 'Anna Schmidt',
  given: 'Anna',
  mail: ['anna@mail.example'],
  phone: ['1', '2'],
  department: 'Research',
  company: 'Corp',
  title: 'Physicist',
  office: 'B 2',
  manager: 'ad:2',
  groups: [],
  disabled: false,
  identities: {},
}

test('as it is by default; the manager as the line that names him, and not where he is not to be seen', () => {
  const card = {
    jid: 'anna@corp.example',
    name: 'Anna Schmidt',
    given: 'Anna',
    mail: ['anna@mail.example'],
    phone: ['1', '2'],
    company: 'Corp',
    units: ['Research'],
    title: 'Physicist',
    office: 'B 2',
  }
  assert.deepEqual(cardOf(anna, null), card)
  assert.deepEqual(cardOf(anna, 'Manager: Berta'), { ...card, note: 'Manager: Berta' })
})

test('as the table says: what is not in it is not on the card, several attributes join, the name and address are always there', () => {
  const table = [
    { attribute: 'title', field: 'note' },
    { attribute: 'office', field: 'note' },
    { attribute: 'department', field: 'phone' },
    { attribute: 'phone', field: 'phone' },
  ] as const
  assert.deepEqual(cardOf(anna, 'Manager: Berta', table), {
    jid: 'anna@corp.example',
    name: 'Anna Schmidt',
    note: 'Physicist, B 2',
    phone: ['Research', '1', '2'],
  })
  assert.equal(cardOf({ ...anna, name: '' }, null).name, 'anna@corp.example')
})
