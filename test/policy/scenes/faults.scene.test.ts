// SPDX-License-Identifier: Apache-2.0
// Recorded before delivered: whatever ends or fails, nothing is answered that is not on disk.
import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { status } from '../../../components/cli/network/ask.ts'
import { SOURCE } from '../cast.ts'
import { ask, errorOf, screenOf, startStage, verdicts } from '../stage.ts'

const MAIN = new URL('../mains/main.ts', import.meta.url).pathname
const long = process.env.GATEHOUSE_LONG === '1'

const crash = (point: string) => startStage({ main: MAIN, environment: { GATEHOUSE_TEST: point } })

test('kill -9 after the append and before the answer: the fact is in the journal, no answer was sent', async () => {
  await using stage = await crash('afterAppend')
  stage.peer.send(
    `<iq type='set' id='q1' from='corp.example' to='policy.gatehouse.internal'>${screenOf(ask(1, 'x') + ask(2, 'y'))}</iq>`,
  )
  assert.deepEqual(await stage.policy.exited, { code: null, signal: 'SIGKILL' })
  await stage.peer.closed
  assert.doesNotMatch(stage.peer.wrote, /q1/)
  const asks = (await stage.facts()).flatMap((fact) => (fact.kind === 'ask' ? [fact.n] : []))
  assert.deepEqual(asks, [1, 2])
})

test('kill -9 before the append: no fact, and no answer', async () => {
  await using stage = await crash('beforeAppend')
  stage.peer.send(
    `<iq type='set' id='q1' from='corp.example' to='policy.gatehouse.internal'>${screenOf(ask(1, 'x'))}</iq>`,
  )
  assert.deepEqual(await stage.policy.exited, { code: null, signal: 'SIGKILL' })
  await stage.peer.closed
  assert.doesNotMatch(stage.peer.wrote, /q1/)
  assert.deepEqual(
    (await stage.facts()).map((fact) => fact.kind),
    ['rules'],
  )
})

test('kill -9 at any moment under load: every answer that was sent is in the journal', async () => {
  for (let round = 0; round < (long ? 20 : 2); round += 1) {
    await using stage = await startStage()
    const answered: number[] = []
    let n = 0
    const next = async (): Promise<void> => {
      n += 1
      const mine = n
      const answer = await stage.screen(ask(mine, 'x'))
      if (answer.attrs.type === 'result') answered.push(mine)
      if (answered.length >= 200 + round * 37) stage.policy.kill('SIGKILL')
      else void next()
    }
    for (let lane = 0; lane < 16; lane += 1) void next()
    await stage.policy.exited
    await stage.peer.closed
    const kept = new Set((await stage.facts()).flatMap((fact) => (fact.kind === 'ask' ? [fact.n] : [])))
    assert.ok(answered.length >= 200)
    assert.deepEqual(
      answered.filter((each) => !kept.has(each)),
      [],
    )
  }
})

test('a full journal: an error is answered, nothing is allowed, and what was allowed before is kept', async () => {
  await using stage = await startStage({ settings: 'journal: { folder: FOLDER/journal, max_bytes: 4 MiB }\n' })
  const body = 'x'.repeat(100_000)
  const answers: (string | null)[] = []
  while (!answers.includes('wait resource-constraint')) {
    assert.ok(answers.length < 200, 'the journal is full at last')
    answers.push(errorOf(await stage.screen(ask(answers.length + 1, body))))
  }
  const from = answers.length
  const more = Array.from({ length: 40 }, (_, index) => stage.screen(ask(from + index + 1, body)))
  answers.push(...(await Promise.all(more)).map(errorOf))
  assert.deepEqual(new Set(answers), new Set([null, 'wait resource-constraint']))
  const allowed = answers.flatMap((error, index) => (error === null ? [index + 1] : []))
  const kept = (await stage.facts()).flatMap((fact) => (fact.kind === 'ask' ? [fact.n] : []))
  assert.deepEqual(kept, allowed, 'what is allowed is kept, and what is kept was allowed')
  await stage.policy.logged((line) => line.event === 'nothing can be recorded')
  const levels: unknown[] = []
  await stage.policy.logged((line) => {
    if (line.event === 'journal level') levels.push(`${line.fill} ${line.level}`)
    return line.fill === 'full'
  })
  // A journal as small as this may be full before it has folded what counts as used: the alarm at 80 % is then passed over.
  const inOrder = ['warned warn', 'alarmed error', 'full error']
  assert.deepEqual(
    levels,
    inOrder.filter((level) => level !== 'alarmed error' || levels.includes(level)),
  )
  assert.match(
    (await status({ name: 'policy', run: join(stage.folder, 'run') }, 'en')).warnings?.join() ?? '',
    /the journal is full and takes nothing more: /,
  )
})

