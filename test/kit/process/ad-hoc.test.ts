// SPDX-License-Identifier: Apache-2.0
// XEP-0050: the commands of a process as forms, with the client of a person, and of somebody who means no good.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type AdHocBounds, openAdHoc } from '../../../components/kit/process/ad-hoc.ts'
import { type Command, CommandError, type Denied, EXIT, type Said } from '../../../components/kit/process/command.ts'
import type { Log } from '../../../components/kit/process/log.ts'
import { callerOfJid } from '../../../components/kit/process/people.ts'
import { createRouter } from '../../../components/kit/router/create-router.ts'
import { createCatalogue, KIT_TEXTS } from '../../../components/kit/text/catalogue.ts'
import type { Element } from '../../../components/kit/xml/element.ts'
import { parse } from '../../../components/kit/xml/parse.ts'
import { type AskIq, openClient, type Step, stepOf, submitted } from '../../harness/ad-hoc.ts'

const DOMAIN = 'probe.gatehouse.internal'
const OLGA = 'olga@corp.example/desk'
const OTTO = 'otto@corp.example/desk'
const ADA = 'ada@corp.example/desk'
const EVE = 'eve@corp.example/desk'
const TEXTS = new URL('./programs/probe/text/', import.meta.url)
const GOLDEN = new URL('../../golden/ad-hoc-1.xml', import.meta.url)

const people = {
  operators: [{ kind: 'jid' as const, name: 'otto@corp.example' }],
  officers: [
    { kind: 'jid' as const, name: 'olga@corp.example' },
    { kind: 'jid' as const, name: 'ada@corp.example', hosts: ['a.example', 'b.example'] },
    // Listed, but of a host that is not this server's.
    { kind: 'jid' as const, name: 'mallory@evil.example' },
  ],
  auditors: [],
}

