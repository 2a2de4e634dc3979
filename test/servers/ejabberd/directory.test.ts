// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory on ejabberd: the tests of test/servers/both/directory-*.ts.
import assert from 'node:assert/strict'
import type { Ejabberd } from '../../../deploy/demo/ejabberd.ts'
import { behalf } from '../both/directory-behalf.ts'
import { ROOMS } from '../both/directory-house.ts'
import { lock } from '../both/directory-lock.ts'
import { rooms } from '../both/directory-rooms.ts'
import { rosters } from '../both/directory-rosters.ts'
import { transfer } from '../both/directory-transfer.ts'
import { ejabberdWithDirectory, openEjabberdDirectory } from './directory-house.ts'
import { LOGIN_MODULES, LOGIN_SETTINGS, otherLogins } from './directory-logins.ts'

rosters(ejabberdWithDirectory)
lock(
  { ...ejabberdWithDirectory, open: (options) => openEjabberdDirectory(options, LOGIN_SETTINGS) },
  otherLogins,
  LOGIN_MODULES,
)
transfer(ejabberdWithDirectory)
behalf(ejabberdWithDirectory)
rooms(ejabberdWithDirectory, async (house, room) => {
  const address = `<<"${room}">>, <<"${ROOMS}">>`
  const ends = `{ok, Pid} = mod_muc:find_online_room(${address}), Ref = monitor(process, Pid), mod_muc_room:shutdown(Pid), receive {'DOWN', Ref, _, _, _} -> ok end`
  const gone = `(fun F(error) -> ok; F(_) -> timer:sleep(5), F(mod_muc:find_online_room(${address})) end)(there)`
  assert.equal(await (house.server as Ejabberd).evaluate(`${ends}, ${gone}.`), 'ok')
})
