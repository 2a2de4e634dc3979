// SPDX-License-Identifier: Apache-2.0
// What policy tells a helper for the time when it is away, as the helpers understand it: never less strict than the rules.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Element } from '../../../components/kit/xml/element.ts'
import { XmlReader } from '../../../components/kit/xml/reader.ts'
import { type AddressPattern, readAddressPattern } from '../../../components/policy/domain/address-pattern.ts'
import { decide, decideFault } from '../../../components/policy/domain/decide.ts'
import { outageRows } from '../../../components/policy/domain/outage-rules.ts'
import type { RuleSet } from '../../../components/policy/domain/rule.ts'
import { KINDS } from '../../../components/policy/domain/screened.ts'
import * as ns from '../../../components/policy/protocol/namespaces.ts'
import { TABLE_MAX, writeOutageRules, writeRows } from '../../../components/policy/protocol/outage-rules.ts'
import { readScreened } from '../../../components/policy/protocol/screened.ts'
import { readRules } from '../../../components/policy/rules/rule-file.ts'
import { type ClosedByHelper, HELPERS, type Sent } from './closed-by-helper.ts'

const RUNS = process.env.GATEHOUSE_LONG === '1' ? 15_000 : 1_000
const ROOMS = ['conference.*', 'rooms.*'].map((each) => readAddressPattern(each) as AddressPattern)

function rulesOf(rules: readonly unknown[]): RuleSet {
  const read = readRules(Buffer.from(JSON.stringify({ version: 1, otherwise: 'allow', rules })))
  return read.ok ? read.set : assert.fail(JSON.stringify(read.problems))
}

function ruleOf(id: string, when: unknown, action: unknown, closed = true): Record<string, unknown> {
  return Object.fromEntries([
    ['id', id],
    ['when', when],
    ['then', action],
    ...(closed ? [['on_outage', 'closed']] : []),
  ])
}

function tableOf(set: Pick<RuleSet, 'rules'>, bytes = TABLE_MAX) {
  const written = writeRows(outageRows(set.rules), ROOMS, bytes)
  return { ...written, xml: writeOutageRules(written, 'a1') }
}

function elementOf(xml: string): Element {
  let element: Element | null = null
  const reader = new XmlReader({
    start() {},
    stanza: (stanza) => {
      element = stanza.element
    },
    end() {},
    fault(fault) {
      throw fault
    },
  })
  reader.write(Buffer.from(`<stream:stream xmlns='jabber:component:accept' xmlns:stream='s'>${xml}`))
  return element ?? assert.fail(xml)
}

const screenedOf = ({ direction, host, xml }: Sent) =>
  readScreened({ n: 1, try: 1, direction, via: 'c2s', at: '', spooled: false, raw: xml }, elementOf(xml), host, ROOMS)

const ADDRESSES = [
  'alice@corp.example',
  'bob@corp.example',
  'bob@partner.example',
  'bot-1@lab.corp.example',
  'corp.example',
  'partner.example',
  'den@rooms.corp.example',
  'den@conference.partner.example',
  'müller@corp.example',
  'eve@bücher.example',
  'straße@partner.example',
]
/** How others spell them, or nearly. */
const SPELT = [
  ...ADDRESSES,
  'eve@xn--bcher-kva.example',
  'Bob@Partner.example',
  'bob@partner.example.',
  'strasse@partner.example',
  'bot-@x',
  '*@x',
]
const PATTERNS = [
  ...ADDRESSES,
  '*@corp.example',
  '*.corp.example',
  'bot-*@*',
  '*b*@*.example',
  '*example',
  '*@*',
  'a*@corp.*',
  '*bücher*',
  'strasse@partner.example',
]

const some = <T>(of: readonly T[], maxLength = 3) => fc.array(fc.constantFrom(...of), { minLength: 1, maxLength })
const leaf = fc.oneof(
  fc.record({ direction: fc.constantFrom('sent', 'received') }),
  fc.record({ host: some(['corp.example', '*.corp.example', 'partner.example']) }),
  fc.record({ from: some(PATTERNS) }),
  fc.record({ to: some(PATTERNS) }),
  fc.record({ room: fc.oneof(fc.boolean(), some(PATTERNS)) }),
  fc.record({ kind: some(KINDS) }),
  fc.record({ words: some(['secret', 'plan', 'otr']) }),
  fc.record({ regex: fc.constantFrom('s.cret', '(?i)otr') }),
  fc.constant('always'),
)
const { condition } = fc.letrec<{ condition: unknown }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.record({ not: tie('condition') }),
    fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
  ),
}))
const rule = fc.tuple(condition, fc.constantFrom('allow', 'refuse', { tag: 't' }), fc.boolean())
const ruleSet = fc
  .array(rule, { minLength: 1, maxLength: 5 })
  .map((rules) => rules.map(([when, action, closed], index) => ruleOf(`r${index}`, when, action, closed)))

