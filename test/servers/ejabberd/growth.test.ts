// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse keeps in a long outage: test/servers/both/growth.ts.

import { ejabberd } from '../both/ejabberd.ts'
import { growth } from '../both/growth.ts'

growth(ejabberd)
