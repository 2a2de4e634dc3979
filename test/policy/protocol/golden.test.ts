// SPDX-License-Identifier: Apache-2.0
// The screen's wire has a version. What the helper of a released version said, policy still reads, and the archive what policy
// makes of it; what policy says is written as it was then.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readEntry } from '../../../components/archive/protocol/entry.ts'
import { openStanzaReader } from '../../../components/archive/protocol/stanza-reader.ts'
import { writeFact } from '../../../components/kit/facts/entries.ts'
import type { Fact } from '../../../components/kit/facts/facts.ts'
import { readAddressPattern } from '../../../components/policy/domain/address-pattern.ts'
import { outageRows } from '../../../components/policy/domain/outage-rules.ts'
import { Coverage } from '../../../components/policy/gate/coverage.ts'
import { askFact, reportFact } from '../../../components/policy/gate/facts.ts'
import { TABLE_MAX, writeOutageRules, writeRows } from '../../../components/policy/protocol/outage-rules.ts'
import { readScreen } from '../../../components/policy/protocol/screen.ts'
import { writeVerdict, writeVerdicts } from '../../../components/policy/protocol/verdicts.ts'
import { readRules } from '../../../components/policy/rules/rule-file.ts'
import { GOLDEN_OUTAGE_RULES, goldenVersions, readWire } from '../golden-wire.ts'

const PAGE = readFileSync(new URL('../../../deploy/servers/PROTOCOL.md', import.meta.url), 'utf8')
const NAMESPACE = 'urn:gatehouse:screen:1'
const reading = {
  journal: 'j',
  stanzas: openStanzaReader(),
  isRoom: () => false,
  sha256: (text: string) => hash('sha256', text, 'hex'),
}

for (const version of goldenVersions()) {
  const { asked, told } = readWire(version)
  const screens = asked.map(({ question }) => ({
    host: question.element.attrs.from ?? '',
    screen: readScreen(question.element.getChild('screen', NAMESPACE) ?? assert.fail(), question.slice),
  }))

  test(`version ${version}: policy reads everything the helper said, each stanza as its bytes stood`, () => {
    for (const [at, { screen }] of screens.entries()) {
      const { question } = asked[at] ?? assert.fail()
      const said = question.element.getChild('screen', NAMESPACE)?.getChildElements() ?? []
      assert.equal(screen.asks.length + screen.reports.length, said.length, question.raw)
      for (const ask of screen.asks) {
        assert.ok(!('unreadable' in ask.stanza), question.raw)
        assert.ok(question.raw.includes(`<forwarded xmlns='urn:xmpp:forward:0'>${ask.raw}</forwarded>`), ask.raw)
      }
    }
  })

  test(`version ${version}: of what stands open at its hosts it knows the last that they said`, () => {
    const coverage = new Coverage(new Set(screens.map(({ host }) => host)), () => 0)
    coverage.up()
    const warned = screens.map(({ host, screen }) => {
      coverage.heard(host, screen)
      return coverage.open().map(({ host, open: { off, doors, omitted, unnamed } }) => {
        return [host, ...off, ...doors.flatMap(({ modules }) => modules), ...unnamed, omitted].join(' ')
      })
    })
    const shown = warned.filter((lines, at) => lines.join() !== warned[at - 1]?.join())
    assert.deepEqual(shown, [
      [],
      ['corp.example iq status 0'],
      ['corp.example iq status 0', 'rooms.corp.example 6'],
      ['corp.example iq status motd 0', 'rooms.corp.example 6'],
      ['corp.example iq status 0', 'rooms.corp.example 6'],
      [],
      // No transport is named here.
      ['corp.example irc.corp.example 0'],
    ])
  })

  test(`version ${version}: the archive reads every fact that comes of it`, () => {
    const facts = screens.flatMap(({ host, screen: { source, done, asks, reports } }): Fact[] => [
      ...asks.map((ask) => askFact(ask, { action: 'allow', rule: 'otherwise' }, { source, host, rules: 'h' })),
      ...reports.flatMap((report) => (report.report === 'host' ? [] : [reportFact(report, source, host)])),
      ...(done === null ? [] : [{ kind: 'done', source, to: done } as const]),
    ])
    for (const [position, fact] of facts.entries()) {
      const entry = writeFact(fact)
      const { items, counted } = readEntry({ ...entry, position, at: 0 }, reading)
      assert.ok(
        items.every((item) => item.as !== 'other'),
        entry.body,
      )
      assert.ok(items.length > 0 || counted !== null, entry.body)
      for (const item of items) if (item.as === 'try') assert.equal(item.record.fields.note, '', entry.body)
    }
    const kinds = new Set(facts.map((fact) => fact.kind))
    assert.deepEqual(
      [...kinds].sort(),
      [
        'account',
        'ask',
        'done',
        'mark',
        'observed',
        'occupant',
        'outage',
        'session',
        'settle',
        'source',
        'stanza-id',
      ].sort(),
    )
  })

  test(`version ${version}: what is promised and what comes later is written as it was then`, () => {
    const promised = asked.flatMap(({ answer }) =>
      (answer?.element.getChild('verdicts', NAMESPACE)?.getChildElements() ?? [])
        .filter(({ attrs }) => attrs.action === 'later')
        .map(({ attrs }) => ({ n: Number(attrs.n), raw: answer?.raw ?? '' })),
    )
    assert.ok(promised.length > 0)
    for (const { n, raw } of promised) assert.ok(raw.includes(writeVerdict({ n, action: 'later' })), raw)
    const actions = told.flatMap(({ element, raw }) => {
      const verdicts = element.getChild('verdicts', NAMESPACE) ?? assert.fail()
      const allowed = verdicts.getChildElements().filter(({ attrs }) => attrs.action === 'allow')
      const written = allowed.map(({ attrs }) => writeVerdict({ n: Number(attrs.n), action: 'allow' }))
      if (allowed.length === verdicts.children.length)
        assert.ok(raw.includes(writeVerdicts(written, verdicts.attrs.source)), raw)
      return verdicts.getChildElements().map(({ attrs }) => attrs.action)
    })
    assert.deepEqual([...new Set(actions)].sort(), ['allow', 'refuse'])
  })
}

