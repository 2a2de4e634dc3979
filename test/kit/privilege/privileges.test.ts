// SPDX-License-Identifier: Apache-2.0
// XEP-0356 and XEP-0355 with the server's half played here: who is heard, what is written, and what becomes of the answers.
// That real servers say and take these things is shown in servers.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createPrivilegedRouter } from '../../../components/kit/privilege/privileged-router.ts'
import type { Delegate, PrivilegeOptions, Privileges } from '../../../components/kit/privilege/privileges.ts'
import type { LinkEvents, Router, RouterOptions } from '../../../components/kit/router/router.ts'
import { parseStanza } from '../../../components/kit/xml/parse.ts'
import { StanzaError } from '../../../components/kit/xmpp/stanza-error.ts'

const DOMAIN = 'd.h.example'
const HOST = 'h.example'
const ALICE = 'alice@h.example'
const WITHIN = { timeoutMs: 5_000 }
const condition = (wanted: string) => (error: unknown) => error instanceof StanzaError && error.condition === wanted

type Bench = {
  router: Router
  privileges: Privileges
  take(xml: string): Promise<void> | undefined
  /** The iq that was sent last, answered. */
  answer(inside: string, attributes?: string): void
  down(): void
  sent: string[]
  replies: string[]
  lines: string[]
  link: { up: boolean }
}

function bench(privilege: Partial<PrivilegeOptions> = {}, more: Partial<RouterOptions> = {}): Bench {
  const sent: string[] = []
  const replies: string[] = []
  const lines: string[] = []
  const link = { up: true }
  const told: { events?: LinkEvents } = {}
  const say = (event: string, fields?: Readonly<Record<string, unknown>>) =>
    void lines.push(`${event} ${JSON.stringify(fields)}`)
  const log = { info: say, warn: say, error: say }
  const { router, privileges } = createPrivilegedRouter(
    {
      domain: DOMAIN,
      routes: [],
      identity: { category: 'component', type: 'generic' },
      software: { name: 'Subject', version: '1' },
      log,
      ...more,
    },
    { hosts: ['H.example'], log, ...privilege },
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
  const take = (xml: string) => told.events?.take(parseStanza(xml, {}, 'jabber:component:accept'))
  return {
    router,
    privileges,
    take,
    answer(inside, attributes = `type='result'`) {
      const [, id = '', to = ''] =
        /^<iq type='\w+' id='([^']+)' from='[^']+' to='([^']+)'/.exec(sent.at(-1) ?? '') ?? []
      void take(`<iq ${attributes} id='${id}' from='${to}' to='${DOMAIN}'>${inside}</iq>`)
    },
    down: () => told.events?.down('test'),
    sent,
    replies,
    lines,
    link,
  }
}

const FROM_HOST = `from='${HOST}' to='${DOMAIN}'`
const PERMS = `<perm access='roster' type='both'/><perm access='message' type='outgoing'/>`
const IQS = `<perm access='iq'><namespace ns='u:a' type='get'/></perm>`
const advertised = (version: number, inside = PERMS + IQS, addresses = FROM_HOST) =>
  `<message ${addresses}><privilege xmlns='urn:xmpp:privilege:${version}'>${inside}</privilege></message>`
const delegated = (version: number, namespace: string, addresses = FROM_HOST) =>
  `<message ${addresses}><delegation xmlns='urn:xmpp:delegation:${version}'><delegated namespace='${namespace}'/></delegation></message>`

