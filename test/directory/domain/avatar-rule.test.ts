// SPDX-License-Identifier: Apache-2.0
// Whose picture is shown.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AvatarStep, decideAvatar, type Shown } from '../../../components/directory/domain/avatar-rule.ts'

const [A, B, OWN] = [{ sha1: 'a' }, { sha1: 'b' }, { sha1: 'own' }]

const cases: [
  string,
  Shown,
  { sha1: string } | null,
  string[] | 'taken away',
  { wins: AvatarStep; loses: AvatarStep },
][] = [
  ['nobody has a picture', 'none', null, [], { wins: 'nothing', loses: 'nothing' }],
  ['the first of the directory', 'none', A, [], { wins: 'publish', loses: 'publish' }],
  ['it is there already', A, A, ['a'], { wins: 'same', loses: 'same' }],
  ['it is there, and a crash kept us from noting it', A, A, [], { wins: 'same', loses: 'same' }],
  ['a new photo in the directory', A, B, ['a'], { wins: 'publish', loses: 'publish' }],
  ['his own before the directory had one', OWN, A, [], { wins: 'keep', loses: 'publish' }],
  ['his own in the place of ours', OWN, A, ['a'], { wins: 'keep', loses: 'publish' }],
  ['his own, and the directory has none', OWN, null, [], { wins: 'keep', loses: 'keep' }],
  ['the photo is gone from the directory', A, null, ['a'], { wins: 'take-away', loses: 'take-away' }],
  ['he took ours away', 'empty', A, ['a'], { wins: 'keep', loses: 'publish' }],
  ['we took it away, and the directory has one again', 'empty', A, 'taken away', { wins: 'publish', loses: 'publish' }],
  ['he took his own away before the directory had one', 'empty', A, [], { wins: 'publish', loses: 'publish' }],
  ['he took his own away, and the directory has none', 'empty', null, [], { wins: 'keep', loses: 'keep' }],
]

for (const [title, shown, face, ours, { wins, loses }] of cases)
  test(title, () => {
    const past =
      ours === 'taken away' ? { ours: new Set(['a']), tookAway: true } : { ours: new Set(ours), tookAway: false }
    assert.equal(decideAvatar(shown, face, past, true), wins)
    assert.equal(decideAvatar(shown, face, past, false), loses)
  })
