// SPDX-License-Identifier: Apache-2.0
// Each condition of the rule language, and each kind, on what real clients send: where it holds and where it does not. Every
// condition is a rule that tags and goes on, so the tags on the record of one stanza say of all conditions whether they hold.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openSnapshotWriter } from '../../components/kit/bus/file-snapshot.ts'
import { writeItem } from '../../components/kit/facts/people.ts'
import { KINDS } from '../../components/policy/domain/screened.ts'
import { CONDITION_KEYS } from '../../components/policy/rules/keys.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { ROOMS } from '../harness/world.ts'
import { itemsOf } from '../policy/people.ts'
import { type AllowScreen, openAllowScreen } from '../servers/prosody/allow-screen.ts'
import { onServers } from './servers.ts'

const PARTNER = 'partner.example'
const SALES = 'sales.example'
const TEA = `tea@${ROOMS}`
const OTHERS = `other@${ROOMS}`

/** Conditions by the tag that tells of them; those of the kinds beside them, each under the name of its kind. */
const CONDITIONS: Readonly<Record<string, unknown>> = {
  always: 'always',
  sent: { direction: 'sent' },
  received: { direction: 'received' },
  'host-sales': { host: SALES },
  'host-any-corp': { host: '*corp.example' },
  'from-alice': { from: 'alice@corp.example' },
  'from-sales': { from: SALES },
  'from-a': { from: 'al*@corp.example' },
  'from-vips': { from: { list: 'vips' } },
  'to-bob': { to: ['bob@corp.example'] },
  'to-partner': { to: PARTNER },
  'to-b': { to: '*b@*.example' },
  'to-partners': { to: [{ list: 'partners' }, 'nobody@nowhere.example'] },
  room: { room: true },
  'one-to-one': { room: false },
  tea: { room: TEA },
  words: { words: ['zeppelin', 'air ship', 'dirigi*'] },
  lexicon: { lexicon: 'board' },
  lexicons: { lexicon: ['board', 'legal'] },
  regex: { regex: '\\b\\d{4}-\\d{4}\\b' },
  both: { from: 'alice@corp.example', words: 'zeppelin' },
  all: { all: [{ words: 'zeppelin' }, { regex: '\\d{4}-\\d{4}' }] },
  any: { any: [{ words: 'zeppelin' }, { lexicon: 'legal' }, { kind: 'join' }] },
  'group-from': { 'from.group': 'traders' },
  'group-to': { 'to.group': ['Research', 'Nobody'] },
  'department-from': { 'from.department': 'Front Desk' },
  'department-to': { 'to.department': 'lab' },
  'same-group': { 'same.group': true },
  external: { 'is-external': true },
  network: { network: 'irc' },
  not: { not: { any: [{ words: 'zeppelin' }, { from: 'alice@corp.example' }] } },
}

const RULES = `otherwise: allow
lexicons: { board: [merger], legal: ['lawsuit*'] }
lists: { vips: ['*@${SALES}'], partners: ['*@${PARTNER}'] }
rules:
${[...Object.entries(CONDITIONS), ...KINDS.map((kind) => [kind, { kind }] as const)]
  .map(([id, when]) => `  - ${JSON.stringify({ id, when }).slice(0, -1)}, "then": ${JSON.stringify({ tag: id })}}`)
  .join('\n')}`

type Case = { xml: (mark: string) => string; by?: string; tags: string }

const FROM_ALICE = 'always sent host-any-corp from-alice from-a group-from'
const chat = (to: string, text: string, more = '', type = 'chat') =>
  `<message xmlns='jabber:client' type='${type}' to='${to}' id='x'><body>${text}</body>${more}</message>`
const toBob =
  (more: string, text = '', type = 'chat') =>
  (mark: string) =>
    chat('bob@corp.example', `${mark} ${text}`, more, type)
const iq = (to: string, payload: string) =>
  `<iq xmlns='jabber:client' type='set' id='i' ${to && `to='${to}'`}>${payload}</iq>`
const TO_BOB = 'to-bob to-b group-to department-to'
const ALICE_TO_BOB = `${FROM_ALICE} ${TO_BOB} same-group one-to-one`
const PUBSUB = 'http://jabber.org/protocol/pubsub'
const MUC = 'http://jabber.org/protocol/muc'

/** As the directory says. */
const EMPLOYEES = {
  'alice@corp.example': { groups: ['Traders', 'Staff'] },
  'bob@corp.example': { groups: ['Research', 'Staff'], department: 'Lab' },
  [`sally@${SALES}`]: { department: 'front desk' },
}

