// SPDX-License-Identifier: Apache-2.0
// People beside rooms, XEP-0100: registration, contacts, one to one, accounts. The network is made up, the server is not there.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { openSnapshotReader } from '../../../components/kit/bus/file-snapshot-reader.ts'
import { readAccount } from '../../../components/kit/facts/accounts.ts'
import { createCatalogue, KIT_TEXTS } from '../../../components/kit/text/catalogue.ts'
import { lookOf } from '../../../components/kit/text/look.ts'
import type { Answer, Question } from '../../../components/kit/transport/asker/question.ts'
import { type ForeignMessage, type Login, NetworkFault } from '../../../components/kit/transport/network.ts'
import type { Keep, LoginChange, PersonLogins } from '../../../components/kit/transport/people/keep.ts'
import { openPeople, type People, type PeopleOptions } from '../../../components/kit/transport/people/people.ts'
import type { Grants, MessageOnBehalf } from '../../../components/kit/xep/privilege.ts'
import type { Element } from '../../../components/kit/xml/element.ts'
import { parse } from '../../../components/kit/xml/parse.ts'
import type { RosterChange } from '../../../components/kit/xmpp/roster.ts'
import { StanzaError } from '../../../components/kit/xmpp/stanza-error.ts'
import { MadeUpNet } from './made-up.ts'
import { calm, GATEWAY, NETWORK, type Stand, type StandOptions, stand } from './stand.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-people-'))
after(() => rmSync(folder, { recursive: true }))
let folders = 0

const ALICE = 'alice@corp.example'
const DESK = `${ALICE}/desk`
const BOB = `bob%${NETWORK}@${GATEWAY}`
const text = createCatalogue([KIT_TEXTS])
const register = (inside = '') => `<query xmlns='jabber:iq:register'>${inside}</query>`

type Kept = Map<string, unknown>

function keepIn(kept: Kept): Keep {
  return {
    read: <T>(kind: string, name: string) => (kept.get(`${kind} ${name}`) as T | undefined) ?? null,
    list: <T>(kind: string) =>
      [...kept].flatMap(([key, body]) =>
        key.startsWith(`${kind} `) ? [{ name: key.slice(kind.length + 1), body: body as T }] : [],
      ),
    async set(kind, name, body) {
      if (body === null) kept.delete(`${kind} ${name}`)
      else kept.set(`${kind} ${name}`, JSON.parse(JSON.stringify(body)))
    },
  }
}

function loginsIn(kept: Kept, hasKey: boolean): PersonLogins {
  const read = (owner: string, network: string) => kept.get(`login ${owner} ${network}`) as LoginChange | undefined
  return {
    async set(owner, network, change) {
      if (change.secret != null && !hasKey) return 'no-key'
      const all = { ...read(owner, network), ...change }
      const left = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
      if (Object.keys(left).length === 0) kept.delete(`login ${owner} ${network}`)
      else kept.set(`login ${owner} ${network}`, left)
      return 'kept'
    },
    async shown(owner, network) {
      const { nick = null, account = null, name = null, secret } = read(owner, network) ?? {}
      return { nick, account, name, hasSecret: secret !== undefined }
    },
    login(owner, network) {
      const kept = read(owner, network)
      return kept === undefined ? null : ({ nick: owner.split('@')[0] ?? '', ...kept } as Login)
    },
  }
}

type Options = StandOptions & {
  kept?: Kept
  hasKey?: boolean
  more?: Partial<PeopleOptions>
  grants?: Grants['roster']
}

async function open(options: Options = {}) {
  const kept: Kept = options.kept ?? new Map()
  const net = options.net ?? new MadeUpNet(options)
  const rosters: { account: string; change: RosterChange }[] = []
  const accounts = join(folder, `accounts-${++folders}`)
  let people: People | undefined
  const at: Stand = await stand({
    ...options,
    net,
    people: (sessions, awayTexts, words) => {
      people = openPeople({
        domain: GATEWAY,
        network: net,
        networks: [NETWORK],
        keep: keepIn(kept),
        logins: loginsIn(kept, options.hasKey ?? true),
        mayUse: (owner) => (owner.endsWith('@corp.example') ? null : 'not one of us'),
        sessions,
        awayTexts,
        words,
        asker: {
          ask: (question) =>
            (
              options.asker ?? { ask: async ({ stanza }) => ({ action: 'deliver', stanza, replaced: false }) as const }
            ).ask(question),
        },
        inRooms: () => false,
        bookmarks: () => false,
        keeps: () => false,
        privileges: () =>
          options.grants === undefined
            ? null
            : {
                grants: () => ({
                  version: 2,
                  roster: options.grants as Grants['roster'],
                  message: false,
                  presence: 'none',
                  iq: new Map(),
                }),
                sendMessage: () => '',
                request: () => Promise.reject(new StanzaError('auth', 'forbidden')),
                setRosterItem: async (account, change) => void rosters.push({ account, change }),
              },
        request: () => Promise.reject(new StanzaError('cancel', 'service-unavailable')),
        send: (xml) => at.transportSend(xml),
        text,
        log: {
          info() {},
          warn() {},
          error: (event, fields) => void at.errors.push(`${event} ${String(fields?.error)}`),
        },
        now: () => Date.now(),
        noteRefused: true,
        linksAsFiles: true,
        accounts,
        ...options.more,
      })
      return people
    },
  })
  if (people === undefined) throw new Error('nobody opened the people')
  return { at, net, kept, rosters, people, accounts, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() }
}

type Opened = Awaited<ReturnType<typeof open>>

const isResult = (iq: Element) => assert.equal(iq.attrs.type, 'result', String(iq))
const conditionOf = (iq: Element) => iq.getChild('error')?.getChildElements()[0]?.getName()

async function registered({ at }: Opened, inside = '<nick>ali</nick>'): Promise<void> {
  isResult(await at.ask(DESK, GATEWAY, 'set', register(inside)))
}

const comesOnline = ({ at }: Opened, inside = '') =>
  at.send(`<presence from='${DESK}' to='${GATEWAY}'>${inside}</presence>`)

it('the gateway names its networks, from where their rooms are found, to who may use it', async () => {
  await using one = await open()
  const items = async (from: string) =>
    String(await one.at.ask(from, GATEWAY, 'get', "<query xmlns='http://jabber.org/protocol/disco#items'/>"))
  assert.ok((await items(DESK)).includes(`${NETWORK}@${GATEWAY}`))
  assert.ok(!(await items('eve@elsewhere.example/desk')).includes(NETWORK))
})

