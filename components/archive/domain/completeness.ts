// SPDX-License-Identifier: Apache-2.0
// Is everything here? Each source numbers what it was asked to hold; what it told of and nobody recorded is a gap.
// Pure counting over facts in journal order; the time is handed in. ARCHITECTURE.md, settled once.
import { addRange, countNumbers, missingIn, type Range, type Ranges } from './ranges.ts'
import type { Outcome } from './settling.ts'

/** What counting keeps per source. Times are Unix ms of the recorder's clock. */
export type SourceCount = {
  source: string
  /** Settled up to here; the last number told of by mark, done or a successor. */
  done: number
  mark: number
  heardAt: number
  /** `marked`: stopped in good order. `succeeded`: another run took its place. */
  ended: 'no' | 'marked' | 'succeeded'
  succeededAt: number | null
  /** Numbers with a record, or settled as never delivered. */
  present: Ranges
  /** Numbers up to `dueTo` had their time; those told of later wait in `told`. */
  dueTo: number
  told: { upTo: number; at: number }[]
  /** Ranges in which `count` numbers ended without a question; which ones, is not said when the others were asked about. */
  outages: { from: number; to: number; count: number }[]
  /** What was reserved and not settled when a successor came; numbers in it above `done` are no gaps. */
  tail: Range | null
}

export type CountedFact =
  | { kind: 'ask'; source: string; n: number }
  | { kind: 'settle'; source: string; n: number; outcome: Outcome }
  | { kind: 'done'; source: string; to: number }
  | { kind: 'mark'; source: string; last: number; end?: true }
  | { kind: 'outage'; source: string; from: number; to: number; count: number; outcome: Outcome }
  | { kind: 'source'; source: string; predecessor?: { source: string; mark: number; reserved: number } }
  | { kind: 'heard'; source: string }

/** What is missing, as it is kept: a fact in the archive's own journal. A finding is open from `found` to `closed`. */
export type Finding = {
  kind: 'gap' | 'tail-unknown' | 'ended-without-mark' | 'journal-gap'
  event: 'found' | 'closed'
  source: string
  from: number
  to: number
  /** Numbers of from..to that were missing when it was found; 0 when it is closed. */
  count: number
}

/** `graceMs`: how long a record may come after the number was told of. `silentMs`: no word for so long, with something owed, is an end. */
export type Patience = { graceMs: number; silentMs: number }

export type Completeness = {
  /** Facts in the order of the journal, `at` on the recorder's clock. */
  take(fact: CountedFact, at: number): void
  /** Findings that are new as of `now`; each is given once. `limit` bounds one call. */
  findings(now: number, limit: number): Finding[]
  /** All that findings() gave so far is on record. */
  recorded(): void
  /**
   * Sources that changed since the last call, to be kept with the records. Numbers of a gap that is not on record yet stand there as
   * not looked at: whoever counts on from there finds it again.
   */
  changed(): SourceCount[]
  totals(): { gaps: number; tailUnknown: number; endedWithoutMark: number; sources: number }
}

type Counted = SourceCount & {
  gaps: Finding[]
  /** From the first to the last number of the gaps that are given and not on record. */
  unrecorded: Range | null
  tailFound: boolean
  endFound: boolean
  arrived: boolean
}

