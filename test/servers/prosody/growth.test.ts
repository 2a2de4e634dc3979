// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse keeps in a long outage: test/servers/both/growth.ts.
import { growth } from '../both/growth.ts'
import { prosody } from '../both/prosody.ts'

growth(prosody)
