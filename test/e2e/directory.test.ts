// SPDX-License-Identifier: Apache-2.0
// The whole way: a change in slapd, the component directory, the helper in the server, and what colleagues' clients see.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { FIVE, openPlace } from '../directory/place.ts'
import { SUFFIX, slapdLack } from '../harness/slapd.ts'
import { DIRECTORY, type DirectoryServer, enter, jid } from '../servers/both/directory-house.ts'
import { HOST, SECRET } from '../servers/both/house.ts'
import { ejabberdWithDirectory } from '../servers/ejabberd/directory-house.ts'
import { prosodyWithDirectory } from '../servers/prosody/directory-house.ts'
import { onServers } from './servers.ts'

const dn = (uid: string) => `uid=${uid},ou=people,${SUFFIX}`

onServers('a company', slapdLack(), (kind) => {
  const server: DirectoryServer = kind === 'prosody' ? prosodyWithDirectory : ejabberdWithDirectory

  it('is in the rosters as slapd has it, follows its changes, and locks out who left', async () => {
    let house = await server.open()
    try {
      await using place = await openPlace({ domain: DIRECTORY, hosts: [HOST], secret_file: 'directory.secret' })
      writeFileSync(join(place.folder, 'directory.secret'), `${SECRET}\n`, { mode: 0o600 })
      const beside = () => place.shared({ server: { host: '127.0.0.1', port: house.ports.component } })
      beside()
      await place.slapd.add(FIVE)
      const alice = await enter(house, 'alice')
      const bob = await enter(house, 'bob')
      const dave = await enter(house, 'dave')
      {
        await using directory = await place.start()
        await Promise.all([
          alice.lists('bob', { name: 'Bob Baker', groups: ['traders'], subscription: 'both' }),
          alice.sees(`${jid('bob')}/r`),
          bob.sees(`${jid('alice')}/r`),
        ])
        // She moves to the others, under a new name; those she leaves lose sight of her.
        await place.slapd.modify(MOVE)
        await place.ask('sync', { now: true })
        await Promise.all([
          dave.lists('alice', { name: 'Alice Zorn', groups: ['research'] }),
          dave.sees(`${jid('alice')}/r`),
          bob.lists('alice', null),
          bob.misses(`${jid('alice')}/r`),
          alice.lists('bob', null),
        ])
        // Dave leaves.
        await place.slapd.modify(LEAVE)
        await place.ask('sync', { now: true })
        await dave.client.ended
        await Promise.all([alice.lists('dave', null), alice.misses(`${jid('dave')}/r`)])
        await assert.rejects(enter(house, 'dave'), /account-disabled|not-authorized/)
        await directory.stop()
      }
      // What was handed over holds while the component is away, over a restart of the server too.
      await Promise.all([alice.leave(), bob.leave()])
      await house.server.stop()
      house = await server.open({ folder: house.folder })
      beside()
      await assert.rejects(enter(house, 'dave'), /account-disabled|not-authorized/)
      const again = await enter(house, 'alice')
      await again.lists('eve', null)
      await again.lists('erin', { name: 'Erin Evans', groups: ['research'] })
      // And it goes on from there.
      await place.slapd.modify(RETURN)
      await using _directory = await place.start()
      await again.lists('bob', { groups: ['traders'] })
      await again.leave()
    } finally {
      await house[Symbol.asyncDispose]()
    }
  })
})

const MOVE = `
dn: ${dn('alice')}
changetype: modify
replace: cn
cn: Alice Zorn
-
replace: sn
sn: Zorn

dn: cn=traders,ou=groups,${SUFFIX}
changetype: modify
delete: member
member: ${dn('alice')}

dn: cn=research,ou=groups,${SUFFIX}
changetype: modify
add: member
member: ${dn('alice')}
`

const LEAVE = `
dn: ${dn('dave')}
changetype: delete
`

const RETURN = `
dn: cn=traders,ou=groups,${SUFFIX}
changetype: modify
add: member
member: ${dn('alice')}
`
