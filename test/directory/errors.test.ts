// SPDX-License-Identifier: Apache-2.0
// `directory errors` tells causes in the language of who asks, and beside them what the other side said.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directoryCommands } from '../../components/directory/commands.ts'
import { texts } from '../../components/directory/directory.ts'
import { type FaultReason, SourceFault } from '../../components/directory/domain/source.ts'
import type { Asked } from '../../components/kit/process/command.ts'
import { createCatalogue, KIT_TEXTS } from '../../components/kit/text/catalogue.ts'
import { madeUp } from './company.ts'
import { enginePlace } from './engine-place.ts'

const { say } = createCatalogue([KIT_TEXTS, texts])
const REASONS: readonly FaultReason[] = ['away', 'refused', 'limit', 'late', 'half', 'referred', 'bad-answer']
const CONDITIONS = ['conflict', 'forbidden', 'feature-not-implemented', 'remote-server-timeout', 'not-acceptable']

test('each cause in English and in German, and the words of the other side beside it', async () => {
  using place = enginePlace()
  const corp = madeUp()
  await using opened = await place.open([corp])
  for (const reason of REASONS) {
    corp.fault = new SourceFault(reason, `ldap://x said ${reason}`)
    await opened.sync()
  }
  const message = (condition: string) => `${condition}: somebody said so`
  for (const condition of CONDITIONS)
    await opened.store.write('trouble', { at: 1, place: 'g@rooms', reason: 'room', message: message(condition) })
  const commands = directoryCommands({
    engine: opened.engine,
    store: opened.store,
    say,
    names: ['corp'],
    sync: async () => [],
    roomName: () => null,
    leaving: async function* () {},
    refused: () => [],
    patterns: [],
    stats: async () => ({}),
  })
  const errors = commands.find(({ name }) => name === 'directory errors') ?? assert.fail()
  const shown = async (language: string) => {
    const said = await Array.fromAsync(errors.run({}, { language } as Asked))
    return said.map((one) => (one.say === 'row' ? [String(one.row.cause), String(one.row.wrong)] : assert.fail()))
  }
  const [en, de] = [await shown('en'), await shown('de')]
  const causes = [...REASONS.map((reason) => `ldap://x said ${reason}`), ...CONDITIONS.map(message)].reverse()
  for (const rows of [en, de]) {
    assert.deepEqual(
      rows.map(([cause]) => cause),
      causes,
    )
    assert.equal(new Set(rows.map(([, wrong]) => wrong)).size, causes.length, 'each cause has a sentence of its own')
  }
  for (const [at, [, wrong]] of en.entries()) assert.notEqual(wrong, de[at]?.[1])
  assert.equal(de.at(-1)?.[1], 'Keiner seiner Server war zu erreichen.')
})

test('a directory that names nobody, a pattern that is no group, and how many are to have no address', async () => {
  using place = enginePlace()
  const corp = madeUp()
  corp.group('g', [], { name: 'Sales' })
  await using opened = await place.open([corp], { template: '{mail}' })
  const commands = directoryCommands({
    engine: opened.engine,
    store: opened.store,
    say,
    names: ['corp'],
    sync: async () => [],
    roomName: () => null,
    leaving: async function* () {},
    refused: () => [],
    patterns: ['Sal*', 'Hidden', 'Marketing'].map((pattern) => ({ setting: 'search.hidden_groups', pattern })),
    stats: async () => ({}),
  })
  const asked = async (name: string) => {
    const command = commands.find((one) => one.name === `directory ${name}`) ?? assert.fail()
    return (await Array.fromAsync(command.run({}, { language: 'en' } as Asked))).map((one) =>
      one.say === 'row' ? `${one.row.where} ${one.row.who}: ${one.row.wrong}` : one.say === 'text' ? one.text : '',
    )
  }
  assert.doesNotMatch((await asked('errors')).join(), /No group/, 'what was never read says nothing of groups')
  await opened.sync()
  assert.deepEqual(await asked('errors'), [
    'corp null: It was read, and names no people. Do bases, filters and people_in in the settings say where they are?',
    'search.hidden_groups null: No group is called Hidden.',
    'search.hidden_groups null: No group is called Marketing.',
  ])
  corp.person('alice', { template: { uid: 'alice' } })
  corp.group('h', [], { name: 'HIDDEN' })
  await opened.sync()
  assert.deepEqual(await asked('errors'), [
    'search.hidden_groups null: No group is called Marketing.',
    'corp alice: No address: the entry has no mail.',
  ])
  assert.match((await asked('plan')).join('\n'), /^One person gets no address, .*directory errors says why\.$/m)
})