/** In this order; the mark is a word that stands in no other. */
const CASES: Readonly<Record<string, Case>> = {
  chat: { xml: toBob(''), tags: `${ALICE_TO_BOB} message` },
  words: { xml: toBob('', 'a ZEPPELIN'), tags: `${ALICE_TO_BOB} message words both any` },
  phrase: { xml: toBob('', 'an air  ship'), tags: `${ALICE_TO_BOB} message words` },
  prefix: { xml: toBob('', 'two dirigibles'), tags: `${ALICE_TO_BOB} message words` },
  'no-word': { xml: toBob('', 'zeppelins airship'), tags: `${ALICE_TO_BOB} message` },
  disguised: { xml: toBob('', 'a z\u0435pp\u200b\u0435lin'), tags: `${ALICE_TO_BOB} message words both any` },
  board: { xml: toBob('', 'the merger'), tags: `${ALICE_TO_BOB} message lexicon lexicons` },
  legal: { xml: toBob('', 'our lawsuits'), tags: `${ALICE_TO_BOB} message lexicons any` },
  number: { xml: toBob('', 'call 1234-5678'), tags: `${ALICE_TO_BOB} message regex` },
  all: { xml: toBob('', 'zeppelin 1234-5678'), tags: `${ALICE_TO_BOB} message words regex both all any` },
  'to-alice': {
    by: 'bob',
    xml: (mark) => chat('alice@corp.example', mark),
    tags: 'always sent host-any-corp same-group one-to-one not message',
  },
  'from-sales': {
    by: 'sally',
    xml: (mark) => chat('bob@corp.example', `${mark} zeppelin`),
    tags: `always sent host-sales from-sales from-vips department-from external network ${TO_BOB} one-to-one words any message`,
  },
  'to-partner': {
    xml: (mark) => chat(`xavier@${PARTNER}`, mark),
    tags: `${FROM_ALICE} to-partner to-partners external one-to-one message`,
  },
  'to-network': {
    xml: (mark) => chat(`paris%irc.partner.example@${SALES}`, mark),
    tags: `${FROM_ALICE} external network one-to-one message`,
  },
  'from-partner': {
    by: 'partner',
    xml: (mark) => chat('bob@corp.example', mark),
    tags: `always received host-any-corp ${TO_BOB} external one-to-one not message`,
  },
  correction: {
    xml: toBob("<replace xmlns='urn:xmpp:message-correct:0' id='m0'/>"),
    tags: `${ALICE_TO_BOB} message correction`,
  },
  retraction: {
    xml: toBob("<retract xmlns='urn:xmpp:message-retract:1' id='m0'/>"),
    tags: `${ALICE_TO_BOB} message retraction`,
  },
  reaction: {
    xml: toBob("<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>\u{1f44b}</reaction></reactions>"),
    tags: `${ALICE_TO_BOB} message reaction`,
  },
  file: {
    xml: toBob("<x xmlns='jabber:x:oob'><url>https://files.example/1</url></x>"),
    tags: `${ALICE_TO_BOB} message file-offer`,
  },
  encrypted: {
    xml: toBob(
      "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AAAA</payload></encrypted>",
    ),
    tags: `${ALICE_TO_BOB} message encrypted`,
  },
  signed: { xml: toBob("<x xmlns='jabber:x:signed'>AAAA</x>"), tags: `${ALICE_TO_BOB} message signed` },
  error: {
    xml: toBob(
      "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
      '',
      'error',
    ),
    tags: `${ALICE_TO_BOB} message error`,
  },
  'direct-invitation': {
    xml: toBob(`<x xmlns='jabber:x:conference' jid='${TEA}'/>`),
    tags: `${ALICE_TO_BOB} message invitation`,
  },
  iq: {
    xml: (mark) => iq('bob@corp.example/desk', `<note xmlns='example:note'>${mark}</note>`),
    tags: `${ALICE_TO_BOB} iq`,
  },
  pep: {
    xml: (mark) =>
      iq(
        '',
        `<pubsub xmlns='${PUBSUB}'><publish node='http://jabber.org/protocol/tune'><item id='current'><tune xmlns='http://jabber.org/protocol/tune'><title>${mark}</title></tune></item></publish></pubsub>`,
      ),
    tags: `${FROM_ALICE} same-group one-to-one iq pep`,
  },
  vcard: {
    xml: (mark) => iq('', `<vCard xmlns='vcard-temp'><DESC>${mark}</DESC></vCard>`),
    tags: `${FROM_ALICE} same-group one-to-one iq vcard`,
  },
  status: {
    xml: (mark) => `<presence xmlns='jabber:client'><status>${mark}</status></presence>`,
    tags: `${FROM_ALICE} one-to-one presence status`,
  },
  subscription: {
    xml: (mark) =>
      `<presence xmlns='jabber:client' type='subscribe' to='away@corp.example'><status>${mark}</status></presence>`,
    tags: `${FROM_ALICE} one-to-one presence subscription`,
  },
  join: {
    xml: (mark) => `<presence xmlns='jabber:client' to='${TEA}/${mark}'><x xmlns='${MUC}'/></presence>`,
    tags: `${FROM_ALICE} room tea any presence join`,
  },
  'room-config': {
    xml: (mark) =>
      iq(
        TEA,
        `<query xmlns='${MUC}#owner'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${MUC}#roomconfig</value></field><field var='muc#roomconfig_roomname'><value>${mark}</value></field></x></query>`,
      ),
    tags: `${FROM_ALICE} room tea iq room-config`,
  },
  subject: {
    xml: (mark) =>
      `<message xmlns='jabber:client' type='groupchat' to='${TEA}' id='x'><subject>${mark}</subject></message>`,
    tags: `${FROM_ALICE} room tea message groupchat subject`,
  },
  groupchat: {
    xml: (mark) => chat(TEA, mark, '', 'groupchat'),
    tags: `${FROM_ALICE} room tea message groupchat`,
  },
  private: {
    xml: (mark) => chat(`${TEA}/markjoin`, mark),
    tags: `${FROM_ALICE} room tea message private`,
  },
  invitation: {
    xml: (mark) =>
      `<message xmlns='jabber:client' to='${TEA}' id='x'><x xmlns='${MUC}#user'><invite to='eve@${PARTNER}'><reason>${mark}</reason></invite></x></message>`,
    tags: `${FROM_ALICE} to-partner to-partners external room tea message invitation`,
  },
  'room-admin': {
    xml: (mark) =>
      iq(
        TEA,
        `<query xmlns='${MUC}#admin'><item affiliation='member' jid='eve@${PARTNER}'><reason>${mark}</reason></item></query>`,
      ),
    tags: `${FROM_ALICE} room tea iq room-admin`,
  },
  'other-room': {
    xml: (mark) => `<presence xmlns='jabber:client' to='${OTHERS}/${mark}'><x xmlns='${MUC}'/></presence>`,
    tags: `${FROM_ALICE} room any presence join`,
  },
}

