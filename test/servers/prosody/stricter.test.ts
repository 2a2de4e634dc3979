// SPDX-License-Identifier: Apache-2.0
// What is closed while the screen is away: test/servers/both/stricter.ts.
import { prosody } from '../both/prosody.ts'
import { stricter } from '../both/stricter.ts'

stricter(prosody)
