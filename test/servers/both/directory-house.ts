// SPDX-License-Identifier: Apache-2.0
// What stands around a server with mod_gatehouse_directory in these tests: a component that speaks the page DIRECTORY.md, and colleagues whose
// clients keep a roster and see who is there.
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import type { Server } from '../../../deploy/demo/server.ts'
import { type Managed, RawClient } from '../../harness/raw-client.ts'
import { attribute, escaped, splitter, unescaped } from '../../harness/stanza-splitter.ts'
import { handshake } from '../prosody/allow-screen.ts'
import { HOST, type Ports, SECRET, soon } from './house.ts'

export const DIRECTORY = `directory.${HOST}`
export const OTHER_HOST = 'labs.example'
/** Anybody may make rooms there. */
export const ROOMS = `rooms.${HOST}`
export const NS = 'urn:gatehouse:directory:1'

export type DirectoryOptions = {
  folder?: string
  keepFolder?: boolean
  /** Beside alice, bob, carol, dave and eve of HOST; the password of each is `secret`. */
  accounts?: readonly string[]
  /** Modules beside, by their names on this server. */
  modules?: readonly string[]
}

export type DirectoryHouse = AsyncDisposable & {
  readonly server: Server
  readonly folder: string
  readonly ports: Ports
}

/** One of the servers that these tests run on. `HOST` and `OTHER_HOST` load the helper there. */
export type DirectoryServer = {
  readonly name: 'prosody' | 'ejabberd'
  readonly skip: string | false
  open(options?: DirectoryOptions): Promise<DirectoryHouse>
}

export const jid = (name: string) => (name.includes('@') ? name : `${name}@${HOST}`)

// --- what the component hands over, as XML ---

export type Group = {
  id: string
  name?: string
  order?: number
  shown?: 'everybody' | 'members' | 'groups' | 'nobody'
  to?: readonly string[]
  members?: readonly string[]
}

export const person = (name: string, attributes: { name?: string; locked?: 'disabled' | 'gone' } = {}) =>
  `<person jid='${escaped(jid(name))}'${attributes.name === undefined ? '' : ` name='${escaped(attributes.name)}'`}${attributes.locked === undefined ? '' : ` locked='${attributes.locked}'`}/>`

export const gone = (name: string) => `<gone jid='${escaped(jid(name))}'/>`

export function group({ id, name = id, order, shown, to = [], members = [] }: Group): string {
  const attributes = `${order === undefined ? '' : ` order='${order}'`}${shown === undefined ? '' : ` shown='${shown}'`}`
  const inside = to.map((one) => `<to group='${escaped(one)}'/>`).join('')
  const head = `<group id='${escaped(id)}' name='${escaped(name)}'${attributes}>${inside}</group>`
  return members.length === 0 ? head : head + join(id, members)
}

export const join = (id: string, members: readonly string[]) => membership('join', id, members)
export const part = (id: string, members: readonly string[]) => membership('part', id, members)
const membership = (what: string, id: string, members: readonly string[]) =>
  `<${what} group='${escaped(id)}'>${escaped(members.map(jid).join(' '))}</${what}>`

export const policy = (attributes: { cap?: number; deleted?: 'back' | 'away'; presence?: number }) =>
  `<policy ${Object.entries(attributes)
    .map(([name, value]) => `${name}='${value}'`)
    .join(' ')}/>`

export type Held = { id: string; seq: string; people: string; groups: string; waiting: string; damaged: string }

export type DirectoryComponent = AsyncDisposable & {
  /** Sends an IQ to a host and gives the answer, whatever it is. */
  ask(type: 'get' | 'set', payload: string, to?: string): Promise<string>
  /** Hands over a whole state, in as many parts as there are; gives the answer to the last. */
  whole(seq: number, parts: readonly string[], more?: { id?: string; to?: string }): Promise<string>
  /** A change of what is held, in one part. */
  change(seq: number, content: string, more?: { id?: string; base?: number; to?: string }): Promise<string>
  state(to?: string): Promise<Held>
  /** Resolves when the helper has nothing more to tell anybody. */
  settled(to?: string): Promise<void>
  break(): Promise<void>
}

const SNAPSHOT = 'b5a3e6f0-test'

