// SPDX-License-Identifier: Apache-2.0
// The chain of runs of mod_gatehouse: test/servers/both/runs.ts.
import { prosody } from '../both/prosody.ts'
import { runs } from '../both/runs.ts'

runs(prosody)
