// SPDX-License-Identifier: Apache-2.0
// Ten thousand rules, a rule file of 50 MB (8 MB in the short form), and expressions made to stop a matcher, while people talk.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { onServers } from './servers.ts'

const RULES = 10_000
const [MEGABYTES, TERMS] = process.env.GATEHOUSE_LONG === '1' ? [50, 50] : [8, 10]

/** Of four sorts, so that none of them is the one that happens to be cheap; the last one refuses. */
const rule = (at: number) => {
  const when = [
    { words: [`term${at}`] },
    { from: `person${at}@corp.example`, words: ['anything'] },
    { regex: `case${at}-\\d+` },
    { all: [{ to: 'bob@corp.example' }, { words: [`plan ${at}`] }] },
  ][at % 4]
  return `  - ${JSON.stringify({ id: `r${at}`, when }).slice(0, -1)}, "then": { "tag": "t${at}" } }`
}
const TEN_THOUSAND = `otherwise: allow
rules:
${Array.from({ length: RULES - 1 }, (_, at) => rule(at)).join('\n')}
  - { id: end, when: { words: [endword] }, then: refuse }`

/** Another word for each number, of letters that look like no other. */
const termOf = (number: number) =>
  String(number)
    .padStart(9, '0')
    .replaceAll(/\d/gu, (digit) => 'bcdfghjkmn'[Number(digit)] ?? '')

/** Rules of many terms, with an example that is long enough for the size wanted. */
function large(): string {
  const bytesOfRule = (MEGABYTES * 1024 * 1024) / RULES
  const passes = 'nothing of it '.repeat(Math.max(1, Math.floor((bytesOfRule - 60 - 12 * TERMS) / 14)))
  const rules = Array.from({ length: RULES }, (_, at) => {
    const terms = Array.from({ length: TERMS }, (_, word) => termOf(at * TERMS + word))
    return `  - id: l${at}\n    when: { words: [${terms.join(', ')}] }\n    then: { tag: l${at} }\n    passes: ['${passes}']\n`
  })
  return `otherwise: allow\nrules:\n${rules.join('')}`
}

/** Each takes the engine of JavaScript longer than anybody waits, with a text of forty letters. */
const HOSTILE = [
  '(a+)+$',
  '(a|aa)+$',
  '(.*a){12}$',
  '(a|a?)+b$',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(\\w+\\s?)+!',
  '(x+x+)+y',
  '(?:a?){100}a{100}$',
]
const HUNDRED_KILOBYTES = 100_000