/** The component's own stream, or that of another component. */
export async function openDirectory(house: DirectoryHouse, domain = DIRECTORY): Promise<DirectoryComponent> {
  const socket = connect(house.ports.component, '127.0.0.1')
  socket.setNoDelay(true)
  socket.on('error', () => {})
  const ended = new Promise<void>((done) => socket.once('close', () => done()))
  const cutOff = ended.then(() => Promise.reject(new Error('the stream of the component ended')))
  cutOff.catch(() => {})
  const waiting = new Map<string, (stanza: string) => void>()
  const cut = splitter({
    opened: () => {},
    take: (stanza) => {
      const id = attribute(stanza, 'id') ?? ''
      waiting.get(id)?.(stanza)
      waiting.delete(id)
    },
    closed: () => socket.end(),
  })
  const rest = await handshake(socket, { domain, secret: SECRET })
  socket.setEncoding('utf8')
  cut("<stream:stream xmlns='jabber:component:accept'>")
  cut(rest)
  socket.on('data', (text: string) => cut(text))
  let asked = 0
  const ask = (type: 'get' | 'set', payload: string, to = HOST) => {
    asked += 1
    const id = `d${asked}`
    const { promise, resolve } = Promise.withResolvers<string>()
    waiting.set(id, resolve)
    socket.write(`<iq type='${type}' id='${id}' from='${domain}' to='${to}'>${payload}</iq>`)
    return soon(Promise.race([promise, cutOff]), `the answer to ${payload.slice(0, 200)}`)
  }
  const state = async (to?: string): Promise<Held> => {
    const answer = await ask('get', `<state xmlns='${NS}'/>`, to)
    const of = (name: string) => attribute(answer.slice(answer.indexOf('<state')), name) ?? ''
    const [id, seq, people, groups, left, damaged] = ['id', 'seq', 'people', 'groups', 'waiting', 'damaged'].map(of)
    return {
      id: id ?? '',
      seq: seq ?? '',
      people: people ?? '',
      groups: groups ?? '',
      waiting: left ?? '',
      damaged: damaged ?? '',
    }
  }
  return {
    ask,
    state,
    whole: async (seq, parts, { id = SNAPSHOT, to = HOST } = {}) => {
      let answer = ''
      for (const [at, content] of parts.entries()) {
        const last = at === parts.length - 1 ? " last='true'" : ''
        const opening = `<state xmlns='${NS}' id='${id}' seq='${seq}' part='${at + 1}'${last}>`
        answer = await ask('set', `${opening}${content}</state>`, to)
        if (attribute(answer, 'type') !== 'result') return answer
      }
      return answer
    },
    change: (seq, content, { id = SNAPSHOT, base = seq - 1, to = HOST } = {}) =>
      ask(
        'set',
        `<state xmlns='${NS}' id='${id}' seq='${seq}' base='${base}' part='1' last='true'>${content}</state>`,
        to,
      ),
    settled: async (to) => {
      const until = Date.now() + 20_000
      while ((await state(to)).waiting !== '0') {
        if (Date.now() > until) throw new Error('the helper never came to an end')
      }
    },
    break: async () => {
      socket.destroy()
      await ended
    },
    [Symbol.asyncDispose]: async () => {
      socket.destroy()
      await ended
    },
  }
}

// --- colleagues ---

export type Contact = { subscription: string; name: string; groups: readonly string[] }

export type Colleague = {
  readonly client: RawClient
  /** The newest `ver` of the roster that the client was told. */
  readonly version: () => string
  readonly roster: ReadonlyMap<string, Contact>
  /** Full JIDs that are available, with their presence. */
  readonly there: ReadonlyMap<string, string>
  /** Every stanza in the order it came. */
  readonly inbox: readonly string[]
  /** Resolves when it holds; looked at with every stanza. */
  until(what: string, holds: () => boolean): Promise<void>
  /** Resolves when the contact is as given, or (null) not there. */
  lists(name: string, contact: Partial<Contact> | null): Promise<void>
  sees(full: string): Promise<void>
  misses(full: string): Promise<void>
  /** Sends an IQ and gives the answer. */
  ask(type: 'get' | 'set', payload: string, to?: string): Promise<string>
  /** All that the server sent before this has come. */
  fence(): Promise<void>
  leave(): Promise<void>
}

export type Entry = {
  resource?: string
  host?: string
  management?: 'no' | 'resume'
  /** Sent with the roster get; default none. */
  version?: string
  /** Of the first presence. */
  presence?: string | null
  password?: string
  /** Nodes of PEP that the client wants to be told of (XEP-0163 section 4.3); it answers for them when asked. */
  notify?: readonly string[]
  /** An earlier session, to be resumed; nothing is asked then. */
  previous?: Managed
}

const DISCO = 'http://jabber.org/protocol/disco#info'
const featuresOf = (notify: readonly string[]) => notify.map((node) => `${node}+notify`).sort()

/** XEP-0115, with the hash that the server will work out of the answer. */
function capabilities(notify: readonly string[]): string {
  if (notify.length === 0) return ''
  const told = ['client/pc//test', ...featuresOf(notify)].map((one) => `${one}<`).join('')
  const ver = createHash('sha1').update(told).digest('base64')
  return `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:test' ver='${ver}'/>`
}

