// SPDX-License-Identifier: Apache-2.0
// What the helper on ejabberd tells of accounts: that one was made, met or removed, and which one logs in.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { GUESTS, guestLogin, loginMark, logins, markOf, told } from '../both/accounts.ts'
import { HOST, soon } from '../both/house.ts'
import { gate, noEjabberd, openGated } from './gated.ts'

const BOB = `bob@${HOST}`

describe('the mark of an account on ejabberd', { skip: noEjabberd }, () => {
  it('is the same at each login, also after the module and the server came again, and another for each account', async () => {
    let folder: string
    let first: string
    {
      await using gated = await openGated({ keepFolder: true })
      folder = gated.folder
      const screen = await gated.asking()
      first = await loginMark(gated, screen, 'alice', 'one')
      assert.equal(await loginMark(gated, screen, 'alice', 'two'), first)
      assert.notEqual(await loginMark(gated, screen, 'bob', 'one'), first)
      await gated.configure(null)
      await gated.configure({})
      assert.equal(await loginMark(gated, screen, 'alice', 'three'), first)
      assert.deepEqual(
        told(screen).filter((one) => !one.includes("event='created'")),
        [],
      )
    }
    await using gated = await openGated({ folder })
    const screen = await gated.asking()
    assert.equal(await loginMark(gated, screen, 'alice', 'four'), first)
  })

  it('goes with the account that the server removes, which is told; the next one by that name is told, with another', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    const first = await loginMark(gated, screen, 'bob', 'one')
    await gated.ejabberd.removeAccount(BOB)
    await soon(screen.saw(/<account [^>]*event='removed'/), 'the removal')
    const removed = told(screen).find((one) => one.includes("event='removed'"))
    assert.match(removed ?? '', new RegExp(`^<account jid='${BOB}' event='removed' id='${first}' at='[^']+Z'/>$`))
    await gated.ejabberd.createAccount(BOB, 'secret')
    const made = await soon(
      screen.saw(new RegExp(`<account jid='${BOB}' event='created' id='(?!${first})[0-9a-f]{32}'`)),
      'the making',
    )
    const second = await loginMark(gated, screen, 'bob', 'two')
    assert.match(made, new RegExp(`<account jid='${BOB}' event='created' id='${second}'`))
    assert.notEqual(second, first)
  })

  it('of one that was made while nobody looked is told with the first message for it, as of when that was held', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    await gated.configure(null)
    await gated.ejabberd.createAccount(`dave@${HOST}`, 'secret')
    await gated.configure({})
    const alice = await gated.login('alice')
    const words = 'for the new one'
    // Until the helper asks again, what is said comes back.
    const met = soon(screen.saw(/<account [^>]*event='seen'/), 'the account that was met').then(() => true)
    do alice.say(`dave@${HOST}`, words)
    while (!(await Promise.race([met, setTimeout(300, false)])))
    const [seen] = told(screen).filter((one) => one.includes("event='seen'"))
    const asked = screen.seen.join('').match(/<ask n='\d+' at='([^']+)'>(?:(?!<\/ask>).)*for the new one/s)
    assert.equal(/ at='([^']+)'/.exec(seen ?? '')?.[1], asked?.[1], 'the message belongs to it')
    assert.equal(await loginMark(gated, screen, 'dave', 'one'), markOf(seen))
  })

  it('is not given to who logs in as nobody; one that is made for any name and password is told, and its removal', async () => {
    const options = { host_config: { [GUESTS]: { auth_method: ['anonymous'], anonymous_protocol: 'both' } } }
    await using gated = await openGated({ settings: { hosts: [{ name: GUESTS, modules: gate() }], options } })
    const screen = await gated.asking()
    const ofGuests = () =>
      told(screen)
        .filter((one) => one.includes(GUESTS))
        .map((one) => one.replace(/ at='[^']+Z'/, ''))
    assert.doesNotMatch((await guestLogin(gated, screen)).started, / account=/)
    const { jid, started } = await guestLogin(gated, screen, 'gast')
    assert.doesNotMatch(started, / account=/)
    await soon(screen.saw(new RegExp(`<account jid='${jid}' event='removed'`)), 'the removal')
    const mark = markOf(ofGuests()[0])
    assert.deepEqual(
      ofGuests(),
      ['created', 'removed'].map((event) => `<account jid='${jid}' event='${event}' id='${mark}'/>`),
    )
    assert.equal(
      (
        await gated.ejabberd.evaluate(`[U || {U, <<"${GUESTS}">>} <- mnesia:dirty_all_keys(gatehouse_account)].`)
      ).trim(),
      '[]',
    )
  })

  it('that cannot be kept is not told: nothing is taken for another account', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    await loginMark(gated, screen, 'alice', 'one')
    await gated.ejabberd.evaluate('mnesia:delete_table(gatehouse_account).')
    await gated.login('alice', { resource: 'two' })
    await soon(screen.saw(/alice@corp\.example\/two/), 'the login')
    assert.ok(logins(screen).some((element) => element.includes('/two') && !element.includes('account=')))
    await soon(gated.ejabberd.logged(/Marks of accounts cannot be kept or read/), 'the word in the log')
  })
})
