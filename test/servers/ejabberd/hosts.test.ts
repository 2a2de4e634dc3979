// SPDX-License-Identifier: Apache-2.0
// Which hosts ask, and what one owes that goes: test/servers/both/hosts.ts.
import { ejabberd } from '../both/ejabberd.ts'
import { hosts } from '../both/hosts.ts'

hosts(ejabberd)
