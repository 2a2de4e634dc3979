// SPDX-License-Identifier: Apache-2.0
// The versions of what mod_gatehouse on Prosody keeps: test/servers/both/versions.ts.
import { prosody } from '../both/prosody.ts'
import { versions } from '../both/versions.ts'

versions(prosody)
