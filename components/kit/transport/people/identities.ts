// SPDX-License-Identifier: Apache-2.0
// Whose accounts on the network are whose: kept by logging in there or by the operator, and published for policy (ACCOUNTS.md).
import { openSnapshotWriter } from '../../bus/file-snapshot.ts'
import { openSnapshotReader } from '../../bus/file-snapshot-reader.ts'
import { type AccountItem, accountKey, writeAccount } from '../../facts/accounts.ts'
import { bareOf } from '../../xmpp/jid.ts'
import type { Colleague } from '../lookalikes.ts'
import type { Keep } from './keep.ts'

export type Identities = {
  /** The network vouches that he is logged in there under this account. What an operator said stays. */
  proved(owner: string, server: string, account: string): Promise<void>
  /** An operator's word; null takes the account away. */
  set(server: string, account: string, owner: string | null): Promise<void>
  /** He does not use the network any more: what he proved goes, what an operator said stays. */
  forget(owner: string, server: string): Promise<void>
  all(): readonly AccountItem[]
  personOf(server: string, account: string): string | null
  /** Of one server; the same object as long as nothing has changed. */
  colleagues(server: string): readonly Colleague[]
  /** Resolves when everything is published. */
  settled(): Promise<void>
}

export type IdentitiesOptions = {
  keep: Keep
  /** The kind of network. */
  network: string
  folder: string
  now(): number
  log: Record<'info' | 'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
}

const AGAIN_MS = 30_000
/** Accounts of one person that a network vouches for; a network that vouches for more makes the oldest forgotten. */
const MOST_PROVED = 100

export function openIdentities({ keep, network, folder, now, log }: IdentitiesOptions): Identities {
  let turn: Promise<void> = Promise.resolve()
  let isDue = false
  let again: NodeJS.Timeout | undefined
  const all = () => keep.list<AccountItem>('account').map(({ body }) => body)
  const read = (server: string, account: string) => keep.read<AccountItem>('account', accountKey({ server, account }))

  let listed: Map<string, readonly Colleague[]> = new Map()

  async function put(server: string, account: string, item: AccountItem | null): Promise<void> {
    await keep.set('account', accountKey({ server, account }), item)
    await publishSoon()
  }

  /** One after the other, each with all that was kept until it begins; what cannot be written is told, and tried again. */
  function publishSoon(): Promise<void> {
    listed = new Map()
    if (isDue) return turn
    isDue = true
    turn = turn.then(async () => {
      isDue = false
      clearTimeout(again)
      try {
        await publish(folder, all())
      } catch (error) {
        log.error('accounts not published', { folder, error })
        again = setTimeout(() => void publishSoon(), AGAIN_MS).unref()
      }
    })
    return turn
  }

  // A process that ended before it had published does it now.
  void publishSoon()
  return {
    async proved(owner, server, account) {
      const before = read(server, account)
      const jid = bareOf(owner)
      if (before?.by === 'operator' || before?.jid === jid) return
      if (before) log.info('an account is somebody else now', { server, account, was: before.jid, is: jid })
      const own = all().filter((one) => one.by === 'person' && one.jid === jid)
      for (const old of own.slice(0, Math.max(0, own.length + 1 - MOST_PROVED)))
        await keep.set('account', accountKey(old), null)
      const at = new Date(now()).toISOString()
      await put(server, account, { kind: 'network-account', network, server, account, jid, by: 'person', at })
    },
    async set(server, account, owner) {
      const at = new Date(now()).toISOString()
      const jid = owner === null ? '' : bareOf(owner)
      const by = 'operator'
      await put(
        server,
        account,
        owner === null ? null : { kind: 'network-account', network, server, account, jid, by, at },
      )
    },
    async forget(owner, server) {
      const jid = bareOf(owner)
      const own = all().filter((one) => one.by === 'person' && one.jid === jid && one.server === server)
      for (const { account } of own) await keep.set('account', accountKey({ server, account }), null)
      if (own.length > 0) await publishSoon()
    },
    all,
    personOf: (server, account) => read(server, account)?.jid ?? null,
    colleagues(server) {
      const found = listed.get(server)
      if (found !== undefined) return found
      const made = all().flatMap((one) => (one.server === server ? [{ account: one.account, jid: one.jid }] : []))
      listed.set(server, made)
      return made
    },
    settled: () => turn,
  }
}

/** Written seldom, so nothing is held open. Without accounts, and where there never were any, nothing is made. */
async function publish(folder: string, items: readonly AccountItem[]): Promise<void> {
  if (items.length === 0) {
    await using reader = openSnapshotReader(folder)
    if ((await reader.state()) === null) return
  }
  await using writer = await openSnapshotWriter(folder)
  await writer.replace(items.map(writeAccount))
}