/** A probe with commands of every shape, over a router without a stream. */
function openProbe(bounds: Partial<AdHocBounds> = {}) {
  const text = createCatalogue([KIT_TEXTS, TEXTS])
  const denied: Denied[] = []
  const logged: { event: string; fields: unknown }[] = []
  const asked: { args: unknown; hosts: unknown; who: string; language: string }[] = []
  let now = 1_000_000
  const waiting = new Map<string, (answer: Element) => void>()
  const wire: string[] = []
  const ended: string[] = []
  const gate = { open: Promise.withResolvers<void>() }
  const log: Log = {
    debug: () => {},
    info: (event, fields) => void logged.push({ event, fields }),
    warn: (event, fields) => void logged.push({ event, fields }),
    error: (event, fields) => void logged.push({ event, fields }),
    child: () => log,
  }
  const help = 'probe-words'
  const command = (name: string, run: Command['run'], more: Partial<Command> = {}): Command => ({
    name: `probe ${name}`,
    help: 'probe-count',
    rights: ['operator'],
    parameters: [],
    run,
    ...more,
  })
  const commands: Command[] = [
    command(
      'many',
      async function* ({ to }) {
        for (let n = 1; n <= Number(to); n++) yield { say: 'row', row: { n, square: n * n } }
        yield { say: 'text', text: `counted to ${to}` }
      },
      {
        parameters: [{ name: 'to', help, type: 'number', required: true, range: [1, 1000] }],
        columns: ['n', 'square'],
      },
    ),
    command('plain', async function* () {
      yield { say: 'row', row: { what: 'a', value: null } }
    }),
    command(
      'form',
      async function* (args, { caller, hosts, language }) {
        asked.push({ args, hosts: hosts === null ? null : [...hosts], who: caller.user, language })
        if (args.text === 'bad') throw new CommandError('no such thing', EXIT.usage)
        if (args.text === 'gone') throw new CommandError('not found', EXIT.notFound)
        if (args.text === 'broken') throw new Error('planted in a command')
        yield { say: 'row', row: { text: args.text, more: { nested: true }, odd: 'a\nb\u202e<&>' } }
        yield { say: 'text', text: '| a line of theirs' }
      },
      {
        rights: ['officer'],
        byHost: true,
        single: true,
        columns: ['text', 'odd'],
        parameters: [
          { name: 'text', help, type: 'text', positional: true },
          { name: 'kind', help, type: 'text', choices: ['one', 'two'] },
          { name: 'since', help, type: 'time' },
          { name: 'person', help, type: 'jid' },
          { name: 'file', help, type: 'path' },
          { name: 'loud', help, type: 'flag' },
          { name: 'host', help, type: 'host' },
          { name: 'limit', help, type: 'number', default: 50, range: [1, 1000] },
        ],
      },
    ),
    command(
      'slow',
      async function* (_args, { signal }) {
        try {
          yield { say: 'progress', done: 1, total: 2, unit: 'things' }
          await gate.open.promise
          signal.throwIfAborted()
          yield { say: 'row', row: { path: '/there' } }
        } finally {
          ended.push('slow')
        }
      },
      { single: true },
    ),
    command('endless', async function* (_args, { signal }): AsyncIterable<Said> {
      try {
        for (let n = 1; !signal.aborted; n++) yield { say: 'row', row: { n } }
      } finally {
        ended.push('endless')
      }
    }),
  ]
  const adHoc = openAdHoc({
    domain: DOMAIN,
    commands: () => commands,
    denied: async (one) => void denied.push(one),
    callerOf: (from) => callerOfJid(from, people, ['corp.example']),
    text,
    log,
    metrics: { gauge: () => {} },
    now: () => now,
    bounds: { pageMs: 200, settleMs: 50, ...bounds },
  })
  const router = createRouter(
    {
      domain: DOMAIN,
      routes: adHoc.routes,
      nodes: adHoc.nodes,
      identity: { category: 'component', type: 'generic', name: 'probe' },
      software: { name: 'probe', version: '0' },
      log,
    },
    (events) => ({
      take: events.take,
      send: () => true,
      reply(xml: string) {
        wire.push(xml)
        const answer = parse(xml.replace(/^<iq/, "<iq xmlns='jabber:client'"))
        waiting.get(answer.attrs.id ?? '')?.(answer)
        waiting.delete(answer.attrs.id ?? '')
      },
    }),
  )
  let ids = 0
  const ask: AskIq = (type, payload, from, language) => {
    const id = `i${++ids}`
    const lang = language === undefined ? '' : ` xml:lang='${language}'`
    const raw = `<iq xmlns='jabber:client' type='${type}' id='${id}' from='${from}' to='${DOMAIN}'${lang}>${payload}</iq>`
    return new Promise((resolve) => {
      waiting.set(id, resolve)
      wire.push(raw)
      void router.stream.take({ element: parse(raw), raw, slice: () => null })
    })
  }
  return {
    ask,
    adHoc,
    wire,
    denied,
    logged,
    asked,
    ended,
    gate,
    pass: (ms: number) => {
      now += ms
    },
    client: (from: string, language?: string) => openClient(ask, from, language),
    [Symbol.dispose]: () => adHoc.close(),
  }
}

const stage = async (told: Promise<Awaited<ReturnType<ReturnType<typeof openClient>['command']>>>): Promise<Step> =>
  stepOf(await told)

