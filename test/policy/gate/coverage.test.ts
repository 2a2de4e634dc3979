// SPDX-License-Identifier: Apache-2.0
// Where a helper should run and does not. The clock is the test's.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Ask, Report } from '../../../components/policy/domain/screen.ts'
import { Coverage } from '../../../components/policy/gate/coverage.ts'

const [ONE, TWO] = ['a'.repeat(32), 'b'.repeat(32)]
const [CORP, ROOMS] = ['corp.example', 'rooms.corp.example']
const at = '2026-11-22T10:00:00.000Z'

function open(transports: readonly string[] = []) {
  let now = 0
  const coverage = new Coverage(new Set([CORP, ROOMS]), () => now, undefined, new Set(transports))
  return {
    coverage,
    pass(seconds: number) {
      now += seconds * 1_000
    },
    lacking: () => Object.fromEntries(coverage.lacking().map(({ host, lack }) => [host, lack])),
    says(host: string, source: string, said: { done?: number | null; asks?: number[]; reports?: Report[] }) {
      const asks = (said.asks ?? []).map((n): Ask<never> => {
        return { n, try: 1, direction: 'sent', via: 'c2s', at, spooled: false, raw: '', stanza: { unreadable: '' } }
      })
      coverage.heard(host, { source, done: said.done === undefined ? 0 : said.done, asks, reports: said.reports ?? [] })
    },
  }
}

const announces = (...hosts: string[]): Report => {
  return { report: 'source', at, node: 'n', software: 's', helper: 'h', hosts, outageRules: null, predecessor: null }
}
const marks = (last: number, end = false): Report => ({ report: 'mark', last, end, at })

describe('coverage', () => {
  it('a host from which nothing came since the stream is up is told after half a minute; not while it is down', () => {
    const { coverage, pass, lacking, says } = open()
    pass(3_600)
    assert.deepEqual(lacking(), {})
    coverage.up()
    pass(29)
    assert.deepEqual(lacking(), {})
    pass(1)
    assert.deepEqual(lacking(), { [CORP]: 'unheard', [ROOMS]: 'unheard' })
    says(CORP, ONE, { reports: [marks(0)] })
    assert.deepEqual(lacking(), { [ROOMS]: 'unheard' })
    coverage.down()
    assert.deepEqual(lacking(), {})
    coverage.up()
    pass(30)
    assert.deepEqual(lacking(), { [CORP]: 'unheard', [ROOMS]: 'unheard' })
  })

  it('an announced host may be idle for ever', () => {
    const { coverage, pass, lacking, says } = open()
    coverage.up()
    says(CORP, ONE, { reports: [announces(CORP, ROOMS.toUpperCase()), marks(4)], asks: [4] })
    pass(100_000)
    assert.deepEqual(lacking(), {})
  })

  it('a host that a newer announcement leaves out is covered only by what it says itself', () => {
    const { coverage, pass, lacking, says } = open()
    coverage.up()
    says(CORP, ONE, { reports: [announces(CORP, ROOMS)] })
    pass(60)
    says(CORP, TWO, { reports: [announces(CORP)] })
    assert.deepEqual(lacking(), { [ROOMS]: 'unheard' })
    says(ROOMS, TWO, { asks: [1] })
    assert.deepEqual(lacking(), {})
  })

  it('what an earlier run left on disk announces nothing, but shows that a helper runs on the host that sends it', () => {
    const { coverage, pass, lacking, says } = open()
    coverage.up()
    pass(60)
    says(CORP, ONE, { done: null, reports: [announces(CORP, ROOMS)] })
    assert.deepEqual(lacking(), { [ROOMS]: 'unheard' })
  })

  it('a helper that owes a mark for a minute fell silent, until it speaks', () => {
    const { coverage, pass, lacking, says } = open()
    coverage.up()
    says(CORP, ONE, { reports: [announces(CORP, ROOMS)], asks: [1, 2] })
    pass(59)
    assert.deepEqual(lacking(), {})
    pass(1)
    assert.deepEqual(lacking(), { [CORP]: 'silent', [ROOMS]: 'silent' })
    says(ROOMS, ONE, { reports: [marks(2)] })
    assert.deepEqual(lacking(), {})
    pass(3_600)
    assert.deepEqual(lacking(), {})
  })

  it('a helper that is busy sends its marks and is never called silent', () => {
    const { coverage, pass, lacking, says } = open()
    coverage.up()
    says(CORP, ONE, { reports: [announces(CORP, ROOMS)] })
    for (let n = 1; n <= 100; n += 1) {
      says(CORP, ONE, { asks: [2 * n] })
      pass(5)
      // One more is asked before the mark that does not know it.
      says(CORP, ONE, { asks: [2 * n + 1] })
      says(CORP, ONE, { reports: [marks(2 * n)] })
      assert.deepEqual(lacking(), {})
    }
  })

  it('a helper that has said its end covers nothing until the next announces itself', () => {
    const { coverage, lacking, says } = open()
    coverage.up()
    says(CORP, ONE, { reports: [announces(CORP, ROOMS)] })
    says(CORP, ONE, { reports: [marks(7, true)] })
    says(CORP, ONE, { done: null })
    assert.deepEqual(lacking(), { [CORP]: 'ended', [ROOMS]: 'ended' })
    says(CORP, TWO, { reports: [announces(CORP, ROOMS)] })
    assert.deepEqual(lacking(), {})
  })

  it('a transport that does not ask is away, and no door that stands open', () => {
    const { coverage, pass, lacking, says } = open([ROOMS])
    assert.deepEqual(coverage.away(), [])
    coverage.up()
    says(CORP, ONE, { reports: [announces(CORP)] })
    pass(30)
    assert.deepEqual([lacking(), coverage.away()], [{}, [ROOMS]])
    says(ROOMS, TWO, { reports: [announces(ROOMS)], asks: [1] })
    assert.deepEqual([lacking(), coverage.away()], [{}, []])
    // One that asks and says no more is no transport that has stopped.
    pass(60)
    assert.deepEqual([lacking(), coverage.away()], [{ [ROOMS]: 'silent' }, []])
    says(ROOMS, TWO, { reports: [marks(1, true)] })
    assert.deepEqual([lacking(), coverage.away()], [{}, [ROOMS]])
  })

  it('a host that its helper names no more is left, whatever was heard of it and is told late; until it is named again', () => {
    const { coverage, lacking, says } = open()
    coverage.up()
    says(CORP, ONE, { reports: [announces(CORP, ROOMS)] })
    says(ROOMS, ONE, { asks: [1], reports: [marks(1)] })
    says(CORP, ONE, { reports: [announces(CORP)] })
    assert.deepEqual(lacking(), { [ROOMS]: 'ended' })
    says(ROOMS, ONE, { done: null })
    assert.deepEqual(lacking(), { [ROOMS]: 'ended' })
    says(CORP, ONE, { reports: [announces(CORP, ROOMS)] })
    assert.deepEqual(lacking(), {})
  })

  it('another helper that names fewer hosts says nothing about those of the one before', () => {
    const { coverage, lacking, says } = open()
    coverage.up()
    says(CORP, ONE, { reports: [announces(CORP)] })
    says(ROOMS, TWO, { reports: [announces(ROOMS)] })
    assert.deepEqual(lacking(), {})
  })
})