const NAMESPACES = [
  ...ns.ENCRYPTIONS,
  ...ns.SIGNATURES,
  ...ns.RETRACTIONS,
  ...ns.FILES.map((each) => `${each}1`),
  ...ns.FILES,
  ns.MUC,
  ns.MUC_USER,
  ns.MUC_OWNER,
  ns.MUC_ADMIN,
  ns.DIRECT_INVITATION,
  ns.PUBSUB,
  ns.PUBSUB_OWNER,
  `${ns.PUBSUB}#event`,
  ns.VCARD_TEMP,
  ns.VCARD4,
  ns.CORRECTION,
  ns.REACTIONS,
  ns.ADDRESSES,
  ns.FASTEN,
  'jabber:client',
  'urn:other',
]
const NAMES = ['x', 'body', 'subject', 'invite', 'decline', 'publish', 'retract', 'address', 'encrypted', 'file']
const BODIES = [
  '<body>hello</body>',
  '<body>a secret plan</body>',
  '<body>?OTR:x</body>',
  '<subject>s</subject>',
  '<body>x</body><body>?OTR</body>',
]
/** An element with elements below it, `levels` deep at most. */
function child(levels: number): fc.Arbitrary<string> {
  return fc
    .record({
      name: fc.constantFrom(...NAMES),
      namespace: fc.option(fc.constantFrom(...NAMESPACES)),
      address: fc.option(fc.constantFrom(...SPELT)),
      vcard: fc.boolean(),
      inside: levels === 1 ? fc.constant([]) : fc.array(child(levels - 1), { maxLength: 2 }),
    })
    .map(({ name, namespace, address, vcard, inside }) => {
      const to = address === null ? '' : ` to='${address}' jid='${address}'`
      const xmlns = namespace === null ? '' : ` xmlns='${namespace}'`
      return `<${name}${xmlns}${to}${vcard ? ` node='${ns.VCARD4}'` : ''}>${inside.join('')}</${name}>`
    })
}
/** People named inside of a message. */
const naming = fc
  .tuple(fc.boolean(), fc.constantFrom(...SPELT))
  .map(([invited, address]) =>
    invited
      ? `<x xmlns='${ns.MUC_USER}'><invite to='${address}'/></x>`
      : `<addresses xmlns='${ns.ADDRESSES}'><address type='to' jid='${address}'/></addresses>`,
  )
const TYPES = {
  message: ['chat', 'groupchat', 'error', 'normal', null],
  presence: ['subscribe', 'unsubscribed', 'unavailable', 'error', null],
  iq: ['set', 'get', 'result', 'error'],
}
const sent: fc.Arbitrary<Sent> = fc
  .record({
    name: fc.constantFrom('message', 'presence', 'iq'),
    kind: fc.nat(20),
    direction: fc.constantFrom('sent', 'received'),
    host: fc.constantFrom('corp.example', 'lab.corp.example'),
    from: fc.constantFrom(...SPELT),
    to: fc.constantFrom(...SPELT),
    resource: fc.constantFrom('', '/Desk'),
    nobody: fc.nat(9),
    inside: fc.array(fc.oneof(child(5), naming, fc.constantFrom(...BODIES)), { maxLength: 3 }),
  })
  .map(({ name, kind, direction, host, from, to, resource, nobody, inside }) => {
    const types = TYPES[name]
    const type = types[kind % types.length] ?? null
    // What is for nobody in particular is presence alone: of the others the helper names the sender.
    const whom = name === 'presence' && nobody < 3 ? '' : to + resource
    const attributes = `from='${from}/Phone'${whom === '' ? '' : ` to='${whom}'`}${type === null ? '' : ` type='${type}'`}`
    const xml = `<${name} xmlns='jabber:client' ${attributes}>${inside.join('')}</${name}>`
    return { direction, host, from: `${from}/Phone`, to: whom, xml }
  })

