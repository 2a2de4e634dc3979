// SPDX-License-Identifier: Apache-2.0
// What people and operators have transport-irc do: at the command line, by ad-hoc command, in a chat with the gateway; and what stays when the
// process or the network goes and comes again.
import assert from 'node:assert/strict'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import { type Inspircd, inspircdLack, startInspircd } from '../harness/inspircd.ts'
import { irc } from '../harness/irc-person.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { readJournal } from '../policy/stage.ts'
import { enter, GATEWAY, groupchat, type IrcPlace, like, NETWORK, openIrcPlace, plain, roomOf } from './place.ts'

describe('commands of transport-irc', { skip: serverLack() ?? inspircdLack() ?? slixmppLack() ?? false }, () => {
  let ircd: Inspircd
  let place: IrcPlace
  let alice: SlixmppClient
  const chat = async (client: SlixmppClient, words: string, wanted: string) => {
    await client.send(`<message xmlns='jabber:client' type='chat' to='${GATEWAY}'><body>${words}</body></message>`)
    return client.wait(like('message', `from="${GATEWAY}"`, wanted), 15)
  }

  /** A command in one or two steps, with its form filled in. */
  const run = async (client: SlixmppClient, name: string, values: Readonly<Record<string, string>> = {}) => {
    const node = `transport-irc-${name}`
    const first = await client.command(GATEWAY, node)
    if (first.refused !== undefined || first.status === 'completed') return first
    return client.command(GATEWAY, node, { action: 'complete', session: first.session, values })
  }
  /** What is on record of acts and looks, from the nth on: who, the command, with what; `denied` where it was. */
  const onRecord = async (from = 0) =>
    (await readJournal(join(place.world.folder, 'journals', 'transport-irc')))
      .map((fact) => fact as unknown as Record<string, unknown> & { who: { jid?: string; user?: string } })
      .filter(({ kind }) => kind === 'access')
      .slice(from)
      .map(({ who, command, query, denied }) => [
        who.jid ?? who.user,
        String(command).slice('transport-irc '.length),
        ...(denied === true ? ['denied'] : []),
        query,
      ])

  before(async () => {
    ircd = await startInspircd()
    place = await openIrcPlace({ networks: [plain(ircd)], settings: { limits: { networks: 1 } } })
    alice = await place.person('alice')
  })
  after(async () => {
    await place?.[Symbol.asyncDispose]()
    await ircd?.[Symbol.asyncDispose]()
  })

  it('the same command in a chat, as an ad-hoc command, and at the command line', async () => {
    await chat(alice, 'connect', 'state: up')
    assert.match(await chat(alice, 'connections', NETWORK), /nick: alice, state: up/)
    const commands = await alice.commands(GATEWAY)
    assert.ok('transport-irc-connections' in commands)
    assert.ok(!('transport-irc-raw' in commands), 'operators only')
    // Whose, only an operator is asked: she is told at once.
    const told = await alice.command(GATEWAY, 'transport-irc-connections')
    assert.equal(told.status, 'completed')
    assert.deepEqual(
      told.rows.map(({ network, nick, state }) => [network, nick, state]),
      [[NETWORK, 'alice', 'up']],
    )
    const [listed] = await place.ask('list')
    assert.deepEqual(
      [listed?.person, listed?.network, listed?.nick, listed?.state],
      ['alice@corp.example', NETWORK, 'alice', 'up'],
    )
    assert.match(await chat(alice, 'nonsense', 'not known here'), /help/)
  })

  it('gives the message of the day; what the network says besides comes from the address of the network', async () => {
    assert.match(await chat(alice, 'motd', 'Of the tests'), /Of the tests/)
    await using iris = await irc(ircd, 'iris')
    const fromNetwork = (words: string) =>
      alice.wait(like('message', `from="${NETWORK}@${GATEWAY}"`, 'type="headline"', words))
    iris.send('NOTICE alice :\x01VERSION of a strange program\x01')
    await fromNetwork('iris: VERSION of a strange')
    const person = 'alice@corp.example'
    await place.ask('raw', { line: 'MODE alice +g', person })
    iris.say('alice', 'anybody there?')
    await fromNetwork('is messaging you')
    await place.ask('raw', { line: 'MODE alice -g', person })
  })

  it('takes another nick, keeps a password sealed, makes a certificate, and shows none of them', async () => {
    await chat(alice, 'nick alma', 'nick: alma')
    await using iris = await irc(ircd, 'iris')
    await iris.ask('WHOIS alma', / 31[18] /)
    const form = await alice.command(GATEWAY, 'transport-irc-password')
    assert.equal(form.types.password, 'text-private')
    const told = await alice.command(GATEWAY, 'transport-irc-password', {
      action: 'next',
      session: form.session,
      values: { password: 'correct horse', account: 'alma' },
    })
    assert.deepEqual([told.values.account, told.values.password], ['alma', 'set'])
    const cert = await alice.command(GATEWAY, 'transport-irc-certificate', {})
    const made = await alice.command(GATEWAY, 'transport-irc-certificate', {
      action: 'complete',
      session: cert.session,
    })
    assert.match(String(made.values.fingerprint), /^[0-9a-f]{64}$/)
    const { filesWith } = await import('../harness/files-with.ts')
    assert.deepEqual(await filesWith(place.world.folder, 'correct horse'), [])
    await chat(alice, 'password --remove', 'account: -')
    await chat(alice, 'certificate --remove', 'fingerprint: -')
    await chat(alice, 'nick alice', 'nick: alice')
  })

  it('operators say a line, tell all, end connections and shut out; nobody else may, and it is on record', async () => {
    const otto = await place.person('otto')
    const before = (await onRecord()).length
    assert.match(await chat(alice, 'raw LUSERS', 'may not run'), /operator/)
    const raw = await place.ask('raw', { line: 'VERSION', person: 'alice@corp.example' })
    assert.ok(raw.some(({ line }) => / 351 /.test(String(line))))
    await chat(otto, 'announce "maintenance at noon"', 'people: 1')
    await alice.wait(like('message', `from="${GATEWAY}"`, 'maintenance at noon'))
    await chat(otto, 'ban alice@corp.example --reason spam', 'person: alice@corp.example')
    assert.deepEqual(await place.ask('list'), [])
    assert.deepEqual(
      (await place.ask('bans')).map(({ person, reason, by }) => [person, reason, by]),
      [['alice@corp.example', 'spam', 'otto@corp.example']],
    )
    await alice.send(
      `<presence xmlns='jabber:client' to='${roomOf('#banned')}/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    )
    await alice.wait(like('presence', 'type="error"', 'forbidden', 'may not use this gateway'))
    await place.ask('unban', { person: 'alice@corp.example' })
    await enter(alice, roomOf('#banned'), 'alice')
    assert.match(await chat(otto, 'stats', 'connections_up'), /connections_up, value: 1\b/)
    assert.deepEqual(await place.ask('end', { person: 'alice@corp.example' }), [
      { network: NETWORK, state: 'disconnected' },
    ])
    assert.deepEqual(await place.ask('list'), [])
    await chat(alice, 'connect', 'state: up')
    await chat(alice, 'networks', 'connected: 1')
    await chat(alice, 'disconnect', 'state: disconnected')
    await chat(alice, 'connections', 'no connection')
    await assert.rejects(place.ask('end', { person: 'bob@corp.example' }), /ended with 5/)
    await assert.rejects(place.ask('connections'), /ended with 2/, 'whose?')
    await assert.rejects(
      place.ask('connect', { network: 'irc.other.example', person: 'bob@corp.example' }),
      /ended with 2/,
    )
    const [me, person] = [userInfo().username, 'alice@corp.example']
    assert.deepEqual(await onRecord(before), [
      [person, 'raw', 'denied', { line: 'LUSERS' }],
      [me, 'raw', { person, network: NETWORK, line: 'VERSION' }],
      ['otto@corp.example', 'announce', { network: null, text: 'maintenance at noon' }],
      ['otto@corp.example', 'ban', { person, reason: 'spam' }],
      [me, 'list', {}],
      [me, 'bans', {}],
      [me, 'unban', { person }],
      [me, 'end', { person, network: null }],
      [me, 'list', {}],
      [me, 'end', { person: 'bob@corp.example', network: null }],
      [me, 'connect', { person: 'bob@corp.example', network: 'irc.other.example' }],
    ])
  })

  it('each is an ad-hoc command that runs to its end; those of operators are shown to nobody else and refused, which is on record', async () => {
    const otto = await place.person('otto')
    const before = (await onRecord()).length
    const person = 'alice@corp.example'
    const ran = new Set<string>()
    const done = async (client: SlixmppClient, name: string, values: Readonly<Record<string, string>> = {}) => {
      ran.add(`transport-irc-${name}`)
      const told = await run(client, name, values)
      const errors = told.notes?.filter(([type]) => type === 'error')
      assert.deepEqual([name, told.refused, told.status, errors], [name, undefined, 'completed', []])
      return told
    }
    const rows = async (client: SlixmppClient, name: string, values?: Readonly<Record<string, string>>) =>
      (await done(client, name, values)).rows
    const value = async (client: SlixmppClient, name: string, values?: Readonly<Record<string, string>>) =>
      (await done(client, name, values)).values
    assert.match((await rows(alice, 'connect'))[0]?.state ?? '', /^up$/)
    assert.equal((await rows(alice, 'networks'))[0]?.connected, '1')
    assert.equal((await rows(alice, 'connections'))[0]?.nick, 'alice')
    assert.ok((await rows(alice, 'motd')).some(({ text }) => text === 'Of the tests'))
    assert.equal((await value(alice, 'nick', { nick: 'adele' })).nick, 'adele')
    assert.equal((await value(alice, 'nick', { nick: 'alice' })).nick, 'alice')
    assert.equal((await value(alice, 'password', { password: 'wrong horse' })).password, 'set')
    assert.equal((await value(alice, 'password', { remove: '1' })).password, '-')
    assert.match(String((await value(alice, 'certificate')).fingerprint), /^[0-9a-f]{64}$/)
    assert.equal((await value(alice, 'certificate', { remove: '1' })).fingerprint, '-')
    const named = await rows(alice, 'settings', { name: 'Alice of the form' })
    assert.ok(named.some(({ what, value }) => what === 'name' && value === 'Alice of the form'))
    await rows(alice, 'settings', { reset: '1' })
    const stays = await rows(alice, 'room', { room: '#form', stay: 'yes' })
    assert.ok(stays.some(({ what, value }) => what === 'stay' && value === 'yes'))
    assert.equal((await value(alice, 'contact', { nick: 'iris' })).nick, 'iris')
    assert.deepEqual(
      (await rows(otto, 'list')).map(({ person: who, nick }) => [who, nick]),
      [[person, 'alice']],
    )
    assert.ok((await rows(otto, 'raw', { line: 'VERSION', person })).some(({ line }) => / 351 /.test(line ?? '')))
    assert.equal((await value(otto, 'announce', { text: 'by a form' })).people, '1')
    await alice.wait(like('message', `from="${GATEWAY}"`, 'by a form'))
    assert.equal((await rows(otto, 'end', { person, reason: 'enough' }))[0]?.state, 'disconnected')
    await rows(otto, 'connect', { person })
    assert.equal((await value(otto, 'ban', { person, reason: 'too loud' })).person, person)
    const denied = await run(alice, 'connect')
    assert.match(JSON.stringify(denied.notes), /error.*may not use this gateway/)
    assert.deepEqual(
      (await rows(otto, 'bans')).map(({ person: who, by, reason }) => [who, by, reason]),
      [[person, 'otto@corp.example', 'too loud']],
    )
    assert.equal((await value(otto, 'unban', { person })).person, person)
    assert.deepEqual(await rows(otto, 'registered'), [])
    assert.equal((await value(otto, 'account', { account: 'alicehome', person })).person, person)
    assert.equal((await rows(otto, 'accounts'))[0]?.account, 'alicehome')
    await value(otto, 'account', { account: 'alicehome', remove: '1' })
    assert.ok((await rows(otto, 'stats')).some(({ what }) => what === 'connections_up'))
    await rows(alice, 'connect')
    assert.equal((await rows(alice, 'disconnect'))[0]?.state, 'disconnected')

    const offered = Object.keys(await otto.commands(GATEWAY))
    // No server of Debian makes accounts by itself.
    assert.deepEqual([...ran, 'transport-irc-signup'].sort(), offered.sort())
    const hers = Object.keys(await alice.commands(GATEWAY))
    const operators = offered.filter((node) => !hers.includes(node))
    assert.deepEqual(operators.map((node) => node.slice('transport-irc-'.length)).sort(), [
      'account',
      'accounts',
      'announce',
      'ban',
      'bans',
      'end',
      'list',
      'raw',
      'registered',
      'stats',
      'unban',
    ])
    for (const node of operators) {
      const { refused } = await alice.command(GATEWAY, node, { values: { person: 'otto@corp.example' } })
      assert.equal(refused, 'auth forbidden', node)
    }
    // Nor for somebody else what is hers to do for herself.
    const others = await alice.command(GATEWAY, 'transport-irc-disconnect', { values: { person: 'otto@corp.example' } })
    assert.match(JSON.stringify(others), /Only an operator may do this/)
    const record = await onRecord(before)
    const of = (who: string) => record.filter(([jid]) => jid === who).map(([, command, ...rest]) => [command, ...rest])
    assert.deepEqual(of('otto@corp.example'), [
      ['list', {}],
      ['raw', { person, network: NETWORK, line: 'VERSION' }],
      ['announce', { network: null, text: 'by a form' }],
      ['end', { person, network: null }],
      ['connect', { person }],
      ['ban', { person, reason: 'too loud' }],
      ['bans', {}],
      ['unban', { person }],
      ['registered', {}],
      ['account', { network: NETWORK, account: 'alicehome', person }],
      ['accounts', {}],
      ['account', { network: NETWORK, account: 'alicehome', person: null }],
    ])
    assert.deepEqual(
      of(person)
        .filter(([, denied]) => denied === 'denied')
        .map(([command]) => command),
      operators.map((node) => node.slice('transport-irc-'.length)),
    )
    await chat(alice, 'connect', 'state: up')
  })

  it('operators do in a chat what they do by a form', async () => {
    const otto = await place.person('otto', 'phone')
    await chat(otto, 'list', 'person: alice@corp.example')
    await chat(otto, 'raw VERSION --person alice@corp.example', ' 351 ')
    await chat(otto, 'end alice@corp.example --reason enough', 'state: disconnected')
    await chat(otto, 'list', 'Nobody is connected')
    await chat(otto, 'bans', 'Done')
    await chat(alice, 'connect', 'state: up')
  })

  it('comes back to its rooms when the network was away, and refuses meanwhile what is said', async () => {
    const room = roomOf('#lasting')
    await enter(alice, room, 'alice')
    await using iris = await irc(ircd, 'iris')
    await iris.join('#lasting')
    const oper = await irc(ircd, 'root1')
    await oper.oper(ircd.oper)
    oper.send('KILL alice :for the test')
    await place.transport.logged(({ event }) => event === 'connection lost')
    await alice.send(groupchat(room, 'is anybody there', 'k1'))
    await oper.quit()
    // Refused with an error, or delivered: never lost.
    const fate = await alice.wait(/^<message(?=[^>]*id="k1")/, 20)
    await iris.next(/:alice!\S+ JOIN :?#lasting$/, 30)
    if (!/type="error"/.test(fate))
      assert.deepEqual(
        iris.heard('#lasting').map(([, text]) => text),
        ['is anybody there'],
      )
    await alice.wait(like('presence', `from="${room}/alice"`, 'role='))
    iris.say('#lasting', 'welcome back')
    await alice.wait(like('message', `from="${room}/iris"`, 'welcome back'), 20)
  })

  it('killed and started again it forgets nothing: who stays is in his room, and reads what was said before', async () => {
    const room = roomOf('#stays')
    await enter(alice, room, 'alice')
    await chat(alice, "room '#stays' --stay yes", 'value: yes')
    await chat(alice, 'connect', 'state: up')
    await using iris = await irc(ircd, 'iris2')
    await iris.join('#stays')
    iris.say('#stays', 'before the end')
    await alice.wait(like('message', `from="${room}/iris2"`, 'before the end'))
    place.transport.kill('SIGKILL')
    await place.transport.exited
    await iris.next(/:alice!\S+ QUIT/, 30)
    await place.start()
    await iris.next(/:alice!\S+ JOIN :?#stays$/, 30)
    await enter(alice, room, 'alice')
    await alice.wait(like('message', `from="${room}/iris2"`, 'before the end', '<delay'))
    await alice.send(groupchat(room, 'after the start', 's1'))
    await iris.next(/:alice!\S+ PRIVMSG #stays :after the start$/)
    assert.equal(iris.heard('#stays').length, 1)
  })
})
