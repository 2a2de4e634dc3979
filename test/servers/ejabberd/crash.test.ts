// SPDX-License-Identifier: Apache-2.0
// ejabberd killed at the named points of mod_gatehouse: test/servers/both/crash.ts.
import { join } from 'node:path'
import { crash } from '../both/crash.ts'
import { ejabberd, openEjabberd } from '../both/ejabberd.ts'

const PLUGINS = join(import.meta.dirname, 'plugins')

crash(ejabberd, (at, folder, options) =>
  openEjabberd(
    { folder, keepFolder: true, options },
    { modules: { mod_gatehouse_points: { crash_at: at } }, sources: [PLUGINS] },
  ),
)
