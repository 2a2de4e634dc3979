// SPDX-License-Identifier: Apache-2.0
// The door of a transport: hands stanzas to whoever they are for (a room, a person, the gateway), and what the network tells to whoever it
// concerns. Knows no network; the component hands in an adapter (network.ts).
import type { RouterOptions } from '../router/router.ts'
import type { Thread } from '../store/thread.ts'
import type { Catalogue } from '../text/catalogue.ts'
import { MUC } from '../xep/muc.ts'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { bareOf } from '../xmpp/jid.ts'
import type { StanzaOf } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { type Address, readAddress, writeAddress } from './address.ts'
import { type AwayTexts, openAwayTexts } from './away-texts.ts'
import { archiveRoutes } from './history/archive-query.ts'
import { openHistory } from './history/history.ts'
import type { Lookalikes } from './lookalikes.ts'
import type { Login, Network, SessionEvents } from './network.ts'
import type { EnteredRoom } from './people/bookmarks.ts'
import type { HeardOf } from './people/heard.ts'
import type { ReadUpTo } from './people/markers.ts'
import { openDiscovery } from './rooms/about.ts'
import { cardRoutes } from './rooms/cards.ts'
import type { Link } from './rooms/client.ts'
import { type Asking, COUNTED, type Counts, type House } from './rooms/house.ts'
import { inviteDirectly, mediate, readMediated, tellInvited } from './rooms/inviting.ts'
import { PrivateMessages } from './rooms/private.ts'
import { roomRoutes } from './rooms/requests.ts'
import { Rooms } from './rooms/rooms.ts'
import { searchRoutes } from './rooms/searching.ts'
import type { RoomAddress } from './rooms/seating.ts'
import { speak } from './rooms/speaking.ts'
import { newId } from './rooms/telling.ts'
import { LIVE_MS } from './rooms/writing.ts'
import { openSessions, type Sessions } from './sessions.ts'
import { settingsOf, type TransportSettings } from './settings.ts'
import type { Taken } from './unanswered/file.ts'
import { openUnanswered } from './unanswered/unanswered.ts'
import { openWords, type Words } from './words.ts'

/** What stands beside the rooms: people one to one, registration, what is kept of each. */
export type PeopleSide = {
  routes: RouterOptions['routes']
  features: readonly string[]
  /** Of addresses that are no rooms. False: it is nobody's. */
  presence(presence: StanzaOf<'presence'>): boolean | Promise<boolean>
  /** To people one to one and to the gateway. False: it is nobody's. */
  message(message: StanzaOf<'message'>): boolean | Promise<boolean>
  /** What was sent to our people's clients came back. */
  bounced?(stanza: StanzaOf<'message' | 'presence'>): void
  /** For each session that opens. `message` and `typing` come here only when they belong to no private conversation in a room. */
  sessionEvents(owner: string, network: string): Partial<SessionEvents>
  /** What is kept for him; null: nothing, then he enters under the nick he names. Rejects with a StanzaError. */
  login(owner: string, network: string): Promise<Login | null>
  /** Names of networks that are offered. */
  networks?: readonly string[]
  /** Null: he may. Else why not. */
  mayUse(owner: string): Readonly<Record<string, string>> | string | null
  /** Whom people there could be taken for. */
  lookalikes?: Lookalikes
  /** The account there is that of one of ours, whoever uses it. */
  isColleague?(network: string, account: string): boolean
  /** He was told it one to one, or said it himself; and whether that was so before. */
  heard?(owner: string, network: string, heard: HeardOf): void
  wasHeard?(owner: string, network: string, heard: HeardOf): boolean
  /** A client of his is in a room. */
  entered?(owner: string, room: EnteredRoom): void
  /** He has read so far in a room, at another program of his. */
  read?(owner: string, upTo: ReadUpTo): void
  /** He was taken out of a room for good. */
  left?(owner: string, network: string, jid: string): void
  /** Whether his connection is needed when he is in no room. */
  keeps?(owner: string, network: string): boolean
}

export type TransportOptions = {
  domain: string
  network: Network
  /** File of the store: who is in which room, history. */
  store: string
  /** Where it is written; default: a thread of its own. */
  thread?: Thread
  asker: Asking
  people(sessions: Sessions, awayTexts: AwayTexts, words: Words): PeopleSide
  /** To addresses that are neither a room's nor a person's, after `people.message` said no. A StanzaError is sent back. */
  message?(message: StanzaOf<'message'>): void | Promise<void>
  /** Told of every session too, after rooms and people. */
  session?(owner: string, network: string): Partial<SessionEvents>
  settings: TransportSettings
  text: Catalogue
  log: House['log']
  now(): number
  /** At least 32 bytes, the same for ever: from it occupants' ids are made (XEP-0421). */
  occupantKey: Buffer
  /** Passwords of rooms, kept to enter them again; without it they are not kept. */
  seal?: { seal(text: string): string; open(sealed: string): string | null }
  /** The component's stream; null before it is there. */
  stream(): Link | null
}

