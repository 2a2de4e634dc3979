// SPDX-License-Identifier: Apache-2.0
// Policy as an asker sees it: its own gate with rules, and a journal in memory. A test makes it silent, or lets it be away.
import type { Entry } from '../../../../components/kit/bus/journal.ts'
import { readFact } from '../../../../components/kit/facts/entries.ts'
import type { Fact, FactKind, FactOf } from '../../../../components/kit/facts/facts.ts'
import { openMetrics } from '../../../../components/kit/process/metrics.ts'
import { createCatalogue } from '../../../../components/kit/text/catalogue.ts'
import type { Element } from '../../../../components/kit/xml/element.ts'
import { parseStanza } from '../../../../components/kit/xml/parse.ts'
import { StanzaError } from '../../../../components/kit/xmpp/stanza-error.ts'
import { type Decide, decide } from '../../../../components/policy/domain/decide.ts'
import { createGate } from '../../../../components/policy/gate/gate.ts'
import { Tally } from '../../../../components/policy/gate/tally.ts'
import { createWording } from '../../../../components/policy/gate/wording.ts'
import { texts } from '../../../../components/policy/policy.ts'
import { readRules } from '../../../../components/policy/rules/rule-file.ts'

export const DOMAIN = 'irc.corp.example'
export const SCREEN = 'policy.gatehouse.internal'

const RULES = `version: 1
otherwise: allow
rules:
  - { id: no-secrets, when: { words: [secret] }, then: { refuse: { text: { en: Not this word. } } } }
  - { id: mask, when: { words: [nightingale] }, then: { replace: { mask: '*' } } }
`

export type ScreenUnderTest = ReturnType<typeof openScreen>

export function openScreen({ slow }: { slow?: Decide } = {}) {
  const facts: Fact[] = []
  const seen: string[] = []
  const later: { host: string; payload: string }[] = []
  const read = readRules(Buffer.from(RULES))
  if (!read.ok) throw new Error('the rules of the test are wrong')
  const { set } = read
  const gate = createGate({
    hosts: new Set([DOMAIN]),
    rooms: [],
    bounds: {
      asks: 10_000,
      bytes: 1 << 26,
      answerWithinMs: 60_000,
      laterWithinMs: 60_000,
      replacementBytes: 10_000,
      answerBytes: 100_000,
    },
    judge: () => ({ hash: 'h', decide: slow ?? ((asked) => decide(asked, set)), fault: () => null }),
    journal: {
      append: async (entries: readonly Entry[]) => {
        facts.push(...entries.map((entry) => readFact(entry) as Fact))
        return { first: 1, last: facts.length }
      },
    },
    send: (host, payload) => void later.push({ host, payload }),
    wording: createWording(createCatalogue([texts]), ['en']),
    tally: new Tally(openMetrics('policy')),
    coverage: { heard() {}, stranger: () => false },
    stranger() {},
    skipped() {},
    fault() {},
    now: () => Date.now(),
  })
  const screen = {
    facts,
    /** Payloads of all screens that came, answered or not. */
    seen,
    later,
    /** `answers`; `silent`: nothing comes back until the time-out; `away`: the server says that nobody is there; `stranger`: policy knows us not. */
    mode: 'answers' as 'answers' | 'silent' | 'away' | 'stranger',
    /** What the server says of a component that is away. */
    away: 'service-unavailable' as 'service-unavailable' | 'forbidden',
    of<K extends FactKind>(kind: K): FactOf<K>[] {
      return facts.filter((fact): fact is FactOf<K> => fact.kind === kind)
    },
    async request(to: string, payload: string, { timeoutMs }: { timeoutMs: number }): Promise<Element> {
      if (to !== SCREEN) throw new Error(`nobody is asked but policy: ${to}`)
      seen.push(payload)
      await Promise.resolve()
      if (screen.mode === 'away') throw new StanzaError('cancel', screen.away)
      if (screen.mode === 'silent') {
        await new Promise((resolve) => setTimeout(resolve, timeoutMs))
        throw new StanzaError('wait', 'remote-server-timeout')
      }
      const { element, slice } = parseStanza(`<iq xmlns='jabber:component:accept'>${payload}</iq>`)
      const [child] = element.getChildElements()
      if (child === undefined) throw new Error('no payload')
      const from = screen.mode === 'stranger' ? `else.${DOMAIN}` : DOMAIN
      const answer = await gate.answer({ from, payload: child, slice })
      return parseStanza(`<iq xmlns='jabber:component:accept' type='result'>${answer}</iq>`).element
    },
  }
  return screen
}
