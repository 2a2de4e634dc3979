// SPDX-License-Identifier: Apache-2.0
// Facts as a helper and a policy would write them, for the tests of the archive.
import type { Fact, FactOf } from '../../components/kit/facts/facts.ts'

export const SOURCE = '9d0c5a11aabbccdd9d0c5a11aabbccdd'
export const AT = '2026-11-22T10:00:00.000Z'
export const AT_MS = Date.parse(AT)

export function chat(
  body: string,
  more: { from?: string; to?: string; id?: string; inside?: string; type?: string } = {},
): string {
  const { from = 'alice@corp.example/desk', to = 'bob@corp.example', id = 'm1', inside = '', type = 'chat' } = more
  return `<message xmlns='jabber:client' from='${from}' to='${to}' type='${type}' id='${id}'><body>${body}</body>${inside}</message>`
}

export function ask(more: Partial<FactOf<'ask'>>): FactOf<'ask'> {
  return {
    kind: 'ask',
    source: SOURCE,
    n: 1,
    try: 1,
    host: 'corp.example',
    direction: 'sent',
    via: 'c2s',
    at: AT,
    stanza: chat('hello'),
    verdict: { action: 'allow', rule: 'otherwise' },
    rules: 'f'.repeat(64),
    ...more,
  }
}

export const done = (to: number, source = SOURCE): Fact => ({ kind: 'done', source, to })
export const mark = (last: number, end = false, source = SOURCE): Fact => ({
  kind: 'mark',
  source,
  last,
  at: AT,
  ...(end ? { end: true } : {}),
})
export const settle = (n: number, outcome: FactOf<'settle'>['outcome'], tried?: number, source = SOURCE): Fact => ({
  kind: 'settle',
  source,
  n,
  outcome,
  at: AT,
  ...(tried === undefined ? {} : { try: tried }),
})
export const source = (more: Partial<FactOf<'source'>> = {}): Fact => ({
  kind: 'source',
  source: SOURCE,
  at: AT,
  node: 'node1',
  hosts: ['corp.example'],
  software: 'Prosody 0.12.3',
  helper: '1',
  ...more,
})
