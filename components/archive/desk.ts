// SPDX-License-Identifier: Apache-2.0
// What the commands work with.
import type { AccessLog } from './access.ts'
import type { Journals } from './journals.ts'
import type { ArchiveStore } from './storage/archive-store.ts'

export type Desk = {
  store: ArchiveStore
  /** Those that are followed, the own one as well. */
  journals: readonly Journals[]
  software: string
  /** Whoever looks at contents must say why. */
  reasonRequired: boolean
  access: AccessLog
  say(id: string, language: string, args?: Readonly<Record<string, string | number>>): string
  /** Resolves when what the followed journals hold at the call is kept, or when the signal aborts. */
  caughtUp(signal: AbortSignal): Promise<void>
  /** The same for the archive's own journal: looks and findings. */
  ownCaughtUp(signal: AbortSignal): Promise<void>
  /** Resolves at the next commit with records, or when the signal aborts. */
  moved(signal: AbortSignal): Promise<void>
  now(): number
  /** Of all hosts, or of some. */
  counts(hosts: readonly string[] | null): Promise<Readonly<Record<string, string | number | null>>>
}
