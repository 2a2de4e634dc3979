// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse when the screen is silent, gone, or comes back: test/servers/both/outage.ts.
import { ejabberd } from '../both/ejabberd.ts'
import { outage } from '../both/outage.ts'

outage(ejabberd)
