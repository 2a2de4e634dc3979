// SPDX-License-Identifier: Apache-2.0
// What a company directory must be able to do for us, and the values it gives. Fulfilled by network/.
import type { Group } from './group.ts'
import type { Person } from './person.ts'

export type DirectorySource = AsyncDisposable & {
  /** The name of the directory in the settings; the first half of every id. */
  readonly name: string
  /**
   * Everything, in batches; the last batch ends with the one `end`. Rejects with a SourceFault when the directory is away, answers half
   * or refuses: what came before is then a part and must not be taken for the whole. An entry is given once, also where bases overlap.
   */
  readAll(signal: AbortSignal): AsyncIterable<readonly ReadEntry[]>
  /** What changed since the cursor. May repeat entries that have not changed. Rejects like readAll; the cursor then still stands. */
  changes(cursor: Cursor, options: { sweep: boolean }, signal: AbortSignal): Promise<Changes>
  /** The photo of one person, raw; null when there is none or it is larger than the settings take. */
  photo(dn: string, signal: AbortSignal): Promise<Uint8Array | null>
}

/** Where a reading stood, as JSON text. Opaque to everybody but the source that gave it. */
export type Cursor = string

export type ReadPerson = Omit<Person, 'jid' | 'groups' | 'manager'> & {
  kind: 'person'
  /** What memberUids of groups name; '' where the entry has none. */
  uid: string
  managerDn?: string
  /** Equals the primaryGroupToken of the group that he belongs to without being listed (AD: its objectSid; POSIX: its gidNumber). */
  primaryGroupToken?: string
  /** When he will be disabled without anybody writing to the directory: UTC, milliseconds. */
  expiresAt?: number
  /** Attributes for the JID template: names in lower case, the first value of each. */
  template: Readonly<Record<string, string>>
}

export type ReadGroup = Omit<Group, 'members'> & {
  kind: 'group'
  /** People and groups; outside the bases as well. */
  memberDns: readonly string[]
  memberUids: readonly string[]
  primaryGroupToken?: string
}

/** Something wrong with one entry; the others are read. */
export type Problem = {
  dn: string
  /** Known unless `what` is no-id: what held for it before may go on to hold. */
  id?: string
  attribute?: string
  what:
    | 'no-id'
    | 'bad-dn'
    | 'not-text'
    | 'control-characters'
    | 'too-long'
    | 'too-many'
    | 'photo-large'
    | 'photo-broken'
  /** The entry was not given at all, or only without that attribute or value. */
  left: 'entry' | 'attribute'
}

export type ReadEntry = ReadPerson | ReadGroup | { kind: 'problem'; problem: Problem } | { kind: 'end'; cursor: Cursor }

export type Changes =
  | {
      kind: 'changes'
      changed: readonly ReadEntry[]
      /** Ids that are gone, where the directory tells; some may never have been ours. Others show only in a sweep. */
      gone: readonly string[]
      /** With `sweep`: every id that exists now and its DN. A DN that differs from the last one known means that a branch above it moved. */
      ids?: { people: ReadonlyMap<string, string>; groups: ReadonlyMap<string, string> }
      /** False only where the directory itself says so: a sweep would find nothing more than `changed` and `gone` tell. */
      moved: boolean
      cursor: Cursor
    }
  /** The cursor cannot be gone on from (another server, an unknown form), or it would be more work: readAll is wanted. */
  | { kind: 'start-again'; why: 'other-server' | 'unknown-cursor' | 'too-much' }

/** Why a reading came to nothing. Whatever was known before goes on to hold. */
export class SourceFault extends Error {
  readonly reason: FaultReason
  constructor(reason: FaultReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SourceFault'
    this.reason = reason
  }
}

/** away: none of the servers answers. refused: bind or right. limit: more than it gives to us. half: it broke off. referred: it sends us elsewhere. */
export type FaultReason = 'away' | 'refused' | 'limit' | 'late' | 'half' | 'referred' | 'bad-answer' | 'stopped'
