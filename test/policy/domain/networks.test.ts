// SPDX-License-Identifier: Apache-2.0
// `network:` of a rule: what comes from another network, and what goes to it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from '../../../components/kit/xml/parse.ts'
import { decide } from '../../../components/policy/domain/decide.ts'
import { outageRows } from '../../../components/policy/domain/outage-rules.ts'
import type { People, Person } from '../../../components/policy/domain/person.ts'
import { TABLE_MAX, writeRows } from '../../../components/policy/protocol/outage-rules.ts'
import { readScreened } from '../../../components/policy/protocol/screened.ts'
import { networkNotes } from '../../../components/policy/rules/network-notes.ts'
import { readRules } from '../../../components/policy/rules/rule-file.ts'
import { outageRules } from '../../../components/policy/settings.ts'

const GATE = 'irc.corp.example'
const TRANSPORTS = [{ network: 'irc', domain: GATE, accounts: '/nowhere' }]
const alice: Person = {
  id: 'd:1',
  jid: 'alice@corp.example',
  name: 'Alice',
  mail: [],
  department: 'Trading',
  groups: [{ name: 'Traders', key: 'traders' }],
}
const people: People = { find: (bare) => (bare === alice.jid ? alice : undefined), hosts: new Set(['corp.example']) }
const elsewhere = {
  networks: new Map([[GATE, 'irc']]),
  personOf: (transport: string, { account }: { account?: string }) =>
    transport === GATE && account === 'alice_' ? alice.jid : null,
}

function rulesOf(text: string) {
  const read = readRules(Buffer.from(`version: 1\notherwise: allow\nrules:\n${text}`))
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.set
}

function from(account: string | undefined, body = 'hello') {
  const room = `#garden%irc.example.org@${GATE}`
  const xml = `<message xmlns='jabber:client' from='${room}/Al' to='${room}' type='groupchat'><body>${body}</body></message>`
  const foreign = { server: 'irc.example.org', nick: 'Al', ...(account === undefined ? {} : { account }) }
  const ask = {
    n: 1,
    try: 1,
    direction: 'received',
    via: 'network',
    network: 'irc',
    foreign,
    at: '',
    spooled: false,
    raw: xml,
  } as const
  return readScreened(ask, parse(xml), GATE, [], people, elsewhere)
}

function to(address: string) {
  const xml = `<message xmlns='jabber:client' from='bob@corp.example/desk' to='${address}' type='chat'><body>hello</body></message>`
  const ask = { n: 1, try: 1, direction: 'sent', via: 'c2s', at: '', spooled: false, raw: xml } as const
  return readScreened(ask, parse(xml), 'corp.example', [], people, elsewhere)
}

describe('a rule on a network', () => {
  const set = rulesOf('  - { id: no-irc, when: { network: irc }, then: refuse }\n')

  it('holds for what comes from there, and for what goes to its transport; not for all else', () => {
    assert.equal(decide(from(undefined), set).rule, 'no-irc')
    assert.equal(decide(to(`paris%irc.example.org@${GATE}`), set).rule, 'no-irc')
    assert.equal(decide(to(GATE), set).rule, 'no-irc')
    assert.equal(decide(to('eve@corp.example'), set).rule, 'otherwise')
    assert.equal(decide(to('eve@matrix.corp.example'), set).rule, 'otherwise')
  })

  it('is tried by its examples', () => {
    const text = (examples: string) =>
      `  - id: no-irc\n    when: { network: [irc, sip] }\n    then: refuse\n${examples}`
    rulesOf(text('    matches: [{ network: irc }]\n    passes: [{ network: matrix }]\n'))
    assert.throws(() => rulesOf(text('    matches: [{ network: matrix }]\n')), /policy-example-passes/)
    assert.throws(() => rulesOf(text('    passes: [{ network: sip }]\n')), /policy-example-matches/)
    assert.throws(() => rulesOf('  - { id: a, when: { network: IRC! }, then: refuse }\n'), /policy-wanted-network/)
  })

  it('is told to helpers as the domain of the transport, so that it can be closed while policy is away', () => {
    const closed = rulesOf(
      '  - { id: no-irc, when: { network: irc, direction: sent }, then: refuse, on_outage: closed }\n',
    )
    const { children } = writeRows(outageRows(outageRules(closed, TRANSPORTS)), [], TABLE_MAX)
    assert.equal(
      children,
      `<closed rule='no-irc'><all><any><to>${GATE}</to><from>${GATE}</from></any><direction is='sent'/></all></closed>`,
    )
  })

  it('is noted where no transport goes there', () => {
    assert.deepEqual(networkNotes(set.rules, []), [{ id: 'policy-note-network-unknown', args: { network: 'irc' } }])
    assert.deepEqual(networkNotes(set.rules, TRANSPORTS), [])
  })
})

describe('people behind a transport', () => {
  const set = rulesOf(
    '  - { id: no-traders, when: { from.group: Traders }, then: refuse }\n  - { id: outside, when: { is-external: true }, then: { tag: outside } }\n',
  )

  it('are who the table says, by their account, and by nothing else', () => {
    assert.equal(from('alice_').sender, 'alice@corp.example')
    assert.equal(decide(from('alice_'), set).rule, 'no-traders')
    assert.equal(decide(from('eve'), set).rule, 'otherwise')
    assert.equal(decide(from(undefined), set).rule, 'otherwise')
    assert.equal(from(undefined).sender, from(undefined).from)
  })

  it('are external, though the domain of the transport is below that of the company', () => {
    assert.deepEqual(decide(from('eve'), set).tags, ['outside'])
    assert.deepEqual(decide(to(`paris%irc.example.org@${GATE}`), set).tags, ['outside'])
    assert.equal(decide(to('eve@rooms.corp.example'), set).tags, undefined)
  })
})