/** `open`: findings of earlier runs that are not closed yet. */
export function countFrom(kept: readonly SourceCount[], open: readonly Finding[], patience: Patience): Completeness {
  const sources = new Map<string, Counted>()
  const changed = new Set<Counted>()
  for (const count of kept)
    sources.set(count.source, {
      ...newCount(count.source, count.heardAt),
      ...count,
      gaps: [],
      unrecorded: null,
      tailFound: false,
      endFound: false,
      arrived: true,
    })
  for (const finding of open) reopen(of(finding.source, 0), finding)
  return {
    take(fact, at) {
      const count = of(fact.source, at)
      count.heardAt = Math.max(count.heardAt, at)
      changed.add(count)
      takeFact(count, fact, at)
      if (fact.kind === 'source' && fact.predecessor) succeed(of(fact.predecessor.source, at), fact.predecessor, at)
    },
    findings(now, limit) {
      const found: Finding[] = []
      for (const count of sources.values()) {
        if (found.length >= limit) break
        const before = count.dueTo
        look(count, now, patience, limit - found.length, found)
        if (count.dueTo !== before) changed.add(count)
      }
      return found
    },
    recorded() {
      for (const count of sources.values()) {
        if (count.unrecorded === null) continue
        count.unrecorded = null
        changed.add(count)
      }
    },
    changed() {
      const list = [...changed].map(bare)
      changed.clear()
      return list
    },
    totals() {
      const totals = { gaps: 0, tailUnknown: 0, endedWithoutMark: 0, sources: sources.size }
      for (const count of sources.values()) {
        for (const gap of count.gaps) totals.gaps += countNumbers(missingIn(count.present, gap.from, gap.to))
        if (count.tailFound) totals.tailUnknown += countNumbers(unknownTail(count))
        if (count.endFound) totals.endedWithoutMark += 1
      }
      return totals
    },
  }

  function of(source: string, at: number): Counted {
    const known = sources.get(source)
    if (known) return known
    const nothing = { gaps: [], unrecorded: null, tailFound: false, endFound: false, arrived: false }
    const fresh: Counted = { ...newCount(source, at), ...nothing }
    sources.set(source, fresh)
    return fresh
  }

  function succeed(earlier: Counted, said: { mark: number; reserved: number }, at: number): void {
    changed.add(earlier)
    tell(earlier, said.mark, at)
    if (earlier.ended === 'marked' || earlier.succeededAt !== null) return
    earlier.ended = 'succeeded'
    earlier.succeededAt = at
    const last = Math.max(said.reserved, earlier.mark)
    if (last > earlier.done) earlier.tail = [earlier.done + 1, last]
  }
}

function newCount(source: string, at: number): SourceCount {
  return {
    source,
    done: 0,
    mark: 0,
    heardAt: at,
    ended: 'no',
    succeededAt: null,
    present: [],
    outages: [],
    dueTo: 0,
    told: [],
    tail: null,
  }
}

function takeFact(count: Counted, fact: CountedFact, at: number): void {
  switch (fact.kind) {
    case 'ask':
      count.arrived = addRange(count.present, fact.n, fact.n) || count.arrived
      break
    case 'settle':
      if (neverDelivered(fact.outcome)) count.arrived = addRange(count.present, fact.n, fact.n) || count.arrived
      break
    case 'outage':
      if (neverDelivered(fact.outcome)) takeOutage(count, fact)
      break
    case 'done':
      if (fact.to <= count.done) break
      count.done = fact.to
      tell(count, fact.to, at)
      // What it had settled is no tail, also when that is heard after its successor.
      if (count.tail && fact.to >= count.tail[0]) dueAgain(count, fact.to, at)
      break
    case 'mark':
      tell(count, fact.last, at)
      if (!fact.end) break
      if (count.tail && count.ended !== 'marked') dueAgain(count, count.mark, at)
      count.ended = 'marked'
      // What was reserved behind its last number was never given out.
      count.arrived = true
      break
  }
}

function takeOutage(count: Counted, { from, to, count: ended }: { from: number; to: number; count: number }): void {
  if (ended > to - from) count.arrived = addRange(count.present, from, to) || count.arrived
  // It may be told again until the helper knows that it was heard.
  else if (!count.outages.some((one) => one.from === from && one.to === to)) {
    count.outages.push({ from, to, count: ended })
    count.arrived = true
  }
}

/** Once the questions in its range have come, what is left of an outage is what ended without one. */
function explainOutages(count: Counted): void {
  count.outages = count.outages.filter(({ from, to, count: ended }) => {
    if (countNumbers(missingIn(count.present, from, to)) > ended) return true
    addRange(count.present, from, to)
    return false
  })
}

/** A settlement stands for a record only where nothing was delivered: what was delivered must be on record. */
function neverDelivered(outcome: Outcome): boolean {
  return outcome === 'bounced' || outcome === 'gone' || outcome === 'refused'
}

function tell(count: Counted, upTo: number, at: number): void {
  if (upTo <= count.mark) return
  count.mark = upTo
  const last = count.told.at(-1)
  if (last && at - last.at < 1000) last.upTo = upTo
  else count.told.push({ upTo, at })
}

/** Numbers of the tail that turn out to be told of have their time from now on, as any others. */
function dueAgain(count: Counted, upTo: number, at: number): void {
  count.dueTo = Math.min(count.dueTo, (count.tail?.[0] ?? 1) - 1)
  if (upTo > (count.told.at(-1)?.upTo ?? 0)) count.told.push({ upTo, at })
  count.arrived = true
}

