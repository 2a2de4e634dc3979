// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse must not forget, and not do twice: test/servers/both/kept.ts.
import { kept } from '../both/kept.ts'
import { prosody } from '../both/prosody.ts'

kept(prosody)
