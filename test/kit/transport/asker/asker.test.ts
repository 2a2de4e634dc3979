// SPDX-License-Identifier: Apache-2.0
// PROTOCOL.md as a transport keeps it. Policy is its own gate; what it is asked over is the test's.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Iq } from '../../../../components/kit/router/router.ts'
import { type Asker, type AskerOptions, openAsker } from '../../../../components/kit/transport/asker/asker.ts'
import type { Answer, Question } from '../../../../components/kit/transport/asker/question.ts'
import { parse } from '../../../../components/kit/xml/parse.ts'
import { NS } from '../../../../components/kit/xmpp/namespaces.ts'
import { StanzaError } from '../../../../components/kit/xmpp/stanza-error.ts'
import { DOMAIN, openScreen, SCREEN, type ScreenUnderTest } from './screen.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-asker-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
const newPath = () => join(folder, `${++files}.db`)

const ROOM = `#garden%irc.example.org@${DOMAIN}`
const log = { info() {}, warn() {}, error() {} }
/** Short, so that what is to happen at a time happens soon; nothing here says how long it took. */
const bounds = { tryMs: 40, holdMs: 60_000, markMs: 20, probeMs: 20, replayMs: 1, lookMs: 20 }
/** What is not answered is withheld within the test. */
const SOON = { bounds: { ...bounds, holdMs: 1_000 } }

function question(body: string, more: Partial<Question> = {}): Question {
  return {
    stanza: `<message from='${ROOM}/Paris' to='${ROOM}' type='groupchat' id='${body.length}'><body>${body}</body></message>`,
    network: 'irc',
    server: 'irc.example.org',
    foreign: { nick: 'Paris', account: 'paris', identity: 'Paris!p@host' },
    order: ROOM,
    ...more,
  }
}

async function open(screen: ScreenUnderTest, more: Partial<AskerOptions> = {}): Promise<Asker> {
  const asker = await openAsker({
    domain: DOMAIN,
    screen: SCREEN,
    path: newPath(),
    node: 'n',
    software: 's',
    onOutage: 'closed',
    request: (...args) => screen.request(...args),
    log,
    bounds,
    ...more,
  })
  asker.up()
  return asker
}

