// SPDX-License-Identifier: Apache-2.0
// The versions of what mod_gatehouse on ejabberd keeps: test/servers/both/versions.ts.
import { ejabberd } from '../both/ejabberd.ts'
import { versions } from '../both/versions.ts'

versions(ejabberd)
