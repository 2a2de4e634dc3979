// SPDX-License-Identifier: Apache-2.0
// The table of the directory bench says of every goal whether it is met, and what was not measured.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Figures, table } from './directory.ts'

const FIGURES: Figures = {
  bench: 'directory',
  people: 50_000,
  read_s: 1,
  read_plan_s: 2.51,
  rss_mb: 250,
  rss_after_mb: 260,
  poll_ms: 20,
  change_ms: 900,
  ldapsearch_s: 0.5,
  join_seen_p99_s: 0.5,
  login_2000_over_native_prosody: 0.3,
  login_2000_over_native_ejabberd: null,
  ping_p99_ms: 20,
  crowd: 200,
  crowd_ping_p99_ms: 20,
  crowd_ping_max_ms: 30,
  crowd_seen_s: 4,
  policy_people_mb: 30,
  policy_people_most_mb: 40,
  policy_ready_s: 1,
}

test('what is over its bound is missed, at it met, and what nobody measured is no success', () => {
  const lines = table(FIGURES)
  assert.equal(lines.filter((line) => line.includes('MISSED')).length, 1)
  assert.match(lines[0] ?? '', /first reading and plan, s .*2\.51 {2}wanted at most 2\.5: MISSED/)
  assert.match(lines[1] ?? '', /250 {2}wanted at most 250$/)
  const missing = lines.filter((line) => line.includes('not measured'))
  assert.equal(missing.length, 1)
  assert.match(missing[0] ?? '', /mod_shared_roster_ldap/)
})
