// SPDX-License-Identifier: Apache-2.0
// RFC 6120 §8.2.3, §8.3.1: exactly one answer for each get and set, none for a result or an error; and per-sender order.
// The link is in memory here; that the same holds over a real stream is shown in ../stream.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { createRouter } from '../../../components/kit/router/create-router.ts'
import type { IqRoute, LinkEvents, Router, RouterOptions } from '../../../components/kit/router/router.ts'
import { Turns } from '../../../components/kit/router/turns.ts'
import { parse, parseStanza } from '../../../components/kit/xml/parse.ts'
import { StanzaError } from '../../../components/kit/xmpp/stanza-error.ts'

const DOMAIN = 'p.example'
const AT = `from='u@x.example/r' to='${DOMAIN}'`

type Bench = {
  router: Router
  /** Gives what the router gives the stream to count: a promise while it is in work. */
  take(xml: string): Promise<void> | undefined
  down(reason: string): void
  replies: string[]
  sent: string[]
  errors: string[]
  link: { up: boolean }
}

function bench(options: Partial<RouterOptions> = {}): Bench {
  const replies: string[] = []
  const sent: string[] = []
  const errors: string[] = []
  const link = { up: true }
  const told: { events?: LinkEvents } = {}
  const router = createRouter(
    {
      domain: DOMAIN,
      routes: [],
      identity: { category: 'component', type: 'generic', name: 'Subject' },
      software: { name: 'Subject', version: '1.2' },
      log: { warn() {}, error: (event, fields) => errors.push(`${event}: ${String(fields?.error)}`) },
      ...options,
    },
    (events) => {
      told.events = events
      return {
        send(xml) {
          if (link.up) sent.push(xml)
          return link.up
        },
        reply: (xml) => void replies.push(xml),
      }
    },
  )
  return {
    router,
    take: (xml) => told.events?.take(parseStanza(xml, {}, 'jabber:component:accept')),
    down: (reason) => told.events?.down(reason),
    replies,
    sent,
    errors,
    link,
  }
}

const route = (answer: IqRoute['answer'], more: Partial<IqRoute> = {}): IqRoute => ({
  type: 'set',
  namespace: 'u',
  name: 'q',
  order: 'arrival',
  answer,
  ...more,
})
const set = (id: string, from = 'u@x.example/r') =>
  `<iq type='set' id='${id}' from='${from}' to='${DOMAIN}'><q xmlns='u'/></iq>`
const error = (id: string, type: string, condition: string, text = '') =>
  `<iq type='error' id='${id}' from='p.example' to='u@x.example/r'><error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>${text}</error></iq>`

test('a payload is the result; none is an empty result', async () => {
  const answers = ['<a xmlns="u"/>', '']
  const { take, replies } = bench({ routes: [route(() => answers.shift() ?? '')] })
  assert.equal(take(set('1')), undefined)
  void take(set(`2&amp;'`.replace(`'`, '&apos;')))
  assert.deepEqual(replies, [
    `<iq type='result' id='1' from='p.example' to='u@x.example/r'><a xmlns="u"/></iq>`,
    `<iq type='result' id='2&amp;&apos;' from='p.example' to='u@x.example/r'/>`,
  ])
})

test('a StanzaError is the answer, in the language of the question', () => {
  const { take, replies } = bench({
    routes: [
      route(() => {
        throw new StanzaError('auth', 'forbidden', { en: 'no', de: 'nein' })
      }),
    ],
  })
  void take(set('1').replace('<iq ', `<iq xml:lang='de' `))
  assert.deepEqual(replies, [
    error('1', 'auth', 'forbidden', `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='de'>nein</text>`),
  ])
})

test('any other failure is internal-server-error without details, logged once', async () => {
  const kinds = [
    () => {
      throw new TypeError('thrown inside')
    },
    async () => {
      throw new Error('rejected inside')
    },
    () => Promise.reject('a string'),
  ]
  const { take, replies, errors } = bench({ routes: [route(() => (kinds.shift() as () => Promise<string>)())] })
  await Promise.all([take(set('1')), take(set('2')), take(set('3'))])
  assert.deepEqual(
    replies,
    ['1', '2', '3'].map((id) => error(id, 'cancel', 'internal-server-error')),
  )
  assert.deepEqual(errors, [
    'a handler failed: TypeError: thrown inside',
    'a handler failed: Error: rejected inside',
    'a handler failed: Error: a string',
  ])
})