test('whatever the rules and the stanza: where a rule that is closed holds, or could hold, every helper closes, by the same rule', async () => {
  await using stack = new AsyncDisposableStack()
  const servers = HELPERS.filter(({ skip }) => skip === false)
  const helpers = await Promise.all(servers.map(async ({ open }) => stack.use(await open())))
  const seen = { servers: servers.map(({ server }) => server), stanzas: 0, held: 0, could: 0, closed: 0, allowed: 0 }
  await fc.assert(
    fc.asyncProperty(ruleSet, fc.array(sent, { minLength: 4, maxLength: 12 }), async (rules, stanzas) => {
      const set = rulesOf(rules)
      const table = tableOf(set)
      assert.equal(table.reduced.by, 'nothing')
      for (const helper of helpers) assert.equal(await helper.take(table.xml), 'ok a1')
      for (const stanza of stanzas) {
        const asked = screenedOf(stanza)
        const held: string[] = []
        decide(asked, set, (rule) => {
          if (rule.closed) held.push(rule.id)
        })
        const could = decideFault(asked, set)
        const [closed = null, ...others] = await Promise.all(helpers.map((helper) => helper.closedBy(stanza)))
        seen.stanzas += 1
        if (held.length > 0) seen.held += 1
        if (could !== null) seen.could += 1
        if (closed !== null) seen.closed += 1
        else seen.allowed += 1
        assert.ok(held.length === 0 || closed !== null, `${held} holds: ${stanza.xml}\n${table.xml}`)
        assert.ok(could === null || closed !== null, `${could?.rule} could hold: ${stanza.xml}\n${table.xml}`)
        for (const other of others) assert.equal(other, closed, `${stanza.xml}\n${table.xml}`)
      }
    }),
    { numRuns: RUNS },
  )
  console.log(JSON.stringify(seen))
  assert.ok(seen.held > 100 && seen.allowed > 100, 'each was tried')
  assert.ok(seen.closed < 1.5 * seen.could, 'and it is not simply closed')
})

/** A test for each helper; one whose server's language is missing is skipped with the reason. */
function byEach(title: string, body: (helper: ClosedByHelper) => Promise<void>): void {
  for (const { server, skip, open } of HELPERS)
    test(`${title} (${server})`, { skip }, async () => {
      await using helper = await open()
      await body(helper)
    })
}

const message = (to: string, inside = '<body>x</body>', more: Partial<Sent> & { type?: string } = {}): Sent => {
  const { type = 'chat', from = 'alice@corp.example/desk', direction = 'sent', host = 'corp.example' } = more
  const xml = `<message xmlns='jabber:client' from='${from}' to='${to}' type='${type}'>${inside}</message>`
  return { direction, host, from, to, xml }
}
const OMEMO = "<encrypted xmlns='eu.siacs.conversations.axolotl'/>"
const BOB = 'bob@partner.example/r'

for (const [what, rules, closed, open] of [
  [
    'addresses',
    [ruleOf('r', { to: ['*.partner.example', 'partner.example'] }, 'refuse')],
    [message(BOB)],
    [message('bob@x')],
  ],
  [
    'a condition beside texts',
    [ruleOf('r', { to: 'partner.example', words: 'w' }, 'refuse')],
    [message(BOB)],
    [message('b@x')],
  ],
  [
    'a word that is denied',
    [ruleOf('r', { all: [{ to: 'partner.example' }, { not: { words: 'ok' } }] }, 'refuse')],
    [message(BOB)],
    [message('b@x')],
  ],
  [
    'what is not encrypted',
    [ruleOf('r', { kind: 'message', not: { kind: 'encrypted' } }, 'refuse')],
    [message(BOB), message(BOB, `<x>${OMEMO}</x>`)],
    [message(BOB, OMEMO), message(BOB, `<body>x</body>${OMEMO}`)],
  ],
  [
    'rooms by their domain, and by what is said of them',
    [ruleOf('r', { room: true }, 'refuse')],
    [message('den@rooms.corp.example/nick'), message('den@elsewhere.example', '<body/>', { type: 'groupchat' })],
    [message(BOB)],
  ],
  [
    'people invited',
    [ruleOf('r', { to: 'carol@partner.example' }, 'refuse')],
    [message('den@rooms.corp.example', `<x xmlns='${ns.MUC_USER}'><invite to='Carol@partner.example'/></x>`)],
    [message('den@rooms.corp.example')],
  ],
  [
    'another spelling of an address is not known here',
    [ruleOf('r', { from: 'eve@bücher.example' }, 'refuse')],
    [
      message(BOB, '<body/>', { from: 'eve@xn--bcher-kva.example/r' }),
      message(BOB, '<body/>', { from: 'müller@corp.example' }),
    ],
    [message(BOB)],
  ],
  [
    'direction and host',
    [ruleOf('r', { direction: 'received', host: 'lab.example' }, 'refuse')],
    [message(BOB, '<body/>', { direction: 'received', host: 'lab.example' })],
    [message(BOB, '<body/>', { host: 'lab.example' }), message(BOB, '<body/>', { direction: 'received' })],
  ],
  [
    'what an earlier rule certainly allows is no concern of a later one',
    [
      ruleOf('chief', { from: 'chief@corp.example' }, 'allow', false),
      ruleOf('perhaps', { words: 'harmless' }, 'allow', false),
      ruleOf('no', { to: 'partner.example' }, 'refuse', false),
      ruleOf('r', { to: 'partner.example' }, 'refuse'),
    ],
    [message(BOB, '<body>harmless</body>')],
    [message(BOB, '<body/>', { from: 'chief@corp.example/r' })],
  ],
  [
    'the own rule of one that allows comes first',
    [ruleOf('r', { to: 'partner.example' }, 'allow')],
    [message(BOB)],
    [message('b@x')],
  ],
] as const)
  byEach(`closed in an outage: ${what}`, async (helper) => {
    assert.equal(await helper.take(tableOf(rulesOf(rules)).xml), 'ok a1')
    for (const one of closed) assert.equal(await helper.closedBy(one), 'r', one.xml)
    for (const one of open) assert.equal(await helper.closedBy(one), null, one.xml)
  })

