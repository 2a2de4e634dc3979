// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BadSettings, readShared, sharedSchema } from '../../../components/kit/process/settings.ts'
import { assertExample } from '../../harness/example-settings.ts'
import { inWords } from '../../harness/in-words.ts'

const EXAMPLE = fileURLToPath(new URL('../../../config/gatehouse.yaml', import.meta.url))

function readText(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-shared-'))
  try {
    writeFileSync(join(folder, 'gatehouse.yaml'), text)
    return readShared(join(folder, 'gatehouse.yaml'), {})
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('people', () => {
  const read = (people: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-shared-'))
    try {
      writeFileSync(join(folder, 'gatehouse.yaml'), `people: { officers: [${people}] }`)
      return readShared(join(folder, 'gatehouse.yaml'), {}).people.officers
    } catch (fault) {
      if (!(fault instanceof BadSettings)) throw fault
      return fault.problems.map(({ setting, wanted }) => `${setting}: ${inWords(wanted)}`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it('may be named for some virtual hosts only', () => {
    assert.deepEqual(read('{ user: anna, hosts: [Corp.Example, rooms.corp.example] }, { jid: a@b }'), [
      { kind: 'user', name: 'anna', hosts: ['corp.example', 'rooms.corp.example'] },
      { kind: 'jid', name: 'a@b' },
    ])
  })

  it('are told what is wrong with their hosts, where it stands', () => {
    const list = 'a list of virtual hosts is wanted, such as [corp.example]; leave it out for all hosts'
    const cases: [string, string][] = [
      ['{ user: anna, hosts: [] }', `people.officers.0.hosts: ${list}`],
      ['{ user: anna, hosts: corp.example }', `people.officers.0.hosts: ${list}`],
      ['{ user: anna, hosts: [a@b] }', 'people.officers.0.hosts.0: a virtual host is wanted, such as corp.example'],
      ['{ user: anna, host: [a.example] }', 'people.officers.0.host: no such setting; is hosts meant?'],
      [
        '{ user: anna, group: staff }',
        'people.officers.0: one of user: NAME, group: NAME, jid: NAME is wanted, and beside it at most hosts: [corp.example]',
      ],
    ]
    for (const [said, told] of cases) assert.deepEqual(read(said), [told])
  })
})

describe('config/gatehouse.yaml', () => {
  it('names every setting and gives exactly the defaults', () => assertExample(EXAMPLE, sharedSchema(), readText))

  it('is caught when a line differs from its default', () => {
    assert.throws(() =>
      assertExample(EXAMPLE, sharedSchema(), (text) => readText(text.replace(/^ {2}port: 5347/m, '  port: 5348'))),
    )
  })

  it('is caught when a setting is not named', () => {
    const schema = { properties: { ...(sharedSchema().properties as object), forgotten: {} } }
    assert.throws(() => assertExample(EXAMPLE, schema, readText), /names the setting forgotten/)
  })
})
