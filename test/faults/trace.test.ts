// SPDX-License-Identifier: Apache-2.0
// The reading of a trace: only a sync of the journal between the write and the answer to that question counts, also when a line is cut in two.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTrace } from './trace.ts'

const READ = `10 read(19<TCP:[1->2]>, "<iq id='gh-1' type='set'><screen><done/></screen></iq><iq id='gh-2' type='set'><screen><ask n='1'><message>..tracedword..", 65536) = 300`
const WRITE = '12 pwrite64(21</tmp/w/journals/policy/1.sqlite-wal>, "..tracedword..", 4096, 32) = 4096'
const ANSWER = `10 writev(19<TCP:[1->2]>, [{iov_base="<iq type='result' id='gh-2'/>", iov_len=20}], 1) = 20`
const OTHER = `10 writev(19<TCP:[1->2]>, [{iov_base="<iq type='result' id='gh-1'/>", iov_len=20}], 1) = 20`
const SYNC = '12 fdatasync(21</tmp/w/journals/policy/1.sqlite-wal>) = 0'
const CASES: readonly [title: string, lines: string[], inOrder: boolean][] = [
  ['written, synced, answered', [WRITE, SYNC, ANSWER], true],
  ['something else answered before the sync', [WRITE, OTHER, SYNC, ANSWER], true],
  ['only something else answered', [WRITE, SYNC, OTHER], false],
  ['an answer before the write', [ANSWER, WRITE, SYNC], false],
  [
    'a sync that ends later',
    [
      WRITE,
      '12 fdatasync(21</tmp/w/journals/policy/1.sqlite-wal> <unfinished ...>',
      '12 <... fdatasync resumed>) = 0',
      ANSWER,
    ],
    true,
  ],
  [
    'an answer before the end of the sync',
    [
      WRITE,
      '12 fdatasync(21</tmp/w/journals/policy/1.sqlite-wal> <unfinished ...>',
      ANSWER,
      '12 <... fdatasync resumed>) = 0',
    ],
    false,
  ],
  ['an answer before the sync', [WRITE, ANSWER, SYNC], false],
  ['no sync', [WRITE, ANSWER], false],
  ['a sync of something else', [WRITE, '12 fdatasync(9</tmp/w/state/x>) = 0', ANSWER], false],
  ['a sync that failed', [WRITE, `${SYNC.slice(0, -1)}-1 EIO`, ANSWER], false],
  ['a sync before the write', [SYNC, WRITE, ANSWER], false],
]

for (const [title, lines, inOrder] of CASES) {
  test(title, () => {
    const { written, synced, answered } = readTrace([READ, ...lines].join('\n'), 'tracedword')
    assert.equal(written >= 0 && synced > written && answered > synced, inOrder)
  })
}