describe('registration', () => {
  it('shows a form, filled in with what is known and never with the password', async () => {
    await using one = await open()
    const before = await one.at.ask(DESK, GATEWAY, 'get', register())
    isResult(before)
    assert.equal(before.getChild('query')?.getChild('registered'), undefined)
    assert.ok(before.getChild('query')?.getChild('x', 'jabber:x:data'))
    await registered(one, '<nick>ali</nick><username>alice_</username><password>pass word</password>')
    const query = (await one.at.ask(DESK, GATEWAY, 'get', register())).getChild('query') ?? assert.fail()
    assert.ok(query.getChild('registered'))
    assert.deepEqual([query.getChildText('nick'), query.getChildText('username')], ['ali', 'alice_'])
    assert.ok(!String(query).includes('pass word'))
  })

  it('takes a data form too, and then asks to see the person', async () => {
    await using one = await open()
    const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`
    const form = `<x xmlns='jabber:x:data' type='submit'>${field('FORM_TYPE', 'jabber:iq:register')}${field('nick', 'ali')}${field('password', 'pencil')}${field('username', 'alice_')}</x>`
    await registered(one, form)
    assert.equal((one.kept.get(`login ${ALICE} ${NETWORK}`) as LoginChange).secret, 'pencil')
    await one.at.heard(ALICE, /type='subscribe'/)
    await registered(one, '<nick>alia</nick>')
    await calm(one.at)
    assert.ok(!one.at.unread(ALICE).some((xml) => xml.includes("type='subscribe'")), 'asked once')
    assert.deepEqual(one.kept.get(`login ${ALICE} ${NETWORK}`), { nick: 'alia', secret: 'pencil', account: 'alice_' })
  })

  it('refuses who may not, a name that cannot be, and a password where there is no key', async () => {
    await using one = await open({ hasKey: false })
    assert.equal(conditionOf(await one.at.ask('eve@else.example/x', GATEWAY, 'get', register())), 'forbidden')
    assert.equal(
      conditionOf(await one.at.ask('eve@else.example/x', GATEWAY, 'set', register('<nick>e</nick>'))),
      'forbidden',
    )
    assert.equal(conditionOf(await one.at.ask(DESK, GATEWAY, 'set', register('<nick>7 of 9</nick>'))), 'not-acceptable')
    assert.equal(
      conditionOf(await one.at.ask(DESK, GATEWAY, 'set', register('<password>x</password>'))),
      'not-acceptable',
    )
    assert.equal(
      conditionOf(await one.at.ask(DESK, GATEWAY, 'set', register('<remove/><nick>x</nick>'))),
      'bad-request',
    )
    assert.equal(one.kept.size, 0)
  })

  it('is left with everything that belongs to it', async () => {
    await using one = await open({ grants: { get: true, set: true, push: false } })
    one.net.accounts.set('ali', 'alice_')
    await registered(one, '<nick>ali</nick><username>alice_</username><password>pencil</password>')
    comesOnline(one)
    one.at.send(`<presence type='subscribe' from='${ALICE}' to='${BOB}'/>`)
    await one.at.heard(ALICE, /type='subscribed'/)
    await calm(one.at)
    await one.people.identities.settled()
    assert.equal(one.people.identities.personOf(NETWORK, 'alice_'), ALICE)
    one.at.unread(ALICE)
    isResult(await one.at.ask(DESK, GATEWAY, 'set', register('<remove/>')))
    const told = one.at.unread(ALICE)
    for (const from of [BOB, GATEWAY])
      for (const type of ['unsubscribe', 'unsubscribed', 'unavailable'])
        assert.ok(
          told.some((xml) => xml.includes(`type='${type}'`) && xml.includes(`from='${from}'`)),
          `${type} ${from}`,
        )
    assert.deepEqual(
      one.rosters.map(({ change }) => change),
      [BOB, GATEWAY].map((jid) => ({ jid, subscription: 'remove' })),
    )
    assert.equal(one.kept.size, 0)
    assert.equal(one.at.transport.sessions.of(ALICE, NETWORK), null)
    assert.equal(conditionOf(await one.at.ask(DESK, GATEWAY, 'set', register('<remove/>'))), 'registration-required')
  })
})

describe('the gateway itself', () => {
  it('answers subscriptions and probes of who is registered, and of nobody else', async () => {
    await using one = await open()
    one.at.send(`<presence type='subscribe' from='${ALICE}' to='${GATEWAY}'/>`)
    assert.match(await one.at.heard(ALICE, /type='error'/), /registration-required/)
    await registered(one)
    one.at.unread(ALICE)
    one.at.send(`<presence type='subscribe' from='${ALICE}' to='${GATEWAY}'/>`)
    await one.at.heard(ALICE, /type='subscribed'/)
    await one.at.heard(ALICE, /^<presence from='[^']*' to='[^']*'>/)
    one.at.send(`<presence type='probe' from='${DESK}' to='${GATEWAY}'/>`)
    await one.at.heard(DESK, /^<presence from='[^']*' to='[^']*'>/)
  })

  it('says at the start that it is there and asks who is, and at the end that it is not', async () => {
    await using one = await open()
    await registered(one)
    one.at.unread(ALICE)
    one.people.up()
    assert.deepEqual(
      one.at.unread(ALICE).map((xml) => /type='(\w+)'/.exec(xml)?.[1] ?? 'available'),
      ['available', 'probe'],
    )
    one.people.stop()
    assert.match(await one.at.heard(ALICE, /unavailable/), new RegExp(`from='${GATEWAY}'`))
  })

  it('connects who comes online, tells the network when he is away, and ends it when he goes', async () => {
    await using one = await open()
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    const session = one.at.transport.sessions.of(ALICE, NETWORK)
    assert.equal(session?.isUp, true)
    assert.equal(session?.nick, 'ali')
    comesOnline(one, '<show>away</show><status>at lunch</status>')
    comesOnline(one, '<show>xa</show><status>at lunch</status>')
    comesOnline(one)
    await calm(one.at)
    assert.deepEqual(
      one.net.done.filter((done) => done.includes('away')),
      ['ali away at lunch', 'ali away null'],
    )
    one.at.send(`<presence type='unavailable' from='${DESK}' to='${GATEWAY}'/>`)
    await calm(one.at)
    assert.equal(one.at.transport.sessions.of(ALICE, NETWORK), null)
  })

  it('tells at once that the connection is gone, and why in the words of the network when they may be read and it still is', async () => {
    const answers = new Map<string, PromiseWithResolvers<Answer>>()
    const asker = {
      async ask({ stanza }: Question): Promise<Answer> {
        const words = /headline.*<body>([^<]*)/.exec(stanza)?.[1]
        if (words === undefined) return { action: 'deliver', stanza, replaced: false }
        const answer = Promise.withResolvers<Answer>()
        answers.set(words, answer)
        return await answer.promise
      },
      occupant() {},
    }
    const allow = (words: string) =>
      answers.get(words)?.resolve({ action: 'deliver', stanza: `<body>${words}</body>`, replaced: false })
    await using one = await open({ asker })
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    const [session] = one.net.sessions
    const told = () => one.at.unread(ALICE).flatMap((xml) => /<status>([^<]*)</.exec(xml)?.[1] ?? [])
    for (const words of ['we close', 'poison', 'late']) {
      one.at.unread(ALICE)
      session?.cut(Date.now() + 60_000, words)
      await calm(one.at)
      const [first = '', ...more] = told()
      assert.deepEqual([first.includes(words), more], [false, []], first)
      if (words === 'late') session?.connect()
      if (words === 'poison') answers.get(words)?.resolve({ action: 'refuse', why: 'outage' })
      else allow(words)
      await calm(one.at)
      assert.deepEqual(told(), words === 'we close' ? [`${first} we close`] : [])
      session?.connect()
      await calm(one.at)
    }
  })

  it('says nothing more of a connection once it has said that it is gone itself', async () => {
    const answer = Promise.withResolvers<Answer>()
    const asker = {
      ask: ({ stanza }: Question): Promise<Answer> =>
        stanza.includes('we close')
          ? answer.promise
          : Promise.resolve({ action: 'deliver', stanza, replaced: false } as const),
      occupant() {},
    }
    await using one = await open({ asker })
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    one.net.sessions[0]?.cut(Date.now() + 60_000, 'we close')
    one.people.stop()
    await one.at.heard(ALICE, /type='unavailable'/)
    one.at.unread(ALICE)
    answer.resolve({ action: 'deliver', stanza: '<body>we close</body>', replaced: false })
    one.net.sessions[0]?.connect()
    one.net.sessions[0]?.cut(Date.now() + 60_000, 'once more')
    await calm(one.at)
    assert.deepEqual(
      one.at.unread(ALICE).filter((xml) => xml.startsWith('<presence')),
      [],
    )
  })

  it('makes an address of a name (jabber:iq:gateway)', async () => {
    await using one = await open()
    const prompt = await one.at.ask(DESK, NETWORK_ADDRESS, 'get', "<query xmlns='jabber:iq:gateway'/>")
    assert.ok(prompt.getChild('query')?.getChildText('prompt'))
    const ask = (name: string) =>
      one.at.ask(DESK, NETWORK_ADDRESS, 'set', `<query xmlns='jabber:iq:gateway'><prompt>${name}</prompt></query>`)
    assert.equal((await ask('bob')).getChild('query')?.getChildText('jid'), BOB)
    assert.equal(conditionOf(await ask('7 of 9')), 'not-acceptable')
  })
})

const NETWORK_ADDRESS = `${NETWORK}@${GATEWAY}`

describe('contacts', () => {
  it('are watched as long as they are contacts, and shown as the network says', async () => {
    await using one = await open()
    one.at.send(`<presence type='subscribe' from='${ALICE}' to='${BOB}'/>`)
    assert.match(await one.at.heard(ALICE, /type='error'/), /registration-required/)
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    one.at.send(`<presence type='subscribe' from='${ALICE}' to='${BOB}'/>`)
    await one.at.heard(ALICE, new RegExp(`type='subscribed'|from='${BOB}'.*type='subscribed'`))
    assert.ok(one.net.done.includes('ali watches bob'))
    const [session] = one.net.sessions
    session?.tell((events) => events.presence('Bob', { online: true }))
    await one.at.heard(ALICE, new RegExp(`^<presence from='${BOB}/made-up' to='[^']*'></presence>`))
    // After a restart of the server, which told clients nothing of who is here before we were back.
    one.people.up()
    await one.at.heard(ALICE, new RegExp(`^<presence from='${BOB}/made-up' to='[^']*'></presence>`))
    // What a client asks of who is there, by the address under which he is there.
    isResult(await one.at.ask(DESK, `${BOB}/made-up`, 'get', "<query xmlns='http://jabber.org/protocol/disco#info'/>"))
    session?.tell((events) => events.presence('bob', { online: true, away: 'tea' }))
    assert.match(await one.at.heard(ALICE, /<show>away/), /<status>tea</)
    session?.tell((events) => events.presence('eve', { online: true }))
    session?.cut()
    await one.at.heard(ALICE, new RegExp(`from='${BOB}/made-up'.*unavailable`))
    assert.ok(!one.at.sent.some((xml) => xml.includes(`eve%${NETWORK}`)))
    session?.connect()
    assert.equal(one.net.done.filter((done) => done === 'ali watches bob').length, 2)
    one.at.send(`<presence type='unsubscribe' from='${ALICE}' to='${BOB}'/>`)
    await one.at.heard(ALICE, /type='unsubscribed'/)
    assert.ok(one.net.done.includes('ali watches bob no more'))
  })

  it('are shown absent at once, and why only when the rules let it be read; that is asked about once for all who have them', async () => {
    const asked: string[] = []
    await using one = await open({
      asker: {
        async ask({ stanza }) {
          asked.push(stanza)
          if (!stanza.includes('poison')) return { action: 'deliver', stanza, replaced: false }
          return { action: 'refuse', why: 'policy', rule: 'r', condition: 'policy-violation', text: {} }
        },
        occupant() {},
      },
    })
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    one.at.send(`<presence type='subscribe' from='${ALICE}' to='${BOB}'/>`)
    await one.at.heard(ALICE, /type='subscribed'/)
    await calm(one.at)
    one.at.unread(ALICE)
    const [session] = one.net.sessions
    const isAway = (away: string) => session?.tell((events) => events.presence('bob', { online: true, away }))
    isAway('poison')
    await calm(one.at)
    const told = one.at.unread(ALICE)
    assert.deepEqual([told.length, told.filter((xml) => xml.includes('<show>away</show></presence>')).length], [1, 1])
    isAway('tea')
    await one.at.heard(ALICE, /<show>away<.*<status>tea</)
    one.at.send(`<presence type='probe' from='${DESK}' to='${BOB}'/>`)
    await one.at.heard(DESK, /<status>tea</)
    assert.deepEqual(
      asked.map((stanza) => /<status>(.*)<\/status>/.exec(stanza)?.[1]),
      ['poison', 'tea'],
    )
    assert.match(asked[0] ?? '', new RegExp(`from='${BOB}' to='${NETWORK_ADDRESS}'`))
    assert.ok(!one.at.sent.some((xml) => xml.includes('poison')))
  })

  it('that cannot be kept, because the disk is full or there are too many, are refused, and nothing ends with it', async () => {
    const kept: Kept = new Map()
    const keep = keepIn(kept)
    let isFull = true
    const set: Keep['set'] = (kind, name, body) =>
      kind === 'contact' && isFull ? Promise.reject(new Error('the disk is full')) : keep.set(kind, name, body)
    await using one = await open({ kept, more: { keep: { ...keep, set } } })
    await registered(one)
    const subscribe = (to = BOB) => one.at.send(`<presence type='subscribe' from='${ALICE}' to='${to}'/>`)
    subscribe()
    await one.at.heard(ALICE, /type='error'.*internal-server-error/)
    isFull = false
    subscribe()
    await one.at.heard(ALICE, /type='subscribed'/)
    assert.ok(kept.has(`contact ${ALICE} ${NETWORK} bob`))
    for (let n = 1; n < 1_000; n++) await one.people.addContact(ALICE, NETWORK, `b${n}`)
    subscribe(BOB.replace('bob', 'bert'))
    await one.at.heard(ALICE, /type='error'.*resource-constraint/)
  })

  it('are still there after a restart', async () => {
    const kept: Kept = new Map()
    {
      await using one = await open({ kept })
      await registered(one)
      one.at.send(`<presence type='subscribe' from='${ALICE}' to='${BOB}'/>`)
      await one.at.heard(ALICE, /type='subscribed'/)
    }
    await using one = await open({ kept })
    comesOnline(one)
    await calm(one.at)
    assert.ok(one.net.done.includes('ali watches bob'))
  })

  it('go into the roster where the server grants it, to a client that takes them, or are asked for', async () => {
    const granted = { get: true, set: true, push: false }
    {
      await using one = await open({ grants: granted })
      await registered(one)
      assert.equal(await one.people.addContact(ALICE, NETWORK, 'bob'), 'roster')
      assert.deepEqual(one.rosters, [
        { account: ALICE, change: { jid: BOB, name: 'bob', groups: [NETWORK], subscription: 'both' } },
      ])
    }
    const info = {
      query:
        "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='http://jabber.org/protocol/rosterx'/></query>",
    }
    {
      const request = async () => parse(`<iq xmlns='jabber:component:accept'>${info.query}</iq>`)
      await using one = await open({ more: { request } })
      await registered(one)
      comesOnline(one)
      assert.equal(await one.people.addContact(ALICE, NETWORK, 'bob'), 'exchange')
      assert.match(await one.at.heard(DESK, /rosterx/), new RegExp(`action='add' jid='${BOB}'`))
    }
    await using one = await open()
    await registered(one)
    one.at.unread(ALICE)
    assert.equal(await one.people.addContact(ALICE, NETWORK, 'bob'), 'subscribe')
    assert.match(await one.at.heard(ALICE, /type='subscribe'/), new RegExp(`from='${BOB}'`))
  })
})