function look(count: Counted, now: number, patience: Patience, limit: number, found: Finding[]): void {
  if (count.arrived && count.outages.length > 0) explainOutages(count)
  if (count.arrived) closeArrived(count, found)
  count.arrived = false
  while (count.told[0] && count.told[0].at + patience.graceMs <= now) {
    const { upTo } = count.told[0]
    const room = limit - found.length
    const missing = missingNumbers(count, count.dueTo + 1, upTo)
    for (const [from, to] of missing.slice(0, room)) {
      const gap: Finding = { kind: 'gap', event: 'found', source: count.source, from, to, count: to - from + 1 }
      count.gaps.push(gap)
      count.unrecorded = [Math.min(count.unrecorded?.[0] ?? from, from), Math.max(count.unrecorded?.[1] ?? to, to)]
      found.push(gap)
    }
    const next = missing[room]
    if (next) {
      count.dueTo = next[0] - 1
      return
    }
    count.dueTo = upTo
    count.told.shift()
  }
  lookAtEnd(count, now, patience, found)
}

/** What is told of and neither here, nor in the unknown tail, nor in a gap that is found already. */
function missingNumbers(count: Counted, from: number, to: number): Ranges {
  const tail = tailOf(count)
  const open = missingNowhereElse(count, from, to)
  return tail ? open.flatMap(([low, high]) => missingIn([tail], low, high)) : open
}

function unknownTail(count: Counted): Ranges {
  const tail = tailOf(count)
  return tail ? missingNowhereElse(count, ...tail) : []
}

/** No number is found twice: one that was a gap before its source ended stays one. */
function missingNowhereElse({ present, gaps }: Counted, from: number, to: number): Ranges {
  const known: Ranges = []
  for (const gap of gaps) addRange(known, gap.from, gap.to)
  return missingIn(present, from, to).flatMap(([low, high]) => missingIn(known, low, high))
}

/** Nothing above what was settled is known of a source that was succeeded, whatever it had told of. */
function tailOf({ tail, done }: SourceCount): Range | null {
  if (!tail || done >= tail[1]) return null
  return [Math.max(tail[0], done + 1), tail[1]]
}

function closeArrived(count: Counted, found: Finding[]): void {
  count.gaps = count.gaps.filter((gap) => {
    if (missingIn(count.present, gap.from, gap.to).length > 0) return true
    found.push({ ...gap, event: 'closed', count: 0 })
    return false
  })
  const { tail, source } = count
  if (!tail || (count.ended !== 'marked' && !(count.tailFound && unknownTail(count).length === 0))) return
  if (count.tailFound)
    found.push({ kind: 'tail-unknown', event: 'closed', source, from: tail[0], to: tail[1], count: 0 })
  count.tailFound = false
  count.tail = null
}

function lookAtEnd(count: Counted, now: number, patience: Patience, found: Finding[]): void {
  const { source, succeededAt, tail } = count
  const past = succeededAt !== null && succeededAt + patience.graceMs <= now
  if (past && tail && !count.tailFound) {
    const missing = countNumbers(unknownTail(count))
    if (missing > 0) {
      count.tailFound = true
      found.push({ kind: 'tail-unknown', event: 'found', source, from: tail[0], to: tail[1], count: missing })
    }
  }
  const silent = count.ended === 'no' && isOwing(count) && count.heardAt + patience.silentMs <= now
  const unmarked = count.ended !== 'marked' && (past || silent)
  if (unmarked === count.endFound) return
  // A source that was succeeded stays without its mark, whatever of it comes late.
  count.endFound = unmarked
  const event = unmarked ? 'found' : 'closed'
  found.push({ kind: 'ended-without-mark', event, source, from: count.mark, to: count.mark, count: 0 })
}

/** A helper without traffic says nothing for hours; one that owes an answer does not. */
function isOwing({ done, mark, present }: Counted): boolean {
  return Math.max(mark, present.at(-1)?.[1] ?? 0) > done
}

function reopen(count: Counted, finding: Finding): void {
  if (finding.kind === 'gap') count.gaps.push(finding)
  else if (finding.kind === 'ended-without-mark') count.endFound = true
  else {
    count.tail = [finding.from, finding.to]
    count.tailFound = true
  }
  count.arrived = true
}

function bare(count: Counted): SourceCount {
  const { gaps: _gaps, unrecorded, tailFound: _tail, endFound: _end, arrived: _arrived, ...kept } = count
  if (unrecorded === null) return kept
  const looked = { upTo: Math.max(unrecorded[1], kept.dueTo), at: 0 }
  return { ...kept, dueTo: Math.min(unrecorded[0] - 1, kept.dueTo), told: [looked, ...kept.told] }
}
