// SPDX-License-Identifier: Apache-2.0
// What a message became: corrections, retractions, moderation, each a record of its own that changes no other. Pure.
import { bareOf } from '../../kit/xmpp/jid.ts'
import type { Identity, Lineage, ShownTry, Step, Told, Why } from './record.ts'

/** The original first, then in the order in which they were sent. */
export function lineageOf(told: readonly Told[], more: boolean): Lineage {
  const original = told.find(({ kind }) => kind === 'original')
  const later = told.filter((one) => one !== original).toSorted((one, other) => sentAt(one) - sentAt(other))
  const steps: Step[] = []
  let current: Step | null = null
  let state: Lineage['state'] = 'original'
  for (const one of [...(original ? [original] : []), ...later]) {
    const why = whyNot(one, original)
    const step: Step = {
      ...one,
      why: why === '' && (state === 'retracted' || state === 'moderated') ? 'retracted' : why,
    }
    steps.push(step)
    if (one.kind === 'original') current = step
    if (step.why !== '' || one.kind === 'original') continue
    state = one.kind === 'correction' ? 'corrected' : one.kind === 'retraction' ? 'retracted' : 'moderated'
    current = one.kind === 'correction' ? step : null
  }
  return { steps, missing: original === undefined, more, state, current }
}

function sentAt({ shown }: Told): number {
  return shown.at ?? shown.recordedAt
}

function whyNot(one: Told, original: Told | undefined): Why {
  const { settlement, kind, shown } = one
  if (kind === 'original') return ''
  if (settlement !== 'released' && settlement !== 'unscreened' && settlement !== 'originated') return settlement
  if (kind === 'moderation') {
    // XEP-0425: the room says so itself, or took the request and told of it under an id of its own.
    const isRoom = shown.room !== '' && shown.from === shown.room
    return isRoom || one.confirmed ? '' : 'unconfirmed'
  }
  return original !== undefined && isBySame(shown, original.shown) ? '' : 'claims'
}

/**
 * XEP-0308, 0424: only the sender changes what he said, in the place where he said it. In a room of another server nobody is known
 * by more than his nick; whoever has an address now is not who had it before.
 */
export function isBySame(one: ShownTry, other: ShownTry): boolean {
  const inRoom = (shown: ShownTry) => shown.room !== '' && bareOf(shown.from) === shown.room
  const from = inRoom(one) || inRoom(other) ? [one.from, other.from] : [bareOf(one.from), bareOf(other.from)]
  const toNick = (shown: ShownTry) => (shown.room !== '' && shown.type !== 'groupchat' ? shown.to : bareOf(shown.to))
  return (
    from[0] === from[1] &&
    isSameHolder(one.fromIdentity, other.fromIdentity) &&
    toNick(one) === toNick(other) &&
    (one.type === 'groupchat') === (other.type === 'groupchat')
  )
}

function isSameHolder(one: Identity | null, other: Identity | null): boolean {
  return one === null || other === null || one.name === other.name
}