const TEA = `#tea%${NETWORK}@${GATEWAY}`
/** A server that lets us write, with what stands at her account: room -> item. */
async function writing({
  wanted = () => true,
  kept = new Map(),
  own = new Map(),
  refuses = '',
  net = new MadeUpNet(),
}: {
  wanted?: PeopleOptions['bookmarks']
  kept?: Kept
  own?: Map<string, string>
  refuses?: '' | StanzaError['condition']
  net?: MadeUpNet
} = {}) {
  const onBehalf: MessageOnBehalf[] = []
  const asked: string[] = []
  const both = { get: true, set: true }
  const grants: Grants = {
    version: 2,
    roster: { get: false, set: false, push: false },
    message: false,
    presence: 'none',
    iq: new Map([['http://jabber.org/protocol/pubsub', both]]),
  }
  const privileges: PeopleOptions['privileges'] = () => ({
    grants: () => grants,
    setRosterItem: async () => {},
    sendMessage: (message) => `sent${onBehalf.push(message)}`,
    async request({ as, to, type, payload }) {
      assert.deepEqual([as, to], [ALICE, ALICE])
      asked.push(payload.xml.replace(/^<pubsub [^>]*><(\w+) .*$/, `${type} $1`))
      if (refuses !== '') throw new StanzaError('cancel', refuses)
      const id = /<item id='([^']+)'/.exec(payload.xml)?.[1] ?? ''
      if (payload.xml.includes('<publish ')) own.set(id, payload.xml)
      if (payload.xml.includes('<retract ')) own.delete(id)
      if (type === 'get' && !own.has(id)) throw new StanzaError('cancel', 'item-not-found')
      const item = /<item .*<\/item>/.exec(own.get(id) ?? '')?.[0] ?? `<item id='${id}'/>`
      const items = type === 'set' ? '' : `<items node='n'>${item}</items>`
      return parse(`<iq xmlns='jabber:client'><pubsub xmlns='http://jabber.org/protocol/pubsub'>${items}</pubsub></iq>`)
    },
  })
  const one = await open({ kept, net, more: { privileges, bookmarks: wanted } })
  await registered(one)
  return { ...one, own, asked, onBehalf }
}