describe('what is shown of ad-hoc commands', () => {
  it('to each person what he has the right to, in his language; to everybody else nothing', async () => {
    using probe = openProbe()
    const all = ['probe-many', 'probe-plain', 'probe-slow', 'probe-endless']
    assert.deepEqual(Object.keys(await probe.client(OTTO).list()), all)
    assert.equal((await probe.client(OTTO).list())['probe-many'], 'probe many: Counts to a number')
    assert.equal((await probe.client(OTTO, 'de-AT').list())['probe-many'], 'probe many: Zählt bis zu einer Zahl')
    assert.deepEqual(Object.keys(await probe.client(OLGA).list()), ['probe-form'])
    assert.deepEqual(Object.keys(await probe.client(ADA).list()), ['probe-form'])
    for (const nobody of [
      EVE,
      'otto@corp.example',
      'corp.example',
      'mallory@evil.example/x',
      'otto@evil.example/x',
      'evil.example/otto@corp.example',
    ])
      assert.deepEqual(await probe.client(nobody).list(), {}, nobody)
  })

  it('each command says what it is to whom it is offered, and is forbidden to others', async () => {
    using probe = openProbe()
    const commands = 'http://jabber.org/protocol/commands'
    assert.deepEqual(await probe.client(OTTO).info(commands), ['automation/command-list', commands])
    assert.deepEqual(await probe.client(OTTO).info('probe-many'), [
      'automation/command-node',
      commands,
      'jabber:x:data',
    ])
    assert.deepEqual(await probe.client(OTTO).info('probe-form'), ['auth forbidden'])
    assert.deepEqual(await probe.client(OTTO).info('probe-none'), ['cancel item-not-found'])
    assert.deepEqual(await probe.client(EVE).info(commands), ['cancel item-not-found'])
    assert.ok((await probe.client(OTTO).info()).includes(commands))
    assert.ok(!(await probe.client(EVE).info()).includes(commands))
  })
})