test('what nobody answers is service-unavailable; kind, namespace and name must all fit', () => {
  const { take, replies } = bench({ routes: [route(() => '')] })
  void take(`<iq type='get' id='1' ${AT}><q xmlns='u'/></iq>`)
  void take(`<iq type='set' id='2' ${AT}><q xmlns='v'/></iq>`)
  void take(`<iq type='set' id='3' ${AT}><r xmlns='u'/></iq>`)
  assert.deepEqual(
    replies,
    ['1', '2', '3'].map((id) => error(id, 'cancel', 'service-unavailable')),
  )
})

test('a result or an error is never answered, a message of type error neither', () => {
  const { take, replies } = bench()
  for (const type of ['result', 'error']) void take(`<iq type='${type}' id='1' ${AT}/>`)
  void take(`<message type='error' ${AT}><body>x</body></message>`)
  void take(`<presence type='error' ${AT}/>`)
  void take(`<iq type='error' ${AT}/>`)
  void take(`<iq type='result' id='1' from='@' to='p.example'/>`)
  assert.deepEqual(replies, [])
})

test('bad requests are answered where the sender is known, and dropped where not', () => {
  const { take, replies, router } = bench()
  void take(`<iq type='set' id='1' ${AT}/>`)
  void take(`<iq type='odd' id='2' ${AT}><q/></iq>`)
  void take(`<iq type='get' id='3' from='u@x.example/r' to='p.example/'><q/></iq>`)
  void take(`<iq type='get' ${AT}><q/></iq>`)
  void take(`<iq type='get' id='4' from='@' to='p.example'><q/></iq>`)
  void take(`<message from='@' to='p.example'/>`)
  assert.deepEqual(
    replies.map((xml) => [parse(xml).attrs.id, parse(xml).getChild('error')?.getChildElements()[0]?.getName()]),
    [
      ['1', 'bad-request'],
      ['2', 'bad-request'],
      ['3', 'jid-malformed'],
    ],
  )
  assert.equal(router.counts.unanswerable, 3)
})

test('a handler out of time: one error, its signal aborted, the late answer dropped and counted', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let release: (payload: string) => void = () => {}
  let aborted = false
  const { take, replies, router } = bench({
    routes: [
      route(
        (_iq, signal) => {
          signal.addEventListener('abort', () => {
            aborted = true
          })
          return new Promise((resolve) => {
            release = resolve
          })
        },
        { answerWithinMs: 500 },
      ),
    ],
  })
  const work = take(set('1'))
  t.mock.timers.tick(499)
  assert.deepEqual(replies, [])
  t.mock.timers.tick(1)
  await work
  assert.ok(aborted)
  release('<late/>')
  await turn()
  assert.equal(replies.length, 1)
  assert.match(replies[0] ?? '', /type='error'.*<error type='wait'><remote-server-timeout /)
  assert.equal(router.counts.late, 1)
  assert.equal(router.inWork(), 0)
})

test('order by arrival: handlers start in order, at once, and none waits for another', async () => {
  const started: string[] = []
  const gates = new Map<string, () => void>()
  const { take, replies } = bench({
    routes: [
      route((iq) => {
        started.push(iq.id)
        return new Promise((resolve) => gates.set(iq.id, () => resolve('')))
      }),
    ],
  })
  const work = ['1', '2', '3'].map((id) => take(set(id)))
  assert.deepEqual(started, ['1', '2', '3'])
  for (const id of ['3', '1', '2']) {
    gates.get(id)?.()
    await turn()
  }
  await Promise.all(work)
  assert.deepEqual(
    replies.map((xml) => parse(xml).attrs.id),
    ['3', '1', '2'],
  )
})

test('order by sender: one at a time for one person, also from two devices; others pass', async () => {
  const started: string[] = []
  const gates = new Map<string, () => void>()
  const { take, router } = bench({
    routes: [
      route(
        (iq) => {
          started.push(iq.id)
          return new Promise((resolve) => gates.set(iq.id, () => resolve('')))
        },
        { order: 'sender' },
      ),
    ],
  })
  const work = [
    void take(set('a1', 'A@x.example/1')),
    void take(set('a2', 'a@x.example/2')),
    void take(set('b1', 'b@x.example/1')),
    void take(set('a3', 'a@X.example/1')),
  ]
  assert.deepEqual(started, ['a1', 'b1'])
  assert.equal(router.inWork(), 4)
  for (const id of ['a1', 'a2', 'a3', 'b1']) {
    gates.get(id)?.()
    await turn()
  }
  await Promise.all(work)
  assert.deepEqual(started, ['a1', 'b1', 'a2', 'a3'])
  assert.equal(router.inWork(), 0)
})