onServers('many rules', slixmppLack(), (server) => {
  let stage: Stage
  let alice: SlixmppClient
  let bob: SlixmppClient
  let last = 0
  before(async () => {
    stage = await openStage({ server, rules: TEN_THOUSAND })
    alice = await stage.person('alice')
    bob = await stage.person('bob')
  })
  after(() => stage?.[Symbol.asyncDispose]())

  const say = async (body: string) => {
    const id = `m${++last}`
    await alice.send(
      `<message xmlns='jabber:client' type='chat' to='bob@corp.example' id='${id}'><body>${body}</body></message>`,
    )
    return id
  }

  test('of ten thousand rules exactly those have a say that hold, in their order', async () => {
    const id = await say('manyword plan 7 term8 case6-1 case10- term9996 term1 plan 9999')
    await bob.wait(new RegExp(`id="${id}"`))
    const [record] = await stage.recorded('manyword', 'released')
    assert.deepEqual(record?.tags, ['t6', 't7', 't8', 't9996'])
    const refused = await say('refusedword term4 endword')
    assert.match(await alice.wait(new RegExp(`id="${refused}"`)), /policy-violation/)
    const [other] = await stage.recorded('refusedword', 'refused')
    assert.deepEqual([other?.rule, other?.tags], ['end', ['t4']])
    const rules = await stage.world.ask('policy rules')
    assert.equal(rules.find(({ what }) => what === 'rules')?.value, RULES)
  })

  test(`a rule file of ${MEGABYTES} MB is read while messages are judged, and then holds`, async (t) => {
    const text = large()
    assert.ok(Math.abs(Buffer.byteLength(text) / 2 ** 20 - MEGABYTES) < 1)
    let reading = true
    const changed = stage.world.setRules(text).finally(() => {
      reading = false
    })
    let judged = 0
    while (reading) {
      const id = await say('meanwhile')
      await bob.wait(new RegExp(`id="${id}"`))
      if (reading) judged += 1
    }
    await changed
    const status = readFileSync(`/proc/${stage.world.policy?.pid}/status`, 'utf8')
    const peakMb = Math.round(Number(/VmHWM:\s+(\d+)/u.exec(status)?.[1]) / 1024)
    t.diagnostic(`${judged} messages were judged and delivered meanwhile; peak memory of policy ${peakMb} MB`)
    assert.ok(judged >= 10, `${judged} messages passed while the file was read`)
    const id = await say(`largeword ${termOf(0)} ${termOf(TERMS * RULES - 1)}`)
    await bob.wait(new RegExp(`id="${id}"`))
    assert.deepEqual((await stage.recorded('largeword', 'released'))[0]?.tags, ['l0', `l${RULES - 1}`])
    assert.deepEqual(await stage.world.ask('archive gaps'), [])
    assert.equal(await retries(), 0, 'nothing was asked twice: no verdict was late')
  })

  test('hostile expressions on texts of 100 kB: the verdict comes, for everybody, and what is masked is masked', async (t) => {
    const rules = HOSTILE.map(
      (regex, at) =>
        `  - ${JSON.stringify({ id: `h${at}`, when: { regex } }).slice(0, -1)}, "then": { "tag": "h${at}" } }`,
    )
    await stage.world.setRules(
      `otherwise: allow\nrules:\n${rules.join('\n')}\n  - { id: mask, when: { regex: 'b{1,9}c' }, then: { replace: { mask: '*' } } }\n  - { id: endless, when: { regex: '(d+)+e' }, then: { replace: { mask: '*' } } }`,
    )
    const before = await retries()
    const texts: Readonly<Record<string, readonly [text: string, tags: readonly string[]]>> = {
      nearword: [`${'a'.repeat(HUNDRED_KILOBYTES)}#`, []],
      fitsword: ['a'.repeat(HUNDRED_KILOBYTES), ['h0', 'h1', 'h2', 'h7']],
      plentyword: ['abc '.repeat(HUNDRED_KILOBYTES / 4), []],
      rowword: ['x'.repeat(HUNDRED_KILOBYTES), []],
      vastword: ['\uff41\u200b'.repeat(15_000), ['h0', 'h1', 'h2', 'h7']],
    }
    const carol = await stage.person('carol')
    for (const [word, [text]] of Object.entries(texts)) {
      const id = await say(`${word} ${text}`)
      await carol.send(
        `<message xmlns='jabber:client' type='chat' to='bob@corp.example' id='carol-${id}'><body>beside it</body></message>`,
      )
      const got = await bob.wait(new RegExp(`id="${id}"`))
      assert.equal(/\*/.test(got), word === 'plentyword', word)
      await bob.wait(new RegExp(`id="carol-${id}"`))
    }
    // Where each of so many places could look at all of the rest, it is refused and not masked.
    const refused = await say(`endlessword ${'dde '.repeat(HUNDRED_KILOBYTES / 4)}`)
    assert.match(await alice.wait(new RegExp(`id="${refused}"`)), /policy-violation/)
    assert.equal((await stage.recorded('endlessword', 'refused'))[0]?.rule, 'endless')
    for (const [word, [, tags]] of Object.entries(texts))
      assert.deepEqual((await stage.recorded(word, 'released'))[0]?.tags, tags, word)
    t.diagnostic(`questions asked twice: ${(await retries()) - before}`)
  })

  async function retries(): Promise<number> {
    const stats = await stage.world.ask('policy stats')
    return Number(stats.find(({ what }) => what === 'retries')?.value)
  }
})
