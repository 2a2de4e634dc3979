// SPDX-License-Identifier: Apache-2.0
// XEP-0356, XEP-0355, RFC 6121 §2: literal bytes, and what no text may do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  DELEGATION,
  readDelegated,
  readForwarded,
  readNestingNode,
  writeForwarded,
} from '../../../components/kit/xep/delegation.ts'
import {
  type Access,
  findPrivilege,
  type Grants,
  PRIVILEGE,
  readForwardedIq,
  readGrants,
  writeIqOnBehalf,
  writeMessageOnBehalf,
} from '../../../components/kit/xep/privilege.ts'
import { parse } from '../../../components/kit/xml/parse.ts'
import { escapeAttribute } from '../../../components/kit/xml/writer.ts'
import { ROSTER_QUERY, readPush, readRoster, writeChange } from '../../../components/kit/xmpp/roster.ts'
import { StanzaError } from '../../../components/kit/xmpp/stanza-error.ts'

const P1 = `xmlns='urn:xmpp:privilege:1'`
const P2 = `xmlns='urn:xmpp:privilege:2'`

function grantsIn(xml: string): Grants {
  const found = findPrivilege(parse(`<message>${xml}</message>`))
  assert.ok(found !== null, xml)
  return readGrants(found.version, found.privilege)
}

const NOTHING: Omit<Grants, 'version'> = {
  roster: { get: false, set: false, push: false },
  message: false,
  presence: 'none',
  iq: new Map(),
}

test('XEP-0356: an advertisement of ejabberd 23.01, and one of its of 24.12', () => {
  const perms = `<perm access='message' type='outgoing'/><perm access='roster' type='both'/><perm access='presence' type='none'/>`
  assert.deepEqual(grantsIn(`<privilege ${P1}>${perms}</privilege>`), {
    ...NOTHING,
    version: 1,
    roster: { get: true, set: true, push: false },
    message: true,
  })
  const iq = `<perm access='iq'><namespace ns='u:a' type='both'/><namespace ns='u:b' type='none'/></perm>`
  assert.deepEqual(grantsIn(`<privilege ${P2}>${perms}${iq}</privilege>`), {
    ...NOTHING,
    version: 2,
    roster: { get: true, set: true, push: null },
    message: true,
    iq: new Map([['u:a', { get: true, set: true }]]),
  })
})

test('mod_privilege of 2023 puts the second namespace inside the first: both count', () => {
  const iq = `<perm access='iq'><namespace ns='u:a' type='get'><namespace ns='u:b' type='set'><namespace ns='u:c'/></namespace></namespace></perm>`
  assert.deepEqual(
    [...grantsIn(`<privilege ${P2}>${iq}</privilege>`).iq],
    [
      ['u:a', { get: true, set: false }],
      ['u:b', { get: false, set: true }],
    ],
  )
})

test('XEP-0356 §4.2: push as the server says; unsaid it is not known; without reading there is none', () => {
  const push = (attributes: string) =>
    grantsIn(`<privilege ${P2}><perm access='roster' ${attributes}/></privilege>`).roster.push
  assert.equal(push(`type='get' push='true'`), true)
  assert.equal(push(`type='both' push='false'`), false)
  assert.equal(push(`type='both' push='maybe'`), null)
  assert.equal(push(`type='get'`), null)
  assert.equal(push(`type='set' push='true'`), false)
})

test('what is unknown grants nothing: accesses, types, other namespaces, IQs in :1', () => {
  const unknown = [
    `<privilege ${P2}><perm access='everything' type='both'/><perm type='both'/></privilege>`,
    `<privilege ${P2}><perm access='roster' type='all'/><perm access='message' type='both'/></privilege>`,
    `<privilege ${P2}><perm access='presence' type='outgoing'/><perm xmlns='u:x' access='roster' type='both'/></privilege>`,
    `<privilege ${P2}><perm access='iq' type='both'><namespace type='both'/><other ns='u:a' type='both'/></perm></privilege>`,
  ]
  for (const xml of unknown) assert.deepEqual(grantsIn(xml), { ...NOTHING, version: 2 }, xml)
  const iq = `<privilege ${P1}><perm access='iq'><namespace ns='u:a' type='both'/></perm></privilege>`
  assert.deepEqual(grantsIn(iq), { ...NOTHING, version: 1 })
  for (const xml of [`<privilege xmlns='urn:xmpp:privilege:3'/>`, `<x xmlns='u'><privilege ${P2}/></x>`])
    assert.equal(findPrivilege(parse(`<message>${xml}</message>`)), null)
})

