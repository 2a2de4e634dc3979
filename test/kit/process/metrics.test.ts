// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openMetrics } from '../../../components/kit/process/metrics.ts'

describe('metrics', () => {
  it('no address and no unknown value becomes a label', async () => {
    const metrics = openMetrics('transport-irc')
    const verdicts = metrics.counter('verdicts_total', 'Verdicts', { action: ['allow', 'refuse'] })
    const hosts = metrics.counter('questions_total', 'Questions', { host: { atMost: 2 } })
    for (const action of ['allow', 'allow', 'romeo@verona.example', 'explode']) verdicts(1, { action })
    for (const host of ['a.example', 'romeo@verona.example', 'b.example', 'c.example', 'a.example']) hosts(1, { host })
    const page = await metrics.page()
    const lines = page.split('\n').filter((line) => /(verdicts|questions)_total\{/.test(line))
    assert.deepEqual(lines, [
      'gatehouse_transport_irc_verdicts_total{action="allow"} 2',
      'gatehouse_transport_irc_verdicts_total{action="other"} 2',
      'gatehouse_transport_irc_questions_total{host="a.example"} 2',
      'gatehouse_transport_irc_questions_total{host="other"} 2',
      'gatehouse_transport_irc_questions_total{host="b.example"} 1',
    ])
    assert.doesNotMatch(page, /@/)
  })

  it('gauges are collected when the page is read, histograms count in their bounds', async () => {
    const metrics = openMetrics('x')
    let now = 1
    metrics.gauge('waiting_stanzas', 'Waiting', () => now)
    metrics.gauges('follower_lag_entries', 'Lag', { follower: { atMost: 10 } }, () => [
      { value: now * 2, labels: { follower: 'archive' } },
    ])
    const observe = metrics.histogram('hold_seconds', 'Hold', [0.001, 0.01])
    observe(0.005)
    assert.match(await metrics.page(), /^gatehouse_x_waiting_stanzas 1$/m)
    now = 5
    const page = await metrics.page()
    assert.match(page, /^gatehouse_x_waiting_stanzas 5$/m)
    assert.match(page, /^gatehouse_x_follower_lag_entries\{follower="archive"\} 10$/m)
    assert.match(page, /^gatehouse_x_hold_seconds_bucket\{le="0.001"\} 0$/m)
    assert.match(page, /^gatehouse_x_hold_seconds_bucket\{le="0.01"\} 1$/m)
  })

  it('a name without a unit is refused', () => {
    for (const name of ['verdicts', 'Verdicts_total', 'a-b_total', ''])
      assert.throws(() => openMetrics('x').counter(name, 'x'), /a unit/)
  })
})
