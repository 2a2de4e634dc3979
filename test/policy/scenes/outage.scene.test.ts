// SPDX-License-Identifier: Apache-2.0
// PROTOCOL.md section 13: policy tells the helper what is closed while it is away, when the helper does not hold it already.
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { gatehouse } from '../../../components/cli/gatehouse.ts'
import { status } from '../../../components/cli/network/ask.ts'
import type { ReadStanza } from '../../../components/kit/xml/reader.ts'
import { AT } from '../cast.ts'
import { HOST, type Stage, startStage } from '../stage.ts'

const COMPONENTS = join(import.meta.dirname, '../../../components')
const NAMESPACE = 'urn:gatehouse:screen:1'

const rulesOf = (...rules: readonly string[]) =>
  `version: 1\notherwise: allow\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`
const PARTNERS = '{ id: no-partners, when: { to: partner.example, words: [plan] }, then: refuse, on_outage: closed }'
const CHIEF = '{ id: chief, when: { from: chief@corp.example }, then: allow }'
const ALL = '{ id: no-words, when: { words: [plan] }, then: refuse, on_outage: closed }'

const announced = (holds?: string) =>
  `<source at='${AT}' node='n' software='s' helper='h' hosts='${HOST} rooms.${HOST}'${holds === undefined ? '' : ` outage-rules='${holds}'`}/>`

/** What policy tells next, with the id of the table. */
async function toldOf(stage: Stage): Promise<{ stanza: ReadStanza; id: string }> {
  const stanza = await stage.peer.next()
  const table = stanza.element.getChild('outage-rules', NAMESPACE)
  assert.ok(table && stanza.element.attrs.type === 'set' && stanza.element.attrs.to === HOST, stanza.raw)
  return { stanza, id: table.attrs.id ?? '' }
}