describe('ad-hoc commands', () => {
  it('a form has a typed field for each parameter, and what was filled in arrives as on the command line', async () => {
    using probe = openProbe()
    const olga = probe.client(OLGA)
    const form = await stage(olga.start('probe-form'))
    assert.deepEqual([form.status, form.execute, form.actions], ['executing', 'next', ['next', 'complete']])
    const fields = Object.entries(form.form?.fields ?? {}).map(([name, one]) => [
      name,
      one.type,
      one.values,
      one.options,
    ])
    assert.deepEqual(fields, [
      ['text', 'text-single', [], []],
      ['kind', 'list-single', [''], ['', 'one', 'two']],
      ['since', 'text-single', [], []],
      ['person', 'jid-single', [], []],
      ['file', 'text-single', [], []],
      ['loud', 'boolean', ['0'], []],
      ['host', 'text-single', [], []],
      ['limit', 'text-single', ['50'], []],
    ])
    const given = { text: 'a b', kind: 'two', since: '2026-11-22', person: 'x@y', loud: 'true', host: '', unknown: 'x' }
    const done = await stage(olga.go('probe-form', 'execute', form.session, given))
    assert.equal(done.status, 'completed')
    assert.deepEqual(probe.asked, [
      {
        args: { text: 'a b', kind: 'two', since: '2026-11-22T00:00:00.000Z', person: 'x@y', loud: true, limit: 50 },
        hosts: null,
        who: 'olga@corp.example',
        language: 'en',
      },
    ])
    const { fields: shown } = done.form ?? {}
    assert.deepEqual([shown?.text?.values, shown?.odd?.values], [['a b'], ['a\\nb\\u202e<&>']])
    assert.deepEqual(shown?.lines?.values, ['| a line of theirs'])
    assert.deepEqual(done.lines, [
      { say: 'row', row: { text: 'a b', more: { nested: true }, odd: 'a\nb\u202e<&>' } },
      { say: 'text', text: '| a line of theirs' },
      { say: 'end', exit: 0 },
    ])
    assert.deepEqual(await olga.go('probe-form', 'next', form.session), {
      refused: 'cancel not-allowed session-expired',
      text: 'This command is over. Please start it again.',
    })
  })

  it('a wrong value, a missing one and what the command itself finds wrong bring the form back, filled in, with the reason', async () => {
    using probe = openProbe()
    const otto = probe.client(OTTO, 'de')
    const form = await stage(otto.start('probe-many'))
    assert.equal(form.language, 'de')
    assert.equal(form.form?.fields.to?.required, true)
    const missing = await stage(otto.go('probe-many', 'next', form.session, { to: ' ' }))
    assert.deepEqual(missing.notes, [
      {
        type: 'error',
        text: '„Wo Schluss ist“ fehlt.'.replace('Wo Schluss ist', missing.form?.fields.to?.label ?? ''),
      },
    ])
    const wrong = await stage(otto.go('probe-many', 'next', form.session, { to: 'three' }))
    assert.match(wrong.notes[0]?.text ?? '', /erwartet wird eine Zahl, nicht „three“/)
    assert.deepEqual(wrong.form?.fields.to?.values, ['three'])
    assert.equal((await stage(otto.go('probe-many', 'next', form.session, { to: '3' }))).status, 'completed')
    const olga = probe.client(OLGA)
    const bad = await stage(olga.fill('probe-form', { text: 'bad', kind: 'one' }))
    assert.deepEqual([bad.status, bad.notes], ['executing', [{ type: 'error', text: 'no such thing' }]])
    assert.deepEqual(bad.form?.fields.kind?.values, ['one'])
    assert.equal((await stage(olga.go('probe-form', 'next', bad.session, { text: 'good' }))).status, 'completed')
    for (const [text, told] of [
      ['gone', 'not found'],
      ['broken', 'The command failed. The log of the process says why.'],
    ]) {
      const failed = await stage(olga.fill('probe-form', { text: text ?? '' }))
      assert.deepEqual([failed.status, failed.notes], ['completed', [{ type: 'error', text: told }]])
    }
    assert.match(
      (await stage(olga.fill('probe-form', { kind: 'three' }))).notes[0]?.text ?? '',
      /one of one, two is wanted/,
    )
  })

  it('long results have pages, to turn in both directions; complete ends on any', async () => {
    using probe = openProbe({ pageItems: 10 })
    const otto = probe.client(OTTO)
    const numbers = (step: Step) => step.form?.rows.map((row) => Number(row.n)) ?? []
    const from = (first: number, count: number) => Array.from({ length: count }, (_, at) => first + at)
    const one = await stage(otto.fill('probe-many', { to: '25' }))
    assert.deepEqual([numbers(one), one.actions, one.execute], [from(1, 10), ['next', 'complete'], 'next'])
    assert.deepEqual(one.form?.instructions, ['Page 1.', 'There is more; the next step shows it.'])
    const go = (action: string) => stage(otto.go('probe-many', action, one.session))
    const two = await go('execute')
    assert.deepEqual([numbers(two), two.actions], [from(11, 10), ['prev', 'next', 'complete']])
    assert.deepEqual(numbers(await go('prev')), from(1, 10))
    assert.equal(
      ((await otto.go('probe-many', 'prev', one.session)) as { refused: string }).refused,
      'modify bad-request bad-action',
    )
    assert.deepEqual(numbers(await go('next')), from(11, 10))
    const three = await go('next')
    assert.deepEqual(
      [numbers(three), three.status, three.actions, three.execute],
      [from(21, 5), 'executing', ['prev', 'complete'], 'complete'],
    )
    assert.deepEqual(three.notes, [{ type: 'info', text: 'counted to 25' }])
    assert.deepEqual(three.lines.at(-1), { say: 'end', exit: 0 })
    assert.equal(
      ((await otto.go('probe-many', 'next', one.session)) as { refused: string }).refused,
      'modify bad-request bad-action',
    )
    assert.deepEqual(numbers(await go('prev')), from(11, 10))
    assert.equal((await go('complete')).status, 'completed')
  })

  it('a command that takes long goes on while nobody asks, and says how far it is; cancelling ends it', async () => {
    using probe = openProbe()
    const otto = probe.client(OTTO)
    const first = await stage(otto.start('probe-slow'))
    assert.deepEqual([first.status, first.actions], ['executing', ['next']])
    assert.deepEqual(first.form?.instructions, ['Page 1.', '1 of 2 things.', 'It goes on; the next step shows more.'])
    assert.equal(
      ((await otto.go('probe-slow', 'complete', first.session)) as { refused: string }).refused,
      'modify bad-request bad-action',
    )
    const pending = otto.go('probe-slow', 'next', first.session)
    assert.equal(
      ((await otto.go('probe-slow', 'next', first.session)) as { refused: string }).refused,
      'wait unexpected-request',
    )
    assert.equal((await stage(otto.go('probe-slow', 'cancel', first.session))).status, 'canceled')
    assert.equal((await stage(pending)).status, 'canceled')
    probe.gate.open.resolve()
    const second = await stage(otto.start('probe-slow'))
    assert.deepEqual([second.status, second.form?.fields.path?.values], ['completed', ['/there']])
    assert.deepEqual(probe.ended, ['slow', 'slow'])
  })

  it('what never ends is read ahead up to a bound only, and is ended with its session', async () => {
    using probe = openProbe({ pageItems: 10, aheadSize: 2_000, pageSize: 1_000, keptSize: 2_000, idleMs: 60_000 })
    const otto = probe.client(OTTO)
    const first = await stage(otto.start('probe-endless'))
    assert.equal(first.form?.rows.length, 10)
    for (let page = 2; page <= 20; page++) {
      const step = await stage(otto.go('probe-endless', 'next', first.session))
      assert.equal(step.form?.rows[0]?.n, String((page - 1) * 10 + 1))
    }
    // Of pages seen only so much is kept.
    let back = 0
    for (; back < 20; back++) if ('refused' in (await otto.go('probe-endless', 'prev', first.session))) break
    assert.ok(back > 0 && back < 19, `${back}`)
    probe.pass(60_001)
    assert.equal(
      ((await otto.go('probe-endless', 'next', first.session)) as { refused: string }).refused,
      'cancel not-allowed session-expired',
    )
    await delay(0)
    assert.deepEqual(probe.ended, ['endless'])
  })

  it('a right for some hosts is confined to them, and the form names them', async () => {
    using probe = openProbe()
    const ada = probe.client(ADA)
    const form = await stage(ada.start('probe-form'))
    assert.deepEqual(
      [form.form?.fields.host?.type, form.form?.fields.host?.options],
      ['list-single', ['', 'a.example', 'b.example']],
    )
    await stage(ada.go('probe-form', 'next', form.session, { host: 'b.example' }))
    await stage(ada.fill('probe-form', {}))
    assert.deepEqual(
      probe.asked.map(({ hosts }) => hosts),
      [['b.example'], ['a.example', 'b.example']],
    )
    const beyond = await ada.fill('probe-form', { host: 'c.example', text: 'x' })
    assert.deepEqual(beyond, {
      refused: 'auth forbidden',
      text: 'ada@corp.example may run probe form for these virtual hosts only: a.example, b.example',
    })
    assert.deepEqual(probe.denied, [
      {
        who: { jid: 'ada@corp.example' },
        via: 'ad-hoc',
        command: 'probe form',
        query: { host: 'c.example', text: 'x' },
      },
    ])
  })
})

