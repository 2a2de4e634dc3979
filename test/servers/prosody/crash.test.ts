// SPDX-License-Identifier: Apache-2.0
// Prosody killed at the named points of mod_gatehouse: test/servers/both/crash.ts.
import { join } from 'node:path'
import { crash } from '../both/crash.ts'
import { openGated } from './gated.ts'

const PLUGINS = join(import.meta.dirname, 'plugins')

crash({ skip: false }, async (at, folder, options) => {
  const gated = await openGated({
    folder,
    keepFolder: true,
    lines: [
      `gatehouse_crash_at = "${at}"`,
      ...Object.entries(options).map(([name, value]) => `gatehouse_${name} = ${JSON.stringify(value)}`),
    ],
    settings: { modules: ['gatehouse_points'], pluginPaths: [PLUGINS] },
  })
  return { ...gated, server: gated.prosody, [Symbol.asyncDispose]: () => gated[Symbol.asyncDispose]() }
})