byEach('each kind: the helper closes where policy finds it, and not for a plain message', async (helper) => {
  const stanza = (name: string, type: string, inside: string, to = BOB): Sent => ({
    ...message(to),
    xml: `<${name} xmlns='jabber:client' from='alice@corp.example/desk' to='${to}'${type && ` type='${type}'`}>${inside}</${name}>`,
  })
  const room = 'den@rooms.corp.example'
  const examples: Record<(typeof KINDS)[number], Sent> = {
    message: message(BOB),
    presence: stanza('presence', '', '<status>x</status>'),
    iq: stanza('iq', 'set', "<x xmlns='urn:other'/>"),
    error: stanza('message', 'error', '<body>x</body>'),
    groupchat: message(room, '<body>x</body>', { type: 'groupchat' }),
    private: message(`${room}/nick`),
    subject: message(room, '<subject>x</subject>', { type: 'groupchat' }),
    invitation: message(BOB, `<x xmlns='${ns.DIRECT_INVITATION}' jid='${room}'/>`),
    subscription: stanza('presence', 'subscribe', ''),
    join: stanza('presence', '', `<x xmlns='${ns.MUC}'/>`, `${room}/nick`),
    status: stanza('presence', 'unavailable', '<status>x</status>'),
    pep: stanza('iq', 'set', `<pubsub xmlns='${ns.PUBSUB}'><publish node='n'/></pubsub>`),
    vcard: stanza('iq', 'set', `<pubsub xmlns='${ns.PUBSUB}'><publish node='${ns.VCARD4}'/></pubsub>`),
    'room-config': stanza('iq', 'set', `<query xmlns='${ns.MUC_OWNER}'/>`, room),
    'room-admin': stanza('iq', 'set', `<query xmlns='${ns.MUC_ADMIN}'/>`, room),
    'file-offer': stanza(
      'iq',
      'set',
      "<jingle xmlns='urn:xmpp:jingle:1'><content><description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/></content></jingle>",
    ),
    encrypted: message(BOB, '<body>?OTR:AAMC</body>'),
    signed: message(BOB, "<x xmlns='jabber:x:signed'>y</x>"),
    correction: message(BOB, `<body>y</body><replace id='1' xmlns='${ns.CORRECTION}'/>`),
    retraction: message(BOB, `<retract id='1' xmlns='${ns.RETRACTIONS[1]}'/>`),
    reaction: message(BOB, `<reactions id='1' xmlns='${ns.REACTIONS}'/>`),
  }
  for (const kind of KINDS) {
    const set = rulesOf([ruleOf('r', { kind }, 'refuse')])
    assert.equal(decide(screenedOf(examples[kind]), set).action, 'refuse', kind)
    assert.equal(await helper.take(tableOf(set).xml), 'ok a1')
    assert.equal(await helper.closedBy(examples[kind]), 'r', kind)
    if (kind !== 'message') assert.equal(await helper.closedBy(message(BOB)), null, kind)
  }
})

const table = (children: string, more = '') =>
  `<outage-rules xmlns='urn:gatehouse:screen:1' id='a1'${more}>${children}</outage-rules>`