test('only the own address of a host that is served is heard', () => {
  const heard: string[] = []
  const { take, privileges, lines, replies } = bench({ changed: (host) => void heard.push(host) })
  const others = [
    [`evil.example`, DOMAIN],
    [ALICE, DOMAIN],
    [`${HOST}/r`, DOMAIN],
    [DOMAIN, DOMAIN],
    [`sub.${HOST}`, DOMAIN],
    [HOST, `x@${DOMAIN}`],
    [HOST, `${DOMAIN}/r`],
  ]
  for (const [from, to] of others)
    for (const one of [
      advertised(2, PERMS, `from='${from}' to='${to}'`),
      delegated(2, 'u:a', `from='${from}' to='${to}'`),
    ])
      void take(one)
  void take(advertised(2, PERMS, `${FROM_HOST} type='error'`))
  void take(advertised(2, PERMS, ''))
  assert.equal(
    lines.filter((line) => line.startsWith('an advertisement of privileges was ignored')).length,
    lines.length,
  )
  assert.equal(lines.length, others.length * 2 + 2)
  assert.deepEqual([heard, replies], [[], []])
  assert.deepEqual(
    [privileges.grants(HOST), privileges.grants('evil.example'), privileges.delegated(HOST).size],
    [null, null, 0],
  )
  void take(advertised(2))
  assert.equal(privileges.grants('h.EXAMPLE')?.version, 2)
  assert.deepEqual(heard, [HOST])
})

test('each advertisement replaces the grants, of two versions the later stays; delegations add up; all ends with the connection', async () => {
  const { take, privileges, down } = bench()
  const waiting = privileges.until(() => privileges.grants(HOST)?.version === 2, AbortSignal.timeout(5_000))
  void take(advertised(1))
  assert.deepEqual([privileges.grants(HOST)?.version, privileges.grants(HOST)?.iq.size], [1, 0])
  void take(advertised(2))
  await waiting
  void take(advertised(1))
  assert.equal(privileges.grants(HOST)?.version, 2)
  void take(advertised(2, ''))
  assert.equal(privileges.grants(HOST)?.message, false)
  assert.throws(() => privileges.sendMessage({ from: ALICE, to: ALICE, payload: '' }), condition('forbidden'))
  for (const one of [delegated(1, 'u:a'), delegated(2, 'u:a'), delegated(1, 'u:a'), delegated(1, 'u:b')]) void take(one)
  assert.deepEqual(
    [...privileges.delegated(HOST).values()].map(({ namespace, version }) => [namespace, version]),
    [
      ['u:a', 2],
      ['u:b', 1],
    ],
  )
  down()
  assert.deepEqual([privileges.grants(HOST), privileges.delegated(HOST).size], [null, 0])
  await assert.rejects(
    privileges.until(() => privileges.grants(HOST) !== null, AbortSignal.abort(new Error('over'))),
    /over/,
  )
})

test('any other message goes to the component', () => {
  const seen: string[] = []
  const { take } = bench({}, { message: ({ id }) => void seen.push(id) })
  void take(advertised(2))
  void take(`<message id='1' ${FROM_HOST}><body>x</body></message>`)
  void take(`<message id='2' ${FROM_HOST}><x xmlns='u'><privilege xmlns='urn:xmpp:privilege:2'/></x></message>`)
  assert.deepEqual(seen, ['1', '2'])
})