/** Logs in, gets the roster, and then says that it is there. */
export async function enter(house: DirectoryHouse, user: string, entry: Entry = {}): Promise<Colleague> {
  const { resource = 'r', host = HOST, management = 'no', version, password = 'secret', notify = [] } = entry
  const presence = entry.presence === undefined ? `<presence>${capabilities(notify)}</presence>` : entry.presence
  const roster = new Map<string, Contact>()
  const there = new Map<string, string>()
  const inbox: string[] = []
  const looks = new Set<() => void>()
  const answers = new Map<string, (stanza: string) => void>()
  let ver = version ?? ''
  let asked = 0
  const take = (stanza: string) => {
    inbox.push(stanza)
    const from = attribute(stanza, 'from') ?? ''
    const type = attribute(stanza, 'type')
    const id = attribute(stanza, 'id') ?? ''
    if (stanza.startsWith('<presence')) {
      if (type === null) there.set(from, stanza)
      else if (type === 'unavailable') there.delete(from)
    } else if (stanza.startsWith('<iq')) {
      const query = stanza.indexOf('<query ')
      if (stanza.includes('jabber:iq:roster') && query > 0 && (type === 'set' || type === 'result')) {
        if (type === 'result') roster.clear()
        for (const [name, contact] of itemsOf(stanza)) {
          if (contact.subscription === 'remove') roster.delete(name)
          else roster.set(name, contact)
        }
        ver = attribute(stanza.slice(query), 'ver') ?? ver
        if (type === 'set') client.send(`<iq type='result' id='${id}'/>`)
      } else if (type === 'get' && stanza.includes(DISCO) && notify.length > 0) {
        const node = attribute(stanza.slice(query), 'node') ?? ''
        const features = featuresOf(notify).map((feature) => `<feature var='${feature}'/>`)
        const answer = `<identity category='client' type='pc' name='test'/>${features.join('')}`
        client.send(
          `<iq type='result' id='${id}' to='${from}'><query xmlns='${DISCO}' node='${node}'>${answer}</query></iq>`,
        )
      } else if (type === 'get') {
        client.send(
          `<iq type='error' id='${id}' to='${from}'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
        )
      }
      answers.get(id)?.(stanza)
      answers.delete(id)
    }
    for (const look of looks) look()
  }
  const client = await RawClient.login(
    {
      address: '127.0.0.1',
      port: house.ports.c2s,
      domain: host,
      user,
      password,
      resource,
      management,
      presence: false,
    },
    { stanza: take },
    entry.previous ?? null,
  )
  const until = (what: string, holds: () => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      if (holds()) resolve()
    }
    looks.add(look)
    look()
    return soon(
      promise,
      `${what} at ${client.jid}; roster ${JSON.stringify([...roster])}; there ${[...there.keys()]}`,
    ).finally(() => looks.delete(look))
  }
  const ask = (type: 'get' | 'set', payload: string, to?: string) => {
    asked += 1
    const id = `q-${resource}-${asked}`
    const { promise, resolve } = Promise.withResolvers<string>()
    answers.set(id, resolve)
    client.send(`<iq type='${type}' id='${id}'${to === undefined ? '' : ` to='${to}'`}>${payload}</iq>`)
    return soon(promise, `the answer to ${payload.slice(0, 200)}`)
  }
  if (!client.resumed)
    await ask('get', `<query xmlns='jabber:iq:roster'${version === undefined ? '' : ` ver='${version}'`}/>`)
  const self: Colleague = {
    client,
    version: () => ver,
    roster,
    there,
    inbox,
    until,
    lists: (name, contact) =>
      until(`${jid(name)} as ${JSON.stringify(contact)}`, () => {
        const found = roster.get(jid(name))
        if (contact === null || found === undefined) return (contact === null) === (found === undefined)
        return Object.entries(contact).every(
          ([key, value]) => JSON.stringify(found[key as keyof Contact]) === JSON.stringify(value),
        )
      }),
    sees: (full) => until(`${full} there`, () => there.has(full)),
    misses: (full) => until(`${full} away`, () => !there.has(full)),
    ask,
    fence: async () => void (await ask('get', `<ping xmlns='urn:xmpp:ping'/>`, host)),
    leave: () => client.close(),
  }
  if (presence !== null && !client.resumed) {
    client.send(presence)
    await self.sees(client.jid)
  }
  return self
}

function* itemsOf(stanza: string): Generator<[string, Contact]> {
  for (const [, head = '', inside = ''] of stanza.matchAll(/<item\b([^>]*?)(?:\/>|>(.*?)<\/item>)/gs)) {
    const element = `<item${head}>`
    const groups = [...inside.matchAll(/<group>(.*?)<\/group>/gs)].map(([, name = '']) => unescaped(name)).sort()
    const name = attribute(element, 'name') ?? ''
    yield [attribute(element, 'jid') ?? '', { subscription: attribute(element, 'subscription') ?? '', name, groups }]
  }
}