byEach('what a helper does not know is never a no; what is too much for it is not taken', async (helper) => {
  for (const unknown of [
    "<moon is='full'/>",
    '<not><moon/></not>',
    "<not><direction is='sent' on='sunday'/></not>",
    '<not><direction/></not>',
    "<not><child levels='9'/></not>",
    '<not><always><x/></always></not>',
    '<any><all><from>x@y</from></all><unknown/></any>',
  ]) {
    assert.equal(await helper.take(table(`<closed rule='r'>${unknown}</closed>`)), 'ok a1')
    assert.equal(await helper.closedBy(message(BOB)), 'r', unknown)
    assert.equal(await helper.take(table(`<allow>${unknown}</allow><closed rule='r'><always/></closed>`)), 'ok a1')
    assert.equal(await helper.closedBy(message(BOB)), 'r', unknown)
  }
  assert.equal(await helper.take(table("<perhaps rule='p'><from>x@y</from></perhaps>")), 'ok a1')
  assert.equal(await helper.closedBy(message(BOB)), 'p')
  for (const [children, why] of [
    ["<closed rule='r'/>", /^bad-request wanted: one condition below closed$/],
    ['<closed><always/></closed>', /^bad-request wanted: closed with rule/],
    ["<closed rule='r'><not/></closed>", /^bad-request wanted: one condition below not$/],
    [
      `<closed rule='r'>${'<not>'.repeat(64)}<always/>${'</not>'.repeat(64)}</closed>`,
      /^bad-request .* at most 64 levels$/,
    ],
    [`<closed rule='r'><any>${'<always/>'.repeat(5_000)}</any></closed>`, /^bad-request .* at most 5000 conditions$/],
    ["<closed rule='r'><always/></closed>".repeat(1_001), /^bad-request .* at most 1000 rows$/],
    [`<closed rule='r'><to>${'*a '.repeat(2_001)}</to></closed>`, /^bad-request .* at most 2000 patterns with a star$/],
  ] as const)
    assert.match(await helper.take(table(children)), why)
  assert.match(await helper.take(table('', " version='2'")), /^feature-not-implemented /)
  assert.match(
    await helper.take("<outage-rules xmlns='urn:gatehouse:screen:1' id='a b'/>"),
    /^bad-request wanted: an id/,
  )
})

byEach(
  'one stanza costs what is bounded: a table as large as it may be, and a stanza built to be looked through',
  async (helper) => {
    const rows = Array.from({ length: 990 }, (_, n) =>
      ruleOf(`r${n}`, { to: [`bob-${n}@partner.example`, `*x${n}*@*y*`], kind: ['file-offer'] }, 'refuse'),
    )
    const large = tableOf(rulesOf(rows))
    assert.equal(large.reduced.by, 'nothing')
    assert.equal(await helper.take(large.xml), 'ok a1')
    assert.equal(await helper.closedBy(message(BOB)), null)
    const plain = await helper.cost()
    const deep = `<a>${'<b><c><d/></c></b>'.repeat(30_000)}</a>`
    assert.equal(await helper.closedBy(message('xx1y@y', deep)), 'r1', 'what would take too long is not known')
    console.log(
      JSON.stringify({ rows: rows.length, bytes: large.xml.length, plain_us: plain, hostile_us: await helper.cost() }),
    )
  },
)

byEach('what has no room makes it stricter: exceptions go, then long lists, then all is closed', async (helper) => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => `person-${n}@partner.example`)
  const reducedTo = async (rules: readonly unknown[], bytes = TABLE_MAX) => {
    const written = tableOf(rulesOf(rules), bytes)
    assert.equal(await helper.take(written.xml), 'ok a1')
    assert.ok(written.xml.length < bytes)
    return written.reduced
  }
  const chief = 'chief@corp.example'
  const exceptions = [
    ruleOf('chiefs', { from: [chief, ...many(12_000)] }, 'allow', false),
    ruleOf('r', { to: 'partner.example' }, 'refuse'),
  ]
  const fromChief = message(BOB, '<body/>', { from: `${chief}/r` })
  assert.deepEqual(await reducedTo(exceptions, 600_000), { by: 'nothing' })
  assert.equal(await helper.closedBy(fromChief), null)
  assert.deepEqual(await reducedTo(exceptions), { by: 'exceptions' })
  assert.equal(await helper.closedBy(fromChief), 'r')
  const lists = [ruleOf('r', { to: many(12_000), direction: 'received' }, 'refuse')]
  assert.deepEqual(await reducedTo(lists), { by: 'addresses', addresses: 1_000 })
  assert.equal(await helper.closedBy(message('b@x', '<body/>', { direction: 'received' })), 'r')
  assert.equal(await helper.closedBy(message('b@x')), null)
  const rules = Array.from({ length: 1_001 }, (_, n) => ruleOf(`r${n}`, { to: `p${n}@x` }, 'refuse'))
  assert.deepEqual(await reducedTo(rules), { by: 'everything' })
  assert.equal(await helper.closedBy(message('b@y')), 'r0')
})
