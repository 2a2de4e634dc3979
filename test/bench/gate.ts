// SPDX-License-Identifier: Apache-2.0
// bench gate: what a company pays for Gatehouse, beside what it would pay for the server's own archive. All set-ups stand
// side by side and take turns, so that a busy machine is unfair to all of them alike.
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { measureFdatasync } from '../harness/fdatasync.ts'
import { ejabberdPeers } from './ejabberd-peers.ts'
import { aims, explain } from './explain.ts'
import { exitCode, figures, type Ran } from './figures.ts'
import { openLoad } from './load.ts'
import { addedLatency } from './open-loop.ts'
import type { Form, Peers } from './peers.ts'
import { prosodyPeers } from './prosody-peers.ts'
import { rulesCost, rulesText } from './rules-cost.ts'
import { noop, type SetUp, SUITE, suite as startSuite } from './set-ups.ts'
import { slowed } from './slowed.ts'
import { NOTES, openText, rssText, table } from './table.ts'
import { close, empty, fill, readRss, type Turn, takeTurn } from './turns.ts'

/** `generational`: every Prosody of the run has this mode of Lua's collector, bare and peers too. */
export type GateOptions = { form: Form; server: ServerKind; generational: boolean }

const NORMAL = { slices: 6, sliceSeconds: 5, syncs: 1000, messages: 100_000 }
const SHAPE = {
  quick: { slices: 3, sliceSeconds: 2, syncs: 300, messages: 0 },
  normal: NORMAL,
  long: { ...NORMAL, syncs: 3000 },
} as const

/** The open loop has the machine to itself with few people as with many; where the suite adds to a rate, it adds to this one. */
const OPEN_PAIRS = 20

const PEERS: Readonly<Record<ServerKind, (form: Form, generational: boolean) => Promise<Peers>>> = {
  prosody: prosodyPeers,
  ejabberd: ejabberdPeers,
}

export async function gate(options: GateOptions): Promise<number> {
  const peers = await PEERS[options.server](options.form, options.generational)
  const shape = { ...SHAPE[options.form], ...peers.turns }
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  await using opened = new AsyncDisposableStack()
  opened.defer(() => rm(folder, { recursive: true, force: true }))

  say(
    `${peers.title} ${peers.version}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}`,
  )
  for (const remark of peers.remarks) say(remark)
  const suite = opened.use(await startSuite(peers.world))
  const sets: SetUp[] = []
  for (const open of peers.beside) sets.push(opened.use(await open(folder)))
  sets.push(opened.use(await noop(peers.world)), suite)
  const turns: Turn[] = []
  for (const pairs of peers.pairs) {
    for (const set of sets) {
      const load = opened.use(await openLoad({ ...set.target, pairs, prefix: `load${pairs}x` }))
      turns.push({ set, load, score: empty(set.name, pairs), cpuUs: {} })
    }
  }
  const syncs = [measureFdatasync(folder, shape.syncs)]

  for (let round = 0; round < shape.rounds; round++) {
    for (const turn of turns) await takeTurn(turn, shape.seconds)
  }
  for (const turn of turns) await close(turn, turn.score.pairs === peers.pairs.at(-1))
  const scores = turns.map((turn) => turn.score)
  say(table(scores))
  say(NOTES)

  const few = turns.filter((turn) => turn.score.pairs === OPEN_PAIRS)
  const bareTurn = few[0]
  const suiteTurn = few.at(-1)
  if (bareTurn === undefined || suiteTurn === undefined) throw new Error('nothing was measured')
  const added = await addedLatency(bareTurn.load, suiteTurn.load, suite.world, shape)
  syncs.push(measureFdatasync(folder, shape.syncs))
  say(openText(added))
  const closed = scores.filter(({ name }) => name === SUITE)
  const before = closed.reduce((sum, { warmUp, sent }) => sum + warmUp + sent, added.sent)
  const rest = await fill(suiteTurn, shape.messages - before, shape.seconds)
  for (const { set, score } of turns) if (set === suite) readRss({ set, score })
  say(rssText(suiteTurn.score, before + rest.sent))
  // Last: reading rules again and again is no part of what the memory is wanted for.
  const cost = await rulesCost(suiteTurn, suite.world, shape)
  say(rulesText(cost))
  const ran: Ran[] = [
    ...scores.map(
      ({ name, pairs, wrong }) =>
        ({ where: `${name}, ${pairs} pairs`, of: name === SUITE ? 'suite' : 'peer', wrong }) as const,
    ),
    { where: 'bare, open loop', of: 'peer', wrong: added.wrong.bare },
    { where: 'full suite, open loop', of: 'suite', wrong: added.wrong.suite },
    { where: 'full suite, with its rules and without', of: 'suite', wrong: cost.wrong },
    { where: 'full suite, up to the last message', of: 'suite', wrong: rest.wrong },
  ]
  if (options.form === 'long')
    for (const delayMs of [2, 5])
      ran.push(...(await slowed(folder, delayMs, bareTurn, (environment) => startSuite(peers.world, environment))))

  const fdatasyncP99 = Math.max(...syncs.map((one) => one.p99Ms))
  const result = figures(peers, scores, added, fdatasyncP99, ran, cost)
  const missed = explain(peers.goals, result, scores, ran)
  say(missed === '' ? 'every goal is met' : missed)
  if (peers.aims.length > 0) say(aims(peers, scores))
  process.stdout.write(`${JSON.stringify({ ...result, ...peers.conditions })}\n`)
  return exitCode(ran)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
