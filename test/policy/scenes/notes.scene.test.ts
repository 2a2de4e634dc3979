// SPDX-License-Identifier: Apache-2.0
// What the fact of a question says beside the verdict: tags, how much is kept, and where rules found what they look for.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FactOf } from '../../../components/kit/facts/facts.ts'
import { ask, type Stage, startStage, verdicts } from '../stage.ts'

const RULES = `version: 1
otherwise: allow
rules:
  - { id: number, when: { regex: '[0-9]{4}-[0-9]{4}' }, then: { tag: [number, private] } }
  - { id: mask, when: { words: [nightingale] }, then: { replace: { mask: '[cut]' }, tag: masked } }
  - { id: after, when: { words: [sings] }, then: { tag: song } }
  - { id: envelope, when: { words: [briefly] }, then: { record: envelope } }
  - { id: nothing, when: { words: [unsaid] }, then: { record: nothing, tag: unsaid } }
  - { id: stop, when: { words: [secret] }, then: refuse }
`

async function factsOf(stage: Stage): Promise<Map<number, FactOf<'ask'>>> {
  const asks = (await stage.facts()).filter((fact): fact is FactOf<'ask'> => fact.kind === 'ask')
  return new Map(asks.map((fact) => [fact.n, fact]))
}

const fromNetwork = (nick: string) =>
  `direction='received' via='network' network='irc' server='irc.example.org' nick='${nick}' account='${nick}' identity='${nick}!x@y'`
const message = (inside: string) =>
  `<message xmlns='jabber:client' from='alice@corp.example/desk' to='bob@corp.example' type='chat' id='m'>${inside}</message>`

test('tags, and where rules found what they look for: each place gives back the words, in the text as it stood then', async () => {
  await using stage = await startStage({ rules: RULES })
  const body = 'call １２３４-\u200b5678, the n\u0456ghtingale sings'
  await stage.screen(
    ask(1, '', { xml: message(`<subject>1234-5678</subject><body>${body}</body>`) }) + ask(2, 'nothing of it'),
  )
  const facts = await factsOf(stage)
  const fact = facts.get(1)
  assert.deepEqual(fact?.tags, ['number', 'private', 'masked', 'song'])
  const masked = body.replace('n\u0456ghtingale', '[cut]')
  const said = fact?.matched?.map(({ rule, text, where, start, end }) => {
    const texts = ['1234-5678', rule === 'after' ? masked : body]
    return [rule, where, texts[text]?.slice(start, end)]
  })
  assert.deepEqual(said, [
    ['number', 'subject', '1234-5678'],
    ['number', 'body', '１２３４-\u200b5678'],
    ['mask', 'body', 'n\u0456ghtingale'],
    ['after', 'body', 'sings'],
  ])
  const plain = facts.get(2)
  assert.deepEqual([plain?.tags, plain?.matched, plain?.record], [undefined, undefined, undefined])
})

test('record envelope and nothing: what is left out is left out of the replacement too, and is in no file; verdict and rule stay', async () => {
  await using stage = await startStage({ rules: RULES })
  const answer = await stage.screen(
    ask(1, 'briefly, the nightingale') +
      ask(2, 'unsaid secret words') +
      ask(3, 'unsaid nightingale') +
      ask(4, 'said aloud') +
      ask(5, 'unsaid from afar', { attributes: fromNetwork('Paris') }) +
      ask(6, 'briefly from afar', { attributes: fromNetwork('Rome') }),
  )
  assert.deepEqual(verdicts(answer), { 1: 'replace mask', 2: 'refuse stop policy-violation', 3: 'replace mask' })
  const facts = await factsOf(stage)
  const [brief, unsaid, cut, aloud] = [1, 2, 3, 4].map((n) => facts.get(n))
  const envelope = /^<message [^>]*to='bob@corp\.example'[^>]*\/>$/u
  assert.equal(brief?.record, 'envelope')
  assert.match(String(brief?.stanza), envelope)
  assert.ok(brief?.verdict.action === 'replace')
  assert.match(brief.verdict.stanza, envelope)
  assert.deepEqual([unsaid?.record, unsaid?.stanza, unsaid?.tags], ['nothing', '', ['unsaid']])
  assert.deepEqual([unsaid?.verdict.action, unsaid?.verdict.rule], ['refuse', 'stop'])
  assert.ok(cut?.verdict.action === 'replace')
  assert.deepEqual([cut.stanza, cut.verdict.stanza], ['', ''])
  assert.match(String(aloud?.stanza), /said aloud/)
  assert.deepEqual([facts.get(5)?.network, facts.get(5)?.foreign], ['irc', undefined])
  assert.deepEqual([facts.get(6)?.network, facts.get(6)?.foreign?.nick], ['irc', 'Rome'])
  const files = readdirSync(stage.folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((one) => one.isFile() && one.name !== 'rules.yaml')
    .map((one) => readFileSync(join(one.parentPath, one.name)))
  assert.ok(files.some((bytes) => bytes.includes('said aloud')))
  for (const words of ['briefly', 'secret words', 'unsaid n', 'unsaid from', 'Paris', '[cut]'])
    assert.ok(!files.some((bytes) => bytes.includes(words)), words)
})

test('where something stands is noted in few letters, and in none of the sender where the message stays off the record', async () => {
  await using stage = await startStage({ rules: RULES })
  const long = 'x'.repeat(10_000)
  const said = message(`<${long}>1234-5678</${long}>`)
  const unsaid = message('<merger-with-acme>unsaid</merger-with-acme><subject>unsaid</subject>')
  await stage.screen(ask(1, '', { xml: said }) + ask(2, '', { xml: unsaid }))
  await stage.peer.next() // the verdict on what is long comes later
  const facts = await factsOf(stage)
  assert.deepEqual(
    facts.get(1)?.matched?.map(({ where }) => where),
    [long.slice(0, 64)],
  )
  assert.deepEqual(
    facts.get(2)?.matched?.map(({ where }) => where),
    ['', 'subject'],
  )
})

test('of many places so many are noted, and no more', async () => {
  await using stage = await startStage({ rules: RULES })
  await stage.screen(ask(1, '1234-5678 '.repeat(500)))
  await stage.peer.next() // the verdict on what is long comes later
  assert.equal((await factsOf(stage)).get(1)?.matched?.length, 20)
})