test('of two versions in one message the later counts', () => {
  const both = `<privilege ${P1}><perm access='roster' type='both'/></privilege><privilege ${P2}><perm access='message' type='outgoing'/></privilege>`
  assert.deepEqual(grantsIn(both), { ...NOTHING, version: 2, message: true })
})

const access = fc.record({ get: fc.boolean(), set: fc.boolean() }, { noNullPrototype: true })
const typeOf = ({ get, set }: Access) => (get && set ? 'both' : get ? 'get' : set ? 'set' : 'none')
/** What XML carries as it is. */
const name = fc.stringMatching(/^[ -~äß你]{1,12}$/u)

test('any grants are read as they were said', () => {
  const all = fc.record({
    version: fc.constantFrom(1 as const, 2 as const),
    roster: access,
    message: fc.boolean(),
    presence: fc.constantFrom('none' as const, 'managed_entity' as const, 'roster' as const),
    iq: fc.dictionary(name, access, { noNullPrototype: true }),
    nested: fc.boolean(),
  })
  fc.assert(
    fc.property(all, ({ version, roster, message, presence, iq, nested }) => {
      const open = Object.entries(iq).map(
        ([ns, one]) => `<namespace ns='${escapeAttribute(ns)}' type='${typeOf(one)}'>`,
      )
      const inside = nested
        ? open.join('') + '</namespace>'.repeat(open.length)
        : open.map((one) => `${one}</namespace>`).join('')
      const read = grantsIn(
        `<privilege xmlns='${PRIVILEGE[version]}'><perm access='roster' type='${typeOf(roster)}'/><perm access='message' type='${message ? 'outgoing' : 'none'}'/><perm access='presence' type='${presence}'/><perm access='iq'>${inside}</perm></privilege>`,
      )
      assert.deepEqual(read, {
        version,
        roster: { ...roster, push: version === 2 && roster.get ? null : false },
        message,
        presence,
        iq: new Map(version === 1 ? [] : Object.entries(iq).filter(([, { get, set }]) => get || set)),
      })
    }),
  )
})

test('XEP-0356 §5.3, §6.3: a message and an IQ on behalf', () => {
  assert.equal(
    writeMessageOnBehalf(1, {
      from: 'a@h',
      to: `b'@x`,
      type: 'chat',
      id: '1',
      language: 'de',
      payload: '<body>x</body>',
    }),
    `<privilege ${P1}><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='a@h' to='b&apos;@x' type='chat' id='1' xml:lang='de'><body>x</body></message></forwarded></privilege>`,
  )
  assert.equal(
    writeIqOnBehalf({ type: 'set', id: '1', from: 'a@h', to: 'b@h', payload: `<q xmlns='u'/>` }),
    `<privileged_iq ${P2}><iq xmlns='jabber:client' type='set' id='1' from='a@h' to='b@h'><q xmlns='u'/></iq></privileged_iq>`,
  )
  const inside = (xml: string) => readForwardedIq(parse(`<privilege ${P2}>${xml}</privilege>`))?.attrs.id ?? null
  assert.equal(inside(`<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' id='7'/></forwarded>`), '7')
  assert.equal(inside(`<forwarded xmlns='urn:xmpp:forward:0'><iq id='7'/></forwarded>`), null)
  assert.equal(inside(''), null)
})

test('XEP-0355 §4.2: what is delegated, in both versions', () => {
  const said = (xml: string) => readDelegated(parse(`<message>${xml}</message>`))
  const filtered = `<delegated namespace='u:a'><attribute name='node'/><attribute/><x name='y'/></delegated>`
  assert.deepEqual(
    said(`<delegation xmlns='urn:xmpp:delegation:2'>${filtered}<delegated namespace='u:b'/></delegation>`),
    [
      { version: 2, namespace: 'u:a', filters: ['node'] },
      { version: 2, namespace: 'u:b', filters: [] },
    ],
  )
  assert.deepEqual(said(`<delegation xmlns='urn:xmpp:delegation:1'><delegated namespace='u:a'/></delegation>`), [
    { version: 1, namespace: 'u:a', filters: [] },
  ])
  assert.deepEqual(
    said(`<delegation xmlns='urn:xmpp:delegation:2'><delegated/><other namespace='u'/></delegation>`),
    [],
  )
  assert.equal(said(`<delegation xmlns='urn:xmpp:delegation:0'/><body/>`), null)
})

