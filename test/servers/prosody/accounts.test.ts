// SPDX-License-Identifier: Apache-2.0
// What the helper tells of accounts: that one was made, met or removed, and which one logs in; also where another process did it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { GUESTS, guestLogin, loginMark, logins, markOf, told } from '../both/accounts.ts'
import { HOST, soon } from '../both/house.ts'
import { type Gated, gate, openGated } from './gated.ts'

const BOB = `bob@${HOST}`
const REGISTRATION = {
  settings: { modules: ['register_ibr'], global: ['allow_registration = true', 'registration_throttle_max = 100'] },
}

/** prosodyctl in a process of its own, which the running server knows nothing of (unlike `deluser` of Prosody 13, which asks the server). */
async function control(gated: Gated, ...args: string[]): Promise<void> {
  await promisify(execFile)('prosodyctl', ['--config', gated.prosody.configFile, ...args])
}

/** XEP-0077, before login. */
async function register(port: number, user: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const header = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${HOST}' version='1.0'>`
  const fields = `<username>${user}</username><password>secret</password>`
  let come = ''
  socket.write(header)
  for await (const chunk of socket) {
    const before = come
    come += chunk
    if (/<\/stream:features>/.test(come) && !/<\/stream:features>/.test(before))
      socket.write(`<iq type='set' id='r'><query xmlns='jabber:iq:register'>${fields}</query></iq>`)
    if (/<iq[^>]*type='(?:result|error)'[^>]*>/.test(come)) break
  }
  assert.match(come, /<iq[^>]*type='result'/)
}

describe('the mark of an account', () => {
  it('is the same at each login, and another for each account', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    const first = await loginMark(gated, screen, 'alice', 'one')
    assert.equal(await loginMark(gated, screen, 'alice', 'two'), first)
    assert.notEqual(await loginMark(gated, screen, 'bob', 'one'), first)
    assert.match(await gated.shell(`module:reload("gatehouse", "${HOST}")`), /OK/)
    assert.equal(await loginMark(gated, screen, 'alice', 'three'), first)
    assert.deepEqual(told(screen), [])
  })

  it('goes with the account that the server removes, which is told; the next one by that name has another', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    const first = await loginMark(gated, screen, 'bob', 'one')
    assert.match(await gated.shell(`user:delete("${BOB}")`), /OK/)
    await soon(screen.saw(/<account [^>]*event='removed'/), 'the removal')
    assert.match(
      told(screen)[0] ?? '',
      new RegExp(`^<account jid='${BOB}' event='removed' id='${first}' at='[^']+Z'/>$`),
    )
    assert.match(await gated.shell(`user:create("${BOB}", "secret")`), /OK/)
    assert.notEqual(await loginMark(gated, screen, 'bob', 'two'), first)
  })

  it('is another one after a process of its own has removed the account and made it anew', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    const first = await loginMark(gated, screen, 'carol', 'one')
    await control(gated, 'unregister', 'carol', HOST)
    await control(gated, 'register', 'carol', HOST, 'secret')
    assert.notEqual(await loginMark(gated, screen, 'carol', 'two'), first)
    assert.deepEqual(told(screen), [], 'nobody told the server')
  })

  it('of one that was made in silence is told with the first message for it, as of when that was held', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    const first = await loginMark(gated, screen, 'bob', 'one')
    await control(gated, 'unregister', 'bob', HOST)
    await control(gated, 'register', 'bob', HOST, 'secret')
    const alice = await gated.login('alice')
    // The one before is still logged in: the server does not know that the account has gone.
    assert.match(await gated.shell(`c2s:close("${BOB}")`), /OK/)
    alice.say(BOB, 'for the new one')
    await soon(screen.saw(/<account [^>]*event='seen'/), 'the account that was met')
    const [seen] = told(screen)
    assert.notEqual(markOf(seen), first)
    const asked = screen.seen.join('').match(/<ask n='\d+' at='([^']+)'>(?:(?!<\/ask>).)*for the new one/s)
    assert.equal(/ at='([^']+)'/.exec(seen ?? '')?.[1], asked?.[1], 'the message belongs to it')
    alice.say(BOB, 'another one')
    assert.equal(await loginMark(gated, screen, 'bob', 'two'), markOf(seen))
    assert.equal(told(screen).length, 1)
  })

  it('of one that registers itself is told at once', async () => {
    await using gated = await openGated(REGISTRATION)
    const screen = await gated.asking()
    await register(gated.ports.c2s, 'dave')
    await soon(screen.saw(/<account [^>]*event='created'/), 'the making')
    const made = markOf(told(screen)[0])
    assert.equal(await loginMark(gated, screen, 'dave', 'one'), made)
  })

  it('is not there for who logs in as nobody: no account is told of', async () => {
    const lines = gate(['authentication = "anonymous"'])
    await using gated = await openGated({ settings: { hosts: [{ name: GUESTS, lines }] } })
    const screen = await gated.asking()
    const { started } = await guestLogin(gated, screen)
    assert.doesNotMatch(started, / account=/)
    // What is told comes in order: nothing of an account came before this.
    await loginMark(gated, screen, 'alice', 'one')
    assert.deepEqual(told(screen), [])
  })

  it('that cannot be kept is not told: nothing is taken for another account', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    await loginMark(gated, screen, 'alice', 'one')
    const folder = join(gated.folder, 'data', 'corp%2eexample', 'gatehouse_account')
    assert.deepEqual(await readdir(folder), ['alice.dat'])
    await writeFile(join(folder, 'alice.dat'), 'return { id = 7 };\n')
    await gated.login('alice', { resource: 'two' })
    await soon(screen.saw(/alice@corp\.example\/two/), 'the login')
    assert.ok(logins(screen).some((element) => element.includes('/two') && !element.includes('account=')))
    assert.match(await readFile(join(folder, 'alice.dat'), 'utf8'), /id = 7/, 'it is left for a person to look at')
    await gated.prosody.logged(/Marks of accounts cannot be kept or read \(alice\)/)
    await rm(folder, { recursive: true })
    await writeFile(folder, '')
    await chmod(folder, 0o400)
    await gated.login('bob', { resource: 'two' })
    await soon(screen.saw(/bob@corp\.example\/two/), 'the login')
    assert.ok(logins(screen).some((element) => element.includes('bob@') && !element.includes('account=')))
  })
})
