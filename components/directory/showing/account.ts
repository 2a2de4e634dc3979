// SPDX-License-Identifier: Apache-2.0
// One person's account: what is to stand there, and the steps that make it so. Each may be done twice.
import { createHash } from 'node:crypto'
import {
  AVATAR_DATA,
  AVATAR_METADATA,
  readAvatarId,
  writeAvatarData,
  writeAvatarMetadata,
} from '../../kit/xep/avatar.ts'
import { BOOKMARK_OPTIONS, BOOKMARKS, writeBookmark } from '../../kit/xep/bookmarks.ts'
import { type Photo, readPhoto, writeVcardTemp } from '../../kit/xep/vcard-temp.ts'
import { VCARD4_NODE, writeVcard4 } from '../../kit/xep/vcard4.ts'
import { write } from '../../kit/xml/writer.ts'
import { domainOf } from '../../kit/xmpp/jid.ts'
import { decideAvatar, type Shown } from '../domain/avatar-rule.ts'
import { type CardTable, cardOf, type PersonCard } from '../domain/card.ts'
import type { Face } from '../domain/face.ts'
import { AVATAR, avatarMark, bookmarkOf, CARD, CARD4, type Due, isSettled, roomOf, UNSURE } from '../domain/posting.ts'
import type { ProvisionedPerson } from '../domain/provisioned.ts'
import type { DirectoryStore } from '../storage/directory-store.ts'
import type { FaceOf } from './face-of.ts'
import type { ForUser } from './for-user.ts'

export type AccountOptions = {
  store: DirectoryStore
  user: ForUser
  cards: {
    table: CardTable
    readableBy: 'contacts' | 'everybody'
    managerLine(name: string): string
    /** In a group of which nobody else is to know: not to be named on cards. */
    isHidden(groups: readonly string[]): boolean
  } | null
  /** Null: no pictures. */
  avatars: { faceOf: FaceOf; ownWins: boolean } | null
  /** The host answers for vcard-temp by this component (XEP-0355), so nothing is stored there. */
  isDelegated(host: string): boolean
  /** Rooms whose bookmark this person is to have. */
  roomsOf(groups: readonly string[]): readonly { jid: string; name: string }[]
  autojoin: boolean
}

/** What has changed. `later`: something could not be had. */
export type Done = { put: Record<string, string>; drop: string[]; later: boolean }

/** Rejects with a StanzaError of the helper; what was done until then is in `done`. */
export async function bringUpToDate(
  options: AccountOptions,
  due: Due,
  person: ProvisionedPerson,
  done: Done,
): Promise<void> {
  const posted = new Map(due.posted.flatMap(([what, jid, mark]) => (jid === person.jid ? [[what, mark] as const] : [])))
  const face = await faceOf(options, person, done)
  const card = options.cards === null ? null : cardOf(person, managerLine(options, due), options.cards.table)
  const picture = await lookAtPicture(options, due, person, face, posted)
  if (card !== null) await putCards(options, person, card, face, picture, posted, done)
  await putPicture(options, due, person, face, picture, done)
  await putBookmarks(options, person, posted, done)
}

async function faceOf({ avatars }: AccountOptions, person: ProvisionedPerson, done: Done): Promise<Face | null> {
  if (avatars === null || person.photo === undefined) return null
  const face = await avatars.faceOf(person.id, person.photo)
  if (face !== 'later') return face
  done.later = true
  return null
}

function managerLine({ cards }: AccountOptions, { manager }: Due): string | null {
  if (manager === '' || cards === null) return null
  const { name, groups } = JSON.parse(manager) as ProvisionedPerson
  return cards.isHidden(groups) ? null : cards.managerLine(name)
}

type Picture = 'unchanged' | ReturnType<typeof decideAvatar>

/** What is to become of the picture there. Nobody is asked where nothing has changed. */
async function lookAtPicture(
  { avatars, user }: AccountOptions,
  due: Due,
  { jid, photo }: ProvisionedPerson,
  face: Face | null,
  posted: ReadonlyMap<string, string>,
): Promise<Picture> {
  const mark = posted.get(AVATAR)
  // A photo that cannot be had just now says nothing about the picture.
  if (avatars === null || (face === null && photo !== undefined) || isSettled(mark, face)) return 'unchanged'
  const item = await user.read(jid, AVATAR_METADATA)
  const sha1 = item?.payload ? readAvatarId(item.payload) : null
  const shown: Shown = item === null ? 'none' : sha1 === null ? 'empty' : { sha1 }
  return decideAvatar(
    shown,
    face,
    { ours: new Set(due.ours), tookAway: mark?.startsWith('away ') === true },
    avatars.ownWins,
  )
}

