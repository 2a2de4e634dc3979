// SPDX-License-Identifier: Apache-2.0
// What one does wrong stays with it: test/servers/both/poison.ts.
import { ejabberd } from '../both/ejabberd.ts'
import { poison } from '../both/poison.ts'

poison(ejabberd)
