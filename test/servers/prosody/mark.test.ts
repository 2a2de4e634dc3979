// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse says of its numbers when nothing new comes: test/servers/both/mark.ts.

import { mark } from '../both/mark.ts'
import { prosody } from '../both/prosody.ts'

mark(prosody)
