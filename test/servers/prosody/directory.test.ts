// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory on Prosody: the tests of test/servers/both/directory-*.ts.
import { rosters } from '../both/directory-rosters.ts'
import { prosodyWithDirectory } from './directory-house.ts'

rosters(prosodyWithDirectory)