test('what is closed in an outage is written as it was when it came into version 1', () => {
  const read = readRules(Buffer.from(GOLDEN_OUTAGE_RULES))
  assert.ok(read.ok)
  const rooms = ['conference.*', 'rooms.*', 'muc.*', 'chat.*'].flatMap((each) => {
    const pattern = readAddressPattern(each)
    return 'wrong' in pattern ? [] : [pattern]
  })
  const [, { element, raw } = assert.fail()] = readWire(1).outageRules
  const id = element.getChild('outage-rules', NAMESPACE)?.attrs.id ?? ''
  assert.ok(raw.includes(writeOutageRules(writeRows(outageRows(read.set.rules), rooms, TABLE_MAX), id)), raw)
})

test('the golden wire of this version has an example of every element and attribute that the page names', () => {
  const { asked } = readWire(1)
  const seen = new Map<string, Set<string>>()
  for (const { question } of asked)
    for (const child of question.element.getChild('screen', NAMESPACE)?.getChildElements() ?? []) {
      const attributes = seen.get(child.getName()) ?? new Set()
      for (const name of Object.keys(child.attrs)) attributes.add(name)
      seen.set(child.getName(), attributes)
    }
  const rows = [...PAGE.matchAll(/^\| `([a-z-]+)` \| ([^|]*) \|/gm)].slice(0, seen.size)
  assert.deepEqual(rows.map(([, name]) => name).sort(), [...seen.keys()].sort())
  for (const [, name = '', cell = ''] of rows) {
    // In brackets stand values.
    const named = [...cell.replace(/\([^()]*\)/g, '').matchAll(/`([^`]+)`/g)].flatMap(([, words = '']) =>
      words.split(' '),
    )
    for (const attribute of named.filter((word) => word !== 'forwarded'))
      assert.ok(seen.get(name)?.has(attribute), `no example of ${name}@${attribute}`)
  }
})
