// SPDX-License-Identifier: Apache-2.0
// IRC under the company's roof: an XMPP server with mod_gatehouse, policy, archive, transport-irc, InspIRCd with services. What crosses is asked
// about once, recorded once, and found by whoever said it.
import assert from 'node:assert/strict'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { openSnapshotWriter } from '../../components/kit/bus/file-snapshot.ts'
import type { SnapshotWriter } from '../../components/kit/bus/snapshot.ts'
import { writeItem } from '../../components/kit/facts/people.ts'
import type { Row } from '../harness/ask-command.ts'
import { filesWith } from '../harness/files-with.ts'
import { type Inspircd, inspircdLack, startInspircd } from '../harness/inspircd.ts'
import { type IrcPerson, irc } from '../harness/irc-person.ts'
import { SERVICES, type Services, servicesLack, startServices } from '../harness/irc-services.ts'
import { recorded } from '../harness/recorded.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { itemsOf } from '../policy/people.ts'
import {
  asks,
  enter,
  GATEWAY,
  groupchat,
  type IrcPlace,
  like,
  NETWORK,
  openIrcPlace,
  plain,
  refusedOrNot,
  roomOf,
} from '../transport-irc/place.ts'
import { onServers } from './servers.ts'

const ROOM = roomOf('#garden')
const RULES = `otherwise: allow
rules:
  - { id: no-secrets, when: { words: [secret] }, then: { refuse: { text: { en: Not this word. } } } }
  - { id: not-on-irc, when: { network: irc, words: [classified] }, then: refuse }
  - { id: crossed, when: { network: irc }, then: { tag: crossed } }`

const LACK = inspircdLack() ?? slixmppLack()
const NO_SERVICES = servicesLack()

