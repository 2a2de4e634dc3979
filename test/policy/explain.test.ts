// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError } from '../../components/kit/process/command.ts'
import { createCatalogue } from '../../components/kit/text/catalogue.ts'
import { sayExplanation } from '../../components/policy/explain.ts'
import { texts } from '../../components/policy/policy.ts'
import { NOWHERE } from '../../components/policy/protocol/screened.ts'
import { rules } from './cast.ts'

const set = rules(`version: 1
otherwise: allow
rules:
  - { id: note, when: { regex: 'case-\\d+' }, then: { tag: case } }
  - { id: secret, when: { direction: sent, words: [secret], not: { from: chief@corp.example } }, then: refuse }
  - { id: merger, when: { words: [merger] }, then: { refuse: { text: { en: Not here., de: Nicht hier. } } } }
  - { id: card, when: { regex: '\\b\\d{16}\\b' }, then: { replace: { mask: '#' } } }
  - { id: files, when: { kind: file-offer, host: corp.example }, then: refuse }
`)
const asked = {
  rules: { current: () => ({ set, hash: 'h', file: 'f', files: [], loadedAt: '' }) },
  text: createCatalogue([texts]),
  rooms: [],
  hosts: new Set(['corp.example']),
  elsewhere: NOWHERE,
  people: () => null,
  wall: () => null,
}

async function explained(args: Record<string, string | boolean>, by = set): Promise<string[]> {
  const said: string[] = []
  const rules = { current: () => ({ ...asked.rules.current(), set: by }) }
  const given = { from: 'al@corp.example', to: 'bob@corp.example', ...args }
  for await (const one of sayExplanation({ ...asked, rules }, given, 'en'))
    if (one.say === 'row') said.push(`${one.row.what}: ${one.row.value}`)
  return said
}

test('explain says which rule decides, on what grounds, and where it found what', async () => {
  assert.deepEqual(await explained({ text: 'case-17: a sесret plan' }), [
    'action: refuse',
    'rule: secret',
    'condition: policy-violation',
    'text en: This was not delivered: a rule of the company does not allow it (secret).',
    'tags: case',
    'record: content',
    'rule note: tag',
    'rule secret: refuse',
    'ground of secret: direction: yes',
    'ground of secret: not from: yes',
    'ground of secret: words: yes',
    'found by note: "case-17" body 0-7',
    'found by secret: "sесret" body 11-17',
  ])
  assert.deepEqual((await explained({ text: 'secret', received: true })).slice(0, 2), [
    'action: allow',
    'rule: otherwise',
  ])
  const chief = await explained({ text: 'secret', from: 'chief@corp.example/x' })
  assert.equal(chief[1], 'rule: otherwise')
})

test('explain says what the sender would read of a refusal, and the recipient of a masked message', async () => {
  const refused = await explained({ text: 'the merger' })
  assert.deepEqual(refused.slice(1, 5), [
    'rule: merger',
    'condition: policy-violation',
    'text en: Not here.',
    'text de: Nicht hier.',
  ])
  const masked = await explained({ text: 'pay 4111111111111111 now' })
  assert.deepEqual(masked.slice(0, 3), ['action: replace', 'rule: card', 'becomes body: pay ################ now'])
  const subject = await explained({
    xml: '<message><subject>hello</subject><body>4111111111111111</body></message>',
  })
  assert.deepEqual(
    subject.filter((one) => one.startsWith('becomes')),
    ['becomes body: ################'],
    'what stays as it is is not told',
  )
  const escaped = await explained({ text: 'pay 4111111111111111 at x%20y' })
  assert.deepEqual(
    escaped.filter((one) => one.startsWith('becomes')),
    ['becomes body: pay ################ at x%20y'],
    'the decoded form of a text goes to nobody',
  )
})

test('explain gives the grounds of each rule that masked, and of one that a mask called for, in the texts as they stood then', async () => {
  const masking = rules(`version: 1
otherwise: allow
rules:
  - { id: bird, when: { words: [nightingale] }, then: { replace: { mask: '[cut]' } } }
  - { id: card, when: { regex: '\\d{16}' }, then: { replace: { mask: '#' } } }
  - { id: stop, when: { words: [cut], kind: encrypted }, then: refuse }
  - { id: seen, when: { words: [cut] }, then: { tag: seen } }
  - { id: both, when: { words: [cut], regex: 'stop' }, then: refuse }
`)
  const grounds = async (text: string) =>
    (await explained({ text }, masking)).filter((one) => /^(rule|ground of)\b/.test(one))
  assert.deepEqual(await grounds('nightingale 4111111111111111'), [
    'rule: bird,card',
    'rule bird: replace',
    'rule card: replace',
    'rule seen: tag',
    'ground of bird: words: yes',
    'ground of card: regex: yes',
  ])
  assert.deepEqual(await grounds('nightingale stop'), [
    'rule: both',
    'rule bird: replace',
    'rule seen: tag',
    'rule both: refuse',
    'ground of both: words: yes',
    'ground of both: regex: yes',
  ])
})

test('explain takes a whole stanza, and says in words what it cannot take', async () => {
  const file = await explained({ xml: `<message><x xmlns='jabber:x:oob'><url>u</url></x></message>` })
  assert.equal(file[1], 'rule: files')
  const refused = (text: RegExp) => (error: unknown) => error instanceof CommandError && text.test(error.message)
  await assert.rejects(explained({ xml: '<message' }), refused(/one message, presence or iq/))
  await assert.rejects(explained({ text: 'x', host: 'else.example' }), refused(/corp\.example/))
})

test('explain says where no server would ask', async () => {
  const said = async (args: Record<string, string | boolean>) => {
    const texts: string[] = []
    for await (const one of sayExplanation(asked, { from: 'al@corp.example', to: 'bob@corp.example', ...args }, 'en'))
      if (one.say === 'text') texts.push(one.text)
    return texts.join('\n')
  }
  assert.match(await said({ from: 'al' }), /^al is no host of the settings \(corp\.example\).*--received/)
  assert.match(await said({ from: 'al@far.example' }), /^far\.example is no host/)
  assert.equal(await said({ from: 'al@far.example', received: true }), '')
  assert.equal(await said({ to: 'al@far.example' }), '')
})
