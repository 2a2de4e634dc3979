// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory on ejabberd: the tests of test/servers/both/directory-*.ts.
import { rosters } from '../both/directory-rosters.ts'
import { ejabberdWithDirectory } from './directory-house.ts'

rosters(ejabberdWithDirectory)
