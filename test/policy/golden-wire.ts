// SPDX-License-Identifier: Apache-2.0
// test/golden/screen-N.xml: what the helper of Prosody and policy said to each other on the component's stream when version N
// of urn:gatehouse:screen was released, a stanza a line: questions and reports, answers, and verdicts that came later.
// What came into a version since stands behind what was there: the lines that are there stay.
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ReadStanza, XmlReader } from '../../components/kit/xml/reader.ts'

const GOLDEN = resolve(import.meta.dirname, '../golden')

/** The rules that judged in it. */
export const GOLDEN_RULES = `version: 1
otherwise: allow
rules:
  - id: no-secrets
    when: { words: [secret] }
    then: { refuse: { text: { en: Not this word., de: Nicht dieses Wort. } } }
  - id: mask
    when: { words: [nightingale] }
    then: { replace: { mask: '*' } }
`

/** The rules of which policy told at its end what is closed while it is away. */
export const GOLDEN_OUTAGE_RULES = `version: 1
otherwise: allow
rules:
  - { id: chief, when: { from: chief@corp.example }, then: allow }
  - id: no-files-to-partners
    when:
      all:
        - { kind: [file-offer, encrypted], direction: sent, host: corp.example }
        - { to: ['*@partner.example', '*.partner.example'], room: false }
        - { not: { any: [{ room: [den@rooms.corp.example] }, { words: [harmless] }] } }
    then: refuse
    on_outage: closed
  - { id: no-plans, when: { to: [bob@partner.example, other.example], words: [plan] }, then: refuse, on_outage: closed }
`

export function goldenVersions(): number[] {
  const names = readdirSync(GOLDEN).map((name) => /^screen-(\d+)\.xml$/.exec(name)?.[1])
  return names.filter((version) => version !== undefined).map(Number)
}

/** `asked`: what the helper said, with the answer of policy; null: it was killed before. `told`, `outageRules`: what policy said by itself. */
export type Wire = {
  asked: { question: ReadStanza; answer: ReadStanza | null }[]
  told: ReadStanza[]
  outageRules: ReadStanza[]
}

export function readWire(version: number): Wire {
  const stanzas: ReadStanza[] = []
  const reader = new XmlReader({
    start() {},
    stanza: (stanza) => stanzas.push(stanza),
    end() {},
    fault(fault) {
      throw fault
    },
  })
  reader.write(readFileSync(resolve(GOLDEN, `screen-${version}.xml`)))
  const namespace = `urn:gatehouse:screen:${version}`
  const results = new Map(
    stanzas.filter(({ element }) => element.attrs.type === 'result').map((one) => [one.element.attrs.id, one]),
  )
  const asked = stanzas
    .filter(({ element }) => element.getChild('screen', namespace) !== undefined)
    .map((question) => ({ question, answer: results.get(question.element.attrs.id) ?? null }))
  const saidWith = (name: string) =>
    stanzas.filter(({ element }) => element.attrs.type === 'set' && element.getChild(name, namespace) !== undefined)
  return { asked, told: saidWith('verdicts'), outageRules: saidWith('outage-rules') }
}
