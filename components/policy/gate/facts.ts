// SPDX-License-Identifier: Apache-2.0
// What a screen said -> facts for the journal.
import type { Fact, FactOf } from '../../kit/facts/facts.ts'
import type { Ask, Report } from '../domain/screen.ts'

/** Of what goes on record; what a host says of itself only warns. */
export function reportFact(report: Exclude<Report, { report: 'host' }>, source: string, host: string): Fact {
  switch (report.report) {
    case 'source': {
      const { at, node, hosts, software, helper, predecessor } = report
      return { kind: 'source', source, at, node, hosts, software, helper, ...(predecessor ? { predecessor } : {}) }
    }
    case 'settle': {
      const { n, outcome, rule, at } = report
      const tried = report.try === null ? {} : { try: report.try }
      return { kind: 'settle', source, n, ...tried, outcome, ...(rule === null ? {} : { rule }), at }
    }
    case 'mark':
      return { kind: 'mark', source, last: report.last, at: report.at, ...(report.end ? { end: true } : {}) }
    case 'outage': {
      const { from, to, count, outcome, rule, at } = report
      return { kind: 'outage', source, host, from, to, count, outcome, ...(rule === null ? {} : { rule }), at }
    }
    case 'occupant': {
      const { room, nick, jid, event, at } = report
      return { kind: 'occupant', source, host, room, nick, jid, event, at }
    }
    case 'session': {
      const { jid, via, event, account, at } = report
      return { kind: 'session', source, host, jid, via, event, ...(account ? { account } : {}), at }
    }
    case 'account': {
      const { jid, event, id, at } = report
      return { kind: 'account', source, host, jid, event, id, at }
    }
    case 'stanza-id':
      return { kind: 'stanza-id', source, n: report.n, by: report.by, id: report.id, at: report.at }
    case 'observed':
      return { kind: 'observed', source, host, from: report.from, stanza: report.stanza, at: report.at }
  }
}

/** Where networks are, as the settings say it. */
export function networkFacts(
  networks: readonly { network: string; domain: string }[],
  at: string,
): FactOf<'network'>[] {
  return networks.map(({ network, domain }) => ({ kind: 'network', network, domain, at }))
}

/** What the rules noted, as it goes on record; `stanza`: what is kept of it where that is not all. */
export type Noted = Pick<FactOf<'ask'>, 'tags' | 'record' | 'matched' | 'who'> & { stanza?: string }

/** One try of one question with what is answered to it. `rules` is the hash of the rule set that judged it. */
export function askFact(
  ask: Omit<Ask<unknown>, 'stanza'>,
  verdict: FactOf<'ask'>['verdict'],
  from: { source: string; host: string; rules: string },
  noted: Noted = {},
): FactOf<'ask'> {
  return {
    kind: 'ask',
    source: from.source,
    n: ask.n,
    try: ask.try,
    host: from.host,
    direction: ask.direction,
    via: ask.via,
    at: ask.at,
    stanza: noted.stanza ?? ask.raw,
    verdict,
    rules: from.rules,
    ...(ask.spooled ? { spooled: true } : {}),
    ...(noted.tags ? { tags: noted.tags } : {}),
    ...(noted.record ? { record: noted.record } : {}),
    ...(noted.matched ? { matched: noted.matched } : {}),
    ...(noted.who && noted.record !== 'nothing' ? { who: noted.who } : {}),
    ...(ask.network === undefined ? {} : { network: ask.network }),
    ...(ask.foreign && noted.record !== 'nothing' ? { foreign: ask.foreign } : {}),
  }
}