describe('ad-hoc commands of whoever means no good', () => {
  it('without the right nothing is opened, and the attempt is on record before the refusal', async () => {
    using probe = openProbe()
    const refusal = {
      refused: 'auth forbidden',
      text: 'eve@corp.example darf probe form nicht ausführen. Nötiges Recht: Beauftragte.',
    }
    assert.deepEqual(await probe.client(EVE, 'de').start('probe-form'), refusal)
    const told = await probe
      .client(OTTO)
      .command('probe-form', { action: 'execute' }, submitted({ text: 'secret word' }))
    assert.equal((told as { refused: string }).refused, 'auth forbidden')
    for (const from of [
      'olga@corp.example',
      'mallory@evil.example/x',
      'corp.example',
      'Olga@evil.example/olga@corp.example',
    ])
      assert.equal(
        ((await probe.client(from).start('probe-form')) as { refused: string }).refused,
        'auth forbidden',
        from,
      )
    assert.deepEqual(
      probe.denied.map(({ who, query }) => [who, query]),
      [
        [{ jid: 'eve@corp.example' }, {}],
        [{ jid: 'otto@corp.example' }, { text: 'secret word' }],
        [{ jid: 'olga@corp.example' }, {}],
        [{ jid: 'mallory@evil.example' }, {}],
        [{ jid: 'corp.example' }, {}],
        [{ jid: 'Olga@evil.example' }, {}],
      ],
    )
    assert.deepEqual(probe.asked, [])
  })

  it('a session belongs to one full address and one command; ids cannot be guessed', async () => {
    using probe = openProbe()
    const form = await stage(probe.client(OLGA).start('probe-form'))
    assert.match(form.session, /^[0-9a-f]{32}$/)
    const foreign = 'modify bad-request bad-sessionid'
    for (const other of ['olga@corp.example/phone', OTTO, EVE, 'olga@corp.example']) {
      for (const action of ['next', 'complete', 'cancel', 'prev', 'execute']) {
        const told = await probe.client(other).go('probe-form', action, form.session, { text: 'x' })
        assert.equal((told as { refused: string }).refused, foreign, `${other} ${action}`)
      }
    }
    for (const [node, session] of [
      ['probe-many', form.session],
      ['probe-form', 'f'.repeat(32)],
      ['probe-form', ''],
    ])
      assert.equal(
        ((await probe.client(OLGA).go(node ?? '', 'next', session ?? '')) as { refused: string }).refused,
        foreign,
      )
    assert.deepEqual(probe.asked, [])
    assert.equal((await stage(probe.client(OLGA).go('probe-form', 'next', form.session, {}))).status, 'completed')
  })

  it('unknown nodes and actions, forms of another type or size: each its own refusal, and nothing runs', async () => {
    using probe = openProbe()
    const olga = probe.client(OLGA)
    const form = await stage(olga.start('probe-form'))
    const session = { sessionid: form.session, action: 'next' }
    const x = (type: string, inside = '') => `<x xmlns='jabber:x:data' type='${type}'>${inside}</x>`
    const cases: [string, Readonly<Record<string, string>>, string, string][] = [
      ['probe-none', {}, '', 'cancel item-not-found'],
      ['', {}, '', 'modify bad-request'],
      ['probe-form', { action: 'explode' }, '', 'modify bad-request malformed-action'],
      ['probe-form', { action: 'next' }, '', 'modify bad-request bad-action'],
      ['probe-form', { ...session, action: 'prev' }, '', 'modify bad-request bad-action'],
      ['probe-form', session, x('result'), 'modify bad-request bad-payload'],
      ['probe-form', session, x('form'), 'modify bad-request bad-payload'],
      ['probe-form', session, x('submit') + x('submit'), 'modify bad-request bad-payload'],
      ['probe-form', session, submitted({ text: 'x'.repeat(65_537) }), 'modify bad-request bad-payload'],
      ['probe-form', session, x('submit', '<field var="a"/>'.repeat(101)), 'modify bad-request bad-payload'],
      [
        'probe-form',
        session,
        x('submit', `<field var="a">${'<value/>'.repeat(70_000)}</field>`),
        'modify bad-request bad-payload',
      ],
    ]
    for (const [node, attributes, inside, refusal] of cases)
      assert.equal(
        ((await olga.command(node, attributes, inside)) as { refused: string }).refused,
        refusal,
        `${node} ${inside.slice(0, 40)}`,
      )
    assert.deepEqual(probe.asked, [])
    // XEP-0050 §3.5.1
    assert.equal((await stage(olga.command('probe-form', session, x('cancel')))).status, 'completed')
  })

  it('ten thousand sessions of one person: he has four, the oldest go; others are not kept out', async () => {
    using probe = openProbe()
    const otto = probe.client(OTTO)
    const sessions: string[] = []
    for (let n = 0; n < 10_000; n++) sessions.push((await stage(otto.start('probe-many'))).session)
    assert.equal(new Set(sessions).size, 10_000)
    const over = await otto.go('probe-many', 'next', sessions.at(-5) ?? '')
    assert.equal((over as { refused: string }).refused, 'cancel not-allowed session-expired')
    assert.equal((await stage(otto.go('probe-many', 'next', sessions.at(-4) ?? '', { to: '1' }))).status, 'completed')
    assert.equal((await stage(probe.client(OLGA).start('probe-form'))).status, 'executing')
  })

  it('sessions are bounded in all, and so are commands that run; a place is free again when one ends', async () => {
    using probe = openProbe({ inAll: 3, perPerson: 2 })
    const otto = probe.client(OTTO)
    const slow = [await stage(otto.start('probe-slow')), await stage(otto.start('probe-slow'))]
    const busy = { refused: 'wait resource-constraint', text: 'Too many commands run at the moment. Please try again.' }
    assert.deepEqual(await otto.start('probe-slow'), busy, 'what runs is not given up for another')
    await stage(probe.client(OLGA).start('probe-form'))
    assert.deepEqual(await probe.client(ADA).start('probe-form'), busy)
    await stage(otto.go('probe-slow', 'cancel', slow[0]?.session ?? ''))
    assert.equal((await stage(probe.client(ADA).start('probe-form'))).status, 'executing')
  })

  it('a huge cell is cut, a huge line comes in pieces that cannot pass for ours, and no answer is too large for the server', async () => {
    using probe = openProbe()
    const answer = await probe.ask(
      'set',
      `<command xmlns='http://jabber.org/protocol/commands' node='probe-form'>${submitted({ text: `&<${'"'.repeat(60_000)}` })}</command>`,
      OLGA,
    )
    assert.ok(String(answer).length < 20_000)
    assert.match(String(answer), /…<\/value>/)
    assert.match(String(answer), /"omitted":1/)
  })

  it('a process that stops cancels what is open and takes nothing new', async () => {
    using probe = openProbe()
    const otto = probe.client(OTTO)
    const slow = await stage(otto.start('probe-slow'))
    const pending = otto.go('probe-slow', 'next', slow.session)
    probe.adHoc.close()
    assert.equal((await stage(pending)).status, 'canceled')
    assert.equal(((await otto.start('probe-slow')) as { refused: string }).refused, 'wait resource-constraint')
  })
})

it('what crosses the wire is as in the golden file', async () => {
  using probe = openProbe({ pageItems: 2 })
  const otto = probe.client(OTTO)
  await otto.list()
  await otto.info('probe-many')
  const first = await stage(otto.fill('probe-many', { to: '3' }))
  await otto.go('probe-many', 'next', first.session)
  await otto.go('probe-many', 'complete', first.session)
  await otto.start('probe-plain')
  const olga = probe.client(OLGA, 'de')
  const form = await stage(olga.fill('probe-form', { limit: 'x' }))
  await olga.go('probe-form', 'next', form.session, { text: 'a' })
  await olga.start('probe-many')
  const cancelled = await stage(olga.start('probe-form'))
  await olga.go('probe-form', 'cancel', cancelled.session)
  await olga.go('probe-form', 'cancel', 'unknown')
  const written = `${probe.wire.join('\n')}\n`.replaceAll(/(sessionid=')[0-9a-f]{32}/g, '$1SESSION')
  if (process.env.GATEHOUSE_WRITE_GOLDEN === '1') writeFileSync(GOLDEN, written)
  assert.equal(written, readFileSync(GOLDEN, 'utf8'))
})
