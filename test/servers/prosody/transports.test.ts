// SPDX-License-Identifier: Apache-2.0
// Transports on Prosody: test/servers/both/transports.ts.
import { prosody } from '../both/prosody.ts'
import { transports } from '../both/transports.ts'

transports(prosody)