test('a message on behalf: in the version that is granted, to the host; a refusal comes back by its id, once', () => {
  const refused: string[] = []
  const { take, privileges, sent, replies } = bench({
    refused: (id, { condition }) => void refused.push(`${id} ${condition}`),
  })
  const message = { from: ALICE, to: 'bob@x.example', type: 'chat', payload: '<body>x</body>' } as const
  assert.throws(() => privileges.sendMessage(message), condition('forbidden'))
  void take(advertised(1))
  const id = privileges.sendMessage(message)
  assert.equal(
    sent[0],
    `<message id='${id}' from='${DOMAIN}' to='${HOST}'><privilege xmlns='urn:xmpp:privilege:1'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${ALICE}' to='bob@x.example' type='chat'><body>x</body></message></forwarded></privilege></message>`,
  )
  const back = (one: string) =>
    `<message type='error' id='${one}' ${FROM_HOST}><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  for (const one of ['gh-other', id, id]) void take(back(one))
  assert.deepEqual(refused, [`${id} forbidden`])
  assert.deepEqual(replies, [])
})

test('refusals are remembered for so many messages', () => {
  const refused: string[] = []
  const { take, privileges } = bench({ most: { remembered: 2 }, refused: (id) => void refused.push(id) })
  void take(advertised(2))
  const ids = [1, 2, 3].map(() => privileges.sendMessage({ from: ALICE, to: HOST, payload: '' }))
  for (const id of ids) void take(`<message type='error' id='${id}' ${FROM_HOST}/>`)
  assert.deepEqual(refused, ids.slice(1))
})

test('what cannot be sent is not written, and says why', async () => {
  const { take, privileges, sent, link } = bench({ most: { stanzaBytes: 2_000 } })
  void take(advertised(2))
  const message =
    (from: string, to: string, payload = '') =>
    () =>
      privileges.sendMessage({ from, to, payload })
  const iq = (as: string, to: string, namespace = 'u:a', type: 'get' | 'set' = 'get') =>
    privileges.request({ as, to, type, payload: { namespace, xml: `<q xmlns='${namespace}'/>` } }, WITHIN)
  assert.throws(message(`${ALICE}/r`, ALICE), condition('jid-malformed'))
  assert.throws(message(ALICE, '@'), condition('jid-malformed'))
  assert.throws(message('x@other.example', ALICE), condition('forbidden'))
  assert.throws(message(ALICE, ALICE, 'ü'.repeat(1_000)), condition('not-acceptable'))
  await assert.rejects(iq(`${ALICE}/r`, ALICE), condition('jid-malformed'))
  await assert.rejects(iq(ALICE, '@'), condition('jid-malformed'))
  await assert.rejects(iq(HOST, ALICE), condition('bad-request'))
  await assert.rejects(iq(ALICE, ALICE, 'jabber:iq:roster'), condition('bad-request'))
  await assert.rejects(iq(ALICE, ALICE, 'u:a', 'set'), condition('forbidden'))
  await assert.rejects(iq(ALICE, ALICE, 'u:b'), condition('forbidden'))
  await assert.rejects(privileges.roster(HOST, WITHIN), condition('bad-request'))
  await assert.rejects(privileges.roster('x@other.example', WITHIN), condition('forbidden'))
  await assert.rejects(privileges.setRosterItem(ALICE, { jid: 'b@x.example/r' }, WITHIN), condition('jid-malformed'))
  await assert.rejects(privileges.setRosterItem(ALICE, { jid: 'ALICE@h.example' }, WITHIN), condition('not-allowed'))
  await assert.rejects(
    privileges.setRosterItem(ALICE, { jid: 'b@x.example', name: 'x'.repeat(2_000) }, WITHIN),
    condition('not-acceptable'),
  )
  assert.deepEqual(sent, [])
  link.up = false
  assert.throws(message(ALICE, ALICE), condition('recipient-unavailable'))
  await assert.rejects(iq(ALICE, ALICE), condition('recipient-unavailable'))
})

test('an IQ on behalf: the answer inside the answer, its error, silence, nonsense', async () => {
  const { take, privileges, sent, answer } = bench()
  void take(advertised(2))
  const ask = (timeoutMs = 5_000) =>
    privileges.request(
      { as: ALICE, to: 'bob@x.example', type: 'get', payload: { namespace: 'u:a', xml: `<q xmlns='u:a'/>` } },
      { timeoutMs },
    )
  const inner = () => /jabber:client' type='get' id='([^']+)'/.exec(sent.at(-1) ?? '')?.[1] ?? ''
  const inside = (iq: string) =>
    `<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>${iq}</forwarded></privilege>`
  const well = ask()
  assert.match(
    sent[0] ?? '',
    /^<iq type='get' id='gh-[^']+' from='d\.h\.example' to='alice@h\.example'><privileged_iq xmlns='urn:xmpp:privilege:2'><iq xmlns='jabber:client' type='get' id='gh-[^']+' from='alice@h\.example' to='bob@x\.example'><q xmlns='u:a'\/><\/iq><\/privileged_iq><\/iq>$/,
  )
  answer(inside(`<iq xmlns='jabber:client' type='result' id='${inner()}'><a xmlns='u:a'/></iq>`))
  assert.ok((await well).getChild('a', 'u:a'))
  const badly = ask()
  answer(
    inside(
      `<iq xmlns='jabber:client' type='error' id='${inner()}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    ),
  )
  await assert.rejects(badly, condition('gone'))
  const nested = ask()
  answer(
    inside(
      `<iq xmlns='jabber:client' type='error' id='${inner()}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    ),
    `type='error'`,
  )
  await assert.rejects(nested, condition('gone'), 'an error in an error, as ejabberd has it')
  const refused = ask()
  answer(`<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`, `type='error'`)
  await assert.rejects(refused, condition('forbidden'))
  assert.notEqual(privileges.grants(HOST), null, 'a person who is unknown is forbidden too')
  for (const nonsense of [
    '',
    inside(''),
    inside(`<iq xmlns='jabber:client' type='result' id='other'/>`),
    inside(`<iq xmlns='jabber:client' type='get' id='other'/>`),
  ]) {
    const asked = ask()
    answer(nonsense)
    await assert.rejects(asked, condition('undefined-condition'))
  }
  await assert.rejects(ask(1), condition('remote-server-timeout'))
})

test('a server that hands the IQ of an account to itself back: known at once', async () => {
  const { take, privileges, sent, replies } = bench()
  void take(advertised(2))
  const asked = privileges.request(
    { as: ALICE, to: ALICE, type: 'get', payload: { namespace: 'u:a', xml: `<q xmlns='u:a'/>` } },
    WITHIN,
  )
  const [, inner = ''] = /jabber:client' type='get' id='([^']+)'/.exec(sent[0] ?? '') ?? []
  const looped = (id: string) =>
    `<iq type='get' id='x' from='${ALICE}' to='${DOMAIN}'><privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='get' id='${id}'><q xmlns='u:a'/></iq></forwarded></privilege></iq>`
  void take(looped('other'))
  void take(looped(inner))
  await assert.rejects(asked, condition('feature-not-implemented'))
  assert.equal(replies.length, 2)
  for (const reply of replies) assert.match(reply, /type='error'.*service-unavailable/)
})

test('a roster: read, set; forbidden where it was granted means that it is granted no more', async () => {
  const { take, privileges, sent, answer, lines } = bench()
  void take(advertised(1))
  const read = privileges.roster(ALICE, WITHIN)
  assert.match(
    sent[0] ?? '',
    /^<iq type='get' id='[^']+' from='d\.h\.example' to='alice@h\.example'><query xmlns='jabber:iq:roster'\/><\/iq>$/,
  )
  answer(`<query xmlns='jabber:iq:roster'><item jid='b@x.example' subscription='to'/></query>`)
  assert.deepEqual(
    (await read).map(({ jid }) => jid),
    ['b@x.example'],
  )
  const empty = privileges.roster(ALICE, WITHIN)
  answer('')
  assert.deepEqual(await empty, [])
  const set = privileges.setRosterItem(ALICE, { jid: 'b@x.example', subscription: 'remove' }, WITHIN)
  answer('')
  await set
  const failed = privileges.setRosterItem(ALICE, { jid: 'b@x.example' }, WITHIN)
  answer(
    `<error type='wait'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
    `type='error'`,
  )
  await assert.rejects(failed, condition('internal-server-error'))
  const withdrawn = privileges.roster(ALICE, WITHIN)
  answer(`<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`, `type='error'`)
  await assert.rejects(withdrawn, condition('forbidden'))
  assert.equal(privileges.grants(HOST), null)
  assert.ok(lines.some((line) => line.startsWith('the server refuses what it had granted')))
})

