// SPDX-License-Identifier: Apache-2.0
// Rules are replaced while people talk: every message is judged by one rule set as a whole, and the record says by which. What
// each version masks is chosen so that half of one, or a mixture of two, would be seen by whoever receives it.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { programOf } from '../../deploy/command.ts'
import type { Row } from '../harness/ask-command.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { onServers } from './servers.ts'

const long = process.env.GATEHOUSE_LONG === '1'
const CHANGES = long ? 200 : 14
const SENDERS = ['alice', 'carol', 'dave', 'erin']

/** Each version masks two of the four words: one by its first rule, the other by its last, far behind it. */
const version = (first: string, last: string) => `version: 1
otherwise: allow
rules:
  - { id: first, when: { words: [${first}] }, then: { replace: { mask: '*' } } }
${Array.from({ length: 200 }, (_, at) => `  - { id: between-${at}, when: { words: [never${at}] }, then: refuse }`).join('\n')}
  - { id: last, when: { words: [${last}] }, then: { replace: { mask: '*' } } }
`
const VERSIONS = { A: version('amber', 'azure'), B: version('beige', 'black') }
const TEXT = 'amber azure beige black'
const SEEN = { A: '***** ***** beige black', B: 'amber azure ***** *****' }
const BAD = VERSIONS.A.replace('otherwise: allow', 'otherwise: perhaps')
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const versionOf = new Map(Object.entries(VERSIONS).map(([name, text]) => [hashOf(text), name as 'A' | 'B']))