const tells = (off: string[], modules: string[], omitted = 0): Report => ({
  report: 'host',
  at,
  off,
  modules,
  omitted,
  transports: [],
})

describe('open doors', () => {
  const names = (coverage: Coverage) =>
    coverage.open().map(({ host, open: { off, doors } }) => [host, ...off, ...doors.flatMap(({ modules }) => modules)])

  it('the last word of a host counts; what opens nothing is not kept', () => {
    const { coverage, says } = open()
    coverage.up()
    says(CORP, ONE, { reports: [announces(CORP, ROOMS), tells(['iq'], ['motd', 'roster'])] })
    says(ROOMS, ONE, { reports: [tells([], ['muc'])] })
    assert.deepEqual(names(coverage), [[CORP, 'iq', 'motd']])
    says(CORP, ONE, { reports: [tells([], ['roster'])] })
    assert.deepEqual(names(coverage), [])
    says(ROOMS, ONE, { reports: [tells([], [], 3)] })
    assert.deepEqual(names(coverage), [[ROOMS]])
  })

  it('is forgotten when the stream ends, when the source ends, and of a host that a newer announcement leaves out', () => {
    const { coverage, says } = open()
    const both = () => {
      coverage.up()
      for (const host of [CORP, ROOMS]) says(host, ONE, { reports: [announces(CORP, ROOMS), tells(['iq'], [])] })
      assert.equal(coverage.open().length, 2)
    }
    both()
    coverage.down()
    assert.deepEqual(names(coverage), [])
    both()
    says(CORP, ONE, { reports: [announces(CORP)] })
    assert.deepEqual(names(coverage), [[CORP, 'iq']])
    both()
    says(CORP, ONE, { reports: [marks(7, true)] })
    assert.deepEqual(names(coverage), [])
  })

  it('what an earlier run left on disk says nothing of now', () => {
    const { coverage, says } = open()
    coverage.up()
    says(CORP, ONE, { done: null, reports: [tells(['iq'], ['motd'])] })
    assert.deepEqual(names(coverage), [])
  })
})

describe('strangers', () => {
  it('are logged once a minute each, named for ten minutes, and at most 20', () => {
    const { coverage, pass } = open()
    assert.equal(coverage.stranger('x.example'), true)
    assert.equal(coverage.stranger('x.example'), false)
    assert.equal(coverage.stranger('y.example'), true)
    pass(60)
    assert.equal(coverage.stranger('x.example'), true)
    assert.deepEqual(coverage.strangers(), ['x.example', 'y.example'])
    pass(9 * 60)
    assert.deepEqual(coverage.strangers(), ['x.example'])
    for (let n = 0; n < 1_000; n += 1) coverage.stranger(`${n}.example`)
    assert.equal(coverage.strangers().length, 20)
    assert.equal(coverage.stranger('one-more.example'), false)
    pass(600)
    assert.deepEqual(coverage.strangers(), [])
  })
})