/** vcard-temp first: a server that makes PEP items of it (mod_vcard_legacy, mod_avatar) is overwritten by what follows. */
async function putCards(
  options: AccountOptions,
  { jid }: ProvisionedPerson,
  card: PersonCard,
  face: Face | null,
  picture: Picture,
  posted: ReadonlyMap<string, string>,
  done: Done,
): Promise<void> {
  const { user, cards } = options
  const isOwn = picture === 'keep' || (picture === 'unchanged' && posted.get(AVATAR)?.startsWith('own ') === true)
  const plain = writeVcardTemp(card)
  const mark = markOf(`${plain} ${isOwn ? 'own' : (face?.sha1 ?? '')}`)
  // Somebody's own picture may stand on his card too.
  const isReplaced = picture === 'publish' && posted.get(AVATAR) === UNSURE
  if (!options.isDelegated(domainOf(jid)) && (posted.get(CARD) !== mark || isReplaced)) {
    const photo = isOwn ? await ownPhoto(user, jid) : photoOf(face)
    await user.setCard(jid, photo === null ? plain : writeVcardTemp({ ...card, photo }))
    done.put[CARD] = mark
  }
  const card4 = writeVcard4(card)
  const mark4 = markOf(card4)
  if (posted.get(CARD4) === mark4) return
  const access = cards?.readableBy === 'everybody' ? 'open' : 'presence'
  await user.publish({ jid, node: VCARD4_NODE, id: 'current' }, card4, {
    'pubsub#persist_items': 'true',
    'pubsub#access_model': access,
  })
  done.put[CARD4] = mark4
}

async function ownPhoto(user: ForUser, jid: string): Promise<Photo | null> {
  const there = await user.card(jid)
  const photo = there === null ? null : readPhoto(there)
  if (photo === null) return null
  return { type: photo.type === 'image/jpeg' ? 'image/jpeg' : 'image/png', base64: photo.base64 }
}

export function photoOf(face: Face | null): Photo | null {
  return face === null ? null : { type: 'image/png', base64: Buffer.from(face.bytes).toString('base64') }
}

/** XEP-0084 §3.1, §3.2: the data first, then what tells of it. */
async function putPicture(
  { store, user }: AccountOptions,
  { person }: Due,
  { jid }: ProvisionedPerson,
  face: Face | null,
  picture: Picture,
  done: Done,
): Promise<void> {
  if (picture === 'unchanged') return
  if (picture === 'publish' && face !== null) {
    const { sha1, bytes, width, height } = face
    // Noted before: what a crash leaves there is known as ours.
    await store.write('ourAvatar', { person, sha1 })
    await user.publish({ jid, node: AVATAR_DATA, id: sha1 }, writeAvatarData(Buffer.from(bytes).toString('base64')))
    const info = { id: sha1, type: 'image/png', bytes: bytes.byteLength, width, height } as const
    await user.publish({ jid, node: AVATAR_METADATA, id: sha1 }, writeAvatarMetadata(info))
  }
  if (picture === 'take-away') {
    await store.write('posted', {
      person,
      jid,
      put: { [AVATAR]: avatarMark('away', null) },
      drop: [],
      next: 0,
      begunAt: -1,
    })
    await user.publish({ jid, node: AVATAR_METADATA, id: 'none' }, writeAvatarMetadata(null))
  }
  if (picture === 'nothing') done.drop.push(AVATAR)
  else done.put[AVATAR] = avatarMark(picture === 'keep' ? 'own' : picture === 'take-away' ? 'away' : 'ours', face)
}

async function putBookmarks(
  { user, roomsOf, autojoin }: AccountOptions,
  { jid, groups }: ProvisionedPerson,
  posted: ReadonlyMap<string, string>,
  done: Done,
): Promise<void> {
  const rooms = roomsOf(groups)
  for (const room of rooms) {
    const what = bookmarkOf(room.jid)
    const mark = markOf(room.name)
    if (posted.get(what) === mark) continue
    const place = { jid, node: BOOKMARKS, id: room.jid }
    const there = await user.read(jid, BOOKMARKS, room.jid)
    const kept = there?.payload?.is('conference', BOOKMARKS) === true ? there.payload : null
    // It was there and is no more: its owner has taken it away.
    if (kept === null && posted.has(what)) {
      done.put[what] = mark
      continue
    }
    // §3.4: what its owner has made of it (nick, extensions, whether it joins by itself) stays.
    if (kept !== null) kept.attrs.name = room.name
    const bookmark = kept === null ? writeBookmark({ name: room.name, autojoin }) : write(kept)
    await user.publish(place, bookmark, BOOKMARK_OPTIONS)
    done.put[what] = mark
  }
  const wanted = new Set(rooms.map((room) => room.jid))
  for (const what of posted.keys()) {
    const room = roomOf(what)
    if (room === null || wanted.has(room)) continue
    await user.retract({ jid, node: BOOKMARKS, id: room })
    done.drop.push(what)
  }
}

function markOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