describe('bookmarks', () => {
  it('a room that is entered becomes one, once; thrown away it stays away; left for good it goes', async () => {
    const kept: Kept = new Map()
    const own = new Map<string, string>()
    {
      await using one = await writing({ kept, own })
      await one.at.enter(DESK, '#tea', 'ali')
      await one.at.enter(`${ALICE}/phone`, '#tea', 'ali')
      await calm(one.at)
      assert.deepEqual(one.asked, ['get items', 'set publish'])
      assert.match(
        own.get(TEA) ?? '',
        /<publish node='urn:xmpp:bookmarks:1'><item id='[^']+'><conference xmlns='urn:xmpp:bookmarks:1' name='#tea' autojoin='true'><nick>ali<\/nick><\/conference>.*whitelist/,
      )
      own.clear()
    }
    await using one = await writing({ kept, own })
    await one.at.enter(DESK, '#tea', 'ali')
    await calm(one.at)
    assert.deepEqual([...own], [])
    await one.at.enter(DESK, '#cake', 'ali')
    await calm(one.at)
    assert.equal(own.size, 1)
    await one.at.transport.leave(ALICE, NETWORK, '#cake', '')
    await calm(one.at)
    assert.deepEqual([...own], [])
    // Who comes again after that gets one again.
    await one.at.enter(DESK, '#cake', 'ali')
    await calm(one.at)
    assert.equal(own.size, 1)
    await one.at.ask(DESK, GATEWAY, 'set', register('<remove/>'))
    assert.deepEqual([...own], [])
  })

  it('that somebody has made himself are left as they are', async () => {
    const own = new Map([[TEA, 'of her own']])
    await using one = await writing({ own })
    await one.at.enter(DESK, '#tea', 'ali')
    await calm(one.at)
    await one.at.transport.leave(ALICE, NETWORK, '#tea', '')
    await calm(one.at)
    assert.deepEqual([[...own], one.asked], [[[TEA, 'of her own']], ['get items']])
  })

  it('are made where they are wanted and granted alone; what the server refuses is logged, and tried again', async () => {
    await using unwanted = await writing({ wanted: () => false })
    await unwanted.at.enter(DESK, '#tea', 'ali')
    await using refused = await writing({ refuses: 'internal-server-error' })
    await refused.at.enter(DESK, '#tea', 'ali')
    await refused.at.enter(DESK, '#tea', 'ali')
    await calm(refused.at)
    assert.deepEqual([unwanted.asked, refused.asked], [[], ['get items', 'get items']])
    await using none = await open({ more: { bookmarks: () => true } })
    await registered(none)
    await none.at.enter(DESK, '#tea', 'ali')
    assert.deepEqual(none.at.errors, [])
  })
})