const forwarded = (iq: string, version = 2) =>
  parse(
    `<delegation xmlns='urn:xmpp:delegation:${version}'><forwarded xmlns='urn:xmpp:forward:0'>${iq}</forwarded></delegation>`,
  )
const AT = `from='a@h/r' id='1'`

test('XEP-0355 §4.3: a request that is handed on, and its answer: no white space, nothing but what is asked', () => {
  const iq = readForwarded(forwarded(`<iq xmlns='jabber:client' type='get' ${AT} xml:lang='de'><q xmlns='u'/></iq>`))
  assert.deepEqual(
    { ...iq, payload: iq.payload.getName() },
    {
      version: 2,
      type: 'get',
      id: '1',
      from: 'a@h/r',
      to: null,
      language: 'de',
      payload: 'q',
    },
  )
  assert.equal(
    writeForwarded(iq, `<q xmlns='u'/>`),
    `<delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='result' id='1' to='a@h/r'><q xmlns='u'/></iq></forwarded></delegation>`,
  )
  const other = readForwarded(forwarded(`<iq xmlns='jabber:client' type='set' ${AT} to='b@h'><q xmlns='u'/></iq>`, 1))
  assert.equal(
    writeForwarded(other, new StanzaError('auth', 'forbidden', { en: 'no', de: 'nein' })),
    `<delegation xmlns='urn:xmpp:delegation:1'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='error' id='1' from='b@h' to='a@h/r'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>no</text></error></iq></forwarded></delegation>`,
  )
})

test('what is no request is a bad request', () => {
  const wrong = [
    `<iq xmlns='jabber:client' type='result' ${AT}><q xmlns='u'/></iq>`,
    `<iq xmlns='jabber:client' type='get' from='a@h/r'><q xmlns='u'/></iq>`,
    `<iq xmlns='jabber:client' type='get' id='1'><q xmlns='u'/></iq>`,
    `<iq xmlns='jabber:client' type='get' from='@' id='1'><q xmlns='u'/></iq>`,
    `<iq xmlns='jabber:client' type='get' ${AT} to='@'><q xmlns='u'/></iq>`,
    `<iq xmlns='jabber:client' type='get' ${AT}/>`,
    `<iq xmlns='jabber:client' type='get' ${AT}><q xmlns='u'/><q xmlns='u'/></iq>`,
    `<iq type='get' ${AT}><q xmlns='u'/></iq>`,
    `<message xmlns='jabber:client' type='get' ${AT}><q xmlns='u'/></message>`,
    '',
  ]
  const bad = (error: unknown) => error instanceof StanzaError && error.condition === 'bad-request'
  for (const iq of wrong) assert.throws(() => readForwarded(forwarded(iq)), bad, iq)
  assert.throws(() => readForwarded(forwarded('', 3)), bad)
  assert.throws(() => readForwarded(parse(`<delegation xmlns='urn:xmpp:delegation:2'><x/></delegation>`)), bad)
})

test('whatever a person sends, the answer is one element with his id and address, exactly', () => {
  const one = fc.record({
    version: fc.constantFrom(1 as const, 2 as const),
    id: name,
    local: fc.stringMatching(/^[a-z]{1,5}$/),
    resource: name,
    to: fc.option(fc.constantFrom('h', 'b@h')),
    error: fc.boolean(),
  })
  fc.assert(
    fc.property(one, ({ version, id, local, resource, to, error }) => {
      const from = `${local}@h/${resource}`
      const attributes = `type='get' id='${escapeAttribute(id)}' from='${escapeAttribute(from)}'${to === null ? '' : ` to='${to}'`}`
      const iq = readForwarded(forwarded(`<iq xmlns='jabber:client' ${attributes}><q xmlns='u'/></iq>`, version))
      const answer = parse(writeForwarded(iq, error ? new StanzaError('cancel', 'gone') : `<a xmlns='u'/>`))
      assert.ok(answer.is('delegation', DELEGATION[version]))
      const inner = answer.getChild('forwarded')?.getChild('iq')
      assert.equal(answer.children.length + (answer.getChild('forwarded')?.children.length ?? 0), 2)
      assert.deepEqual(
        { ...inner?.attrs },
        {
          xmlns: 'jabber:client',
          type: error ? 'error' : 'result',
          id,
          to: from,
          ...(to === null ? {} : { from: to }),
        },
      )
    }),
  )
})

