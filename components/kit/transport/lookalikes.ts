// SPDX-License-Identifier: Apache-2.0
// Whom somebody on a network could be taken for: another name there that looks like his, or a colleague whose name or account he bears without
// being logged in with it.
import { lookOf } from '../text/look.ts'
import { bareOf, localOf } from '../xmpp/jid.ts'

/** Whose account on a network is whose. */
export type Colleague = { account: string; jid: string }

/** `other`: as it is written there; of a colleague his address. */
export type Mistakable = { kind: 'alike' | 'colleague' | 'unproven'; other: string }

export type Somebody = {
  network: string
  nick: string
  account?: string
  /** The network says of everybody whether he is logged in. */
  tellsAccounts: boolean
  /** Other names that are there. */
  here: Iterable<string>
}

export type Lookalikes = {
  look(who: Somebody): Promise<Mistakable | null>
}

export type LookalikesOptions = {
  key(network: string, name: string): string
  /** The same object as long as nothing has changed. */
  colleagues(network: string): readonly Colleague[]
}

/** In a room with more names only colleagues are thought of. */
const HERE_MOST = 500
const REMEMBERED = 20_000

type Known = { of: readonly Colleague[]; byKey: ReadonlyMap<string, Colleague>; byLook: ReadonlyMap<string, Colleague> }

export function openLookalikes({ key, colleagues }: LookalikesOptions): Lookalikes {
  const looks = new Map<string, string>()
  const known = new Map<string, Promise<Known>>()
  const current = new Map<string, readonly Colleague[]>()

  async function look(name: string): Promise<string> {
    const found = looks.get(name)
    if (found !== undefined) return found
    const made = await lookOf(name)
    if (looks.size >= REMEMBERED) looks.clear()
    looks.set(name, made)
    return made
  }

  function knownOf(network: string): Promise<Known> {
    const of = colleagues(network)
    const found = known.get(network)
    if (found !== undefined && current.get(network) === of) return found
    const made = index(network, of)
    known.set(network, made)
    current.set(network, of)
    return made
  }

  async function index(network: string, of: readonly Colleague[]): Promise<Known> {
    const byKey = new Map<string, Colleague>()
    const byLook = new Map<string, Colleague>()
    for (const one of of)
      for (const name of new Set([one.account, localOf(one.jid)])) {
        byKey.set(key(network, name), one)
        // As people write names: an account in small letters may be shown with a capital.
        for (const form of [name, name.slice(0, 1).toUpperCase() + name.slice(1)]) byLook.set(await lookOf(form), one)
      }
    return { of, byKey, byLook }
  }

  return {
    async look({ network, nick, account, tellsAccounts, here }) {
      const { byKey, byLook } = await knownOf(network)
      const isHimself = ({ account: own, jid }: Colleague) =>
        account !== undefined && (key(network, account) === key(network, own) || isOf(jid, account))
      const same = byKey.get(key(network, nick))
      if (same !== undefined)
        return !tellsAccounts || isHimself(same) ? null : { kind: 'unproven', other: bareOf(same.jid) }
      const mine = await look(nick)
      const like = byLook.get(mine)
      if (like !== undefined && !isHimself(like)) return { kind: 'colleague', other: bareOf(like.jid) }
      const own = key(network, nick)
      let count = 0
      for (const name of here) {
        if (++count > HERE_MOST) return null
        if (key(network, name) !== own && (await look(name)) === mine) return { kind: 'alike', other: name }
      }
      return null

      /** Somebody may have several accounts. */
      function isOf(jid: string, of: string): boolean {
        return byKey.get(key(network, of))?.jid === jid
      }
    },
  }
}