test('each condition that the rule language declares, and each kind, has a stanza for which it holds and one for which it does not', () => {
  const used = new Set<string>()
  for (const when of Object.values(CONDITIONS)) for (const key of keysIn(when)) used.add(key)
  used.add('kind')
  assert.deepEqual([...used].sort(), [...CONDITION_KEYS.built].sort())
  const all = [...Object.keys(CONDITIONS), ...KINDS]
  const holding = (tag: string) => Object.values(CASES).filter(({ tags }) => tags.split(' ').includes(tag)).length
  assert.deepEqual(
    all.filter((tag) => holding(tag) === 0),
    [],
    'hold nowhere',
  )
  assert.deepEqual(
    all.filter((tag) => holding(tag) === Object.keys(CASES).length),
    ['always'],
    'hold everywhere',
  )
})

onServers('conditions', slixmppLack(), (server) => {
  let stage: Stage
  let partner: AllowScreen
  const people = new Map<string, SlixmppClient>()
  before(async () => {
    stage = await openStage({
      ...{ server, rooms: true, hosts: ['corp.example', SALES], gateway: PARTNER, rules: RULES },
      // What people send to a transport is of its network; what comes from one is asked about by the transport itself.
      policy: { lines: [`networks: [{ network: irc, domain: ${SALES} }]`] },
    })
    const { address, ports, secret, journal, policy } = stage.world
    {
      await using directory = await openSnapshotWriter(join(journal, '..', 'directory'))
      await directory.replace(itemsOf(EMPLOYEES, ['corp.example', SALES]).map(writeItem))
      await policy?.logged(({ event }) => event === 'people in force')
    }
    partner = await openAllowScreen({ address, port: ports.component, domain: PARTNER, secret })
    people.set('alice', await stage.person('alice'))
    people.set('bob', await stage.person('bob'))
    people.set('sally', await stage.person('sally', { host: SALES }))
    for (const [name, { by = 'alice', xml }] of Object.entries(CASES)) {
      if (by === 'partner')
        partner.write(xml(markOf(name)).replace(" xmlns='jabber:client'", ` from='eve@${PARTNER}/x'`))
      else await people.get(by)?.send(xml(markOf(name)))
    }
  })
  after(async () => {
    await partner?.close()
    await stage?.[Symbol.asyncDispose]()
  })

  for (const [name, { tags }] of Object.entries(CASES)) {
    test(`what holds for ${name}`, async () => {
      const [record] = await stage.recorded(markOf(name), 'released')
      const found = record?.tags as readonly string[]
      assert.deepEqual([...found].sort(), tags.split(' ').sort())
      assert.equal(record?.rule, 'otherwise')
    })
  }
})

function markOf(name: string): string {
  return `mark${name.replaceAll('-', '')}`
}

/** The keys of a condition, of those below it as well. */
function keysIn(when: unknown): string[] {
  if (Array.isArray(when)) return when.flatMap(keysIn)
  if (typeof when !== 'object' || when === null) return []
  return Object.entries(when).flatMap(([key, below]) => [
    key,
    ...(['all', 'any', 'not'].includes(key) ? keysIn(below) : []),
  ])
}
