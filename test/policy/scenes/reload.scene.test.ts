// SPDX-License-Identifier: Apache-2.0
// A rule set comes into force as a whole and on record, or not at all.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { askCommand } from '../../harness/ask-command.ts'
import { ask, type Stage, startStage, verdicts } from '../stage.ts'

const long = process.env.GATEHOUSE_LONG === '1'
const WORDS = Array.from({ length: 40 }, (_, index) => `word${index}`)

/** Every generation refuses every word, by rules whose ids name the generation. */
function generation(number: number): string {
  const rules = WORDS.map((word) => `  - { id: g${number}-${word}, when: { words: [${word}] }, then: refuse }`)
  return `version: 1\notherwise: allow\nrules:\n${rules.join('\n')}\n`
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

/** As an operator should: written beside it, then put in its place. */
function replaceRules(stage: Stage, text: string): void {
  writeFileSync(join(stage.folder, 'rules.new'), text)
  renameSync(join(stage.folder, 'rules.new'), stage.rulesFile)
}

const inForce = (stage: Stage, text: string) =>
  stage.policy.logged((line) => line.event === 'rules in force' && line.hash === hashOf(text))

async function metric(stage: Stage, name: string): Promise<number> {
  const { metrics } = await stage.policy.logged((line) => line.event === 'ready')
  const page = await (await fetch(String(metrics))).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'mu').exec(page)?.[1])
}

test('reload under load: every screen is judged by one rule set, which stands in the journal before it', async () => {
  await using stage = await startStage({ rules: generation(0) })
  const generations = long ? 60 : 12
  let n = 0
  let running = true
  const lane = async () => {
    while (running) {
      const first = n + 1
      n += WORDS.length
      const answer = await stage.screen(WORDS.map((word, index) => ask(first + index, word)).join(''))
      const seen = Object.values(verdicts(answer)).map((verdict) => /^refuse (g\d+)-/u.exec(verdict)?.[1])
      assert.equal(seen.length, WORDS.length)
      assert.equal(new Set(seen).size, 1, `one rule set for a screen: ${[...new Set(seen)]}`)
    }
  }
  const lanes = [lane(), lane(), lane(), lane()]
  for (let number = 1; number <= generations; number += 1) {
    replaceRules(stage, generation(number))
    stage.policy.kill('SIGHUP')
    await inForce(stage, generation(number))
  }
  running = false
  await Promise.all(lanes)
  const generationOf = new Map(
    Array.from({ length: generations + 1 }, (_, number) => [hashOf(generation(number)), `g${number}`]),
  )
  const announced = new Set<string>()
  const used = new Set<string>()
  for (const fact of await stage.facts()) {
    if (fact.kind === 'rules') announced.add(fact.hash)
    if (fact.kind !== 'ask') continue
    used.add(fact.rules)
    assert.ok(announced.has(fact.rules), 'a rule set is on record before it judges')
    assert.ok(fact.verdict.action === 'refuse')
    assert.equal(/^g\d+/u.exec(fact.verdict.rule)?.[0], generationOf.get(fact.rules), 'rule and hash are of one set')
  }
  assert.ok(used.size > 2, `several rule sets judged something: ${used.size}`)
})

test('a changed file is read without being asked', async () => {
  await using stage = await startStage()
  assert.deepEqual(verdicts(await stage.screen(ask(1, 'word1'))), {})
  replaceRules(stage, generation(1))
  await inForce(stage, generation(1))
  assert.deepEqual(verdicts(await stage.screen(ask(2, 'word1'))), { 2: 'refuse g1-word1 policy-violation' })
  writeFileSync(stage.rulesFile, generation(2))
  await inForce(stage, generation(2))
  assert.deepEqual(verdicts(await stage.screen(ask(3, 'word1'))), { 3: 'refuse g2-word1 policy-violation' })
})

test('a bad file changes nothing and is told of in log, metrics and command; a good one ends that', async () => {
  await using stage = await startStage({ rules: generation(1) })
  const run = join(stage.folder, 'run')
  const row = async (what: string) =>
    (await askCommand(run, 'policy rules')).filter((each) => each.what === what).map((each) => each.value)
  assert.deepEqual(await row('sha256'), [hashOf(generation(1))])
  assert.deepEqual(await row('last_error'), [null])
  replaceRules(stage, 'version: 1\notherwise: allow\nrules:\n  - id: x\n    whenn: always\n    then: allow\n')
  const line = await stage.policy.logged(({ event }) => event === 'rules refused')
  assert.equal(line.line, 4)
  const told = await stage.policy.logged(({ event, line }) => event === 'rules refused' && line === 5)
  assert.match(String(told.wanted), /rules\[1\]\.whenn: no such key; is when meant\?/)
  assert.equal(await metric(stage, 'gatehouse_policy_rules_refused_total'), 1)
  assert.equal(await metric(stage, 'gatehouse_policy_rules_refused_state'), 1)
  assert.deepEqual(await row('sha256'), [hashOf(generation(1))])
  assert.match(String((await row('problem')).join('\n')), /rules\.yaml:5: rules\[1\]\.whenn/)
  const german = await askCommand(run, 'policy rules', {}, 'de')
  assert.match(JSON.stringify(german), /:5: rules\[1\]\.whenn: kein solcher Schlüssel; ist when gemeint\?/)
  assert.deepEqual(verdicts(await stage.screen(ask(1, 'word3'))), { 1: 'refuse g1-word3 policy-violation' })
  replaceRules(stage, generation(2))
  await inForce(stage, generation(2))
  assert.deepEqual(await row('last_error'), [null])
  assert.equal(await metric(stage, 'gatehouse_policy_rules_refused_state'), 0)
  const hashes = (await stage.facts()).flatMap((fact) => (fact.kind === 'rules' ? [fact.hash] : []))
  assert.deepEqual(hashes, [hashOf(generation(1)), hashOf(generation(2))], 'only what came into force is on record')
})

