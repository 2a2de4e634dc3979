// SPDX-License-Identifier: Apache-2.0
// What people see of the directory beside their rosters: search, cards, faces and rooms.
import { createHash } from 'node:crypto'
import type { Delegate } from '../../kit/privilege/privileges.ts'
import type { IqRoute, Router } from '../../kit/router/router.ts'
import type { Stream } from '../../kit/stream/stream.ts'
import type { Catalogue } from '../../kit/text/catalogue.ts'
import { VCARD_TEMP } from '../../kit/xep/vcard-temp.ts'
import type { Element } from '../../kit/xml/element.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import type { CardTable } from '../domain/card.ts'
import type { RoomRule } from '../domain/room.ts'
import { openFaces } from '../faces/open-faces.ts'
import type { DirectoryStore } from '../storage/directory-store.ts'
import type { AccountOptions } from './account.ts'
import { cardDelegate } from './delegated-card.ts'
import { openFaceOf } from './face-of.ts'
import { openForUser, openPace } from './for-user.ts'
import { openPosting, type PostingOptions } from './posting.ts'
import { openRoomDoor } from './room-door.ts'
import { openRooms, type Rooms } from './rooms.ts'
import { openSearching, type SightRules } from './searching.ts'
import { unlessAborted } from './waiting.ts'

/** null: not wanted. `language`: of the words that stand on cards and in names of rooms. */
export type ShowingSettings = {
  language: string
  search: SightRules
  cards: { table: CardTable; readableBy: 'contacts' | 'everybody' } | null
  photos: { ownWins: boolean; mostBytes: number; mostPixels: number } | null
  rooms: (RoomRule & { bookmarks: 'no' | 'yes' | 'autojoin' }) | null
  /** Requests to the helpers of all hosts together. */
  perSecond: number
}

export type ShowingOptions = {
  store: DirectoryStore
  settings: ShowingSettings
  domain: string
  hosts: ReadonlySet<string>
  /** The way to the server; null while there is none yet. */
  router(): Router<Stream> | null
  /** Whether a host lets this component answer for a namespace. */
  isDelegated(host: string, namespace: string): boolean
  /** Bytes of the photo of a person, by id. */
  photo(person: string): Promise<Uint8Array | null>
  text: Catalogue
  now(): number
  signal: AbortSignal
  log: PostingOptions['log']
  events: PostingOptions['events']
}

export type Showing = AsyncDisposable & {
  readonly routes: readonly IqRoute[]
  readonly features: readonly string[]
  readonly delegates: readonly Delegate[]
  /** True: it was a room's word to us, and goes no further. */
  take(element: Element): boolean
  /** This version is provisioned. Resolves when it can be found, and is on disk as something to be published. */
  notice(seq: number): Promise<void>
  /** Everything was compared: what people have put in the place of our pictures is looked for, where ours are to stay. */
  compared(): Promise<void>
  /** The stream is up: what waited goes on, and rooms are looked at as they are. */
  up(): void
  counts(): Promise<Record<string, number>>
  /** Resolves when the signal aborts; rejects where the store fails. */
  run(): Promise<void>
}

export async function openShowing(options: ShowingOptions): Promise<Showing> {
  const { store, settings, domain, router, text, now, signal, log } = options
  await using opening = new AsyncDisposableStack()
  const { cards, photos, rooms: roomRule } = settings
  const isUp = () => router()?.stream.state === 'up'
  const request: Router['request'] = (to, payload, how) => {
    const link = router()
    if (link === null) return Promise.reject(new StanzaError('wait', 'recipient-unavailable'))
    return unlessAborted(link.request(to, payload, how), signal)
  }
  const user = openForUser(request, openPace(settings.perSecond, signal))
  const managerLine = (name: string) => text.say('directory-card-manager', settings.language, { name })
  const searching = openSearching({ store, hosts: options.hosts, rules: settings.search, text })
  let rooms: Rooms | null = null
  const door =
    roomRule === null
      ? null
      : openRoomDoor(domain, roomRule.service, signal, (xml) => router()?.stream.send(xml) ?? false)
  const account: AccountOptions = {
    store,
    user,
    cards: cards === null ? null : { ...cards, managerLine, isHidden: searching.isHidden },
    avatars: photos === null ? null : { ownWins: photos.ownWins, faceOf: facesOf(photos) },
    isDelegated: (host) => options.isDelegated(host, VCARD_TEMP),
    roomsOf: (groups) => (roomRule?.bookmarks === 'no' ? [] : (rooms?.of(groups) ?? [])),
    autojoin: roomRule?.bookmarks === 'autojoin',
  }
  const posting = openPosting({
    ...account,
    isUp,
    settings: markOf(settings),
    now,
    signal,
    log,
    events: options.events,
  })
  if (roomRule !== null && door !== null)
    rooms = await openRooms({
      store,
      rule: roomRule,
      door,
      request,
      retiredName: (name) => text.say('directory-room-retired', settings.language, { name }),
      isUp,
      now,
      signal,
      log,
      changed: (groups) => posting.noticeGroups(groups),
    })
  const opened = opening.move()
  return {
    routes: searching.routes,
    features: searching.features,
    delegates:
      cards === null
        ? []
        : [cardDelegate({ store, sightOf: searching.sightOf, table: cards.table, managerLine, user, text })],
    take: (element) => door?.take(element) ?? false,
    async notice(seq) {
      await searching.notice(seq)
      await posting.notice(seq)
      rooms?.notice()
    },
    async compared() {
      if (photos?.ownWins === false) await posting.noticePictures()
    },
    up() {
      posting.wake()
      rooms?.compare()
    },
    counts: async () => ({ searchable: searching.size, ...(await store.read('postingCounts', null)) }),
    async run() {
      await store.write('forgetFaces', null)
      await Promise.all([posting.run(), rooms?.run()])
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }

  function facesOf({ mostBytes, mostPixels }: NonNullable<ShowingSettings['photos']>) {
    const faces = opening.use(openFaces({ limits: { bytes: mostBytes, pixels: mostPixels } }))
    return openFaceOf({ store, faces, photo: options.photo, log })
  }
}

/** Of all that decides what stands at an account. */
function markOf({ language, cards, search, photos, rooms }: ShowingSettings): string {
  return createHash('sha256')
    .update(
      JSON.stringify([language, cards, search.hidden, photos, rooms && [rooms.service, rooms.groups, rooms.bookmarks]]),
    )
    .digest('base64url')
    .slice(0, 22)
}