test('readers take any tree without a fault other than a bad request', () => {
  const words = [
    'privilege',
    'perm',
    'namespace',
    'delegation',
    'delegated',
    'forwarded',
    'iq',
    'query',
    'item',
    'attribute',
  ]
  const spaces = [
    ...Object.values(PRIVILEGE),
    ...Object.values(DELEGATION),
    'urn:xmpp:forward:0',
    'jabber:client',
    'jabber:iq:roster',
  ]
  const attribute = fc.tuple(
    fc.constantFrom('access', 'type', 'ns', 'jid', 'id', 'from', 'to', 'push', 'name', 'namespace', 'subscription'),
    fc.oneof(name, fc.constantFrom('iq', 'roster', 'both', 'get', 'true', 'a@h', 'remove')),
  )
  const { tree } = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc
      .tuple(
        fc.constantFrom(...words),
        fc.constantFrom(...spaces),
        fc.uniqueArray(attribute, { maxLength: 4, selector: ([key]) => key }),
        fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie('tree'), { maxLength: 3 })),
      )
      .map(
        ([word, space, attributes, children]) =>
          `<${word} xmlns='${space}'${attributes.map(([key, value]) => ` ${key}='${escapeAttribute(value)}'`).join('')}>${children.join('text')}</${word}>`,
      ),
  }))
  fc.assert(
    fc.property(tree, (xml) => {
      const message = parse(`<message>${xml}</message>`)
      const [element] = message.getChildElements()
      assert.ok(element !== undefined)
      const found = findPrivilege(message)
      if (found !== null) readGrants(found.version, found.privilege)
      readDelegated(message)
      readForwardedIq(element)
      readRoster(element)
      try {
        readForwarded(element)
      } catch (error) {
        assert.ok(error instanceof StanzaError && error.condition === 'bad-request', String(error))
      }
    }),
    { numRuns: 500 },
  )
})

test('XEP-0355 §7.2: nodes of both versions', () => {
  assert.deepEqual(readNestingNode('urn:xmpp:delegation:2::u:a'), { about: 'server', namespace: 'u:a' })
  assert.deepEqual(readNestingNode('urn:xmpp:delegation:1:bare:u:a::b'), { about: 'account', namespace: 'u:a::b' })
  for (const node of ['', 'x', 'urn:xmpp:delegation:2', 'urn:xmpp:delegation:3::u'])
    assert.equal(readNestingNode(node), null)
})

test('RFC 6121 §2: a roster is read, and one change of it written', () => {
  const query = parse(
    `<query xmlns='jabber:iq:roster'><item jid='b@h' name='B' subscription='both'><group>x</group><group>x</group></item><item jid='c@h' subscription='odd' ask='subscribe'/><item jid='@'/><item/><other/><item jid='d@h' subscription='remove'/></query>`,
  )
  const b = { jid: 'b@h', name: 'B', subscription: 'both', ask: false, groups: ['x'] }
  const c = { jid: 'c@h', name: '', subscription: 'none', ask: true, groups: [] }
  assert.deepEqual(readRoster(query), [b, c])
  assert.deepEqual(readPush(query), [
    { jid: 'b@h', item: b },
    { jid: 'c@h', item: c },
    { jid: 'd@h', item: null },
  ])
  assert.equal(
    writeChange({ jid: `b'@h`, name: '', groups: ['<x>', '', '<x>'], subscription: 'to' }),
    `<query xmlns='jabber:iq:roster'><item jid='b&apos;@h' name='' subscription='to'><group>&lt;x&gt;</group></item></query>`,
  )
  assert.equal(
    writeChange({ jid: 'b@h', subscription: 'remove' }),
    `<query xmlns='jabber:iq:roster'><item jid='b@h' subscription='remove'></item></query>`,
  )
  assert.equal(ROSTER_QUERY, `<query xmlns='jabber:iq:roster'/>`)
})