export type Transport = {
  /** Spread into the router's options; add own routes to these. */
  router: Required<Pick<RouterOptions, 'routes' | 'features' | 'message' | 'presence' | 'bounced' | 'disco'>>
  sessions: Sessions
  words: Words
  /** Events of the component's stream. */
  up(): void
  down(): void
  writing(): void
  /** Once, when the stream is up for the first time: enters again the rooms in which people stay. */
  resume(): Promise<void>
  roomsOf(owner: string): ReturnType<Rooms['roomsOf']>
  /** Takes somebody out of a room, also one in which he stays. `room`: as the network writes it. */
  leave(owner: string, network: string, room: string, text: string): Promise<void>
  /** A message of the gateway to everybody with a session (of this network); gives to how many. */
  announce(text: string, network?: string): number
  state(): { rooms: number; seats: number; clients: number; occupants: number; sessions: number }
  readonly counts: Readonly<Counts>
  /** Says goodbye to clients, leaves the rooms in which nobody stays, ends the sessions, closes the store. Before the stream's drain. */
  drain(signal: AbortSignal): Promise<void>
  /** After the stream's drain: who got no answer until then gets an error at the next start. */
  close(): void
}

export async function openTransport(options: TransportOptions): Promise<Transport> {
  const { domain, network, text, log, now, asker, occupantKey, settings } = options
  if (occupantKey.length < 32) throw new Error('the key of occupants has at least 32 bytes')
  const counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Counts
  const history = await openHistory({
    path: options.store,
    ...(options.thread && { thread: options.thread }),
    keepMs: settings.history?.keepMs ?? 30 * 86_400_000,
    mostPerRoom: settings.history?.mostPerRoom ?? 10_000,
    now,
    failed(what, error) {
      counts.unkept++
      log.error('could not be kept', { what, error })
    },
    torn: (pieces) => log.error('a part of what was shown last before the end is lost', { pieces }),
    pressed: pressing(network, log, counts, now),
  })
  const read = (address: string): Address | null => readAddress(address, domain, network)
  const unanswered = await openUnanswered({
    ...{ path: `${options.store}-unanswered`, isAnswered, text, log, counts, now },
    send: (xml) => options.stream()?.send(xml) ?? false,
  }).catch(async (error: unknown) => {
    await history.close()
    throw error
  })
  const refused = (why: 'policy' | 'outage') => void counts[why === 'policy' ? 'refusedIn' : 'withheld']++
  const words = openWords({ domain, network, asker, refused, now })
  const sessions = openSessions({
    network,
    text,
    words,
    mayUse: (owner) => people.mayUse(owner),
    login: (owner, of) => people.login(owner, of),
    events: eventsOf,
    ending: (owner, of, said) => rooms.leaveAll(owner, of, said),
    failed: (error) => log.error('an event could not be taken', { error }),
    now,
  })
  const awayTexts = openAwayTexts({
    ...{ domain, network, asker },
    known: (of, nick) => rooms.whoIs(of, nick),
    isColleague: (of, account) => people.isColleague?.(of, account) ?? false,
    refused,
  })
  const house: House = {
    domain,
    network,
    sessions,
    history,
    asker,
    settings: settingsOf(settings, (owner, of) => people.keeps?.(owner, of) ?? false),
    text,
    counts,
    occupantKey,
    log,
    now,
    link: options.stream,
    awayTexts,
    words,
    lookalikes: { look: async (who) => (await people.lookalikes?.look(who)) ?? null },
    entered: (owner, room) => people.entered?.(owner, room),
    heard: (owner, of, heard) => people.heard?.(owner, of, heard),
    read: (owner, upTo) => people.read?.(owner, upTo),
    seal: options.seal ?? null,
  }
  const rooms = new Rooms(house)
  const direct = new PrivateMessages(house, rooms)
  const people = options.people(sessions, awayTexts, words)

  function eventsOf(owner: string, of: string): readonly Partial<SessionEvents>[] {
    const beside = people.sessionEvents(owner, of)
    return [
      rooms.seating.sessionEvents(owner, of),
      {
        ...beside,
        invited(room, by) {
          tellInvited(house, owner, of, room, by).catch((error: unknown) =>
            log.error('an invitation was not told', { error }),
          )
          beside.invited?.(room, by)
        },
        message(message) {
          const { id, at, kept } = message
          const heard = { ids: [id], at }
          const isOld = kept === true || (at !== null && now() - at > LIVE_MS)
          if (isOld && people.wasHeard?.(owner, of, heard) === true) return
          // What the network kept was said before anybody was in a room.
          if (kept === true || !direct.take(owner, of, message)) beside.message?.(message)
          else people.heard?.(owner, of, heard)
        },
        typing(nick, state) {
          if (!direct.typing(owner, of, nick, state)) beside.typing?.(nick, state)
        },
        renamed(from, to) {
          direct.renamed(owner, of, from, to)
          beside.renamed?.(from, to)
        },
      },
      options.session?.(owner, of) ?? {},
    ]
  }

  async function take(message: StanzaOf<'message'>, to: Address | null): Promise<void> {
    if (to?.kind === 'person' && (await inviteDirectly(house, rooms, message, to))) return
    if (await people.message(message)) return
    if (options.message !== undefined && (to?.kind === 'gateway' || to?.kind === 'network'))
      return options.message(message)
    if (message.type !== 'headline') throw new StanzaError('cancel', 'service-unavailable')
  }

  function takeInRoom(message: StanzaOf<'message'>, to: RoomAddress): void | Promise<void> {
    if (to.resource !== '') {
      if (message.type === 'groupchat')
        throw new StanzaError('modify', 'bad-request', {}, { cause: 'groupchat to an occupant' })
      return direct.send(message, to)
    }
    const mediated = readMediated(message.element)
    if (mediated !== null) return mediate(house, rooms, message, to, mediated, (owner) => people.mayUse(owner) === null)
    if (message.type !== 'groupchat')
      throw new StanzaError('modify', 'bad-request', {}, { cause: 'a room wants groupchat' })
    return speak(house, message, rooms.mustBeIn(to.network, to.name, message.from))
  }

  return {
    router: {
      routes: [
        ...roomRoutes(house, rooms),
        ...archiveRoutes(house, rooms),
        ...cardRoutes(house, rooms),
        ...(network.searches ? searchRoutes(house) : []),
        ...people.routes,
      ],
      features: [MUC, ...people.features],
      disco: openDiscovery(house, rooms, people),
      message(message) {
        const to = read(message.to)
        if (to?.kind === 'room') return unanswered.follow(message, takeInRoom(message, to))
        const taken = take(message, to)
        return to?.kind === 'person' ? unanswered.follow(message, taken) : taken
      },
      presence(presence) {
        const to = read(presence.to)
        if (to?.kind === 'room') return rooms.presence(presence, to)
        // XEP-0045 §7.2: whoever enters waits for an answer, also where no room can be.
        if (presence.type === 'available' && presence.element.getChild('x', MUC) !== undefined)
          throw new StanzaError('cancel', 'item-not-found', text.inAll('kit-transport-no-room', { gateway: domain }))
        const refuse = (isTaken: boolean) => {
          if (!isTaken && presence.type === 'subscribe') throw new StanzaError('cancel', 'service-unavailable')
        }
        const taken = people.presence(presence)
        return typeof taken === 'boolean' ? refuse(taken) : taken.then(refuse)
      },
      bounced(stanza) {
        rooms.bounced(stanza)
        people.bounced?.(stanza)
      },
    },
    sessions,
    up() {
      unanswered.up()
      rooms.linkUp()
    },
    down() {
      unanswered.down()
      rooms.linkDown()
    },
    words,
    writing: () => history.ahead(),
    resume: () => rooms.resume(),
    roomsOf: (owner) => rooms.roomsOf(bareOf(owner)),
    async leave(owner, of, room, said) {
      await rooms.leave(bareOf(owner), of, room, said)
      people.left?.(bareOf(owner), of, writeAddress(domain, network, of, room))
    },
    announce(said, of) {
      const body = `<body>${escapeText(said)}</body>`
      const owners = new Set(
        [...sessions.all()].filter((one) => of === undefined || one.network === of).map(({ owner }) => owner),
      )
      for (const owner of owners)
        options
          .stream()
          ?.send(
            `<message from='${escapeAttribute(domain)}' to='${escapeAttribute(owner)}' type='headline' id='${newId()}'>${body}</message>`,
          )
      return owners.size
    },
    state() {
      const state = { rooms: 0, seats: 0, clients: 0, occupants: 0, sessions: [...sessions.all()].length }
      for (const room of rooms.all()) {
        state.rooms++
        state.occupants += room.occupants.size
        for (const seat of room.seats.values()) {
          state.seats++
          state.clients += seat.clients.size
        }
      }
      return state
    },
    counts,
    async drain(signal) {
      await rooms.drain(signal)
      await sessions.end(text.say('kit-transport-stopping', undefined))
      await history.close()
    },
    close: () => unanswered.close(),
  }

  /** It stands in the room; or it was written to a gateway of another name. */
  async function isAnswered({ from, to, id, type, at }: Taken): Promise<boolean> {
    const address = read(to)
    if (address?.kind !== 'room' || type !== 'groupchat' || id === '') return address === null
    const key = `${address.network} ${network.key(address.network, address.name)}`
    const placed = await history.byMid(key, bareOf(from), id)
    // Ids may be used again, and a network's clock differs.
    return placed !== null && placed.at > at - CLOCKS_MS
  }
}

/** While too much waits to be kept, nothing more is read: it waits at the network, and is not dropped. */
function pressing(network: Network, log: House['log'], counts: Counts, now: () => number): (is: boolean) => void {
  let release: (() => void) | null = null
  let loggedAt = Number.NEGATIVE_INFINITY
  return (is) => {
    if (!is) {
      release?.()
      release = null
      return
    }
    release = network.hold?.() ?? null
    counts.heldBack++
    if (now() - loggedAt < LOGGED_AGAIN_MS) return
    loggedAt = now()
    log.warn('the store is behind: nothing is read from the networks until it has caught up')
  }
}

const LOGGED_AGAIN_MS = 60_000
const CLOCKS_MS = 5000