onServers('a network under the roof', LACK, (server) => {
  let ircd: Inspircd
  let services: Services | null = null
  let place: IrcPlace
  let directory: SnapshotWriter
  let iris: IrcPerson
  const people = {} as Record<'alice' | 'bob', SlixmppClient>
  let nudges = 0

  before(async () => {
    ircd = await startInspircd({ services: SERVICES })
    services = NO_SERVICES === null ? await startServices(ircd) : null
    await services?.register('alicehome', 'pencil')
    place = await openIrcPlace({
      server,
      networks: [plain(ircd, { mechanisms: ['PLAIN'] })],
      rules: RULES,
      settings: { policy: { hold_max: '1 s' } },
      world: { archiveProcess: { lines: ['follow:', '  journals: [policy, transport-irc]'] } },
    })
    directory = await openSnapshotWriter(join(place.world.journal, '..', 'directory'))
    await directory.replace(
      itemsOf({
        'alice@corp.example': { groups: ['Staff'], name: 'Alice Meier' },
        'bob@corp.example': { groups: ['Staff'] },
      }).map(writeItem),
    )
    await place.world.policy?.logged(({ event }) => event === 'people in force')
    await place.transport.logged(({ event }) => event === 'policy answers')
    iris = await irc(ircd, 'iris')
    await iris.join('#garden')
    for (const name of ['alice', 'bob'] as const) {
      people[name] = await place.person(name)
      await enter(people[name], ROOM, name)
    }
  })
  after(async () => {
    await iris?.[Symbol.asyncDispose]()
    await directory?.[Symbol.asyncDispose]()
    await place?.[Symbol.asyncDispose]()
    await services?.[Symbol.asyncDispose]()
    await ircd?.[Symbol.asyncDispose]()
  })

  /** What makes helpers and transport say again how far they are. */
  const nudge = async () => {
    nudges += 1
    iris.say('#garden', `nudge ${nudges}`)
    await people.alice.send(`<message xmlns='jabber:client' to='alice@corp.example'><body>nudge</body></message>`)
  }
  const records = (words: string, ...settlements: string[]): Promise<Row[]> =>
    recorded(place.world, { words }, settlements, nudge)

  it('what one of ours says to another in a channel is asked about once and is one record', async () => {
    await people.alice.send(groupchat(ROOM, 'roses are red', 'r1'))
    await Promise.all([people.alice, people.bob].map((one) => one.wait(/<body>roses are red<\/body>/)))
    await iris.next(/PRIVMSG #garden :roses are red/)
    const [row] = await records('roses', 'released')
    assert.deepEqual([row?.host, row?.via, row?.direction, row?.network], ['corp.example', 'c2s', 'sent', null])
    assert.deepEqual(row?.tags, ['crossed'])
  })

  it('what somebody says there is asked about once, reaches both, and is one record with who it was', async () => {
    iris.say('#garden', 'violets are blue')
    const copies = await Promise.all(
      [people.alice, people.bob].map((one) => one.wait(/<body>violets are blue<\/body>/)),
    )
    for (const copy of copies) assert.match(copy, new RegExp(`from="${ROOM}/iris"`))
    const [row] = await records('violets', 'released')
    assert.deepEqual([row?.host, row?.via, row?.direction, row?.network], [GATEWAY, 'network', 'received', 'irc'])
    const foreign = (row?.foreign ?? {}) as { server?: string; nick?: string }
    assert.deepEqual([foreign.server, foreign.nick], [NETWORK, 'iris'])
    assert.deepEqual(row?.tags, ['crossed'])
    const both = await place.world.ask('archive search', { network: 'irc', words: 'are', reason: 'test' })
    assert.deepEqual(
      both.map(({ text, direction }) => [text, direction]),
      [
        ['violets are blue', 'received'],
        ['roses are red', 'sent'],
      ],
    )
    const found = await place.world.ask('archive search', {
      foreign: 'IRIS',
      network: 'irc',
      words: 'violets',
      reason: 'test',
    })
    assert.equal(found.length, 1)
  })

  it('what rules refuse does not leave, with an error to who said it; on IRC more is refused than elsewhere', async () => {
    await people.alice.send(groupchat(ROOM, 'a secret plan', 'r2'))
    assert.match(
      await people.alice.wait(like('message', 'id="r2"', 'type="error"')),
      /policy-violation.*Not this word/s,
    )
    await people.alice.send(groupchat(ROOM, 'classified', 'r3'))
    await people.alice.wait(like('message', 'id="r3"', 'type="error"', 'policy-violation'))
    await people.alice.send(
      `<message xmlns='jabber:client' type='chat' to='bob@corp.example' id='r4'><body>classified</body></message>`,
    )
    await people.bob.wait(/id="r4"/)
    await people.alice.send(groupchat(ROOM, 'after', 'r5'))
    await iris.next(/PRIVMSG #garden :after/)
    assert.ok(!iris.heard('#garden').some((line) => /secret|classified/.test(String(line))))
    await records('plan', 'refused')
  })

  it('what rules refuse does not come in either, and is on record', async () => {
    iris.say('#garden', 'a secret rumour')
    iris.say('alice', 'a secret aside')
    const note = 'A message from iris was refused by the company&apos;s rules.'
    for (const one of [people.alice, people.bob])
      await one.wait(like('message', `from="${ROOM}"`, 'type="groupchat"', note))
    await people.alice.wait(like('message', `from="iris%${NETWORK}@${GATEWAY}"`, 'type="headline"', note))
    iris.say('#garden', 'harmless gossip')
    await Promise.all([people.alice, people.bob].map((one) => one.wait(/harmless gossip/)))
    await people.alice.nothing(/secret rumour/)
    const [row] = await records('rumour', 'refused')
    assert.deepEqual([row?.rule, row?.network], ['no-secrets', 'irc'])
    await people.alice.nothing(/secret aside/)
    const [aside] = await records('aside', 'refused')
    assert.deepEqual([aside?.rule, aside?.to], ['no-secrets', 'alice@corp.example'])
  })

  // What the gateway does alone: one server is enough.
  const itOnce = (title: string, body: () => Promise<void>): void => {
    if (server === 'prosody') it(title, body)
  }

  itOnce('by setting nobody is told that something for him was refused; it is on record all the same', async () => {
    const { alice, bob } = people
    place.settings({ policy: { hold_max: '1 s', note_refused: false } })
    await place.transport.stop()
    for (const [name, one] of Object.entries(people))
      await one.wait(like('presence', `from="${ROOM}/${name}"`, 'type="unavailable"', 'code="110"', 'code="332"'))
    await place.start()
    await place.transport.logged(({ event }) => event === 'policy answers')
    await enter(alice, ROOM, 'alice')
    await enter(bob, ROOM, 'bob')
    // Under a nick of which nothing was noted before.
    iris.send('NICK irma')
    await alice.wait(like('presence', `from="${ROOM}/irma"`))
    iris.say('#garden', 'a secret whisper')
    iris.say('alice', 'a secret hint')
    iris.say('#garden', 'loud and clear')
    iris.say('alice', 'for you alone')
    for (const one of [alice, bob]) await one.wait(like('message', `from="${ROOM}/irma"`, 'loud and clear'))
    await alice.wait(like('message', `from="irma%${NETWORK}@${GATEWAY}"`, 'for you alone'))
    for (const one of [alice, bob]) await one.nothing(/message from irma|secret (?:whisper|hint)/)
    for (const words of ['whisper', 'hint']) assert.equal((await records(words, 'refused'))[0]?.rule, 'no-secrets')
    iris.send('NICK iris')
    await iris.fence()
  })

  it('a topic, and why somebody is away, are asked about too: once, on record, and only what may be read is shown', async () => {
    iris.send('TOPIC #garden :a classified garden', 'AWAY :a classified errand')
    await people.alice.wait(like('presence', `from="${ROOM}/iris"`, '<show>away</show>'))
    iris.send('AWAY', 'AWAY :picking tulips')
    for (const one of [people.alice, people.bob]) {
      await one.wait(like('presence', `from="${ROOM}/iris"`, '<show>away</show>', '<status>picking tulips</status>'))
      await one.nothing(/a classified (?:garden|errand)/)
    }
    iris.send('AWAY')
    for (const [words, outcome, rule] of [
      ['"classified garden"', 'refused', 'not-on-irc'],
      ['errand', 'refused', 'not-on-irc'],
      ['tulips', 'released', undefined],
    ] as const) {
      const rows = await records(words, outcome)
      assert.equal(rows[0]?.network, 'irc')
      if (rule !== undefined) assert.equal(rows[0]?.rule, rule)
    }
  })

  const kick = (nick: string, reason: string) =>
    `<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='${nick}' role='none'><reason>${reason}</reason></item></query>`

  it('a kick is asked about with its reason: refused, it is an error to who kicks and nothing on IRC; allowed, it gets there with the reason and is one record', async () => {
    await using vera = await irc(ircd, 'vera')
    await vera.join('#garden')
    await people.alice.wait(like('presence', `from="${ROOM}/vera"`))
    iris.send('MODE #garden +o alice')
    await people.alice.wait(like('presence', `from="${ROOM}/alice"`, 'role="moderator"'))
    const refused = await refusedOrNot(people.alice, 'set', ROOM, kick('vera', 'a secret grudge'))
    assert.match(refused, /type="error".*policy-violation.*Not this word/s)
    await asks(people.alice, 'set', ROOM, kick('vera', 'weeds in the bed'))
    await vera.next(/ KICK #garden vera :weeds in the bed$/)
    await people.bob.wait(like('presence', `from="${ROOM}/vera"`, 'code="307"', '<reason>weeds in the bed</reason>'))
    await vera.fence()
    assert.ok(![...iris.lines, ...vera.lines].some((line) => line.includes('grudge')))
    const [row] = await records('weeds', 'released')
    assert.deepEqual(
      [row?.host, row?.via, row?.direction, row?.what, row?.to],
      ['corp.example', 'c2s', 'sent', 'room-admin', ROOM],
    )
    assert.deepEqual(row?.tags, ['crossed'])
    const [not] = await records('grudge', 'refused')
    assert.equal(not?.rule, 'no-secrets')
  })

  it('a kick is asked about before the kicked one reads why; so is what WHOIS says of somebody: what may not be read is not shown, and on record', async () => {
    const { alice, bob } = people
    iris.send('AWAY :a classified errand elsewhere', 'KICK #garden bob :a classified quarrel')
    const told = await bob.wait(like('presence', 'type="unavailable"', 'code="110"'))
    assert.match(told, /code="307"/)
    assert.doesNotMatch(told, /quarrel/)
    await enter(bob, ROOM, 'bob')
    const card = await asks(alice, 'get', `${ROOM}/iris`, `<vCard xmlns='vcard-temp'/>`)
    assert.match(card, /<NICKNAME>iris<.NICKNAME>/)
    assert.doesNotMatch(card, /errand|inspircd/i)
    iris.send('AWAY')
    const [quarrel] = await records('quarrel', 'refused')
    assert.deepEqual([quarrel?.rule, quarrel?.network], ['not-on-irc', 'irc'])
    // Once that she is away, and once in the card.
    const whois = await records('"errand elsewhere"', 'refused', 'refused')
    assert.deepEqual(
      whois.map(({ element, to }) => [element, to]),
      [
        ['presence', `${NETWORK}@${GATEWAY}`],
        ['message', 'alice@corp.example'],
      ],
    )
  })

  it('forms and commands are asked about too; what only reads leaves no record', async () => {
    const { alice } = people
    const form = (values: string) => `<x xmlns='jabber:x:data' type='submit'>${values}</x>`
    const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`
    const configured = `<query xmlns='http://jabber.org/protocol/muc#owner'>${form(field('muc#roomconfig_roomsecret', 'secret'))}</query>`
    const commanded = `<command xmlns='http://jabber.org/protocol/commands' node='transport-irc-nick' action='execute'>${form(field('network', NETWORK) + field('nick', 'secret'))}</command>`
    for (const [to, payload] of [
      [ROOM, configured],
      [GATEWAY, commanded],
    ] as const)
      assert.match(await refusedOrNot(alice, 'set', to, payload), /type="error".*policy-violation.*Not this word/s)
    await alice.send(`<presence xmlns='jabber:client' to='${ROOM}/secret'/>`)
    await alice.wait(like('presence', 'type="error"', 'not-allowed'))
    await asks(
      alice,
      'get',
      ROOM,
      `<query xmlns='http://jabber.org/protocol/muc#admin'><item role='moderator'/></query>`,
    )
    await asks(alice, 'get', ROOM, `<query xmlns='http://jabber.org/protocol/disco#info'/>`)
    await asks(alice, 'set', ROOM, `<query xmlns='urn:xmpp:mam:2'/>`)
    const { session } = await alice.command(GATEWAY, 'transport-irc-password')
    const values = { password: 'wormwood-in-vain', account: 'absinthe' }
    const told = await alice.command(GATEWAY, 'transport-irc-password', { action: 'next', session, values })
    assert.equal(told.status, 'completed')
    await alice.send(groupchat(ROOM, 'behind what only reads', 'r7'))
    await records('"behind what only reads"', 'released')
    const rows = await place.world.ask('archive search', { person: 'alice@corp.example', limit: 1_000, reason: 'test' })
    // Two kicks, a form, a command that was refused, one in two steps.
    assert.equal(rows.filter(({ element }) => element === 'iq').length, 6)
    // What she logs in with there is not on record; that she set it is.
    await records('absinthe', 'released')
    await records('wormwood')
    for (const folder of ['state', 'journals'])
      assert.deepEqual(filesWith(join(place.world.folder, folder), 'wormwood-in-vain'), [])
    assert.ok(!iris.lines.some((line) => /secret/.test(line)))
  })

  it('what is encrypted is refused with the reason', async () => {
    const omemo = "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>"
    await people.alice.send(groupchat(ROOM, 'fallback text', 'r6', omemo))
    assert.match(await people.alice.wait(like('message', 'id="r6"', 'type="error"')), /not-acceptable.*[Ee]ncrypt/s)
    await iris.fence()
    assert.ok(!iris.heard('#garden').some((line) => /fallback/.test(String(line))))
  })

  it('what somebody of ours says under an account of hers is found by her name, once it is known whose it is', {
    skip: NO_SERVICES ?? false,
  }, async () => {
    await using home = await irc(ircd, 'al-at-home')
    home.send('PRIVMSG NickServ :IDENTIFY alicehome pencil')
    await home.next(/ 900 |NOTICE .*identified/u)
    await place.ask('account', { account: 'alicehome', person: 'alice@corp.example', network: NETWORK })
    await home.join('#garden')
    // Policy follows the table: until it has it, the record names nobody.
    for (let tries = 0; ; tries++) {
      home.say('#garden', `from my garden ${tries}`)
      await people.bob.wait(new RegExp(`from my garden ${tries}`))
      const [row] = await records(`"from my garden ${tries}"`, 'released')
      if (row?.from_person !== null) break
      assert.ok(tries < 20, 'the table never came')
    }
    const found = await place.world.ask('archive search', {
      person: 'Alice Meier',
      words: 'garden',
      network: 'irc',
      reason: 'test',
    })
    assert.ok(found.length > 0)
    const { foreign, from_person } = (found[0] ?? {}) as {
      foreign?: { account: string }
      from_person?: { name: string }
    }
    assert.equal(foreign?.account, 'alicehome')
    assert.equal(from_person?.name, 'Alice Meier')
  })

  it('who registers logs in there with his account, which is then known to be his, sees his contacts, and is away when he is', {
    skip: NO_SERVICES ?? false,
  }, async () => {
    await services?.register('carolhome', 'crayon-in-the-box')
    const carol = await place.person('carol')
    const query = (inside: string) => `<query xmlns='jabber:iq:register'>${inside}</query>`
    const login = '<nick>caro</nick><username>carolhome</username><password>crayon-in-the-box</password>'
    await asks(carol, 'set', GATEWAY, query(login))
    await carol.wait(like('presence', 'type="subscribe"', `from="${GATEWAY}"`))
    await carol.send(`<presence xmlns='jabber:client' to='${GATEWAY}'/>`)
    for (let tries = 0; ; tries++) {
      const [one] = await place
        .ask('accounts', { network: NETWORK })
        .then((rows) => rows.filter(({ by }) => by === 'person'))
      if (one !== undefined) {
        assert.deepEqual([one.account, one.person], ['carolhome', 'carol@corp.example'])
        break
      }
      assert.ok(tries < 200, 'her account was never known')
      await iris.fence()
    }
    const contact = `iris%${NETWORK}@${GATEWAY}`
    await carol.send(`<presence xmlns='jabber:client' type='subscribe' to='${contact}'/>`)
    await carol.wait(new RegExp(`^<presence(?![^>]*type=)[^>]*from="${contact}/irc"`))
    // One to one, both ways.
    await carol.send(
      `<message xmlns='jabber:client' type='chat' to='${contact}' id='c1'><body>a word with you</body><request xmlns='urn:xmpp:receipts'/></message>`,
    )
    await iris.next(/^:caro!\S+ PRIVMSG iris :a word with you/)
    await carol.wait(like('message', 'urn:xmpp:receipts', 'id="c1"'))
    iris.say('caro', 'any time, dear')
    await carol.wait(like('message', 'any time, dear', `from="${contact}"`))
    const [row] = await records('dear', 'released')
    assert.deepEqual([row?.via, row?.to, row?.network], ['network', 'carol@corp.example', 'irc'])
    await records('"a word with you"', 'released')
    await carol.send(
      `<presence xmlns='jabber:client' to='${GATEWAY}'><show>away</show><status>at tea</status></presence>`,
    )
    for (let tries = 0; ; tries++) {
      const lines = await iris.ask('WHOIS caro', / 318 /)
      if (lines.some((line) => / 301 .*at tea/.test(line))) break
      assert.ok(tries < 5_000, 'the network never knew')
    }
    // What she logs in with stands nowhere on the disk as it is.
    for (const folder of ['state', 'journals'])
      assert.deepEqual(filesWith(join(place.world.folder, folder), 'crayon-in-the-box'), [])
    // That she registered is on record, without it.
    await records('carolhome', 'released')
    await records('crayon')
    await asks(carol, 'set', GATEWAY, query('<remove/>'))
    await carol.wait(like('presence', 'type="unavailable"', `from="${contact}"`))
    assert.deepEqual(
      (await place.ask('accounts')).filter(({ by }) => by === 'person'),
      [],
    )
  })

  itOnce(
    'who of the operators looked at connections, or ended one, stands in the archive beside who looked at records',
    async () => {
      await place.ask('list')
      await place.ask('end', { person: 'bob@corp.example', reason: 'weeding' })
      await people.bob.wait(like('presence', `from="${ROOM}/bob"`, 'type="unavailable"', 'code="110"', 'weeding'))
      await enter(people.bob, ROOM, 'bob')
      const user = userInfo().username
      for (let tries = 0; ; tries++) {
        const looks = await place.world.ask('archive access', { limit: 50 })
        const acts = looks.filter(({ command }) => /^transport-irc (?:list|end)$/.test(String(command)))
        if (acts.length === 2) {
          assert.deepEqual(
            acts.map((one) => [one.user, one.command]),
            [
              [user, 'transport-irc end'],
              [user, 'transport-irc list'],
            ],
          )
          assert.match(JSON.stringify(acts[0]?.query), /bob@corp\.example/)
          break
        }
        assert.ok(tries < 200, `never there: ${JSON.stringify(looks.slice(0, 5))}`)
        await iris.fence()
      }
    },
  )

  it('while policy is away nothing comes in; what is said afterwards does, and the record says what was withheld', async () => {
    const { world } = place
    world.policy?.kill('SIGKILL')
    await world.policy?.exited
    iris.say('#garden', 'said into the void')
    await place.transport.logged(({ event }) => /^policy does not answer/.test(String(event)))
    assert.deepEqual(filesWith(world.folder, 'takes no questions'), [])
    const bounced = await refusedOrNot(people.alice, 'set', ROOM, kick('iris', 'while nobody is asked'))
    assert.match(bounced, /type="error".*resource-constraint/s)
    await world.startPolicy()
    await place.transport.logged(({ event, at }) => event === 'policy answers' && Date.parse(String(at)) > 0)
    for (let tries = 0; ; tries++) {
      iris.say('#garden', `back again ${tries}`)
      const heard = await people.bob.wait(/back again/, 3).catch(() => null)
      if (heard !== null) break
      assert.ok(tries < 10, 'nothing comes in any more')
    }
    await people.bob.nothing(/void/)
  })
})