test('SIGHUP with a bad file says so', async () => {
  await using stage = await startStage()
  writeFileSync(stage.rulesFile, 'version: 2\n')
  stage.policy.kill('SIGHUP')
  const told = await stage.policy.logged(({ event }) => event === 'reload refused')
  assert.equal(told.file, stage.rulesFile)
  assert.deepEqual(verdicts(await stage.screen(ask(1, 'x'))), {})
})

test('a denied attempt is a fact in the journal of policy before it is refused; what is allowed is none', async () => {
  const me = userInfo().username
  await using stage = await startStage({ shared: 'people: { operators: [] }\n' })
  await assert.rejects(askCommand(join(stage.folder, 'run'), 'policy rules'), /ended with 4/)
  const accesses = (await stage.facts()).filter(({ kind }) => kind === 'access')
  const who = { uid: process.getuid?.(), user: me }
  assert.deepEqual(
    accesses.map((fact) => ({ ...fact, at: '' })),
    [{ kind: 'access', who, command: 'policy rules', query: {}, hits: null, denied: true, at: '' }],
  )
  await using open = await startStage()
  await askCommand(join(open.folder, 'run'), 'policy rules')
  assert.deepEqual(
    (await open.facts()).map(({ kind }) => kind),
    ['rules'],
  )
})

test('commands and metrics show counts, never contents', async () => {
  await using stage = await startStage({ rules: generation(7) })
  const run = join(stage.folder, 'run')
  await stage.screen(ask(1, 'harmless') + ask(2, 'word5') + ask(3, 'x', { attributes: `try='2'` }))
  await stage.screen(ask(4, 'x'), { from: 'evil.example' })
  await stage.screen(`<mark last='-' at=''/>`)
  const stats = Object.fromEntries((await askCommand(run, 'policy stats')).map(({ what, value }) => [what, value]))
  assert.equal(stats.questions, 3)
  assert.deepEqual([stats.allow, stats.refuse, stats.replace, stats.retries], [2, 1, 0, 1])
  assert.deepEqual([stats.strangers, stats.bad_screens, stats['rule g7-word5'], stats.questions_in_work], [1, 1, 1, 0])
  const rules = (await askCommand(run, 'policy rules')).map(({ what, value, hits }) => [what, value, hits])
  const [before, last] = [
    rules.findIndex(([what]) => what === 'hits_since'),
    rules.findIndex(([what]) => what === 'otherwise'),
  ]
  const listed = [
    ...WORDS.map((word) => [`rule g7-${word}`, 'refuse', word === 'word5' ? 1 : 0]),
    ['otherwise', 'allow', 2],
  ]
  assert.ok(before > 0 && Date.parse(String(rules[before]?.[1])) <= Date.now())
  assert.deepEqual(rules.slice(before + 1, last + 1), listed)
  replaceRules(stage, `${generation(7)}# the same rules in another file\n`)
  stage.policy.kill('SIGHUP')
  await inForce(stage, `${generation(7)}# the same rules in another file\n`)
  const anew = (await askCommand(run, 'policy rules')).map(({ hits }) => hits).filter((hits) => hits !== undefined)
  assert.deepEqual(new Set(anew), new Set([0]))
  const journal = Object.fromEntries((await askCommand(run, 'policy journal')).map(({ what, value }) => [what, value]))
  assert.deepEqual([journal.first, journal.last, journal.max_bytes], [1, 5, 10 * 2 ** 30])
  assert.equal(await metric(stage, 'gatehouse_policy_questions_total'), 3)
  assert.equal(await metric(stage, 'gatehouse_policy_verdicts_total\\{action="refuse"\\}'), 1)
  assert.equal(await metric(stage, 'gatehouse_policy_screens_refused_total\\{reason="stranger"\\}'), 1)
  assert.equal(await metric(stage, 'gatehouse_policy_answer_seconds_count'), 1)
  assert.equal(await metric(stage, 'gatehouse_policy_journal_max_bytes'), 10 * 2 ** 30)
  assert.ok((await metric(stage, 'gatehouse_policy_journal_bytes')) > 0)
})