test('bounds: too much in work, and too much of one sender, is wait/resource-constraint', async () => {
  const gates: (() => void)[] = []
  const answer: IqRoute['answer'] = () => new Promise((resolve) => gates.push(() => resolve('')))
  const { take, replies } = bench({ routes: [route(answer, { order: 'sender' })], most: { inWork: 4, perSender: 2 } })
  const work = [take(set('1')), take(set('2')), take(set('3'))]
  assert.match(replies[0] ?? '', /id='3'.*<error type='wait'><resource-constraint /)
  work.push(take(set('4', 'b@x.example')), take(set('5', 'c@x.example')), take(set('6', 'd@x.example')))
  assert.match(replies[1] ?? '', /id='6'.*<error type='wait'><resource-constraint /)
  while (gates.length > 0) {
    gates.shift()?.()
    await turn()
  }
  await Promise.all(work)
  assert.equal(replies.filter((xml) => xml.includes(`type='result'`)).length, 4)
})

test('turns forget a sender when nothing of his is left, and a long row costs no stack', async () => {
  const turns = new Turns(100_000)
  let done = 0
  const first = Promise.withResolvers<void>()
  const work = [turns.take('a', () => first.promise)]
  for (let i = 0; i < 50_000; i++)
    work.push(
      turns.take('a', () => {
        done++
        return undefined
      }),
    )
  assert.equal(turns.senders, 1)
  first.resolve()
  await Promise.all(work)
  assert.equal(done, 50_000)
  assert.equal(turns.senders, 0)
})

test('whatever handlers do, each get and set has exactly one answer', async () => {
  const deed = fc.constantFrom('text', 'async', 'throw', 'reject', 'refuse')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(deed, fc.constantFrom('sender', 'arrival'), fc.nat(3)), { maxLength: 30 }),
      async (deeds) => {
        const answer: IqRoute['answer'] = async (iq) => {
          const kind = deeds[Number(iq.id)]?.[0]
          if (kind !== 'text') await turn()
          if (kind === 'throw') throw new Error('fault')
          if (kind === 'reject') return Promise.reject(new TypeError('fault'))
          if (kind === 'refuse') throw new StanzaError('cancel', 'not-allowed')
          return ''
        }
        const { take, replies } = bench({ routes: [route(answer, { order: 'sender' }), route(answer, { name: 'r' })] })
        await Promise.all(
          deeds.map(([, order, who], id) =>
            take(
              `<iq type='set' id='${id}' from='${who}@x.example/r' to='p.example'><${order === 'sender' ? 'q' : 'r'} xmlns='u'/></iq>`,
            ),
          ),
        )
        assert.deepEqual(
          replies.map((xml) => Number(parse(xml).attrs.id)).sort((a, b) => a - b),
          deeds.map((_, id) => id),
        )
      },
    ),
    { numRuns: process.env.GATEHOUSE_LONG === '1' ? 2_000 : 100 },
  )
})

test('every component answers disco, version and ping', () => {
  const { take, replies } = bench({
    routes: [route(() => ''), route(() => 'own', { namespace: 'urn:xmpp:ping', name: 'ping', type: 'get' })],
    features: ['urn:extra'],
    items: () => [{ jid: 'room.example', name: 'Room' }],
  })
  const get = (payload: string, to = 'P.example') => {
    void take(`<iq type='get' id='1' from='u@x.example/r' to='${to}'>${payload}</iq>`)
    return replies.pop() ?? ''
  }
  const info = parse(get(`<query xmlns='http://jabber.org/protocol/disco#info'/>`))
  assert.deepEqual(
    info
      .getChild('query')
      ?.getChildElements()
      .map(({ attrs }) => attrs.var ?? attrs.name),
    [
      'Subject',
      'http://jabber.org/protocol/disco#info',
      'http://jabber.org/protocol/disco#items',
      'jabber:iq:version',
      'u',
      'urn:extra',
      'urn:xmpp:ping',
    ],
  )
  assert.match(
    get(`<query xmlns='http://jabber.org/protocol/disco#items'/>`),
    /<item jid='room.example' name='Room'\/>/,
  )
  assert.match(get(`<query xmlns='jabber:iq:version'/>`), /<name>Subject<\/name><version>1.2<\/version>/)
  assert.match(get(`<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>`), /item-not-found/)
  assert.match(get(`<query xmlns='http://jabber.org/protocol/disco#info'/>`, 'u@p.example'), /service-unavailable/)
  // A route of the component's own goes before.
  assert.match(get(`<ping xmlns='urn:xmpp:ping'/>`), /type='result'.*own/)
})