test('a journal that fails: an error is answered and nothing is allowed', async () => {
  await using stage = await startStage()
  assert.equal(errorOf(await stage.screen(ask(1, 'x'))), null)
  const folder = join(stage.folder, 'journal')
  for (const name of readdirSync(folder))
    if (name.endsWith('.db') || name.endsWith('.sqlite')) rmSync(join(folder, name))
  assert.equal(errorOf(await stage.screen(ask(2, 'x'))), 'wait resource-constraint')
  const { metrics } = await stage.policy.logged((line) => line.event === 'ready')
  const health = await fetch(String(metrics).replace('/metrics', '/healthz'))
  assert.deepEqual([health.status, await health.text()], [503, 'the journal takes nothing\n'])
})

test('after a restart the journal goes on, and a try that comes again is recorded beside the first', async () => {
  await using stage = await startStage()
  await stage.screen(ask(1, 'x'), { done: 3 })
  await stage.restart()
  assert.deepEqual(verdicts(await stage.screen(ask(1, 'x', { attributes: `try='2'` }), { done: 3 })), {})
  const told = (await stage.facts()).map((fact) => (fact.kind === 'ask' ? `try ${fact.try}` : fact.kind))
  assert.deepEqual(told, ['rules', 'done', 'try 1', 'rules', 'done', 'try 2'])
})

const slow = (settings = '') => startStage({ main: MAIN, environment: { GATEHOUSE_TEST: 'slow' }, settings })
const ALICE = { from: 'alice@corp.example/desk' }
const CAROL = { from: 'carol@corp.example/desk' }

test('one sender’s slow verdict delays nobody else: it is promised, and follows when it is on disk', async () => {
  await using stage = await slow('bounds: { later_within: 60 s }\n')
  const answer = await stage.screen(ask(1, 'slow', ALICE) + ask(2, 'quick', CAROL) + ask(3, 'slow and bad', ALICE))
  assert.deepEqual(verdicts(answer), { 1: 'later', 3: 'later' })
  assert.deepEqual(verdicts(await stage.screen(ask(4, 'quick', CAROL))), {})
  assert.deepEqual(verdicts(await stage.screen(ask(5, 'quick', ALICE))), {})
  assert.deepEqual(
    (await stage.facts()).flatMap((fact) => (fact.kind === 'ask' ? [fact.n] : [])),
    [2, 4, 5],
    'no verdict is on record before it is there',
  )
  stage.policy.kill('SIGUSR2')
  const came = [await stage.peer.next(), await stage.peer.next()].map(({ element }) => element)
  assert.deepEqual(
    came.map((element) => [
      element.attrs.type,
      element.attrs.from,
      element.attrs.to,
      element.getChild('verdicts')?.attrs.source,
    ]),
    Array(2).fill(['set', 'policy.gatehouse.internal', 'corp.example', SOURCE]),
  )
  assert.deepEqual(Object.assign({}, ...came.map(verdicts)), { 1: 'allow', 3: 'refuse slow policy-violation' })
  assert.deepEqual(
    (await stage.facts()).flatMap((fact) => (fact.kind === 'ask' ? [`${fact.n} ${fact.verdict.action}`] : [])).slice(3),
    ['1 allow', '3 refuse'],
  )
})