function answer(stage: Stage, { element }: ReadStanza, condition?: string): void {
  const head = `id='${element.attrs.id}' from='${element.attrs.to}' to='${element.attrs.from}'`
  const error = `<error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
  stage.peer.send(condition === undefined ? `<iq type='result' ${head}/>` : `<iq type='error' ${head}>${error}</iq>`)
}

async function held(stage: Stage): Promise<string[]> {
  const { metrics } = await stage.policy.logged((line) => line.event === 'ready')
  const page = await (await fetch(String(metrics))).text()
  return [...page.matchAll(/^gatehouse_policy_outage_rules_held\{host="([^"]+)"\} 0$/gmu)].map(([, host = '']) => host)
}

function replaceRules(stage: Stage, rules: string): void {
  writeFileSync(join(stage.folder, 'rules.new'), rules)
  renameSync(join(stage.folder, 'rules.new'), stage.rulesFile)
  stage.policy.kill('SIGHUP')
}

test('to a helper that holds something else, in the order of the rules; not to one that holds it; and after a reload', async () => {
  await using stage = await startStage({ rules: rulesOf(CHIEF, PARTNERS, ALL.replace('then: refuse', 'then: allow')) })
  await stage.screen(announced(), { done: 0 })
  const first = await toldOf(stage)
  const table = first.stanza.raw.slice(first.stanza.raw.indexOf('<outage-rules'), -'</iq>'.length)
  assert.equal(
    table,
    `<outage-rules xmlns='${NAMESPACE}' id='${first.id}' rooms='conference.* rooms.* muc.* chat.*'>` +
      "<allow><from>chief@corp.example</from></allow><closed rule='no-partners'><all><to>partner.example</to><unknown/></all></closed>" +
      "<closed rule='no-words'><always/></closed></outage-rules>",
  )
  answer(stage, first.stanza)
  const line = await stage.policy.logged(({ event }) => event === 'a helper holds the rules for outages')
  assert.deepEqual([line.host, line.id, line.closed], [HOST, first.id, true])

  await stage.screen(announced(first.id), { done: 0 })
  await stage.peer.fence()
  assert.deepEqual(stage.peer.unread.length, 0, 'it holds them')

  replaceRules(stage, rulesOf(PARTNERS))
  const second = await toldOf(stage)
  assert.notEqual(second.id, first.id)
  answer(stage, second.stanza)
  replaceRules(stage, rulesOf())
  const none = await toldOf(stage)
  assert.match(none.stanza.raw, /<outage-rules [^>]*id='[0-9a-f]{32}'><\/outage-rules>/)
  answer(stage, none.stanza)
  await stage.policy.logged((said) => said.event === 'a helper holds the rules for outages' && said.closed === false)
})

test('nothing to a helper that holds nothing, where nothing is closed; but to one that cannot read what it held', async () => {
  await using stage = await startStage({ rules: rulesOf(CHIEF) })
  await stage.screen(announced(), { done: 0 })
  await stage.peer.fence()
  assert.equal(stage.peer.unread.length, 0)
  assert.deepEqual(await held(stage), [])
  await stage.screen(announced('damaged'), { done: 0 })
  const told = await toldOf(stage)
  await stage.screen(announced('damaged'), { done: 0 })
  answer(stage, told.stanza)
  await stage.policy.logged(({ event }) => event === 'a helper holds the rules for outages')
})

test('a helper that is older goes on as it was: said once in the log, in the metrics and by `gatehouse check`', async () => {
  await using stage = await startStage({ rules: rulesOf(PARTNERS) })
  await stage.screen(announced(), { done: 0 })
  answer(stage, (await toldOf(stage)).stanza, 'service-unavailable')
  const line = await stage.policy.logged(({ event }) => event === 'a helper does not hold the rules for outages')
  assert.deepEqual([line.host, line.lack, line.level], [HOST, 'unknown', 'warn'])
  assert.deepEqual(await held(stage), [HOST, `rooms.${HOST}`])
  const said =
    "corp.example, rooms.corp.example: its helper is older than rules with on_outage: closed, so in an outage the host's own rule applies alone: install the helper of this version"
  const { warnings, ready, healthy } = await status({ name: 'policy', run: join(stage.folder, 'run') }, 'en')
  assert.deepEqual([warnings, ready, healthy], [[said], null, null])
  assert.ok((await check(stage)).includes(`policy: ${said}\n`))
  // Without such a rule there is nothing to hold.
  replaceRules(stage, rulesOf())
  await stage.policy.logged(({ event, rules }) => event === 'rules in force' && rules === 0)
  await stage.policy.logged(({ event }) => event === 'reloaded')
  assert.deepEqual(await held(stage), [])
})

test('one that cannot keep them now is told again; the end of the stream or of the source ends that', async () => {
  await using stage = await startStage({ rules: rulesOf(PARTNERS) })
  await stage.screen(announced(), { done: 0 })
  answer(stage, (await toldOf(stage)).stanza, 'resource-constraint')
  await stage.policy.logged(({ event, lack }) => /does not hold/.test(String(event)) && lack === 'failed')
  const { warnings } = await status({ name: 'policy', run: join(stage.folder, 'run') }, 'de')
  assert.match(warnings?.join() ?? '', /hält die Regeln mit on_outage: closed noch nicht/)
  await stage.screen(announced(), { done: 0 })
  answer(stage, (await toldOf(stage)).stanza)
  await stage.policy.logged(({ event }) => event === 'a helper holds the rules for outages')
  assert.deepEqual(await held(stage), [])
  await stage.screen(`<mark last='0' end='true' at='${AT}'/>`, { done: 0 })
  replaceRules(stage, rulesOf(ALL))
  await stage.policy.logged(({ event, rules }) => event === 'reloaded' || rules === 1)
  await stage.peer.fence()
  assert.equal(stage.peer.unread.length, 0, 'the source has ended')
})

test('`gatehouse check` says what rules with on_outage: closed mean where texts or size leave them open', async () => {
  await using stage = await startStage({ rules: rulesOf(PARTNERS) })
  assert.match(
    await check(stage),
    /^policy: no-partners: on_outage: closed, and looks at texts, which nobody reads in an outage: /m,
  )
  writeFileSync(stage.rulesFile, rulesOf(ALL.replace('{ words', '{ host: corp.example, words')))
  assert.match(
    await check(stage),
    /^policy: in an outage everything that no earlier rule allows is refused at corp\.example, also where gatehouse_on_outage is open there: rule no-words says /m,
  )
  writeFileSync(stage.rulesFile, rulesOf(CHIEF, ALL))
  assert.match(await check(stage), /is refused at corp\.example, rooms\.corp\.example, also/)
  writeFileSync(stage.rulesFile, rulesOf("{ id: all, when: { host: '*.example' }, then: allow }", ALL))
  assert.doesNotMatch(await check(stage), /is refused at/, 'nothing comes so far')
  const people = Array.from({ length: 12_000 }, (_, n) => `person-${n}@partner.example`).join(', ')
  writeFileSync(stage.rulesFile, rulesOf(`{ id: x, when: { to: [${people}] }, then: refuse, on_outage: closed }`))
  assert.match(
    await check(stage),
    /^policy: rules with on_outage: closed have many addresses: .* more than 1000 of them/m,
  )
  const many = Array.from(
    { length: 1_001 },
    (_, n) => `{ id: r${n}, when: { to: p${n}@x.example }, then: refuse, on_outage: closed }`,
  )
  writeFileSync(stage.rulesFile, rulesOf(...many))
  assert.match(await check(stage), /^policy: rules with on_outage: closed are too many or too large /m)
  writeFileSync(stage.rulesFile, rulesOf(PARTNERS.replace('words: [plan]', 'kind: message')))
  assert.doesNotMatch(await check(stage), /on_outage/)
})

async function check(stage: Stage): Promise<string> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const said = text(out)
  const world = { components: COMPONENTS, environment: { LC_ALL: 'C' }, folder: stage.folder, software: '0', out, err }
  assert.equal(await gatehouse({ ...world, argv: ['--config', stage.folder, 'check'] }), 0)
  out.end()
  return said
}
