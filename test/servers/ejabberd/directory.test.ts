// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory on ejabberd: the tests of test/servers/both/directory-*.ts.
import { behalf } from '../both/directory-behalf.ts'
import { lock } from '../both/directory-lock.ts'
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