onServers('rules replaced', slixmppLack(), (server) => {
  let stage: Stage
  let bob: SlixmppClient
  let senders: SlixmppClient[]
  before(async () => {
    stage = await openStage({ server, rules: VERSIONS.A.replace('version: 1\n', '').trimEnd() })
    bob = await stage.person('bob')
    senders = await Promise.all(SENDERS.map((name) => stage.person(name)))
  })
  after(() => stage?.[Symbol.asyncDispose]())

  /** As an operator should, and told twice: by the change of the file and by SIGHUP. */
  function put(text: string): void {
    writeFileSync(`${stage.world.rulesFile}.new`, text)
    renameSync(`${stage.world.rulesFile}.new`, stage.world.rulesFile)
    stage.world.policy?.kill('SIGHUP')
  }
  const inForce = async () =>
    (await stage.world.ask('policy rules')).find(({ what }) => what === 'sha256')?.value as string
  /** Nothing but asking tells that the same version is in force again. */
  async function untilInForce(text: string): Promise<void> {
    for (let tries = 0; (await inForce()) !== hashOf(text); tries += 1)
      if (tries > 5_000) throw new Error('the rules did not come into force')
  }

  test('no message is judged by half a rule set, and its record names the one that did', async (t) => {
    const seen = new Map<string, string>()
    let talking = true
    let sent = 0
    const talk = async (sender: SlixmppClient, name: string) => {
      for (let at = 0; talking; at += 1) {
        const id = `${name}${at}`
        sent += 1
        await sender.send(
          `<message xmlns='jabber:client' type='chat' to='bob@corp.example' id='${id}'><body>streamword ${id} ${TEXT}</body></message>`,
        )
        const got = await bob.wait(new RegExp(`id="${id}"`))
        seen.set(id, /<body>streamword \S+ ([^<]*)<\/body>/.exec(got)?.[1] ?? got)
      }
    }
    const lanes = senders.map((sender, at) => talk(sender, SENDERS[at] ?? ''))
    for (let change = 1; change <= CHANGES; change += 1) {
      const text = change % 2 === 0 ? VERSIONS.A : VERSIONS.B
      if (change % 5 === 0) put(BAD)
      put(text)
      await untilInForce(text)
    }
    talking = false
    await Promise.all(lanes)
    assert.equal(seen.size, sent)
    assert.deepEqual([...new Set(seen.values())].sort(), Object.values(SEEN).sort(), 'both, and nothing else, was seen')
    t.diagnostic(`${sent} messages of ${SENDERS.length} senders over ${CHANGES} changes`)
    const rows = await records(sent)
    for (const row of rows) {
      const id = String(row.stanza_id)
      const judgedBy = versionOf.get(String(row.rules))
      assert.ok(judgedBy, `${id}: rules ${row.rules}`)
      assert.equal(seen.get(id), SEEN[judgedBy], `${id} was judged by ${judgedBy}`)
      assert.equal(row.rule, 'first,last')
      assert.match(String(row.replacement_text), new RegExp(SEEN[judgedBy].replaceAll('*', '\\*')))
    }
  })

  test('a bad file in between changes nothing, and is told of by log, metric, status and check, with its place', async () => {
    put(VERSIONS.B)
    await untilInForce(VERSIONS.B)
    put(BAD)
    const told = await stage.world.policy?.logged(
      ({ event, wanted }) => event === 'rules refused' && /otherwise/.test(String(wanted)),
    )
    assert.deepEqual([told?.level, told?.line, told?.file], ['error', 2, stage.world.rulesFile])
    const ready = await stage.world.policy?.logged(({ event }) => event === 'ready')
    const page = await (await fetch(String(ready?.metrics))).text()
    assert.match(page, /^gatehouse_policy_rules_refused_state 1$/mu)
    assert.match(page, /^gatehouse_policy_rules_refused_total [1-9]/mu)
    const gatehouse = (...args: string[]) =>
      spawnSync(process.execPath, [programOf('cli'), '--config', join(stage.world.folder, 'config'), ...args], {
        encoding: 'utf8',
      })
    const check = gatehouse('check')
    assert.equal(check.status, 2)
    assert.match(check.stdout + check.stderr, /policy-rules\.yaml:2: otherwise: one of allow, refuse is wanted/)
    assert.match(gatehouse('status').stdout, /policy\s+warned/)
    const asked = ['--from', 'alice@corp.example', '--to', 'bob@corp.example', '--text', TEXT]
    const explained = gatehouse('policy', 'explain', ...asked).stdout
    for (const said of [
      /^action +replace$/m,
      /^rule +first,last$/m,
      /^becomes body +amber azure \*{5} \*{5}$/m,
      /^ground of first +words: yes$/m,
      /^ground of last +words: yes$/m,
      /^found by first +"beige" body 12-17$/m,
      /^found by last +"black" body 18-23$/m,
    ])
      assert.match(explained, said, 'the rules of before explain themselves')
    const [sender] = senders
    await sender?.send(
      `<message xmlns='jabber:client' type='chat' to='bob@corp.example' id='bad'><body>${TEXT}</body></message>`,
    )
    assert.ok((await bob.wait(/id="bad"/)).includes(SEEN.B))
    put(VERSIONS.A)
    await untilInForce(VERSIONS.A)
    assert.doesNotMatch(gatehouse('status').stdout, /warned/)
  })

  test('the hash on record is that of sha256sum', () => {
    const sum = execFileSync('sha256sum', [stage.world.rulesFile], { encoding: 'utf8' }).split(' ')[0] ?? ''
    assert.equal(versionOf.get(sum), 'A')
  })

  /** All of them, settled: a search shows no more than a thousand, an export has no such bound. */
  async function records(count: number): Promise<Row[]> {
    for (let round = 0; ; round += 1) {
      const path = join(stage.world.folder, `export-${round}`)
      await stage.world.ask('archive export', { words: 'streamword', settlement: 'released', path, reason: 'test' })
      const lines = readFileSync(join(path, 'records.jsonl'), 'utf8').trimEnd().split('\n')
      if (lines.length === count) return lines.map((line) => JSON.parse(line) as Row)
      assert.ok(lines.length < count && round < 100, `${lines.length} of ${count}`)
      // Makes the server tell what is settled.
      await stage.recorded('never said')
    }
  }
})
