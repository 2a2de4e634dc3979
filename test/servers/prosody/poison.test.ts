// SPDX-License-Identifier: Apache-2.0
// What one does wrong stays with it: test/servers/both/poison.ts.

import { poison } from '../both/poison.ts'
import { prosody } from '../both/prosody.ts'

poison(prosody)