/** Until something that has no event of its own holds. */
async function until(holds: () => boolean, what: string): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 1_000) assert.fail(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const stop = (asker: Asker) => asker.stop(AbortSignal.timeout(5_000))
const textOf = (answer: Answer) =>
  answer.action === 'deliver' ? parse(answer.stanza).getChildText('body') : answer.why

describe('an asker', () => {
  it('does what policy says, and policy has who said it where', async () => {
    const screen = openScreen()
    await using asker = await open(screen)
    const answers = await Promise.all(
      ['hello', 'a secret', 'the nightingale sings'].map((body) => asker.ask(question(body))),
    )
    assert.deepEqual(answers.map(textOf), ['hello', 'policy', 'the *********** sings'])
    assert.deepEqual(answers[1], {
      action: 'refuse',
      why: 'policy',
      rule: 'no-secrets',
      condition: 'policy-violation',
      text: { en: 'Not this word.' },
    })
    const [first, , third] = answers
    assert.equal(first?.action === 'deliver' && first.stanza, question('hello').stanza)
    assert.equal(third?.action === 'deliver' && third.replaced && !third.stanza.includes('jabber:client'), true)
    await stop(asker)
    const [ask] = screen.of('ask')
    assert.deepEqual(
      { ...ask, at: '', source: '', stanza: '', verdict: '' },
      {
        kind: 'ask',
        source: '',
        n: 1,
        try: 1,
        host: DOMAIN,
        direction: 'received',
        via: 'network',
        at: '',
        stanza: '',
        verdict: '',
        rules: 'h',
        network: 'irc',
        foreign: { server: 'irc.example.org', nick: 'Paris', account: 'paris', identity: 'Paris!p@host' },
      },
    )
    assert.deepEqual(
      screen.of('ask').map(({ n }) => n),
      [1, 2, 3],
    )
    assert.equal(screen.of('source').length, 1)
    assert.deepEqual(screen.of('source')[0]?.hosts, [DOMAIN])
    const end = screen.of('mark').at(-1)
    assert.deepEqual([end?.last, end?.end, screen.of('done').at(-1)?.to], [3, true, 3])
  })

  it('gives the answers of one room in the order of asking, and keeps no other waiting', async () => {
    const slow = Promise.withResolvers<void>()
    const screen = openScreen({
      slow: (asked) =>
        asked.texts()[0]?.value === 'slow'
          ? slow.promise.then(() => ({ action: 'allow', rule: 'otherwise' }))
          : { action: 'allow', rule: 'otherwise' },
    })
    await using asker = await open(screen, { bounds: { ...bounds } })
    const told: string[] = []
    const ask = (body: string, order: string) =>
      asker.ask(question(body, { order })).then((answer) => void told.push(textOf(answer) ?? ''))
    const first = ask('slow', 'one')
    const second = ask('behind', 'one')
    await ask('beside', 'two')
    assert.deepEqual(told, ['beside'])
    slow.resolve()
    await until(() => screen.later.length > 0, 'a later verdict')
    const [{ payload } = { payload: '' }] = screen.later
    const route = asker.routes.find(({ name }) => name === 'verdicts') ?? assert.fail()
    const iq = { from: SCREEN, payload: parse(payload) } as Iq
    assert.throws(() => route.answer({ ...iq, from: 'eve@corp.example' }, AbortSignal.abort()), StanzaError)
    assert.throws(() => route.answer({ ...iq, from: `${SCREEN}/x` }, AbortSignal.abort()), StanzaError)
    assert.deepEqual(told, ['beside'])
    await route.answer(iq, AbortSignal.abort())
    await Promise.all([first, second])
    assert.deepEqual(told, ['beside', 'slow', 'behind'])
    await stop(asker)
  })

  it('tells who is in a room', async () => {
    const screen = openScreen()
    await using asker = await open(screen)
    asker.occupant(ROOM, 'Al', 'alice@corp.example/desk', 'joined')
    await until(() => screen.of('occupant').length === 1, 'the occupant')
    const [{ room, nick, jid, event } = assert.fail()] = screen.of('occupant')
    assert.deepEqual([room, nick, jid, event], [ROOM, 'Al', 'alice@corp.example/desk', 'joined'])
    await stop(asker)
  })

  it('leaves out a report that policy cannot read, and asks about the rest', async () => {
    const screen = openScreen()
    await using asker = await open(screen)
    let left = 1
    const request = screen.request
    screen.request = async (to, payload, options) => {
      if (payload.includes('<occupant') && left-- > 0) throw new StanzaError('modify', 'bad-request')
      return request(to, payload, options)
    }
    await until(() => asker.state().asking, 'policy answers')
    const before = screen.of('ask').length
    asker.occupant(ROOM, 'Al', 'alice@corp.example/desk', 'joined')
    assert.equal(textOf(await asker.ask(question('hello'))), 'hello')
    assert.deepEqual(
      screen
        .of('ask')
        .slice(before)
        .map(({ n, try: tried }) => [n, tried]),
      [[1, 1]],
    )
    await stop(asker)
  })

  it('has numbers on disk before they are used, block after block', async () => {
    const screen = openScreen()
    await using asker = await open(screen, { bounds: { ...bounds, questions: 10_000 } })
    await Promise.all(Array.from({ length: 2_300 }, () => asker.ask(question('hello'))))
    await stop(asker)
    assert.deepEqual(new Set(screen.of('ask').map(({ n }) => n)).size, 2_300)
    assert.equal(screen.of('done').at(-1)?.to, 2_300)
  })
})

describe('while policy is away', () => {
  it('closed: what is not answered is withheld, and how it ended is told when policy is back', async () => {
    const screen = openScreen()
    await using asker = await open(screen, SOON)
    await until(() => asker.state().asking, 'policy answers')
    assert.equal(textOf(await asker.ask(question('before'))), 'before')
    screen.mode = 'silent'
    assert.deepEqual(await asker.ask(question('lost')), { action: 'refuse', why: 'outage' })
    await until(() => !asker.state().asking || screen.seen.length > 4, 'the breaker')
    screen.mode = 'answers'
    await until(() => screen.of('settle').length === 1 && asker.state().asking, 'the settlement')
    const [{ n, outcome, try: tried } = assert.fail()] = screen.of('settle')
    assert.deepEqual([n, outcome, tried], [2, 'bounced', undefined])
    assert.equal(textOf(await asker.ask(question('after'))), 'after')
    await stop(asker)
    assert.equal(screen.of('done').at(-1)?.to, 3)
  })

  for (const away of ['service-unavailable', 'forbidden'] as const)
    it(`says once that policy does not answer, and not that it refuses, where the server says ${away}`, async () => {
      const screen = openScreen()
      screen.mode = 'away'
      screen.away = away
      const told: string[] = []
      const tell = (event: string) => void told.push(event)
      await using asker = await open(screen, { log: { info: tell, warn: tell, error: tell } })
      await until(() => screen.seen.length > 5, 'some probes')
      assert.deepEqual(told, ['policy does not answer: the rule for outages applies'])
      screen.mode = 'answers'
      await until(() => asker.state().asking, 'policy answers')
      assert.equal(told.at(-1), 'policy answers')
      screen.mode = 'stranger'
      asker.down()
      asker.up()
      await until(() => told.some((event) => event.startsWith('policy takes no questions')), 'the truth')
      await stop(asker)
    })

  it('closed: what was never asked about is counted in an outage', async () => {
    const screen = openScreen()
    screen.mode = 'away'
    await using asker = await open(screen, SOON)
    const answers = await Promise.all([1, 2, 3].map((one) => asker.ask(question(`lost ${one}`))))
    assert.deepEqual(answers.map(textOf), ['outage', 'outage', 'outage'])
    assert.equal(asker.state().withheld, 3)
    screen.mode = 'answers'
    await until(() => screen.of('outage').length === 1, 'the outage')
    const [{ from, to, count, outcome } = assert.fail()] = screen.of('outage')
    assert.deepEqual([from, to, count, outcome], [1, 3, 3, 'bounced'])
    await stop(asker)
    assert.deepEqual([screen.of('ask').length, screen.of('done').at(-1)?.to], [0, 3])
  })

  it('closed: what waits is asked about when policy is back in time, once more as a second try', async () => {
    const screen = openScreen()
    await using asker = await open(screen, { bounds: { ...bounds } })
    assert.equal(textOf(await asker.ask(question('before'))), 'before')
    screen.mode = 'silent'
    const waiting = [1, 2, 3].map((one) => asker.ask(question(`waiting ${one}`, { order: `${one}` })))
    await until(() => screen.seen.some((payload) => payload.includes('waiting 3')), 'they are asked about')
    // Each of them is a failure of its own screen, or their probe is.
    for (const one of [4, 5, 6]) {
      waiting.push(asker.ask(question(`waiting ${one}`, { order: `${one}` })))
      await until(
        () => screen.seen.some((payload) => payload.includes(`waiting ${one}`)) || !asker.state().asking,
        'asked',
      )
    }
    await until(() => !asker.state().asking, 'the breaker')
    screen.mode = 'answers'
    assert.deepEqual(
      (await Promise.all(waiting)).map(textOf),
      [1, 2, 3, 4, 5, 6].map((one) => `waiting ${one}`),
    )
    await stop(asker)
    const tries = screen.of('ask').filter(({ try: tried }) => tried === 2)
    assert.ok(tries.length >= 3)
    assert.deepEqual(
      screen
        .of('settle')
        .map(({ n, outcome, try: tried }) => [n, outcome, tried])
        .sort(),
      tries.map(({ n }) => [n, 'released', 2]).sort(),
    )
    assert.equal(screen.of('done').at(-1)?.to, 7)
  })

  it('closed: one failure alone costs nothing that can still be asked about in time', async () => {
    const screen = openScreen()
    await using asker = await open(screen)
    assert.equal(textOf(await asker.ask(question('before'))), 'before')
    const { request } = screen
    screen.request = async (to, payload, options) => {
      if (!payload.includes('hiccup')) return request(to, payload, options)
      screen.request = request
      throw new StanzaError('wait', 'resource-constraint')
    }
    assert.equal(textOf(await asker.ask(question('hiccup'))), 'hiccup')
    await stop(asker)
    assert.deepEqual(
      screen.of('ask').map(({ n, try: tried }) => [n, tried]),
      [
        [1, 1],
        [2, 2],
      ],
    )
    assert.equal(screen.of('done').at(-1)?.to, 2)
  })

  it('open: it passes, with its question on disk first, and the next run tells of it after a kill', async () => {
    const screen = openScreen()
    const path = newPath()
    screen.mode = 'away'
    const killed = await run(path)
    assert.deepEqual(killed, ['deliver unscreened secret'])
    await using asker = await openAsker({
      domain: DOMAIN,
      screen: SCREEN,
      path,
      node: 'n',
      software: 's',
      onOutage: 'open',
      request: screen.request,
      log,
      bounds,
    })
    screen.mode = 'answers'
    asker.up()
    await until(() => screen.of('settle').length === 1, 'the settlement')
    const [ask] = screen.of('ask')
    assert.deepEqual([ask?.n, ask?.spooled, ask?.verdict.rule], [1, true, 'no-secrets'])
    assert.deepEqual(
      screen.of('settle').map(({ source, n, outcome }) => [source, n, outcome]),
      [[ask?.source, 1, 'unscreened']],
    )
    // The run that was killed had not announced itself: its own words come before what it left, under its name.
    const sources = screen.of('source')
    assert.deepEqual(new Set(sources.map(({ source }) => source)).size, 2)
    const own = sources.find(({ source }) => source !== ask?.source)
    assert.deepEqual(own?.predecessor, { source: ask?.source, mark: 0, reserved: 1_000 })
    await stop(asker)
    assert.equal(asker.state().owed, 0)
  })

  it('open: a rule that policy told closes it, also after a restart', async () => {
    const screen = openScreen()
    const path = newPath()
    await using asker = await open(screen, { onOutage: 'open', path })
    await until(() => asker.state().asking, 'policy answers')
    const route = asker.routes.find(({ name }) => name === 'outage-rules') ?? assert.fail()
    const tell = (inner: string, from = SCREEN) =>
      route.answer(
        { from, payload: parse(`<outage-rules xmlns='${NS.screen}' id='abc'>${inner}</outage-rules>`) } as Iq,
        AbortSignal.abort(),
      )
    await assert.rejects(async () => tell('', DOMAIN), /forbidden/)
    await tell("<closed rule='no-files'><unknown/></closed>")
    await stop(asker)
    screen.mode = 'away'
    await using next = await open(screen, { ...SOON, onOutage: 'open', path })
    assert.deepEqual(await next.ask(question('lost')), { action: 'refuse', why: 'outage' })
    screen.mode = 'answers'
    await until(() => screen.of('outage').length === 1, 'the outage')
    assert.equal(screen.of('outage')[0]?.rule, 'no-files')
    assert.ok(screen.seen.some((payload) => payload.includes("outage-rules='abc'")))
    await next.stop(AbortSignal.timeout(5_000))
  })

  it('more than may wait is withheld at once', async () => {
    const screen = openScreen()
    screen.mode = 'away'
    await using asker = await open(screen, { bounds: { ...bounds, questions: 2 } })
    const [one, two] = [asker.ask(question('one')), asker.ask(question('two'))]
    assert.deepEqual(await asker.ask(question('three', { order: 'else' })), { action: 'refuse', why: 'outage' })
    assert.equal(asker.state().waiting, 2)
    screen.mode = 'answers'
    assert.deepEqual((await Promise.all([one, two])).map(textOf), ['one', 'two'])
    await stop(asker)
  })

  it('a record on disk that policy cannot read keeps back nothing behind it', async () => {
    const screen = openScreen()
    screen.mode = 'away'
    await using asker = await open(screen, { onOutage: 'open' })
    await Promise.all(['poison', 'fine'].map((body) => asker.ask(question(body))))
    const request = screen.request
    screen.request = async (to, payload, options) => {
      if (payload.includes('poison')) throw new StanzaError('modify', 'bad-request')
      return request(to, payload, options)
    }
    screen.mode = 'answers'
    await until(() => asker.state().owed === 0, 'all is told, or put aside')
    assert.deepEqual(
      screen.of('ask').map(({ n }) => n),
      [2],
    )
    assert.deepEqual(
      screen.of('settle').map(({ n, outcome }) => [n, outcome]),
      [
        [1, 'unscreened'],
        [2, 'unscreened'],
      ],
    )
    await stop(asker)
  })
})

/** A process of its own that is killed when it has said what it was answered. */
async function run(path: string): Promise<string[]> {
  const child = spawn(process.execPath, [new URL('./mains/main.ts', import.meta.url).pathname, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let said = ''
  for await (const piece of child.stdout) {
    said += String(piece)
    if (said.includes('\n')) child.kill('SIGKILL')
  }
  await exited
  return said.trimEnd().split('\n')
}
