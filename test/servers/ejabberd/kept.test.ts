// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse must not forget, and not do twice: test/servers/both/kept.ts.
import { ejabberd } from '../both/ejabberd.ts'
import { kept } from '../both/kept.ts'

kept(ejabberd)
