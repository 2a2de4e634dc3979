// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse when the screen is silent, gone, or comes back: test/servers/both/outage.ts.

import { outage } from '../both/outage.ts'
import { prosody } from '../both/prosody.ts'

outage(prosody)