test('XEP-0356 §4.4: a push from an account whose host grants reading, and from nobody else', () => {
  const pushed: string[] = []
  const { take, replies } = bench({
    rosterPush: (account, pushes) => void pushed.push(`${account} ${pushes.map(({ jid }) => jid)}`),
  })
  const push = (id: string, from = ALICE) =>
    take(
      `<iq type='set' id='${id}' from='${from}' to='${DOMAIN}'><query xmlns='jabber:iq:roster'><item jid='b@x.example'/></query></iq>`,
    )
  void push('1')
  void take(advertised(1))
  void push('2')
  void take(advertised(2))
  void push('3', `${ALICE}/r`)
  void push('4', HOST)
  void push('5', 'eve@evil.example')
  assert.deepEqual(pushed, [])
  assert.equal(replies.filter((reply) => reply.includes('service-unavailable')).length, 5)
  void push('6')
  assert.deepEqual(pushed, [`${ALICE} b@x.example`])
  assert.equal(replies.at(-1), `<iq type='result' id='6' from='${DOMAIN}' to='${ALICE}'/>`)
})

const request = (inner: string, { from = HOST, to = DOMAIN, version = 2, id = 's' } = {}) =>
  `<iq type='set' id='${id}' from='${from}' to='${to}'><delegation xmlns='urn:xmpp:delegation:${version}'><forwarded xmlns='urn:xmpp:forward:0'>${inner}</forwarded></delegation></iq>`
