// SPDX-License-Identifier: Apache-2.0
// The chain of runs: test/servers/both/runs.ts.
import { ejabberd } from '../both/ejabberd.ts'
import { runs } from '../both/runs.ts'

runs(ejabberd)