describe('what is read', () => {
  const marker = (id: string) => `<displayed xmlns='urn:xmpp:chat-markers:0' id='${id}'/>`
  const idOf = (xml: string) => /<stanza-id [^>]*id='([^']+)'/.exec(xml)?.[1] ?? ''
  /** In a room and beside it, on a network that keeps it; what the newest item at her account says. */
  async function reading(net = new MadeUpNet()) {
    net.keepsRead = true
    const one = await writing({ wanted: () => false, net })
    comesOnline(one)
    await one.at.enter(DESK, '#tea', 'ali')
    net.comes('#tea', 'otto')
    const says = async (body: string, at: number) => {
      net.says('#tea', 'otto', body, { at })
      return await one.at.heard(DESK, new RegExp(`<body>${body}`))
    }
    const tell = (target: { room: string } | { person: string }, at: number) => {
      net.sessions[0]?.tell((events) => events.read(target, at))
      return calm(one.at)
    }
    return { ...one, says, tell, item: () => /<stanza-id [^>]*id='([^']+)'/.exec(one.own.get(TEA) ?? '')?.[1] }
  }

  it('in a room goes to the network by the room’s id, as the time of that message', async () => {
    await using one = await reading()
    const first = await one.says('one', 1_000)
    assert.match(first, /<markable xmlns='urn:xmpp:chat-markers:0'\/>/)
    for (const id of [idOf(first), 'unknown'])
      one.at.send(`<message type='groupchat' from='${DESK}' to='${TEA}'>${marker(id)}</message>`)
    await calm(one.at)
    assert.deepEqual(
      one.net.done.filter((done) => done.includes('has read')),
      ['ali has read #tea up to 1000'],
    )
    assert.ok(!one.at.sent.some((xml) => xml.includes(marker(idOf(first)))), 'nobody else is told')
  })

  it('elsewhere in a room is kept among what is hers (XEP-0490), and only goes forward', async () => {
    await using one = await reading()
    const [first, second] = [await one.says('one', 1_000), await one.says('two', 2_000)]
    await one.tell({ room: '#tea' }, 500)
    assert.equal(one.item(), undefined, 'nothing is that old')
    await one.tell({ room: '#tea' }, 1_999)
    assert.equal(one.item(), idOf(first))
    assert.match(one.own.get(TEA) ?? '', new RegExp(`node='urn:xmpp:mds:displayed:0'.*by='${TEA}'.*whitelist`))
    await one.tell({ room: '#tea' }, 2_000)
    assert.equal(one.item(), idOf(second))
    await one.tell({ room: '#tea' }, 1_000)
    assert.equal(one.item(), idOf(second))
  })

  it('one to one goes both ways; elsewhere it is a marker of hers', async () => {
    await using one = await reading()
    const { onBehalf } = one
    one.net.sessions[0]?.tell((events) => events.message({ id: 'n1', nick: 'bob', body: 'hello', at: 3_000 }))
    const hello = await one.at.heard(ALICE, /hello/)
    assert.match(hello, /<markable/)
    await one.tell({ person: 'bob' }, 2_999)
    assert.deepEqual(onBehalf, [])
    await one.tell({ person: 'BOB' }, 3_000)
    await one.tell({ person: 'bob' }, 4_000)
    const id = / id='([^']+)'/.exec(hello)?.[1] ?? ''
    assert.deepEqual(
      onBehalf.map(({ from, to, payload }) => [from, to, payload]),
      [[ALICE, BOB, marker(id)]],
    )
    one.at.send(`<message type='chat' from='${DESK}' to='${BOB}'>${marker(id)}</message>`)
    await calm(one.at)
    assert.ok(one.net.done.includes('ali has read bob up to 3000'))
  })

  it('says nothing where the network keeps no such', async () => {
    await using one = await open()
    await registered(one)
    await one.at.enter(DESK, '#tea', 'ali')
    one.net.comes('#tea', 'otto')
    one.net.says('#tea', 'otto', 'one')
    assert.doesNotMatch(await one.at.heard(DESK, /<body>one/), /markable/)
  })
})

