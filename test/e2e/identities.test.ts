// SPDX-License-Identifier: Apache-2.0
// An account is removed and another one made by the same name, on a real server: the archive shows two people.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { onServers } from './servers.ts'

const ANNA = 'anna@corp.example'

onServers('accounts', slixmppLack(), (server) => {
  let stage: Stage
  before(async () => {
    stage = await openStage({ server, accounts: 'own' })
    for (const user of ['anna', 'bert', 'nudger']) await create(`${user}@corp.example`)
  })
  after(() => stage[Symbol.asyncDispose]())

  const create = (jid: string) => stage.world.server.createAccount(jid, 'x')
  const chat = (to: string, id: string, body: string) =>
    `<message xmlns='jabber:client' type='chat' to='${to}' id='${id}'><body>${body}</body></message>`

  for (const [how, remove, lack] of [
    ['the server removes', () => stage.world.server.removeAccount(ANNA), null],
    [
      'a process of its own removes',
      // `deluser` of Prosody 13 asks the server.
      () =>
        promisify(execFile)('prosodyctl', [
          ...['--config', stage.world.server.configFile],
          ...['unregister', ...ANNA.split('@')],
        ]),
      server === 'prosody' ? null : 'only prosodyctl does so: ejabberdctl asks the server',
    ],
  ] as const) {
    test(`an account that ${how}, and another by its name: two identities`, { skip: lack ?? false }, async () => {
      const word = how.replaceAll(/[^a-z]/g, '')
      const anna = await stage.person('anna', { resource: `${word}one` })
      const bert = await stage.person('bert', { resource: `${word}one` })
      await anna.send(chat('bert@corp.example', `${word}1`, `${word} before`))
      await bert.wait(new RegExp(`id="${word}1"`))
      await anna.logout()
      await remove()
      await create(ANNA)
      await bert.send(chat(ANNA, `${word}2`, `${word} meanwhile`))
      // What reaches the offline storage while she logs in may stay there.
      await bert.nothing(new RegExp(`id="${word}2"`))
      const another = await stage.person('anna', { resource: `${word}two` })
      await another.wait(new RegExp(`id="${word}2"`))
      await another.send(chat('bert@corp.example', `${word}3`, `${word} after`))
      await bert.wait(new RegExp(`id="${word}3"`))
      const rows = await stage.recorded(word, 'released', 'released', 'released')
      const [first, second, third] = rows.map(({ from_identity, to_identity }) =>
        [from_identity, to_identity].find((one) => String(one).startsWith(ANNA)),
      )
      assert.ok(first && third && first !== third, `${first} ${third}`)
      assert.equal(second, third, 'what is stored for the new one is told of it')
      assert.equal(rows[0]?.who, first)
      for (const [one, wanted] of [
        [first, [`${word} before`]],
        [third, [`${word} after`, `${word} meanwhile`]],
      ] as const) {
        const found = await stage.world.ask('archive search', { words: word, person: one, reason: 'test' })
        assert.deepEqual(
          found.map(({ text }) => text),
          wanted,
        )
      }
      await Promise.all([another.logout(), bert.logout()])
    })
  }
})
