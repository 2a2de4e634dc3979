// SPDX-License-Identifier: Apache-2.0
// [MS-ADTS] §3.1.1.3.4.1.3: LDAP_SERVER_DIRSYNC_OID. The server says which entries changed and which were deleted since a cookie of its
// own. The account that asks needs the right "Replicating Directory Changes".
import { type BerReader, BerWriter, Control } from 'ldapts'
import { SourceFault } from '../domain/source.ts'
import type { Connection } from './connection.ts'
import type { RawEntry } from './entry.ts'
import { anyEqual } from './filter.ts'

export type Synced = {
  /** objectGUIDs of the people, groups and containers that changed. */
  changed: readonly Buffer[]
  deleted: readonly Buffer[]
  /** Those of `changed` that are new, renamed or moved. */
  named: readonly Buffer[]
  cookie: Buffer
}

const ROUNDS_MOST = 10_000
const BYTES_MOST = 1_048_576
/** People, groups, and what they stand in; objectClass stays on what was deleted. */
const CLASSES = ['user', 'group', 'organizationalUnit', 'container']

/** What changed since the cookie. Without one only a cookie comes back: for what is read from then on. */
export async function dirSync(
  connection: Connection,
  context: string,
  cookie: Buffer | null,
  signal: AbortSignal,
): Promise<Synced> {
  const changed: Buffer[] = []
  const deleted: Buffer[] = []
  const named: Buffer[] = []
  const take = ({ attributes }: RawEntry): void => {
    const id = attributes.get('objectguid')?.[0]?.bytes
    if (id === undefined) return
    const isDeleted = attributes.get('isdeleted')?.[0]?.latin1 === 'TRUE'
    if (isDeleted) deleted.push(Buffer.from(id))
    else changed.push(Buffer.from(id))
    if (!isDeleted && attributes.has('name')) named.push(Buffer.from(id))
  }
  const classes = cookie === null ? ['none-of-these'] : CLASSES
  let now: Buffer = cookie ?? Buffer.alloc(0)
  for (let round = 0; round < ROUNDS_MOST; round += 1) {
    const control = new DirSyncControl(now)
    await connection.search(
      {
        base: context,
        scope: 'sub',
        filter: anyEqual(['objectClass'], classes),
        // Only changes of what is asked for are told, and filters may name anything.
        attributes: ['*'],
        controls: [control],
      },
      take,
      signal,
    )
    if (control.answered === null) throw new SourceFault('bad-answer', `${connection.url} knows no DirSync`)
    now = control.answered.cookie
    if (!control.answered.more) return { changed, deleted, named, cookie: now }
  }
  throw new SourceFault('bad-answer', `${connection.url} has always more to say by DirSync`)
}

class DirSyncControl extends Control {
  /** What the server said, once it has. */
  answered: { more: boolean; cookie: Buffer } | null = null
  readonly #cookie: Buffer

  constructor(cookie: Buffer) {
    super('1.2.840.113556.1.4.841', { critical: true })
    this.#cookie = cookie
  }

  protected override writeControl(writer: BerWriter): void {
    const value = new BerWriter()
    value.startSequence()
    value.writeInt(0)
    value.writeInt(BYTES_MOST)
    value.writeBuffer(this.#cookie, 4)
    value.endSequence()
    writer.writeBuffer(value.buffer, 4)
  }

  protected override parseControl(reader: BerReader): void {
    reader.readSequence()
    const more = reader.readInt()
    reader.readInt()
    const cookie = reader.readString(4, true)
    if (more !== null && cookie !== null) this.answered = { more: more !== 0, cookie: Buffer.from(cookie) }
  }
}