test('a rule that fails gives no verdict, on time or late; the record shows that nothing was allowed', async () => {
  await using stage = await slow()
  assert.deepEqual(verdicts(await stage.screen(ask(1, 'throw') + ask(2, 'quick'))), { 1: 'fault' })
  assert.deepEqual(verdicts(await stage.screen(ask(3, 'reject') + ask(4, 'quick'))), { 3: 'later' })
  assert.deepEqual(verdicts((await stage.peer.next()).element), { 3: 'fault' })
  const told = (await stage.facts()).flatMap((fact) =>
    fact.kind === 'ask' ? [`${fact.n} ${fact.verdict.action} ${fact.verdict.rule}`] : [],
  )
  assert.deepEqual(told, ['1 refuse fault', '2 allow otherwise', '4 allow otherwise', '3 refuse fault'])
})

test('a verdict that never comes is given up: recorded as none, and nothing is sent', async () => {
  await using stage = await slow('bounds: { later_within: 100 ms }\n')
  assert.deepEqual(verdicts(await stage.screen(ask(1, 'never'))), { 1: 'later' })
  await stage.policy.logged((line) => line.event === 'a rule failed')
  await stage.screen(ask(2, 'quick'))
  await stage.peer.fence()
  assert.deepEqual(stage.peer.unread, [])
  const told = (await stage.facts()).flatMap((fact) =>
    fact.kind === 'ask' ? [`${fact.n} ${fact.verdict.action} ${fact.verdict.rule}`] : [],
  )
  assert.deepEqual(told, ['1 refuse fault', '2 allow otherwise'])
})

test('what was spooled is recorded before it is acknowledged, also when its verdict is slow', async () => {
  await using stage = await slow('bounds: { later_within: 60 s }\n')
  const answer = stage.screen(ask(1, 'slow', { attributes: `spooled='true'` }))
  await stage.peer.fence()
  assert.deepEqual(
    (await stage.facts()).map((fact) => fact.kind),
    ['rules'],
  )
  stage.policy.kill('SIGUSR2')
  assert.deepEqual((await answer).children, [])
  assert.deepEqual(
    (await stage.facts()).map((fact) => fact.kind),
    ['rules', 'ask'],
  )
})

test('SIGTERM: nothing new is taken, what is in work is finished and sent, then the process ends with 0', async () => {
  await using stage = await slow('bounds: { later_within: 60 s }\n')
  assert.deepEqual(verdicts(await stage.screen(ask(1, 'slow'))), { 1: 'later' })
  stage.policy.kill('SIGTERM')
  await stage.policy.logged((line) => line.event === 'stopping')
  let answer = await stage.screen(ask(2, 'quick'))
  // The signal is logged one step before the gate closes.
  for (let n = 3; errorOf(answer) === null; n += 1) answer = await stage.screen(ask(n, 'quick'))
  assert.equal(errorOf(answer), 'wait resource-constraint')
  stage.policy.kill('SIGUSR2')
  assert.deepEqual(verdicts((await stage.peer.next()).element), { 1: 'allow' })
  assert.deepEqual(await stage.policy.exited, { code: 0, signal: null })
})

test('SIGTERM under load: every screen is answered once, and every result is in the journal', async () => {
  await using stage = await startStage()
  const answered = new Map<number, string>()
  const screens = Array.from({ length: 300 }, async (_, index) => {
    const answer = await stage.screen(ask(index + 1, 'x'))
    answered.set(index + 1, errorOf(answer) ?? 'result')
    if (answered.size === 50) stage.policy.kill('SIGTERM')
  })
  await Promise.race([Promise.all(screens), stage.policy.exited])
  assert.deepEqual(await stage.policy.exited, { code: 0, signal: null })
  await stage.peer.closed
  const results = [...answered].filter(([, answer]) => answer === 'result').map(([n]) => n)
  const kept = (await stage.facts()).flatMap((fact) => (fact.kind === 'ask' ? [fact.n] : []))
  assert.ok(results.length >= 50)
  assert.deepEqual(results, kept, 'what is recorded is answered, and what is answered is recorded')
})
