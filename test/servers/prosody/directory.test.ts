// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory on Prosody: the tests of test/servers/both/directory-*.ts.
import { behalf } from '../both/directory-behalf.ts'
import { huge } from '../both/directory-huge.ts'
import { lock } from '../both/directory-lock.ts'
import { rooms } from '../both/directory-rooms.ts'
import { rosters } from '../both/directory-rosters.ts'
import { transfer } from '../both/directory-transfer.ts'
import { prosodyWithDirectory } from './directory-house.ts'
import './directory-reload.ts'
import { LOGIN_MODULES, otherLogins } from './directory-logins.ts'

rosters(prosodyWithDirectory)
lock(prosodyWithDirectory, otherLogins, LOGIN_MODULES)
transfer(prosodyWithDirectory)
behalf(prosodyWithDirectory)
// Of its rooms one is in memory.
rooms(prosodyWithDirectory, async () => {})
huge(prosodyWithDirectory)