describe('names that look alike', () => {
  const careful = /Careful: [^<]*/
  /** The room with ali (ours), whose colleague Rita has an account there. */
  async function among(more: Options = {}) {
    const one = await open(more)
    await registered(one)
    await one.people.identities.set(NETWORK, 'rita', 'r.mueller@corp.example')
    await one.at.enter(DESK, '#tea', 'ali')
    const says = async (nick: string, more: Partial<ForeignMessage> = {}) => {
      one.net.comes('#tea', nick)
      for (const body of ['first', 'second']) {
        one.net.says('#tea', nick, `${nick} ${body}`, more)
        await one.at.heard(DESK, new RegExp(`${body}</body>`))
      }
      // What reads the table takes longer than a turn.
      await lookOf('\u0430')
      await calm(one.at)
      return one.at.unread(DESK).flatMap((xml) => careful.exec(xml) ?? [])
    }
    return { ...one, says }
  }
  const ours = (nick: string, other: string) => [
    `Careful: “${nick}” is not “${other}”, who is a colleague. The names look alike.`,
  ]

  it('are told of in the room, once: as one of ours, as a colleague who is not there, as somebody else', async () => {
    await using one = await among()
    assert.deepEqual(await one.says('otto'), [])
    assert.deepEqual(await one.says('Oscar'), [])
    assert.deepEqual(await one.says('a1i'), ours('a1i', 'ali'))
    assert.deepEqual(await one.says('\u0430li'), ours('\u0430li', 'ali'), 'a Cyrillic а')
    assert.deepEqual(await one.says('rlta'), [])
    assert.deepEqual(await one.says('r\u0456ta'), ours('r\u0456ta', 'r.mueller@corp.example'), 'a Ukrainian і')
    assert.deepEqual(await one.says('0tto'), ['Careful: “0tto” and “otto” are two people. Their names look alike.'])
    assert.deepEqual(one.at.errors, [])
  })

  it('and the name itself, where the network does not say that it is that person', async () => {
    await using one = await among()
    assert.deepEqual(await one.says('Rita'), [
      'Careful: “Rita” bears a name of your colleague r.mueller@corp.example, and is not logged in there as that person. It may be somebody else.',
    ])
    await using proven = await among()
    assert.deepEqual(await proven.says('rita', { account: 'Rita' }), [])
    assert.deepEqual(await proven.says('r1ta', { account: 'rita' }), [], 'he may call himself what he likes')
    const net = new MadeUpNet()
    net.tellsAccounts = false
    await using silent = await among({ net })
    assert.deepEqual(await silent.says('rita'), [], 'nobody can be logged in')
  })

  it('one to one are told of before what is said', async () => {
    await using one = await among()
    one.at.send(`<presence type='subscribe' from='${ALICE}' to='${BOB}'/>`)
    await one.at.heard(ALICE, /type='subscribed'/)
    one.at.unread(ALICE)
    const says = async (nick: string) => {
      one.net.sessions[0]?.tell((events) => events.message({ id: null, nick, body: 'hello', at: null }))
      await one.at.heard(ALICE, /<body>hello/)
      return one.at.unread(ALICE).flatMap((xml) => careful.exec(xml) ?? [])
    }
    assert.deepEqual(await says('bob'), [])
    assert.deepEqual(await says('b0b'), ['Careful: “b0b” and “bob” are two people. Their names look alike.'])
    assert.deepEqual(await says('b0b'), [])
  })
})