const inner = (id: string, addresses = `from='${ALICE}/r'`, payload = `<q xmlns='u:a' n='${id}'/>`) =>
  `<iq xmlns='jabber:client' type='get' id='${id}' ${addresses}>${payload}</iq>`
const delegate = (answer: Delegate['answer'], more: Partial<Delegate> = {}): Delegate => ({
  namespace: 'u:a',
  order: 'arrival',
  answer,
  ...more,
})

test('only a host may hand on, and only what is its own; nothing else reaches a handler', async () => {
  let called = 0
  const { take, replies } = bench({
    delegates: [
      delegate(() => {
        called++
        return ''
      }),
    ],
  })
  const refusedOutside = [
    request(inner('1'), { from: 'evil.example' }),
    request(inner('1'), { from: `${ALICE}/r` }),
    request(inner('1'), { from: `${HOST}/r` }),
    request(inner('1'), { to: `x@${DOMAIN}` }),
    request(inner('1', `from='eve@evil.example/r'`)),
    request(inner('1', `from='${ALICE}/r' to='bob@evil.example'`)),
    request(inner('1', `from='${ALICE}/r' to='bob@h.example/r'`)),
    request(inner('1', '')),
    request(''),
  ]
  for (const one of refusedOutside) {
    await take(one)
    assert.match(replies.pop() ?? '', /^<iq type='error' id='s' .*(service-unavailable|bad-request)/)
  }
  await take(request(inner('1', undefined, `<q xmlns='u:other'/>`)))
  assert.match(
    replies.pop() ?? '',
    /^<iq type='result'.*<iq xmlns='jabber:client' type='error' id='1'.*<service-unavailable/,
  )
  assert.deepEqual([called, replies.length], [0, 0])
  await take(request(inner('1', `from='eve@evil.example/r' to='${ALICE}'`)))
  assert.match(replies.pop() ?? '', /type='result' id='1' from='alice@h\.example' to='eve@evil\.example\/r'><\/iq>/)
  assert.equal(called, 1)
})

test('the answer is of the version of the question, whatever is advertised', async () => {
  const { take, replies } = bench({ delegates: [delegate(() => `<a xmlns='u:a'/>`)] })
  for (const version of [1, 2]) {
    await take(request(inner('1'), { version }))
    assert.equal(
      replies.pop(),
      `<iq type='result' id='s' from='${DOMAIN}' to='${HOST}'><delegation xmlns='urn:xmpp:delegation:${version}'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='result' id='1' to='${ALICE}/r'><a xmlns='u:a'/></iq></forwarded></delegation></iq>`,
    )
  }
})

test("each request has exactly one answer, a result of the server's even when it is refused, fails, or is late", async () => {
  const late = Promise.withResolvers<string>()
  const kinds: Record<string, Delegate['answer']> = {
    thrown: () => {
      throw new TypeError('inside')
    },
    rejected: () => Promise.reject(new Error('inside too')),
    refused: async () => {
      throw new StanzaError('auth', 'not-allowed', {}, { cause: 'because' })
    },
    late: () => late.promise,
  }
  const { take, replies, lines } = bench({
    delegates: [delegate((iq, signal) => kinds[iq.payload.attrs.n ?? '']?.(iq, signal) ?? '', { answerWithinMs: 20 })],
  })
  await Promise.all(Object.keys(kinds).map((id) => take(request(inner(id), { id }))))
  late.resolve('<late/>')
  await turn()
  const conditions = replies.map((reply) =>
    /^<iq type='result' id='(\w+)'.*<error type='\w+'><([\w-]+)/.exec(reply)?.slice(1).join(' '),
  )
  assert.deepEqual(conditions.sort(), [
    'late remote-server-timeout',
    'refused not-allowed',
    'rejected internal-server-error',
    'thrown internal-server-error',
  ])
  assert.equal(lines.filter((line) => line.startsWith('a handler failed')).length, 2)
})

