// SPDX-License-Identifier: Apache-2.0
// What is closed while the screen is away: test/servers/both/stricter.ts.
import { ejabberd } from '../both/ejabberd.ts'
import { stricter } from '../both/stricter.ts'

stricter(ejabberd)
