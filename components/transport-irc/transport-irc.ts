// SPDX-License-Identifier: Apache-2.0
// The component transport-irc: what it is made of, who may use it, and how it ends.
import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { openDenialLog } from '../kit/bus/denied.ts'
import { openJournal } from '../kit/bus/file-journal.ts'
import type { Journal } from '../kit/bus/journal.ts'
import { writeFact } from '../kit/facts/entries.ts'
import { createPrivilegedRouter } from '../kit/privilege/privileged-router.ts'
import { type Caller, cameOf } from '../kit/process/command.ts'
import type { Context, Running } from '../kit/process/run.ts'
import { openThread } from '../kit/store/thread.ts'
import { openStream } from '../kit/stream/open-stream.ts'
import { openAsker } from '../kit/transport/asker/asker.ts'
import type { AwayTexts } from '../kit/transport/away-texts.ts'
import { openPeople, type People } from '../kit/transport/people/people.ts'
import type { Asking } from '../kit/transport/rooms/house.ts'
import { openSeal } from '../kit/transport/secrets.ts'
import type { Sessions } from '../kit/transport/sessions.ts'
import { openTransport, type Transport } from '../kit/transport/transport.ts'
import type { Words } from '../kit/transport/words.ts'
import { bareOf, domainOf } from '../kit/xmpp/jid.ts'
import { StanzaError } from '../kit/xmpp/stanza-error.ts'
import { openGatewayChat } from './chat.ts'
import { transportIrcCommands } from './commands.ts'
import { type Ban, type RoomWord, roomPlace } from './desk.ts'
import { askerCounts, openGauges } from './gauges.ts'
import { forgetting, occupantKeyOf, refusingTooMany, storeOf } from './kept.ts'
import { openLogins, sealAnew } from './logins.ts'
import { followMembers } from './members.ts'
import { type Asked as AskedIdent, isBetween, openIdentd } from './network/identd.ts'
import { openQuiet } from './quiet.ts'
import { openReaping } from './reaping.ts'
import { takeOver } from './reloading.ts'
import { nickFrom } from './sessions/names.ts'
import { type Networks, openNetworks } from './sessions/networks.ts'
import type { TransportIrcSettings } from './settings.ts'
import { openMemory, placeOf } from './storage/memory.ts'
import { troubleOf, warningsOf } from './trouble.ts'

/** Folder of the texts that people read. */
export const texts = new URL('./text/', import.meta.url)

