// SPDX-License-Identifier: Apache-2.0
// Addresses that a server does not take: its own preparation (RFC 3454, by an older Unicode) refuses them or makes others of them, such as
// Arabic letters with a digit at the end. One of them must not keep from the server what is to be said of everybody else.
import { MOVED } from '../kit/xep/moved.ts'
import type { Element } from '../kit/xml/element.ts'
import { StanzaError } from '../kit/xmpp/stanza-error.ts'
import { wallsOf } from './parted-rooms.ts'
import { writeRead } from './protocol/for-user.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

/** Of these every server makes what we make of them. */
const PLAIN = /^[\x21-\x7e]*$/

/** `ask`: a question to the helper. Rejects with its StanzaError where it cannot tell. */
export async function findRefused(
  store: DirectoryStore,
  known: ReadonlySet<string>,
  ask: (payload: string) => Promise<Element>,
): Promise<string[]> {
  const doubtful = new Set<string>()
  const look = (jid: string) => {
    if (!PLAIN.test(jid) && !known.has(jid)) doubtful.add(jid)
  }
  for await (const rows of store.stream('addresses', null, { batch: 1_000 })) for (const { jid } of rows) look(jid)
  for (const { except } of await wallsOf(store)) for (const jid of except.flat()) look(jid)
  const found: string[] = []
  for (const jid of doubtful) if (await isRefused(jid, ask)) found.push(jid)
  return found
}

/** DIRECTORY.md §8: a request for an address that is none is bad-request, for one that nobody has item-not-found. */
async function isRefused(jid: string, ask: (payload: string) => Promise<Element>): Promise<boolean> {
  try {
    await ask(writeRead({ jid, node: MOVED, max: 1 }))
    return false
  } catch (error) {
    if (!(error instanceof StanzaError) || error.type === 'wait' || error.condition === 'feature-not-implemented')
      throw error
    return error.condition === 'bad-request'
  }
}
