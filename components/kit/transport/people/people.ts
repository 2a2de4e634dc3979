// SPDX-License-Identifier: Apache-2.0
// People beside rooms: who is registered, his contacts at the network, what is said one to one, and whose accounts are whose. XEP-0100.
import type { Privileges } from '../../privilege/privileges.ts'
import type { Iq, IqRoute, Router } from '../../router/router.ts'
import type { Catalogue } from '../../text/catalogue.ts'
import { GATEWAY, readPrompted, writePrompt, writePrompted } from '../../xep/gateway-prompt.ts'
import { REGISTER } from '../../xep/registration.ts'
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import { bareOf } from '../../xmpp/jid.ts'
import type { StanzaOf } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { readAddress, writeAddress } from '../address.ts'
import type { AwayTexts } from '../away-texts.ts'
import { openLookalikes } from '../lookalikes.ts'
import type { ForeignMessage, Network, NetworkFault, SessionEvents } from '../network.ts'
import type { Asking } from '../rooms/house.ts'
import type { Sessions } from '../sessions.ts'
import type { PeopleSide } from '../transport.ts'
import type { Words } from '../words.ts'
import { openBookmarks } from './bookmarks.ts'
import { type Contacts, openContacts } from './contacts.ts'
import { openHeard } from './heard.ts'
import { type Identities, openIdentities } from './identities.ts'
import type { Keep, PersonLogins } from './keep.ts'
import { openMarkers } from './markers.ts'
import { type Notices, openNotices } from './notices.ts'
import { openOwnNodes } from './own-nodes.ts'
import { openPlaying } from './playing.ts'
import { openRegistrations, type Registrations } from './registration.ts'
import { openRosters } from './roster.ts'
import { openTalk, type Talk } from './talk.ts'

export type PeopleOptions = {
  domain: string
  network: Network
  /** Names of networks that are offered; the first one where none is named. */
  networks: readonly string[]
  keep: Keep
  logins: PersonLogins
  mayUse(owner: string): Readonly<Record<string, string>> | string | null
  sessions: Sessions
  awayTexts: AwayTexts
  words: Words
  asker: Pick<Asking, 'ask'>
  inRooms(owner: string, network: string): boolean
  /** He wants to stay connected, in rooms or not. */
  keeps(owner: string, network: string): boolean
  privileges(): Pick<Privileges, 'grants' | 'request' | 'sendMessage' | 'setRosterItem'> | null
  /** Which rooms are to be among somebody's bookmarks. */
  bookmarks(owner: string, network: string, room: string): boolean
  request: Router['request']
  send(xml: string): boolean
  text: Catalogue
  log: Record<'info' | 'warn' | 'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
  now(): number
  noteRefused: boolean
  linksAsFiles: boolean
  /** Where accounts are published. */
  accounts: string
}

export type People = PeopleSide & {
  registrations: Pick<Registrations, 'of' | 'all' | 'everybody' | 'remove'>
  identities: Identities
  talk: Pick<Talk, 'counts'>
  notices: Pick<Notices, 'counts'>
  /** The stream is up: who is registered is told that the gateway is there, and asked whether he is. */
  up(): void
  /** What was noted last is on disk. */
  settled(): Promise<void>
  /** Before the stream goes: nobody is seen through it any more. */
  stop(): void
  /** Somebody there into his contacts. */
  addContact(owner: string, network: string, nick: string): Promise<'roster' | 'exchange' | 'subscribe'>
}

/** What one client told the gateway of itself. */
type Presence = { show: string; status: string }

const PER_PERSON = 50

