// SPDX-License-Identifier: Apache-2.0
// What the helper of a released version asked, policy still answers as it did then, to the byte.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GOLDEN_RULES, goldenVersions, readWire } from '../golden-wire.ts'
import { startStage } from '../stage.ts'

for (const version of goldenVersions())
  test(`the golden wire of version ${version} is answered as it was`, async () => {
    await using stage = await startStage({ rules: GOLDEN_RULES, hosts: ['irc.corp.example'] })
    const { asked, outageRules } = readWire(version)
    // What is told by itself is told where it was then, but for the id of the IQ.
    const withoutId = (raw: string | undefined) => raw?.replace(/ id='gh-[^']*'/, '')
    for (const { question, answer } of asked) {
      stage.peer.send(question.raw)
      let { raw } = await stage.peer.next()
      if (raw.includes('<outage-rules ')) {
        assert.equal(withoutId(raw), withoutId(outageRules[0]?.raw))
        raw = (await stage.peer.next()).raw
      }
      // What had no answer or a promised one there is answered here, and at once.
      const promised = answer?.raw.includes("action='later'") ?? true
      if (promised) assert.match(raw, /^<iq type='result' [^>]*\/>$/, question.raw)
      else assert.equal(raw, answer?.raw, question.raw)
    }
    const facts = await stage.facts()
    assert.ok(facts.every(({ kind }) => kind !== 'unknown'))
    const answered = (action: string) => facts.filter((fact) => fact.kind === 'ask' && fact.verdict.action === action)
    for (const action of ['allow', 'refuse', 'replace']) assert.ok(answered(action).length > 0, action)
  })