describe('one to one', () => {
  const says = ({ at }: Opened, body: string, more = '', id = 'm1') =>
    at.send(`<message type='chat' id='${id}' from='${DESK}' to='${BOB}'><body>${body}</body>${more}</message>`)

  it('goes to the network in order, and is confirmed when the network repeats it', async () => {
    await using one = await open()
    await registered(one)
    says(one, 'one', "<request xmlns='urn:xmpp:receipts'/>")
    says(one, 'two', '', 'm2')
    assert.match(await one.at.heard(DESK, /urn:xmpp:receipts/), /received xmlns='urn:xmpp:receipts' id='m1'/)
    await calm(one.at)
    assert.deepEqual(
      one.net.done.filter((done) => done.includes(' to bob')),
      ['ali to bob: one', 'ali to bob: two'],
    )
    assert.deepEqual(one.at.asked, [], 'what our people send their own server asks about')
  })

  it('has what the network itself says come from the network, once he is in', async () => {
    await using one = await open()
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    one.net.sessions[0]?.tell((events) => events.said('the server restarts at noon', 'info'))
    const told = await one.at.heard(ALICE, /restarts/)
    assert.match(told, new RegExp(`^<message from='${NETWORK_ADDRESS}' to='${ALICE}' type='headline'`))
  })

  it('comes in the order in which it was said, from the first line of somebody new on', async () => {
    await using one = await open()
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    const [session] = one.net.sessions
    for (const body of ['first', 'second', 'third'])
      session?.tell((events) => events.message({ id: body, nick: 'bob', body, at: null }))
    await one.at.heard(ALICE, /<body>third</)
    const bodies = one.at.sent.flatMap((xml) => /<body>(first|second|third)</.exec(xml)?.[1] ?? [])
    assert.deepEqual(bodies, ['first', 'second', 'third'])
  })

  it('that the network kept is told once, with when it was said and before what is said now, over losses and restarts', async () => {
    const kept: Kept = new Map()
    const asked: string[] = []
    const asker = {
      ask: async ({ stanza }: { stanza: string }) => {
        if (!stanza.includes(`type='headline'`)) asked.push(stanza)
        return { action: 'deliver', stanza, replaced: false } as const
      },
      occupant() {},
    }
    const bodies = ({ at }: Opened) => at.sent.flatMap((xml) => /<body>(kept \d|now|own)</.exec(xml)?.[1] ?? [])
    const hour = 3_600_000
    const start = Date.now() - 10 * hour
    const tells = ({ net }: Opened, hours: number, body: string, more: Partial<ForeignMessage> = {}) =>
      net.sessions
        .at(-1)
        ?.tell((events) => events.message({ id: body, nick: 'bob', body, at: start + hours * hour, ...more }))
    {
      await using one = await open({ kept, asker })
      await registered(one)
      comesOnline(one)
      await calm(one.at)
      tells(one, 1, 'kept 1', { kept: true })
      tells(one, 3, 'kept 3', { kept: true, nick: 'carl' })
      tells(one, 2, 'kept 2', { kept: true })
      tells(one, 2, 'kept 2', { kept: true })
      tells(one, 4, 'now')
      await calm(one.at)
      assert.deepEqual(bodies(one), ['kept 1', 'kept 3', 'kept 2', 'now'])
      const stamp = new Date(start + 2 * hour).toISOString()
      assert.match(
        one.at.sent.find((xml) => xml.includes('>kept 2<')) ?? '',
        new RegExp(`<delay xmlns='urn:xmpp:delay' stamp='${stamp}'/>`),
      )
      one.net.sessions[0]?.cut()
      one.net.sessions[0]?.connect()
      tells(one, 2, 'kept 2', { kept: true })
      tells(one, 4, 'now', { kept: true })
      tells(one, 5, 'kept 5', { kept: true })
      await calm(one.at)
      assert.deepEqual(bodies(one), ['kept 1', 'kept 3', 'kept 2', 'now', 'kept 5'])
      assert.equal(asked.length, 5)
      await one.people.settled()
    }
    await using again = await open({ kept, asker })
    comesOnline(again)
    await calm(again.at)
    tells(again, 5, 'kept 5', { kept: true })
    tells(again, 2, 'kept 2')
    tells(again, 6, 'kept 6', { kept: true })
    await calm(again.at)
    assert.deepEqual(bodies(again), ['kept 6'])
  })

  it('that the network kept and nobody was told yet when all ends is told by the network again', async () => {
    const kept: Kept = new Map()
    const answer = Promise.withResolvers<void>()
    const asker = (waits: boolean) => ({
      ask: async ({ stanza }: { stanza: string }) => {
        if (waits && stanza.includes('kept 2')) await answer.promise
        return { action: 'deliver', stanza, replaced: false } as const
      },
      occupant() {},
    })
    const bodies = ({ at }: Opened) => at.sent.flatMap((xml) => /<body>(kept \d)</.exec(xml)?.[1] ?? [])
    const start = Date.now() - 36_000_000
    const plays = async (one: Opened): Promise<void> => {
      if (one.net.sessions.length === 0) comesOnline(one)
      await calm(one.at)
      for (const hours of [1, 2, 3]) {
        const said = {
          id: `kept ${hours}`,
          nick: 'bob',
          body: `kept ${hours}`,
          at: start + hours * 3_600_000,
          kept: true,
        } as const
        one.net.sessions.at(-1)?.tell((events) => events.message(said))
      }
      await calm(one.at)
    }
    {
      await using one = await open({ kept, asker: asker(true) })
      await registered(one)
      await plays(one)
      // Who is still told is not told anew after a loss.
      one.net.sessions[0]?.cut()
      one.net.sessions[0]?.connect()
      await plays(one)
      assert.deepEqual(bodies(one), ['kept 1'])
      await one.people.settled()
    }
    await using again = await open({ kept, asker: asker(false) })
    await plays(again)
    assert.deepEqual(bodies(again), ['kept 2', 'kept 3'])
    answer.resolve()
    await again.people.settled()
    again.net.sessions[0]?.cut()
    again.net.sessions[0]?.connect()
    await plays(again)
    assert.deepEqual(bodies(again), ['kept 2', 'kept 3'])
  })

  it('is not confirmed where nobody repeats it', async () => {
    await using one = await open({ echo: false })
    await registered(one)
    says(one, 'one', "<request xmlns='urn:xmpp:receipts'/>")
    await calm(one.at)
    assert.ok(one.net.done.includes('ali to bob: one'))
    assert.ok(!one.at.sent.some((xml) => xml.includes('<received')))
  })

  it('fails with an error to the sender: what the network refuses, what is encrypted, who may not', async () => {
    await using one = await open()
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    one.net.refusal = { what: 'say', reason: 'no-such-person' }
    says(one, 'anybody?')
    assert.match(await one.at.heard(DESK, /type='error'/), /item-not-found/)
    says(one, 'fallback', "<encrypted xmlns='eu.siacs.conversations.axolotl'/>")
    assert.match(await one.at.heard(DESK, /type='error'/), /not-acceptable.*Encrypted messages cannot be read/)
    one.at.send(`<message type='chat' id='x' from='eve@else.example/x' to='${BOB}'><body>hi</body></message>`)
    assert.match(await one.at.heard('eve@else.example/x', /type='error'/), /forbidden/)
    assert.ok(!one.net.done.some((done) => done.includes('fallback')))
  })

  it('to a network that is gone for good fails for each message at once, not one behind the question about the other', async () => {
    const answer = Promise.withResolvers<Answer>()
    let asked = 0
    const asker = {
      async ask({ stanza }: Question): Promise<Answer> {
        if (!stanza.includes('go away')) return { action: 'deliver', stanza, replaced: false }
        asked++
        return await answer.promise
      },
      occupant() {},
    }
    await using one = await open({ asker })
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    one.net.sessions[0]?.cut(null, 'go away')
    for (const said of ['one', 'two', 'three']) says(one, said, '', said)
    await calm(one.at)
    answer.resolve({ action: 'refuse', why: 'outage' })
    await calm(one.at)
    const errors = one.at.unread(DESK).filter((xml) => /^<message type='error'/.test(xml))
    assert.deepEqual(
      errors.map((xml) => / id='([^']*)'/.exec(xml)?.[1]),
      ['one', 'two', 'three'],
    )
    assert.equal(asked, 1)
  })

  it('that waits behind another when all ends is refused; nobody connects once more for it', async () => {
    const one = await open()
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    const [session] = one.net.sessions
    const waits = Promise.withResolvers<never>()
    if (session !== undefined) session.say = () => waits.promise
    for (const said of ['one', 'two', 'three']) says(one, said, '', said)
    await calm(one.at)
    const draining = one[Symbol.asyncDispose]()
    await calm(one.at)
    waits.reject(new NetworkFault('down', ''))
    await draining
    await calm(one.at)
    const errors = one.at.unread(DESK).filter((xml) => /^<message type='error'/.test(xml))
    assert.equal(one.net.sessions.length, 1)
    assert.deepEqual(
      errors.map((xml) => / id='([^']*)'/.exec(xml)?.[1]),
      ['one', 'two', 'three'],
    )
  })

  describe('what he said at another program of his network', () => {
    const said = { id: 'n1', nick: 'ali', body: 'from my phone', at: null, elsewhere: true } as const
    /** A server that grants messages, as `version` says them. */
    async function granted(version: 1 | 2, asker: StandOptions['asker'] = undefined) {
      const onBehalf: MessageOnBehalf[] = []
      const grants: Grants = {
        version,
        roster: { get: false, set: false, push: false },
        message: true,
        presence: 'none',
        iq: new Map(),
      }
      const privileges: PeopleOptions['privileges'] = () => ({
        grants: () => grants,
        request: () => Promise.reject(new StanzaError('auth', 'forbidden')),
        setRosterItem: async () => {},
        sendMessage: (message) => `sent${onBehalf.push(message)}`,
      })
      const one = await open({ more: { privileges }, ...(asker === undefined ? {} : { asker }) })
      await registered(one)
      comesOnline(one)
      await calm(one.at)
      const reflect = (to = 'bob', message: ForeignMessage = said) => {
        one.net.sessions[0]?.tell((events) => events.reflected(to, message))
        return calm(one.at)
      }
      return { ...one, onBehalf, reflect }
    }

    it('is shown to his clients as his own, once, and does not go to the network again', async () => {
      await using one = await granted(2)
      await one.reflect()
      const [message] = one.onBehalf
      assert.deepEqual([one.onBehalf.length, message?.from, message?.to, message?.type], [1, ALICE, BOB, 'chat'])
      assert.match(message?.payload ?? '', /^<body>from my phone<\/body>/)
      // The server hands it to whom it is addressed.
      one.at.send(
        `<message type='chat' id='${message?.id}' from='${ALICE}' to='${BOB}'><body>from my phone</body></message>`,
      )
      // Nobody says anything by way of its id.
      one.at.send(`<message type='chat' id='${message?.id}' from='${DESK}' to='${BOB}'><body>me too</body></message>`)
      await calm(one.at)
      assert.deepEqual(
        one.net.done.filter((done) => done.includes(' to bob')),
        ['ali to bob: me too'],
      )
      assert.deepEqual([one.people.talk.counts.reflected, one.people.talk.counts.out], [1, 1])
    })

    it('is a carbon to each of his clients where the server makes none', async () => {
      await using one = await granted(1)
      await one.reflect()
      assert.deepEqual(
        one.onBehalf.map(({ from, to }) => [from, to]),
        [[ALICE, DESK]],
      )
      const carbon = new RegExp(
        `^<sent xmlns='urn:xmpp:carbons:2'><forwarded [^>]*><message [^>]*from='${ALICE}' to='${BOB}' type='chat' id='[^']+'><body>from my phone`,
      )
      assert.match(one.onBehalf[0]?.payload ?? '', carbon)
    })

    it('is asked about as everything that comes from there, and not shown where it is refused', async () => {
      const asked: string[] = []
      await using one = await granted(2, {
        occupant() {},
        async ask({ stanza, foreign }) {
          asked.push(`${foreign.nick}: ${stanza}`)
          return { action: 'refuse', why: 'policy', rule: 'r', condition: 'policy-violation', text: {} }
        },
      })
      await one.reflect()
      assert.match(asked.join(), new RegExp(`^ali: <message [^>]*from='${ALICE}' to='${BOB}'`))
      assert.deepEqual([one.onBehalf.length, one.people.talk.counts.refused], [0, 1])
    })

    it('is not shown, and counted, where the server grants nothing', async () => {
      await using one = await open()
      await registered(one)
      comesOnline(one)
      await calm(one.at)
      one.net.sessions[0]?.tell((events) => events.reflected('bob', said))
      await calm(one.at)
      assert.equal(one.people.talk.counts.unreflected, 1)
      assert.ok(!one.at.sent.some((xml) => xml.includes('from my phone')))
    })
  })

  it('that he is typing goes both ways', async () => {
    await using one = await open()
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    one.at.send(
      `<message type='chat' from='${DESK}' to='${BOB}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    )
    await calm(one.at)
    assert.ok(one.net.done.includes('ali typing active bob'))
    one.net.sessions[0]?.tell((events) => events.typing('bob', 'active'))
    assert.match(await one.at.heard(ALICE, /<composing/), new RegExp(`from='${BOB}'`))
  })

  it('what comes in is asked about first, with who said it; a refused one is noted without its words', async () => {
    const asker: NonNullable<StandOptions['asker']> = {
      ask: async ({ stanza }) =>
        stanza.includes('secret')
          ? { action: 'refuse', why: 'policy', rule: 'r', condition: 'policy-violation', text: {} }
          : stanza.includes('nightingale')
            ? { action: 'deliver', stanza: stanza.replace('nightingale', '***'), replaced: true }
            : stanza.includes('lost')
              ? { action: 'refuse', why: 'outage' }
              : { action: 'deliver', stanza, replaced: false },
      occupant() {},
    }
    const asked: unknown[] = []
    await using one = await open({
      asker: {
        ...asker,
        ask(question) {
          asked.push(question.foreign)
          return asker.ask(question)
        },
      },
    })
    await registered(one)
    comesOnline(one)
    await calm(one.at)
    const tell = (body: string) =>
      one.net.sessions[0]?.tell((events) =>
        events.message({ id: body, nick: 'bob', account: 'bob_', identity: 'bob!b@h', body, at: null }),
      )
    for (const body of ['hello', 'a secret', 'a nightingale', 'lost']) tell(body)
    assert.match(await one.at.heard(ALICE, /<body>hello</), new RegExp(`from='${BOB}'`))
    const note = await one.at.heard(ALICE, /type='headline'/)
    assert.ok(!note.includes('secret') && note.includes('bob'))
    await one.at.heard(ALICE, /a \*\*\*/)
    await calm(one.at)
    assert.ok(!one.at.sent.some((xml) => /secret|lost|nightingale/.test(xml)))
    assert.deepEqual(
      asked,
      Array.from({ length: 4 }, () => ({ nick: 'bob', account: 'bob_', identity: 'bob!b@h' })),
    )
    assert.deepEqual(one.people.talk.counts, {
      in: 2,
      out: 0,
      reflected: 0,
      unreflected: 0,
      refused: 1,
      withheld: 1,
      failed: 0,
    })
  })
})

describe('accounts', () => {
  const published = async (path: string) => {
    await using reader = openSnapshotReader(path)
    for await (const step of reader.follow(null, { signal: AbortSignal.timeout(5_000) }))
      if (step.kind === 'batch') return step.put.map((item) => readAccount(item))
      else if (step.kind === 'commit') return []
    return []
  }

  it('of who logged in with one are published as his, and are gone when he leaves', async () => {
    await using one = await open()
    one.net.accounts.set('ali', 'alice_')
    await registered(one, '<nick>ali</nick><username>alice_</username><password>pencil</password>')
    comesOnline(one)
    await calm(one.at)
    await one.people.identities.settled()
    const [account] = await published(one.accounts)
    assert.deepEqual(
      { ...account, at: '' },
      {
        kind: 'network-account',
        network: 'made-up',
        server: NETWORK,
        account: 'alice_',
        jid: ALICE,
        by: 'person',
        at: '',
      },
    )
    isResult(await one.at.ask(DESK, GATEWAY, 'set', register('<remove/>')))
    await one.people.identities.settled()
    assert.deepEqual(await published(one.accounts), [])
  })

  it('that somebody merely claims are nobody’s: the network has to say so', async () => {
    await using one = await open()
    await registered(one, '<nick>ali</nick><username>bobs-account</username><password>guessed</password>')
    comesOnline(one)
    await calm(one.at)
    await one.people.identities.settled()
    assert.deepEqual(one.people.identities.all(), [])
  })

  it('are so many of one person: a network that vouches for ever new ones makes the oldest forgotten', async () => {
    await using one = await open()
    const { identities } = one.people
    await identities.set(NETWORK, 'given', ALICE)
    await identities.proved(BOB, NETWORK, 'bobs')
    for (let n = 0; n < 120; n += 1) await identities.proved(ALICE, NETWORK, `a${n}`)
    assert.deepEqual([identities.all().length, identities.personOf(NETWORK, 'given')], [102, ALICE])
    assert.deepEqual(
      ['bobs', 'a0', 'a19', 'a20', 'a119'].map((account) => identities.personOf(NETWORK, account)),
      [BOB, null, null, ALICE, ALICE],
    )
  })

  it('that an operator gave stay his, whoever logs in', async () => {
    await using one = await open()
    one.net.accounts.set('ali', 'shared')
    await one.people.identities.set(NETWORK, 'Shared', 'carol@corp.example')
    await registered(one, '<nick>ali</nick><username>shared</username><password>pencil</password>')
    comesOnline(one)
    await calm(one.at)
    assert.equal(one.people.identities.personOf(NETWORK, 'shared'), 'carol@corp.example')
    await one.people.identities.set(NETWORK, 'shared', null)
    assert.equal(one.people.identities.personOf(NETWORK, 'shared'), null)
  })
})