export function openPeople(options: PeopleOptions): People {
  const { domain, network: kind, keep, logins, sessions, text, log, send } = options
  const online = new Map<string, Map<string, Presence>>()
  const away = new Map<string, string | null>()
  let isStopped = false
  /** Why a connection went last. */
  const faults = new Map<string, NetworkFault>()
  const read = (address: string) => readAddress(address, domain, kind)
  const addressOf = (of: string, nick: string) => writeAddress(domain, kind, of, nick)
  const identities = openIdentities({ keep, network: kind.type, folder: options.accounts, now: options.now, log })
  const contacts: Contacts = openContacts({ ...options, addressOf, sessionOf: sessions.of })
  const clients = (owner: string) => [...(online.get(bareOf(owner))?.keys() ?? [])]
  const lookalikes = openLookalikes({ key: (of, name) => kind.key(of, name), colleagues: identities.colleagues })
  const contactsOf = (owner: string, of: string) => contacts.of(owner, of)
  const heard = openHeard(keep, (error) => log.error('what was told could not be noted', { error }))
  const talk = openTalk({ ...options, addressOf, clients, lookalikes, contactsOf, heard })
  const playing = openPlaying(log)
  const notices = openNotices(options)
  const rosters = openRosters({
    ...options,
    clients,
    words: { suggested: text.say('kit-transport-contact-suggested', undefined) },
  })
  const nodes = openOwnNodes(options.privileges)
  const bookmarks = openBookmarks({ ...options, nodes, wanted: options.bookmarks })
  const markers = openMarkers({ nodes, log })
  const registrations = openRegistrations({
    ...options,
    read,
    registered(owner, of, address, isNew) {
      // XEP-0100 §4.1: the gateway asks to see the person; what he does then is his to say.
      if (isNew) tell(address, owner, 'subscribe')
      tell(address, owner, '')
      if (online.has(owner)) connect(owner, of)
    },
    async leaving(owner, of, address) {
      for (const nick of contacts.of(owner, of)) {
        await rosters.remove(owner, addressOf(of, nick))
        await contacts.forget(owner, of, nick)
      }
      await bookmarks.leftAll(owner, of)
      await rosters.remove(owner, address)
      await identities.forget(owner, of)
      await heard.forget(owner, of)
      await sessions.close(owner, of, text.say('kit-transport-unregistered', undefined))
    },
  })

  function tell(from: string, to: string, type: string, inside = ''): void {
    const of = type === '' ? '' : ` type='${type}'`
    send(`<presence from='${escapeAttribute(from)}' to='${escapeAttribute(to)}'${of}>${inside}</presence>`)
  }

  /** XEP-0100 §4.3: who comes online is logged in. */
  function connect(owner: string, of: string): void {
    if (options.mayUse(owner) !== null) return
    sessions.open(owner, of).catch((error: unknown) => {
      const condition = error instanceof StanzaError ? error.condition : error
      log.info('not connected', { network: of, error: condition })
    })
  }

  /** Presence to the gateway, or to one of its networks. */
  function toGateway(presence: StanzaOf<'presence'>): boolean {
    const { type, from } = presence
    const owner = bareOf(from)
    const address = bareOf(presence.to)
    const own = registrations.all(owner).filter((one) => one.address === address)
    switch (type) {
      case 'subscribe':
        if (own.length === 0)
          throw new StanzaError('auth', 'registration-required', text.inAll('kit-transport-not-registered'))
        tell(address, owner, 'subscribed')
        tell(address, owner, '')
        return true
      case 'unsubscribe':
        tell(address, owner, 'unsubscribed')
        return true
      case 'probe':
        if (own.length > 0) tell(address, from, '')
        return true
      case 'available':
        if (own.length > 0) arrives(presence, owner)
        return true
      case 'unavailable':
        leaves(from, owner)
        return true
      case 'subscribed':
      case 'unsubscribed':
        return true
      default:
        return false
    }
  }

  function arrives(presence: StanzaOf<'presence'>, owner: string): void {
    const clients = online.get(owner) ?? new Map<string, Presence>()
    if (!clients.has(presence.from) && clients.size >= PER_PERSON) return
    online.set(owner, clients)
    const isFirst = clients.size === 0
    clients.set(presence.from, {
      show: presence.element.getChildText('show') ?? '',
      status: (presence.element.getChildText('status') ?? '').slice(0, 300),
    })
    if (isFirst) for (const { network: of } of registrations.all(owner)) connect(owner, of)
    followAway(owner)
  }

  function leaves(from: string, owner: string): void {
    const clients = online.get(owner)
    if (clients === undefined || !clients.delete(from)) return
    if (clients.size > 0) {
      followAway(owner)
      return
    }
    online.delete(owner)
    for (const { network: of } of registrations.all(owner)) {
      if (options.inRooms(owner, of) || options.keeps(owner, of)) {
        followAway(owner)
        continue
      }
      sessions
        .close(owner, of, text.say('kit-transport-went-offline', undefined))
        .catch((error: unknown) => log.error('a connection could not be ended', { network: of, error }))
    }
  }

  /** RFC 6121 §4.7.2.1: away, when none of his clients is there. Told only when it has changed. */
  function followAway(owner: string): void {
    const now = awayOf(owner)
    if ((away.get(owner) ?? null) === now) return
    if (now === null) away.delete(owner)
    else away.set(owner, now)
    for (const { network: of } of registrations.all(owner)) sayAway(owner, of, now)
  }

  function sayAway(owner: string, of: string, text: string | null): void {
    options.awayTexts.said(owner, of, text)
    sessions.of(owner, of)?.away(text)
  }

  function awayOf(owner: string): string | null {
    const all = [...(online.get(owner)?.values() ?? [])]
    const [first] = all
    if (first === undefined || !all.every(({ show }) => ['away', 'xa', 'dnd'].includes(show))) return null
    return all.find(({ status }) => status !== '')?.status ?? text.say('kit-transport-away', undefined)
  }

  /** The network vouches for the account under which he logged in. */
  async function prove(owner: string, of: string): Promise<void> {
    const session = sessions.of(owner, of)
    const login = logins.login(owner, of)
    if (session === null || login === null || login === 'sealed') return
    if (login.secret === undefined && login.certificate === undefined) return
    const { account } = await session.about(session.nick)
    if (account !== undefined && account !== '') await identities.proved(owner, of, account)
  }

  const answerPrompt = (iq: Iq): string => {
    const to = read(iq.to)
    if (to === null || (to.kind !== 'gateway' && to.kind !== 'network'))
      throw new StanzaError('cancel', 'service-unavailable')
    const of = to.kind === 'network' ? to.network : (kind.only ?? options.networks[0] ?? '')
    if (iq.type === 'get')
      return writePrompt({
        description: text.say('kit-transport-prompt-description', iq.language, { network: of }),
        prompt: text.say('kit-transport-prompt', iq.language),
      })
    const said = readPrompted(iq.payload)
    const wrong =
      said === ''
        ? text.say('kit-transport-register-bad', iq.language)
        : kind.isRoom(said)
          ? null
          : kind.wrongNick(of, said)
    if (wrong !== null) throw new StanzaError('modify', 'not-acceptable', wrong)
    return writePrompted(addressOf(of, said))
  }
  const prompts: readonly IqRoute[] = (['get', 'set'] as const).map((type) => {
    return { type, namespace: GATEWAY, name: 'query', order: 'sender', answer: answerPrompt }
  })

  function sessionEvents(owner: string, of: string): Partial<SessionEvents> {
    const failed = (error: unknown) => log.error('an event could not be taken', { network: of, error })
    const show = ({ id, at, kept }: ForeignMessage, act: () => Promise<void>): void => {
      const told = heard.telling(owner, of, { ids: [id], at })
      if (!playing.take(`${owner} ${of}`, kept === true, () => act().catch(failed).finally(told))) told()
    }
    return {
      up() {
        faults.delete(`${owner} ${of}`)
        heard.up(owner, of)
        contacts.up(owner, of)
        const now = away.get(owner) ?? null
        if (now !== null) sayAway(owner, of, now)
        prove(owner, of).catch((error: unknown) => log.info('whose account it is was not said', { network: of, error }))
        state(owner, of, '')
      },
      down(fault, retryAt) {
        contacts.down(owner, of)
        if (registrations.of(owner, of) !== null) lost(owner, of, fault, retryAt === null).catch(failed)
      },
      message: (message) => show(message, () => talk.take(owner, of, message)),
      reflected(to, message) {
        if (message.kept === true && heard.was(owner, of, { ids: [message.id], at: message.at })) return
        show(message, () => talk.reflect(owner, of, to, message))
      },
      typing: (nick, how) => talk.typing(owner, of, nick, how),
      read: (target, at) => ('person' in target ? talk.readUpTo(owner, of, target.person, at) : undefined),
      presence: (nick, now) => contacts.told(owner, of, nick, now),
      renamed: (from, to) => contacts.renamed(owner, of, from, to),
      said: (words, _, by) => notices.tell(owner, of, words, by),
    }
  }

  /** That it is not connected is told at once, the network's words on it when they may be read, if it still is so then. */
  async function lost(owner: string, of: string, fault: NetworkFault, isForGood: boolean): Promise<void> {
    const key = `${owner} ${of}`
    faults.set(key, fault)
    const words = text.say(isForGood ? 'kit-transport-gone' : 'kit-transport-away-from', undefined, { network: of })
    const tell = (said: string) =>
      state(owner, of, `<show>xa</show><status>${escapeText(`${words} ${said}`.trim().slice(0, 500))}</status>`)
    tell(fault.isReadable ? fault.message : '')
    if (fault.isReadable) return
    const heard = await options.words.heard(owner, of, fault)
    if (heard.message !== '' && faults.get(key) === fault) tell(heard.message)
  }

  /** How the gateway stands with the network, as its own presence. */
  function state(owner: string, of: string, inside: string): void {
    const registration = registrations.of(owner, of)
    if (registration !== null && !isStopped) tell(registration.address, owner, '', inside)
  }

  return {
    registrations,
    identities,
    lookalikes,
    isColleague: (of, account) => identities.personOf(of, account) !== null,
    talk,
    notices,
    routes: [...registrations.routes, ...prompts],
    features: [REGISTER, GATEWAY],
    presence(presence) {
      const to = read(presence.to)
      if (to === null || to.kind === 'room') return false
      if (to.kind !== 'person') return toGateway(presence)
      if (presence.type === 'subscribe') {
        const why = options.mayUse(bareOf(presence.from))
        if (why !== null) throw new StanzaError('auth', 'forbidden', why)
        if (registrations.of(presence.from, to.network) === null)
          throw new StanzaError('auth', 'registration-required', text.inAll('kit-transport-not-registered'))
      }
      return contacts.presence(presence, to.network, to.name)
    },
    message(message) {
      const to = read(message.to)
      if (to?.kind !== 'person') return false
      const why = options.mayUse(bareOf(message.from))
      if (why !== null) throw new StanzaError('auth', 'forbidden', why)
      return talk.say(message, to.network, to.name).then(() => true)
    },
    /** A client that cannot be reached is not there. */
    bounced(stanza) {
      if (stanza.kind === 'presence') leaves(stanza.from, bareOf(stanza.from))
    },
    sessionEvents,
    async login(owner, of) {
      const login = logins.login(owner, of)
      if (login === 'sealed') throw new StanzaError('cancel', 'not-authorized', text.inAll('kit-transport-sealed'))
      return login
    },
    networks: options.networks,
    mayUse: options.mayUse,
    read: (owner, upTo) => void markers.read(owner, upTo),
    entered: (owner, room) => void bookmarks.entered(owner, room),
    left: (owner, of, jid) => void bookmarks.left(owner, of, jid),
    heard: heard.note,
    wasHeard: heard.was,
    keeps: (owner, of) =>
      options.keeps(owner, of) || (online.has(bareOf(owner)) && registrations.of(owner, of) !== null),
    up() {
      for (const { owner, network: of, address } of registrations.everybody()) {
        tell(address, owner, '')
        tell(address, owner, 'probe')
        contacts.again(owner, of)
      }
    },
    settled: () => heard.settle(),
    stop() {
      contacts.stop()
      isStopped = true
      for (const { owner, address } of registrations.everybody()) tell(address, owner, 'unavailable')
    },
    async addContact(owner, of, nick) {
      await contacts.keep(owner, of, nick)
      return await rosters.add(owner, { jid: addressOf(of, nick), name: nick, group: of })
    },
  }
}
