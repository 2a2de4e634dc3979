// SPDX-License-Identifier: Apache-2.0
// What is learned of networks is bounded, and what goes is told; what people said themselves never goes.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openMemory, TooManyKept } from '../../../components/transport-irc/storage/memory.ts'

test('over the bound what was learned first is forgotten and told, also on the disk; logins and words on rooms stay', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-memory-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'memory.db')
  const told: string[] = []
  {
    await using memory = await openMemory(file, { most: 3, forgot: (kind, name) => told.push(`${kind} ${name}`) })
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await memory.set('known', `${name}.example`, { casemapping: 'ascii', nickLength: 9 })
      await memory.set('room', `anna@corp.example ${name}.example #r`, { stay: true })
    }
    // What is said again is no new one.
    await memory.set('known', 'e.example', { casemapping: 'ascii', nickLength: 30 })
    assert.deepEqual(told, ['known a.example', 'known b.example'])
    assert.deepEqual([memory.count('known'), memory.count('room')], [3, 5])
  }
  await using again = await openMemory(file)
  assert.deepEqual(
    again.list('known').map(({ name }) => name),
    ['c.example', 'd.example', 'e.example'],
  )
  assert.equal(again.list('room').length, 5)
})

test('one person keeps so much of a kind, over a restart too; one more is refused, and taking away makes room', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-memory-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'memory.db')
  const word = (n: number, person = 'anna') => [`${person}@corp.example irc.example #r${n}`, { stay: true }] as const
  {
    await using memory = await openMemory(file, { mostOfPerson: 2 })
    await memory.set('room', ...word(1))
    await memory.set('room', ...word(2))
    await memory.set('room', ...word(2))
    await assert.rejects(memory.set('room', ...word(3)), TooManyKept)
    await memory.set('contact', 'anna@corp.example irc.example otto', { nick: 'otto' })
    await memory.set('room', ...word(1, 'bob'))
  }
  await using again = await openMemory(file, { mostOfPerson: 2 })
  assert.equal(again.count('room'), 3)
  await assert.rejects(again.set('room', ...word(3)), TooManyKept)
  assert.equal(again.read('room', word(3)[0]), null)
  await again.set('room', word(1)[0], null)
  await again.set('room', word(1)[0], null)
  await again.set('room', ...word(3))
  await assert.rejects(again.set('room', ...word(4)), TooManyKept)
})
