// SPDX-License-Identifier: Apache-2.0
// What people log in with, on disk: nothing that is secret stands there as it is, and keys can be changed.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSeal } from '../../components/kit/transport/secrets.ts'
import { openLogins, sealAnew } from '../../components/transport-irc/logins.ts'
import { openMemory } from '../../components/transport-irc/storage/memory.ts'
import { filesWith } from '../harness/files-with.ts'

const [OLD, NEW] = ['an old key of enough length', 'a new key of enough length']
const [ALICE, BOB, NETWORK] = ['alice@corp.example', 'bob@corp.example', 'irc.example.org']
const SECRET = 'correct horse battery staple'

test('a password is nowhere on the disk, opens with its key for its owner only, and is sealed anew with a new one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-logins-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'memory.db')
  const nickOf = () => 'nick'
  {
    await using memory = await openMemory(path)
    const logins = openLogins(memory, openSeal(OLD), nickOf)
    assert.equal(await logins.set(ALICE, NETWORK, { account: 'alice_', secret: SECRET }), 'kept')
    const login = logins.login(ALICE, NETWORK)
    assert.deepEqual(login, { nick: 'nick', account: 'alice_', secret: SECRET })
    assert.deepEqual(filesWith(folder, SECRET), [])
    assert.ok(filesWith(folder, 'alice_').length > 0, 'the rest is there')
    // What is hers does not open in the place of another.
    await memory.set('login', `${BOB} ${NETWORK}`, memory.read('login', `${ALICE} ${NETWORK}`))
    assert.equal(logins.login(BOB, NETWORK), 'sealed')
    assert.equal(openLogins(memory, openSeal(NEW), nickOf).login(ALICE, NETWORK), 'sealed')
    assert.equal(await openLogins(memory, null, nickOf).set(ALICE, NETWORK, { secret: 'x' }), 'no-key')
  }
  {
    await using memory = await openMemory(path)
    assert.equal(await sealAnew(memory, openSeal(`${NEW}\n${OLD}`)), 1)
    assert.equal(await sealAnew(memory, openSeal(`${NEW}\n${OLD}`)), 0)
  }
  await using memory = await openMemory(path)
  const login = openLogins(memory, openSeal(NEW), nickOf).login(ALICE, NETWORK)
  assert.ok(login !== null && login !== 'sealed')
  assert.equal(login.secret, SECRET)
  assert.deepEqual(filesWith(folder, SECRET), [])
})

test('two changes at once both hold', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-logins-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'memory.db')
  const kept = { nick: 'ali', account: 'alice_', secret: SECRET }
  {
    await using memory = await openMemory(path)
    const logins = openLogins(memory, openSeal(OLD), () => 'nick')
    await Promise.all([
      logins.set(ALICE, NETWORK, { nick: 'ali' }),
      logins.set(ALICE, NETWORK, { account: 'alice_', secret: SECRET }),
    ])
    assert.deepEqual(logins.login(ALICE, NETWORK), kept)
  }
  await using memory = await openMemory(path)
  assert.deepEqual(openLogins(memory, openSeal(OLD), () => 'nick').login(ALICE, NETWORK), kept)
})
