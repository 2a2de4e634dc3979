// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineageOf } from '../../../components/archive/domain/lineage.ts'
import type { ShownTry, StepKind, Told } from '../../../components/archive/domain/record.ts'

const ROOM = 'team@rooms.corp.example'

/** Who says what where, in the order of the times given by `at`. */
function step(
  kind: StepKind,
  at: number,
  more: Partial<Pick<ShownTry, 'from' | 'to' | 'room' | 'type' | 'fromIdentity'>> & Partial<Told> = {},
): Told {
  const {
    from = 'alice@corp.example/desk',
    to = 'bob@corp.example',
    room = '',
    type = 'chat',
    fromIdentity = null,
    ...told
  } = more
  const shown = { from, to, room, type, fromIdentity, at, recordedAt: at } as ShownTry
  return { id: `${kind}-${at}`, kind, shown, settlement: 'released', confirmed: false, ...told }
}
const inRoom = (from = 'alice@corp.example/desk') => ({ from, to: ROOM, room: ROOM, type: 'groupchat' })
const identity = (name: string) => ({ fromIdentity: { name, sure: true, several: true } })

const CASES: readonly [
  what: string,
  told: readonly Told[],
  state: string,
  current: string | undefined,
  whys: readonly string[],
][] = [
  ['nothing came later', [step('original', 1)], 'original', 'original-1', ['']],
  [
    'the last correction is what it says now',
    [step('original', 1), step('correction', 3), step('correction', 2)],
    'corrected',
    'correction-3',
    ['', '', ''],
  ],
  [
    'from another of his devices',
    [step('original', 1), step('correction', 2, { from: 'alice@corp.example/phone' })],
    'corrected',
    'correction-2',
    ['', ''],
  ],
  [
    'a retraction leaves nothing, and nothing to correct',
    [step('original', 1), step('retraction', 2), step('correction', 3)],
    'retracted',
    undefined,
    ['', '', 'retracted'],
  ],
  [
    'another sender only claims',
    [
      step('original', 1),
      step('correction', 2, { from: 'bob@corp.example/x' }),
      step('retraction', 3, { from: 'bob@corp.example/x' }),
    ],
    'original',
    'original-1',
    ['', 'claims', 'claims'],
  ],
  [
    'to another recipient',
    [step('original', 1), step('correction', 2, { to: 'carol@corp.example' })],
    'original',
    'original-1',
    ['', 'claims'],
  ],
  [
    'by who has the address now',
    [step('original', 1, identity('alice@corp.example#1')), step('correction', 2, identity('alice@corp.example#2'))],
    'original',
    'original-1',
    ['', 'claims'],
  ],
  [
    'what was refused reached nobody',
    [
      step('original', 1),
      step('correction', 2, { settlement: 'refused' }),
      step('retraction', 3, { settlement: 'bounced' }),
    ],
    'original',
    'original-1',
    ['', 'refused', 'bounced'],
  ],
  [
    'what the server has not said of',
    [step('original', 1), step('correction', 2, { settlement: 'undecided' })],
    'original',
    'original-1',
    ['', 'undecided'],
  ],
  [
    'in a room',
    [step('original', 1, inRoom()), step('correction', 2, inRoom())],
    'corrected',
    'correction-2',
    ['', ''],
  ],
  [
    'in a room by another',
    [step('original', 1, inRoom()), step('correction', 2, inRoom('carol@corp.example/x'))],
    'original',
    'original-1',
    ['', 'claims'],
  ],
  [
    'in a room elsewhere, by the same nick',
    [
      step('original', 1, { ...inRoom(`${ROOM}/alice`), to: 'bob@corp.example/x' }),
      step('retraction', 2, { ...inRoom(`${ROOM}/alice`), to: 'bob@corp.example/x' }),
    ],
    'retracted',
    undefined,
    ['', ''],
  ],
  [
    'in a room elsewhere, by another nick',
    [
      step('original', 1, { ...inRoom(`${ROOM}/alice`), to: 'bob@corp.example/x' }),
      step('retraction', 2, { ...inRoom(`${ROOM}/carol`), to: 'bob@corp.example/x' }),
    ],
    'original',
    'original-1',
    ['', 'claims'],
  ],
  [
    'said to all, corrected to one',
    [step('original', 1, inRoom()), step('correction', 2, { ...inRoom(), to: `${ROOM}/bob`, type: 'chat' })],
    'original',
    'original-1',
    ['', 'claims'],
  ],
  [
    'to one occupant, corrected to another',
    [
      step('original', 1, { ...inRoom(), to: `${ROOM}/bob`, type: 'chat' }),
      step('correction', 2, { ...inRoom(), to: `${ROOM}/carol`, type: 'chat' }),
    ],
    'original',
    'original-1',
    ['', 'claims'],
  ],
  [
    'a moderation that the room took',
    [
      step('original', 1, inRoom()),
      step('moderation', 2, { ...inRoom('mod@corp.example/x'), type: 'set', confirmed: true }),
    ],
    'moderated',
    undefined,
    ['', ''],
  ],
  [
    'a moderation of which the room told nothing',
    [step('original', 1, inRoom()), step('moderation', 2, { ...inRoom('carol@corp.example/x'), type: 'set' })],
    'original',
    'original-1',
    ['', 'unconfirmed'],
  ],
  [
    'a moderation that the room of another server tells of',
    [
      step('original', 1, { ...inRoom(`${ROOM}/alice`), to: 'bob@corp.example/x' }),
      step('moderation', 2, { ...inRoom(ROOM), to: 'bob@corp.example/x' }),
    ],
    'moderated',
    undefined,
    ['', ''],
  ],
  ['the original is not on record', [step('correction', 2)], 'original', undefined, ['claims']],
]

for (const [what, told, state, current, whys] of CASES) {
  test(what, () => {
    for (const order of [told, told.toReversed()]) {
      const found = lineageOf(order, false)
      assert.deepEqual([found.state, found.current?.id, found.steps.map(({ why }) => why)], [state, current, whys])
      assert.equal(found.missing, !told.some(({ kind }) => kind === 'original'))
    }
  })
}