test('bounds: so many at once, so many of one sender', async () => {
  const held = Promise.withResolvers<string>()
  const started: string[] = []
  const answer: Delegate['answer'] = ({ payload }) => {
    started.push(payload.attrs.n ?? '')
    return held.promise
  }
  const { take, replies } = bench({
    most: { delegated: 4, perSender: 2 },
    delegates: [delegate(answer, { order: 'sender' })],
  })
  const ask = (id: string) => take(request(inner(id, `from='${id[0]}@h.example/r'`)))
  const all = ['a1', 'a2', 'a3', 'b1', 'c1', 'd1'].map(ask)
  await turn()
  assert.deepEqual(started, ['a1', 'b1', 'c1'])
  const refused = () => replies.map((reply) => /^<iq type='result'.*id='(\w+)'.*resource-constraint/.exec(reply)?.[1])
  assert.deepEqual(refused().sort(), ['a3', 'd1'])
  held.resolve('')
  await Promise.all(all)
  assert.deepEqual(started, ['a1', 'b1', 'c1', 'a2'])
  assert.equal(replies.length, 6)
})

test('who waits for his turn behind his deadline is answered, and nobody is asked', async () => {
  const started: string[] = []
  const held = Promise.withResolvers<string>()
  const { take, replies } = bench({
    delegates: [
      delegate(() => held.promise, { order: 'sender' }),
      delegate(
        () => {
          started.push('b')
          return ''
        },
        { namespace: 'u:b', order: 'sender', answerWithinMs: 10 },
      ),
    ],
  })
  const first = take(request(inner('a')))
  await take(request(inner('b', undefined, `<q xmlns='u:b'/>`)))
  assert.match(replies[0] ?? '', /id='b'.*remote-server-timeout/)
  held.resolve('')
  await first
  await turn()
  assert.deepEqual([replies.length, started], [2, []])
})

test('a handler that would answer later than the server waits is refused when it is set up', () => {
  assert.throws(() => bench({ delegates: [delegate(() => '', { answerWithinMs: 60_000 })] }), RangeError)
})

test('both nodes of a namespace are shown to a host, to nobody else; those of the component stay', async () => {
  const { take, replies } = bench(
    {
      delegates: [
        delegate(() => '', { shows: { account: { identities: [{ category: 'c', type: 't' }], features: ['u:a#x'] } } }),
        delegate(() => '', { namespace: 'urn:xmpp:delegation:2:bare:disco#items:*' }),
      ],
    },
    {
      nodes: {
        features: () => ['own'],
        info: (node) => (node === 'own' ? { identities: [], features: ['of own'] } : null),
        items: () => null,
      },
    },
  )
  const shown = async (node: string, from = HOST) => {
    await take(
      `<iq type='get' id='1' from='${from}' to='${DOMAIN}'><query xmlns='http://jabber.org/protocol/disco#info'${node === '' ? '' : ` node='${node}'`}/></iq>`,
    )
    return replies.pop() ?? ''
  }
  for (const version of [1, 2]) {
    assert.match(await shown(`urn:xmpp:delegation:${version}::u:a`), /<feature var='u:a'\/><\/query>/)
    assert.match(
      await shown(`urn:xmpp:delegation:${version}:bare:u:a`),
      /<identity category='c' type='t'\/><feature var='u:a#x'\/>/,
    )
  }
  assert.match(await shown('urn:xmpp:delegation:2::u:other'), /item-not-found/)
  assert.match(await shown('urn:xmpp:delegation:2::u:a', ALICE), /item-not-found/)
  assert.match(await shown('own', ALICE), /of own/)
  assert.match(await shown(''), /var='own'.*var='urn:xmpp:delegation:1'.*var='urn:xmpp:delegation:2'/)
  await take(request(inner('i', undefined, `<query xmlns='http://jabber.org/protocol/disco#items'/>`)))
  assert.match(replies.pop() ?? '', /type='result' id='i'/)
})