export async function startTransportIrc(
  context: Context<TransportIrcSettings>,
  { version }: { version: string },
): Promise<Running> {
  const { shared, log, now, text } = context
  const settings = { ...context.settings }
  /** Names of the networks, which are others after settings were read again. */
  const listed = settings.networks.map(({ name }) => name)
  await using opening = new AsyncDisposableStack()
  mkdirSync(settings.folder, { recursive: true, mode: 0o750 })
  const file = (name: string) => join(settings.folder, name)
  // What is kept is little, and nobody waits for a commit of the journal for each message: one thread for all of it.
  const thread = opening.use(openThread('stores'))
  opening.use(openQuiet())
  const forgotten = forgetting(log, now)
  const memory = refusingTooMany(
    opening.use(await openMemory(file('memory.db'), { thread, forgot: forgotten.one })),
    text.inAll('transport-irc-too-much-kept'),
  )
  const journal = opening.use(
    await openJournal(settings.journal.folder, {
      maxBytes: settings.journal.maxBytes,
      thread,
      warn: (level, fill) => log[level === 'normal' ? 'info' : 'warn']('journal level', { fill: level, ...fill }),
      fault: (error) => log.error('journal fault', { error }),
    }),
  )
  const members = opening.use(
    followMembers(settings.peopleFolder, settings.groups, {
      changed: (count) => log.info('members in force', { count }),
      fault: (error) => log[error === null ? 'info' : 'error']('people', { error }),
    }),
  )
  /** Why somebody may not use it, as an id of the catalogue; null: he may. */
  const refusal = (person: string): string | null => {
    if (!settings.hosts.includes(domainOf(person)) || !members.has(person)) return 'transport-irc-not-for-you'
    return memory.read<Ban>('ban', bareOf(person)) === null ? null : 'transport-irc-banned'
  }
  const gauges = openGauges(context.metrics)
  const networks = openNetworks({
    get networks() {
      return settings.networks
    },
    get others() {
      return settings.others
    },
    get only() {
      return settings.only
    },
    get limits() {
      return settings.limits
    },
    refusesPerson: (owner) => {
      const id = refusal(owner)
      return id === null ? null : text.say(id, shared.language)
    },
    known: storeOf(memory, 'known', log),
    sts: storeOf(memory, 'sts', log),
    software: `Gatehouse ${version}`,
    words: {
      reacts: (emojis, quote) => text.say('transport-irc-reacts', shared.language, { emojis, quote }),
      label: (id) => text.say(id, shared.language),
      refused: (id, args) => text.say(id, shared.language, args),
    },
    counted: gauges.counted,
    now,
  })
  let link: ReturnType<typeof createPrivilegedRouter<ReturnType<typeof openStream>>> | null = null
  const router = () => {
    if (link === null) throw new Error('nobody asks before the stream is made')
    return link.router
  }
  const asker = settings.policy === null ? null : opening.use(await openAskerOf(settings.policy))
  if (asker === null) log.warn('what comes from networks is not asked about, because the settings say so')
  const seal = settings.key === null ? null : openSeal(settings.key.reveal())
  const logins = openLogins(memory, seal, nickOf)
  const anew = seal === null ? 0 : await sealAnew(memory, seal)
  if (anew > 0) log.info('logins are sealed with the new key', { logins: anew })
  let people: People | null = null
  const peopleSide = () => {
    if (people === null) throw new Error('nobody asks before the transport is made')
    return people
  }
  const transport: Transport = await openTransport({
    domain: settings.domain,
    network: networks,
    store: file('rooms.db'),
    thread,
    asker: asker ?? UNASKED,
    people(sessions, awayTexts, words) {
      people = peopleOf(sessions, awayTexts, words)
      return people
    },
    message: (message) => chat.take(message),
    session: (_, network) => ({
      down: (fault, retryAt) =>
        log.info('connection lost', { network, reason: fault.reason, why: fault.message, retryAt }),
    }),
    settings: {
      stays,
      history: { keepMs: settings.history.keepMs, mostPerRoom: settings.history.perRoom },
      most: {
        get roomsPerPerson() {
          return settings.limits.perPerson.rooms
        },
      },
      noteRefused: settings.noteRefused,
      linksAsFiles: settings.linksAsFiles,
    },
    text,
    log,
    now,
    occupantKey: await occupantKeyOf(memory),
    ...(seal === null
      ? {}
      : { seal: { seal: (words) => seal.seal(words, 'room'), open: (sealed) => seal.open(sealed, 'room') } }),
    stream: () => link?.router.stream ?? null,
  })
  gauges.open(networks, transport)
  gauges.memory(memory, forgotten.count)
  const denials = openDenialLog(journal, now, (who) =>
    log.warn('denied attempts are no more put on record', { ...who }),
  )
  const commands = transportIrcCommands({
    networks,
    transport,
    logins,
    people: peopleSide(),
    refusal,
    nickOf,
    memory,
    signingUp: new Map(),
    say: text.say,
    get stays() {
      return settings.stays
    },
    get listed() {
      return settings.networks
    },
    stats: () => ({ ...gauges.counts(networks, transport), ...askerCounts(asker?.state()) }),
    record: (caller, command, query) => recordAccess(journal, caller, command, query, now),
    now,
  })
  const offered = { commands: () => commands, denied: denials.record, guests: settings.hosts }
  const adHoc = context.adHoc({ ...offered, domain: settings.domain })
  const chat = openGatewayChat({
    answer: context.chat({ ...offered, component: 'transport-irc' }).answer,
    send: (xml) => link?.router.stream.send(xml) ?? false,
    busy: text.inAll('transport-irc-busy'),
    signal: context.signal,
    log,
  })
  link = createPrivilegedRouter(
    {
      domain: settings.domain,
      identity: { category: 'gateway', type: 'irc', name: text.say('transport-irc-identity', shared.language) },
      software: { name: 'Gatehouse IRC', version },
      log,
      nodes: adHoc.nodes,
      ...transport.router,
      routes: [...transport.router.routes, ...(asker?.routes ?? []), ...adHoc.routes],
    },
    { hosts: settings.hosts, log },
    (told) =>
      openStream(
        {
          host: settings.server.host,
          port: settings.server.port,
          allowClear: settings.server.allowPlain,
          domain: settings.domain,
          secret: settings.secret.reveal(),
          gathers: 'turn',
          log,
        },
        {
          ...told,
          writing: () => transport.writing(),
          up() {
            asker?.up()
            transport.up()
            peopleSide().up()
          },
          down(reason) {
            asker?.down()
            transport.down()
            told.down(reason)
          },
        },
      ),
  )
  if (settings.identd !== null)
    opening.use(
      await openIdentd({ host: settings.identd.address, port: settings.identd.port, userOf: userIn(networks) }),
    )
  const reaping = opening.use(
    openReaping({
      settings,
      networks,
      sessions: transport.sessions,
      refusal,
      say: text.say,
      language: shared.language,
      log,
      now,
    }),
  )
  const { stream } = link.router
  void stream
    .ready(context.signal)
    .then(() => transport.resume())
    .then(() => reconnect())
    .catch((error: unknown) => {
      if (!context.signal.aborted) context.fail(error)
    })
  const opened = opening.move()
  return {
    commands,
    denied: denials.record,
    healthy: () => null,
    ready: (language) => troubleOf({ stream, text }, language),
    warnings: (language) => warningsOf({ stream, asker, networks, settings, text }, language),
    async reload() {
      const waiting = takeOver(settings, context.settingsAgain())
      listed.splice(0, listed.length, ...settings.networks.map(({ name }) => name))
      if (waiting.length > 0) log.warn('settings count after a restart', { settings: waiting })
      await reaping.anew()
      for (const one of networks.connected())
        try {
          one.renew()
        } catch (error) {
          log.error('settings were not taken over', { network: one.network, error })
        }
    },
    async drain(bound) {
      adHoc.close()
      peopleSide().stop()
      await transport.drain(bound)
      await peopleSide().identities.settled()
      await peopleSide().settled()
      await asker?.stop(bound)
      await stream.drain(bound)
      transport.close()
      await opened.disposeAsync()
    },
  }

  /** Who is registered, his contacts, and what is said one to one. */
  function peopleOf(sessions: Sessions, awayTexts: AwayTexts, words: Words): People {
    return openPeople({
      domain: settings.domain,
      network: networks,
      networks: listed,
      keep: memory,
      logins,
      mayUse(owner) {
        const id = refusal(owner)
        return id === null ? null : text.inAll(id)
      },
      sessions,
      awayTexts,
      words,
      asker: asker ?? UNASKED,
      inRooms: (owner, network) => transport.roomsOf(owner).some((one) => one.network === network),
      keeps: (owner, network) => memory.read('keep', placeOf(owner, network)) !== null,
      privileges: () => link?.privileges ?? null,
      bookmarks: (owner, network, room) =>
        settings.bookmarks === 'all' || (settings.bookmarks === 'staying' && stays(owner, network, room)),
      request: (to, payload, how) => router().request(to, payload, how),
      send: (xml) => link?.router.stream.send(xml) ?? false,
      text,
      log,
      now,
      noteRefused: settings.noteRefused,
      linksAsFiles: settings.linksAsFiles,
      accounts: settings.accountsFolder,
    })
  }

  /** Whether he stays in a room when none of his clients is there: his word, else that of the settings. */
  function stays(owner: string, network: string, room: string): boolean {
    const word = memory.read<RoomWord>('room', roomPlace(bareOf(owner), network, networks.key(network, room)))
    return word?.stay ?? settings.stays
  }

  /** Who wanted to be connected before the process ended is connected again. */
  async function reconnect(): Promise<void> {
    for (const { name } of memory.list('keep')) {
      const [owner = '', network = ''] = name.split(' ')
      try {
        await transport.sessions.open(owner, network, nickOf(owner, network))
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error
        log.info('not connected again', { network, condition: error.condition })
      }
    }
  }

  function nickOf(owner: string, network: string): string {
    return nickFrom(networks.settings(network)?.nick ?? '{local}', owner, 30)
  }

  function openAskerOf({ domain, onOutage, holdMaxMs, most }: NonNullable<TransportIrcSettings['policy']>) {
    return openAsker({
      domain: settings.domain,
      screen: domain,
      path: file('asker.db'),
      node: hostname(),
      software: `transport-irc ${version}`,
      onOutage,
      bounds: { holdMs: holdMaxMs, questions: most },
      request: (to, payload, how) => router().request(to, payload, how),
      log,
      now,
    })
  }
}

/** Where nobody is to be asked everything passes. */
const UNASKED: Asking = {
  passes: true,
  ask: async ({ stanza }) => ({ action: 'deliver', stanza, replaced: false }),
  occupant() {},
}

function userIn(networks: Networks) {
  return (asked: AskedIdent): string | null => {
    for (const { connection, user } of networks.connected())
      if (connection.ends !== null && isBetween(asked, connection.ends)) return user
    return null
  }
}

async function recordAccess(
  journal: Journal,
  caller: Caller,
  command: string,
  query: Readonly<Record<string, unknown>>,
  now: () => number,
): Promise<void> {
  const at = new Date(now()).toISOString()
  await journal.append([writeFact({ kind: 'access', ...cameOf(caller), command, query, hits: null, at })])
}
