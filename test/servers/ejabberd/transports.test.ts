// SPDX-License-Identifier: Apache-2.0
// Transports on ejabberd: test/servers/both/transports.ts.
import { ejabberd } from '../both/ejabberd.ts'
import { transports } from '../both/transports.ts'

transports(ejabberd)
