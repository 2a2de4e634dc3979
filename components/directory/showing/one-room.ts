// SPDX-License-Identifier: Apache-2.0
// One room of a group: made, told what it is, filled, emptied. Each step may be done twice.
import { createHash } from 'node:crypto'
import type { Router } from '../../kit/router/router.ts'
import {
  type Affiliated,
  askAffiliated,
  CONFIG_QUERY,
  MUC_ADMIN,
  MUC_OWNER,
  readAffiliated,
  readConfigNames,
  writeAffiliations,
  writeConfig,
} from '../../kit/xep/muc.ts'
import { bareOf } from '../../kit/xmpp/jid.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import type { RoomDoor } from './room-door.ts'

export type RoomWire = { request: Router['request']; door: RoomDoor }

/** What a room is to be told. */
export type RoomWords = { name: string; subject: string; retired: boolean }

const WITHIN_MS = 15_000
/** Requests side by side, and how many members are noted in one write. */
const MEMBERS_AT_ONCE = 8
const NOTED_AT_ONCE = 64
/** Without these it would be no room of ours: gone with the last one in it, open, or anonymous. */
const NEEDED = ['roomname', 'persistentroom', 'membersonly', 'whois'].map((name) => `muc#roomconfig_${name}`)
/** These say something about one address, not about the room. */
const OF_ONE: ReadonlySet<string> = new Set(['jid-malformed', 'bad-request', 'not-acceptable', 'item-not-found'])
/** Somebody else's: he does not let us in, or we are not its owner. */
const NOT_OURS: ReadonlySet<string> = new Set(['registration-required', 'not-authorized', 'forbidden', 'conflict'])

/** A mark of all that configure says. */
export function markOfWords(words: RoomWords): string {
  return createHash('sha256')
    .update(JSON.stringify([1, words]))
    .digest('base64url')
    .slice(0, 22)
}

/** False: a room of somebody else stands there. */
export async function makeRoom({ request, door }: RoomWire, room: string, words: RoomWords): Promise<boolean> {
  try {
    const { isNew, affiliation } = await door.enter(room)
    if (!isNew && affiliation !== 'owner') return false
    await configure(request, room, words)
    if (words.subject !== '')
      await door.subject(room, words.subject, () => request(room, CONFIG_QUERY, { type: 'get', timeoutMs: WITHIN_MS }))
    return true
  } catch (error) {
    if (error instanceof StanzaError && NOT_OURS.has(error.condition)) return false
    throw error
  } finally {
    door.leave(room)
  }
}

/** As makeRoom, for one that is there. */
export async function tellRoom(wire: RoomWire, room: string, words: RoomWords): Promise<void> {
  if (await makeRoom(wire, room, words)) return
  throw new StanzaError('auth', 'forbidden', {}, { cause: `${room} belongs to somebody else by now` })
}

async function configure(
  request: Router['request'],
  room: string,
  { name, subject, retired }: RoomWords,
): Promise<void> {
  const form = (await request(room, CONFIG_QUERY, { type: 'get', timeoutMs: WITHIN_MS })).getChild('query', MUC_OWNER)
  const known = form === undefined ? new Set<string>() : readConfigNames(form)
  const missing = NEEDED.filter((one) => !known.has(one))
  if (missing.length > 0)
    throw new StanzaError(
      'cancel',
      'feature-not-implemented',
      {},
      {
        cause: `the room service does not let us set ${missing.join(', ')}`,
      },
    )
  const wanted: Record<string, string> = {
    'muc#roomconfig_roomname': name,
    'muc#roomconfig_roomdesc': subject,
    'muc#roomconfig_persistentroom': '1',
    'muc#roomconfig_membersonly': '1',
    'muc#roomconfig_whois': 'anyone',
    'muc#roomconfig_publicroom': '0',
    'muc#roomconfig_changesubject': '0',
    'muc#roomconfig_allowinvites': '0',
    '{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites': '0',
    'muc#roomconfig_passwordprotectedroom': '0',
    'muc#roomconfig_moderatedroom': retired ? '1' : '0',
  }
  const said = Object.fromEntries(Object.entries(wanted).filter(([field]) => known.has(field)))
  await request(room, writeConfig(said), { type: 'set', timeoutMs: WITHIN_MS })
}

/** Bare addresses of the members that the room knows. */
export async function membersOf(request: Router['request'], room: string): Promise<string[]> {
  const result = await request(room, askAffiliated('member'), { type: 'get', timeoutMs: WITHIN_MS })
  const query = result.getChild('query', MUC_ADMIN)
  return query === undefined ? [] : readAffiliated(query).map(({ jid }) => bareOf(jid))
}

/** Those who are removed are put out as well: the room is for members only. `kept` hears of each part that the room has taken. */
export async function changeMembers(
  request: Router['request'],
  room: string,
  { add, remove }: { add: readonly string[]; remove: readonly string[] },
  kept: (part: { add: string[]; remove: string[] }) => Promise<unknown>,
): Promise<void> {
  const changes: Affiliated[] = [
    ...remove.map((jid) => ({ jid, affiliation: 'none' }) as const),
    ...add.map((jid) => ({ jid, affiliation: 'member' }) as const),
  ]
  let refused: StanzaError | null = null
  for (let from = 0; from < changes.length; from += NOTED_AT_ONCE) {
    const left = changes.slice(from, from + NOTED_AT_ONCE)
    const taken: Affiliated[] = []
    const through = async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift())
        try {
          // One in each request: of several Prosody (0.12, 13.0) takes the first, and says nothing of the others.
          await request(room, writeAffiliations([one]), { type: 'set', timeoutMs: WITHIN_MS })
          taken.push(one)
        } catch (error) {
          // An address that the room does not take keeps no other out, or in.
          if (!(error instanceof StanzaError) || !OF_ONE.has(error.condition)) throw error
          refused ??= new StanzaError(error.type, error.condition, {}, { cause: one.jid })
        }
    }
    const ended = await Promise.allSettled(Array.from({ length: MEMBERS_AT_ONCE }, through))
    const of = (affiliation: string) => taken.filter((one) => one.affiliation === affiliation).map(({ jid }) => jid)
    await kept({ add: of('member'), remove: of('none') })
    const failed = ended.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
  if (refused !== null) throw refused
}