test('messages and presences go to their handlers; what those refuse is told, what fails is logged', async () => {
  const seen: string[] = []
  const { take, replies, errors } = bench({
    async message({ id }) {
      seen.push(id)
      if (id === 'refused') throw new StanzaError('cancel', 'not-acceptable')
    },
    presence({ type }) {
      seen.push(type)
      throw new Error('fault')
    },
  })
  await take(`<message id='fine' ${AT}/>`)
  await take(`<message id='refused' ${AT}/>`)
  void take(`<presence ${AT}/>`)
  assert.deepEqual(seen, ['fine', 'refused', 'available'])
  assert.match(
    replies[0] ?? '',
    /^<message type='error' id='refused' from='p.example' to='u@x.example\/r'><error type='cancel'><not-acceptable /,
  )
  assert.match(replies[1] ?? '', /^<presence type='error' from='p.example' .*<internal-server-error /)
  assert.equal(errors.length, 1)
})

test('without a handler a message is service-unavailable, a headline and a presence nothing', () => {
  const { take, replies } = bench()
  void take(`<message type='chat' ${AT}/>`)
  void take(`<message type='headline' ${AT}/>`)
  void take(`<presence ${AT}/>`)
  assert.equal(replies.length, 1)
  assert.match(replies[0] ?? '', /service-unavailable/)
})

test('a request of ours: the result counts only with its id and from the one who was asked', async () => {
  const { router, take, sent } = bench()
  const asked = router.request('Host.example', '<v/>', { timeoutMs: 60_000 })
  const id = parse(sent[0] ?? '').attrs.id ?? ''
  assert.equal(sent[0], `<iq type='set' id='${id}' from='p.example' to='Host.example'><v/></iq>`)
  void take(`<iq type='result' id='${id}' from='evil.example' to='p.example'><forged/></iq>`)
  void take(`<iq type='result' id='other' from='host.example' to='p.example'><forged/></iq>`)
  void take(`<iq type='result' id='${id}' from='host.example' to='p.example'><right/></iq>`)
  void take(`<iq type='result' id='${id}' from='host.example' to='p.example'><second/></iq>`)
  assert.ok((await asked).getChild('right') !== undefined)
})

test('a request of ours ends with an error: the answer, the time, the stream, the bound', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { router, take, sent, down, link } = bench({ most: { requests: 2 } })
  const outcome = (work: Promise<unknown>) =>
    work.then(
      () => 'result',
      ({ type, condition }: StanzaError) => `${type}/${condition}`,
    )
  const refused = outcome(router.request('h.example', '<v/>', { timeoutMs: 1000 }))
  const id = parse(sent[0] ?? '').attrs.id
  void take(
    `<iq type='error' id='${id}' from='h.example' to='p.example'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
  )
  assert.equal(await refused, 'auth/forbidden')
  const late = outcome(router.request('h.example', '<v/>', { timeoutMs: 1000 }))
  t.mock.timers.tick(1000)
  assert.equal(await late, 'wait/remote-server-timeout')
  const cut = [
    outcome(router.request('h.example', '<v/>', { timeoutMs: 1000 })),
    outcome(router.request('h.example', '<v/>', { timeoutMs: 1000, type: 'get' })),
  ]
  assert.equal(await outcome(router.request('h.example', '<v/>', { timeoutMs: 1000 })), 'wait/resource-constraint')
  down('gone')
  assert.deepEqual(await Promise.all(cut), ['wait/recipient-unavailable', 'wait/recipient-unavailable'])
  link.up = false
  assert.equal(await outcome(router.request('h.example', '<v/>', { timeoutMs: 1000 })), 'wait/recipient-unavailable')
})
