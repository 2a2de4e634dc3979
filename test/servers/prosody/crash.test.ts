// SPDX-License-Identifier: Apache-2.0
// Prosody killed at the named points of mod_gatehouse: test/servers/both/crash.ts.
import { join } from 'node:path'
import { crash } from '../both/crash.ts'
import { openProsody, prosody } from '../both/prosody.ts'

const PLUGINS = join(import.meta.dirname, 'plugins')

crash(prosody, (at, folder, options) =>
  openProsody(
    { folder, keepFolder: true, options },
    { lines: [`gatehouse_crash_at = "${at}"`], modules: ['gatehouse_points'], pluginPaths: [PLUGINS] },
  ),
)
